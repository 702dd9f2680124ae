use automerge::legacy::{Key, Op, OpType};
use automerge::{ExpandedChange, ObjType};
use proptest::prelude::*;

use super::*;
use crate::id::{CartId, Name, Writer};

mod forged;
mod runs;
mod shape;

const EPOCH: Epoch = Epoch::from_bytes([1; 10]);
const BOOT: Boot = Boot::from_bytes([2; 6]);

fn ledger() -> DocumentId {
    let (location, node) = (Name::new("store").unwrap(), Name::new("till").unwrap());
    let date = crate::time::BusinessDate::from_days(20_000).unwrap();
    DocumentId::Ledger { location, writer: Writer { node, epoch: EPOCH }, date }
}

const fn cart() -> DocumentId {
    DocumentId::Cart { id: CartId::from_bytes([3; 10]) }
}

const fn catalog() -> DocumentId {
    DocumentId::Catalog { shard: 0 }
}

fn put(block: &str, key: &str, value: &[u8]) -> Put {
    Put { block: block.to_owned(), key: key.to_owned(), value: value.to_vec() }
}

fn event(number: usize) -> Put {
    put(&format!("{BOOT}-{}", number / 64), &(number % 64).to_string(), format!("event {number}").as_bytes())
}

fn line(epoch: Epoch, number: usize) -> Put {
    put(LINES, &format!("{epoch}-{BOOT}-{number}"), b"milk")
}

fn new(id: &DocumentId) -> Document {
    Document::new(id.clone(), EPOCH, BOOT).unwrap()
}

/// An honest change of a fresh document.
fn honest(id: &DocumentId) -> Vec<u8> {
    let value = match id {
        DocumentId::Cart { .. } => line(EPOCH, 0),
        DocumentId::Catalog { .. } => put(PRODUCTS, "milk", b"a product"),
        _ => event(0),
    };
    new(id).put(&[value], 7).unwrap().0
}

/// An honest change with something altered, in a chunk whose checksum holds.
fn altered(id: &DocumentId, alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut change = automerge::Change::try_from(honest(id).as_slice()).unwrap().decode();
    alter(&mut change);
    automerge::Change::from(change).raw_bytes().to_vec()
}

/// The operation of a change that puts its value.
fn putting(change: &mut ExpandedChange) -> &mut Op {
    change.operations.last_mut().unwrap()
}

fn wrong_shape(reason: &'static str) -> ChangeError {
    ChangeError::Shape(reason)
}

fn applied(id: &DocumentId, changes: &[Vec<u8>]) -> Document {
    let mut document = new(id);
    for bytes in changes {
        document.apply(vec![document.read_change(bytes).unwrap()]).unwrap();
    }
    document
}

#[test]
fn every_node_begins_a_shared_document_with_the_same_genesis() {
    let genesis = |id: DocumentId, epoch: u8| {
        let document = Document::new(id, Epoch::from_bytes([epoch; 10]), Boot::from_bytes([epoch; 6])).unwrap();
        document.automerge.get_heads().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(genesis(cart(), 1), genesis(cart(), 2));
    // Stores hold changes that build on these: another genesis would make every cart and catalogue unreadable.
    assert_eq!(genesis(cart(), 1), ["6f33c0c878545dbaae49593268513de5607d896736c874b58ca96a4879b94d6e"]);
    assert_eq!(genesis(catalog(), 1), ["5a651a116e0ae4c0668505218a1416290bd531b5f3d10a44d099cb2f9b1d4484"]);
}

#[test]
fn a_genesis_is_no_change_and_never_travels() {
    for id in [ledger(), cart(), catalog()] {
        let document = new(&id);
        assert!(document.is_empty());
        assert_eq!(document.heads(), []);
        assert_eq!(document.missing_at(&[]), []);
    }
}

#[test]
fn one_event_is_one_change_with_one_value() {
    let mut document = new(&ledger());
    for number in 0..130 {
        let (bytes, hash) = document.put(&[event(number)], 7).unwrap();
        let change = document.read_change(&bytes).unwrap();
        let value = format!("event {number}").into_bytes();
        assert_eq!(change.entries(), [Entry { block: "", key: (number % 64).to_string(), value }]);
        assert_eq!((change.hash(), change.epoch(), change.boot()), (hash, EPOCH, BOOT));
        assert_eq!(document.heads(), [hash]);
        assert_eq!(document.len(), number + 1);
    }
}

#[test]
fn a_change_waits_for_its_ancestors_and_a_known_one_does_nothing() {
    let mut author = new(&ledger());
    let [first, second] = [0, 1].map(|number| author.put(&[event(number)], 7).unwrap().0);
    let mut reader = new(&ledger());
    let (first, second) = (reader.read_change(&first).unwrap(), reader.read_change(&second).unwrap());
    assert_eq!(second.dependencies(), [first.hash()]);
    assert!(!reader.can_apply(&second));
    reader.apply(vec![first.clone()]).unwrap();
    assert!(reader.can_apply(&second));
    reader.apply(vec![second.clone()]).unwrap();
    reader.apply(vec![second, first]).unwrap();
    assert_eq!(reader.len(), 2);
    assert_eq!(reader.heads(), author.heads());
}

#[test]
fn what_somebody_lacks_follows_from_the_heads_that_they_have() {
    let mut document = new(&ledger());
    let hashes: Vec<_> = (0..5).map(|number| document.put(&[event(number)], 7).unwrap().1).collect();
    assert_eq!(document.missing_at(&[]), hashes);
    assert_eq!(document.missing_at(&hashes[2..3]), hashes[3..]);
    assert_eq!(document.missing_at(&document.heads()), []);
    let unknown = ChangeHash::from_bytes([9; 32]);
    assert_eq!(document.missing_at(&[unknown]), hashes, "heads that nobody here knows say nothing");
}

#[test]
fn the_newest_record_of_a_product_wins_everywhere() {
    let (mut here, mut there) = (new(&catalog()), Document::new(catalog(), Epoch::from_bytes([8; 10]), BOOT).unwrap());
    let (first, _) = here.put(&[put(PRODUCTS, "milk", b"one")], 7).unwrap();
    there.apply(vec![there.read_change(&first).unwrap()]).unwrap();
    let (second, _) = there.put(&[put(PRODUCTS, "milk", b"two")], 8).unwrap();
    here.apply(vec![here.read_change(&second).unwrap()]).unwrap();
    assert_eq!(here.value(PRODUCTS, "milk").unwrap(), b"two");
    assert_eq!(there.value(PRODUCTS, "milk").unwrap(), b"two");
    assert_eq!(here.value(PROMOTIONS, "milk"), None);
}

/// Two nodes that write into one cart and hear of each other now and then; gives every change.
fn written_by_two(steps: &[(bool, bool)]) -> Vec<Vec<u8>> {
    let mut documents = [1, 4].map(|epoch| Document::new(cart(), Epoch::from_bytes([epoch; 10]), BOOT).unwrap());
    let mut all = Vec::new();
    for (number, (second, meet)) in steps.iter().enumerate() {
        let epoch = Epoch::from_bytes([if *second { 4 } else { 1 }; 10]);
        let document = &mut documents[usize::from(*second)];
        if *meet {
            let changes = all.iter().map(|bytes: &Vec<u8>| document.read_change(bytes).unwrap()).collect();
            document.apply(changes).unwrap();
        }
        all.push(document.put(&[line(epoch, number)], 7).unwrap().0);
    }
    all
}

/// Applies changes one by one in a given order; those without their ancestors are tried again later.
fn applied_as_possible(id: &DocumentId, order: &[Vec<u8>]) -> Document {
    let mut document = new(id);
    let mut waiting: Vec<_> = order.iter().map(|bytes| document.read_change(bytes).unwrap()).collect();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|change| document.can_apply(change)).expect("one of them can be applied");
        document.apply(vec![waiting.remove(ready)]).unwrap();
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn changes_heard_in_any_order_give_the_same_document(
        (steps, order) in prop::collection::vec(any::<(bool, bool)>(), 1..12)
            .prop_flat_map(|steps| (Just(steps.clone()), Just((0..steps.len()).collect::<Vec<_>>()).prop_shuffle())),
    ) {
        let written = written_by_two(&steps);
        let shuffled: Vec<_> = order.iter().map(|place| written[*place].clone()).collect();
        let (straight, heard) = (applied(&cart(), &written), applied_as_possible(&cart(), &shuffled));
        prop_assert_eq!(straight.heads(), heard.heads());
        prop_assert_eq!(heard.len(), steps.len());
        let sorted = |document: &Document| {
            let mut missing = document.missing_at(&[]);
            missing.sort_unstable();
            missing
        };
        prop_assert_eq!(sorted(&straight), sorted(&heard));
    }

    #[test]
    fn bytes_that_are_no_change_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), magic: bool) {
        let bytes = if magic { [&[0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1], bytes.as_slice()].concat() } else { bytes };
        for id in [ledger(), cart(), catalog()] {
            prop_assert!(matches!(read_change(&id, &bytes), Err(ChangeError::Malformed(_))));
        }
    }
}
