//! Wishes for rights, to promise or to pay back, on their way to who holds them and back.
//!
//! ```text
//! asker    Ask::Rights, signed ───────────────────────────► holder
//!          ◄── a grant in the holder's ledger, as any other batch (or that there are none)
//! ```

use minicbor::bytes::ByteVec;
use rand_core::CryptoRng;

use super::Engine;
use super::ingest::{Refused, RefusedKind, refuse};
use super::repair::malformed;
use super::seeking::spent_by;
use crate::document::Scope;
use crate::event;
use crate::fleet::{Standing, Write as Written};
use crate::id::{Name, PublicKey, Writer};
use crate::storage::Storage;
use crate::sync::word::{self, ToBeKnown};
use crate::sync::{Ask, Denied, Goodness, Incoming, Kind, MAX_SEEN, Request, Wish, Wished, message};
use crate::time::Timestamp;
use crate::view::StreamRow;

/// Who wishes for rights.
pub(super) struct Asker {
    pub writer: Writer,
    /// Its word for its name, where nothing of it was heard at the location.
    pub proof: Option<ByteVec>,
}

impl<S: Storage> Engine<S> {
    /// Asks a holder for rights; gives the question's number.
    pub(super) fn send_wish(&mut self, location: &Name, holder: &Writer, what: Wished) -> u64 {
        self.sync.next_request += 1;
        let id = self.sync.next_request;
        let mut seen = self.heard_of(location, holder.epoch);
        seen.truncate(MAX_SEEN);
        let named = word::sign(&self.identity, &self.config.fleet, ToBeKnown {}).into();
        let wish = Wish { of: holder.clone(), location: location.clone(), id, seen, what, named };
        let wish = word::sign(&self.identity, &self.config.fleet, wish);
        let request = Request { from: self.config.node.clone(), id, ask: Ask::Rights(wish), everybody: None };
        let scope = Scope::Stock(location.clone());
        self.send(&scope, Kind::Request, Some(holder.node.clone()), message::to_bytes(&request));
        id
    }

    /// Gives rights to who signed a wish for them, once, or says that there are none.
    pub(super) fn receive_wish(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        incoming: &Incoming,
        signed: &[u8],
    ) -> Vec<Refused> {
        let Some((wish, asker, key)) = word::open::<Wish>(&self.config.fleet, signed) else {
            return vec![malformed(&"its wish for rights is not signed")];
        };
        if incoming.scope != Scope::Stock(wish.location.clone()) || incoming.sender().as_ref() != Some(&asker.node) {
            return vec![malformed(&"it wishes for rights in another node's name or at another location")];
        }
        if wish.of != *self.identity.writer() {
            return Vec::new();
        }
        if !self.is_heard(&asker, &key) {
            return vec![refuse(RefusedKind::UnknownSigner, &"who wishes for rights has no certificate", Some(&asker))];
        }
        let is_unheard = self.heard_of(&wish.location, asker.epoch).is_empty();
        if is_unheard && !self.has_given_its_name(&asker, &wish) {
            return vec![malformed(&"its wish for rights is without its word for its name")];
        }
        if !self.may_spend(&key, &wish) {
            let refused = refuse(RefusedKind::Forbidden, &"it wishes for rights that it may not spend", Some(&asker));
            self.deny(&incoming.scope, asker, wish.id, Denied::Rights);
            return vec![refused];
        }
        if !self.may_hold_rights(&asker) {
            return Vec::new();
        }
        let boot = self.identity.boot();
        let before = self.heard_of(&wish.location, wish.of.epoch).into_iter().find(|seen| seen.boot != boot);
        let recorded = self.recorded_at(&wish.location);
        let goodness = self.sync.granted.goodness(&wish, signed, (boot, recorded), before);
        let asker = Asker { proof: is_unheard.then(|| wish.named.clone()), writer: asker };
        let granted = match (goodness, &wish.what) {
            // The grant is on its way.
            (Goodness::Granted, _) => return Vec::new(),
            (Goodness::Unknown, _) => false,
            (Goodness::New, Wished::Rights(lines)) => self.give_rights(now, rng, &wish.location, &asker, lines),
            (Goodness::New, Wished::Refund(order, amount)) => {
                self.give_refund_rights(now, rng, &wish.location, &asker, (*order, *amount))
            }
        };
        match granted {
            true => {
                let recorded = self.recorded_at(&wish.location);
                self.sync.granted.note(&wish.location, signed, recorded);
            }
            false => self.deny(&incoming.scope, asker.writer, wish.id, Denied::Rights),
        }
        Vec::new()
    }

    /// Whether an asker gave its word for its name.
    fn has_given_its_name(&self, asker: &Writer, wish: &Wish) -> bool {
        let opened = word::open::<ToBeKnown>(&self.config.fleet, &wish.named);
        opened.is_some_and(|(_, writer, _)| writer == *asker)
    }

    fn is_heard(&self, writer: &Writer, key: &PublicKey) -> bool {
        matches!(self.members().standing(key, &writer.node), Standing::Open | Standing::Member)
    }

    /// Whether a key's papers let it spend what it wishes for. Money is paid back at the payer's own location.
    fn may_spend(&self, key: &PublicKey, wish: &Wish) -> bool {
        let members = self.members();
        match &wish.what {
            Wished::Rights(lines) => {
                let permits = |kind| members.permits(key, &Written::Event(&wish.location, kind));
                lines.iter().all(|line| permits(spent_by(&line.sku)))
            }
            Wished::Refund(..) => members.permits_somewhere(key, event::Kind::REFUND),
        }
    }

    /// Whether rights of this writer are of use to anybody: it is another one, goes on, and no other writer goes by its
    /// epoch.
    fn may_hold_rights(&self, writer: &Writer) -> bool {
        writer.epoch != self.identity.writer().epoch
            && !self.retired.is_gone(writer.epoch)
            && self.writer_of(writer.epoch).is_none_or(|known| known == *writer)
    }

    /// How many events this boot has recorded at a location.
    fn recorded_at(&self, location: &Name) -> u64 {
        let stream = (location.clone(), self.identity.writer().epoch, self.identity.boot());
        self.look::<StreamRow, _>(&stream, |row| row.through).unwrap_or_default()
    }
}
