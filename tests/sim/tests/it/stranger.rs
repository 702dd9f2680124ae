//! A node that runs no honest program, with a key of its own: its signatures hold.

use tillmesh_core::codec;
use tillmesh_core::document::{Change, Document, DocumentId, LINES, PRODUCTS, Put, Scope, Term};
use tillmesh_core::envelope;
use tillmesh_core::event::{Body, Event, Receipt, ReceiptLine};
use tillmesh_core::id::{EventId, Writer};
use tillmesh_core::identity::{Identity, Secret, new_boot};
use tillmesh_core::sync::pack;
use tillmesh_core::time::{BusinessDate, Timestamp};
use tillmesh_sim::Dice;
use tillmesh_sim::node::{fleet, name};
use tillmesh_sim::traffic::sku;
use tillmesh_sim::world::START;

/// A stranger who writes to one document.
pub struct Stranger {
    identity: Identity,
    scope: Scope,
    document: Document,
    written: u64,
}

impl Stranger {
    /// One with a ledger at the shop.
    pub fn with_a_ledger(dice: &mut Dice) -> Self {
        Self::new(dice, stock_scope(), ledger_of)
    }

    /// One with an opening of the shop.
    pub fn with_an_opening(dice: &mut Dice) -> Self {
        let opening = |writer: &Writer| DocumentId::Opening {
            location: name("shop"),
            term: Term { number: 1, keeper: writer.clone() },
            date: day(),
        };
        Self::new(dice, stock_scope(), opening)
    }

    /// One that writes to a document that anybody may write to, after what is there already.
    pub fn in_a_shared_document(dice: &mut Dice, scope: Scope, id: DocumentId, there: Vec<Change>) -> Self {
        let mut stranger = Self::new(dice, scope, |_| id);
        stranger.document.apply(there).expect("it is what honest nodes wrote");
        stranger
    }

    fn new(dice: &mut Dice, scope: Scope, id: impl FnOnce(&Writer) -> DocumentId) -> Self {
        let mut rng = dice.fork();
        let (secret, boot) = (Secret::generate(&mut rng), new_boot(&mut rng));
        let identity = Identity::new(name("mallory"), &secret, boot);
        let (id, epoch) = (id(identity.writer()), identity.writer().epoch);
        let document = Document::new(id, epoch, boot).expect("an empty document");
        Self { identity, scope, document, written: 0 }
    }

    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub const fn writer(&self) -> &Writer {
        self.identity.writer()
    }

    pub const fn document(&self) -> &DocumentId {
        self.document.id()
    }

    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The next change of its document, with any value.
    pub fn change(&mut self, value: Vec<u8>) -> Vec<u8> {
        let (boot, number) = (self.identity.boot(), self.written);
        let (block, key) = match self.document.id() {
            DocumentId::Cart { .. } => (LINES.to_owned(), format!("{}-{boot}-{number}", self.writer().epoch)),
            DocumentId::Catalog { .. } => (PRODUCTS.to_owned(), format!("stolen {boot} {number}")),
            _ => (format!("{boot}-{}", number / 64), (number % 64).to_string()),
        };
        self.written += 1;
        self.document.put(&[Put { block, key, value }], 0).expect("it can be written").0
    }

    /// The next change of its ledger, with an event.
    pub fn event(&mut self, body: Body) -> Vec<u8> {
        let event = Event {
            id: EventId::hash_of("mallory", &[self.writer().epoch.as_bytes(), &self.written.to_be_bytes()]),
            number: self.written,
            recorded_at: Timestamp::from_millis(START),
            occurred_at: None,
            body,
            channel: None,
            reference: None,
            clerk: None,
        };
        self.change(event.to_bytes())
    }

    /// Signs changes of its document.
    pub fn seal(&self, changes: &[Vec<u8>]) -> Vec<u8> {
        envelope::seal(&self.identity, &fleet(), &self.scope, self.document.id(), changes)
    }
}

pub fn stock_scope() -> Scope {
    Scope::Stock(name("shop"))
}

fn day() -> BusinessDate {
    BusinessDate::from_days(20_781).expect("a day")
}

/// The ledger of a writer at the shop.
pub fn ledger_of(writer: &Writer) -> DocumentId {
    DocumentId::Ledger { location: name("shop"), writer: writer.clone(), date: day() }
}

/// Goods that came in, of one SKU by number.
pub fn receipt(number: u64, quantity: i64) -> Body {
    let line = ReceiptLine { sku: sku(number), quantity, minted: None };
    Body::Receipt(Receipt { lines: vec![line] })
}

/// A response as the protocol has it: who answers, which request, and of the kind with batches whether it is the last
/// piece, and the envelopes.
pub fn response(id: u64, envelopes: &[Vec<u8>]) -> Vec<u8> {
    let head = [vec![1, 0x83], codec::encode(&name("mallory")), codec::encode(&id), vec![0x82, 0, 0x82, 0xf5]];
    [head.concat().as_slice(), &pack(envelopes)[1..]].concat()
}
