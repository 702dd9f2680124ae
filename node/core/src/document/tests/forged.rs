//! Changes that nobody's Automerge would write, in chunks whose checksums hold: whatever they say, a node that takes
//! them goes on, and comes to the same document when it reads them again.

use std::num::NonZeroU64;

use automerge::legacy::{ObjectId, OpId};
use sha2::{Digest as _, Sha256};

use super::*;

/// Where a chunk's checksum stands, and where what it covers begins.
const CHECKSUM: std::ops::Range<usize> = 4..8;

/// Gives a chunk the checksum that its content has.
pub(super) fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&bytes[CHECKSUM.end..]);
    bytes[CHECKSUM].copy_from_slice(&digest[..4]);
    bytes
}

/// A document with a past.
fn begun(id: &DocumentId) -> (Document, Vec<Vec<u8>>) {
    let mut document = new(id);
    let changes = (0..3).map(|number| document.put(&[written(id, number)], 7).unwrap().0).collect();
    (document, changes)
}

fn written(id: &DocumentId, number: usize) -> Put {
    match id {
        DocumentId::Cart { .. } => line(EPOCH, number),
        DocumentId::Catalog { .. } => put(PRODUCTS, "milk", format!("record {number}").as_bytes()),
        _ => event(number),
    }
}

/// Gives a document a change, if its rules let it pass. Then its owner must be able to go on, and a reader that begins
/// anew to come to the same.
fn take(id: &DocumentId, bytes: &[u8]) {
    let (mut document, mut changes) = begun(id);
    let Ok(change) = document.read_change(bytes) else { return };
    if !document.can_apply(&change) || document.knows(&change.hash()) || document.apply(vec![change]).is_err() {
        return;
    }
    changes.push(bytes.to_vec());
    let (next, _) = document.put(&[written(id, 150)], 7).expect("its owner goes on");
    changes.push(next);
    let again = applied(id, &changes);
    assert_eq!(again.heads(), document.heads());
    assert_eq!(again.value(PRODUCTS, "milk"), document.value(PRODUCTS, "milk"));
}

/// Gives a change to a document that heard its past from others. What was put off of it must come to the same as with a
/// reader that asks Automerge about each.
fn hear(id: &DocumentId, bytes: &[u8]) {
    let (_, mut changes) = begun(id);
    let mut document = Document::new(id.clone(), Epoch::from_bytes([6; 10]), BOOT).unwrap();
    for bytes in &changes {
        document.hear(&[document.read_change(bytes).unwrap()]).expect("it is honest");
    }
    let Ok(change) = document.read_change(bytes) else { return };
    if !document.can_apply(&change) || document.knows(&change.hash()) || document.hear(&[change]).is_err() {
        return;
    }
    changes.push(bytes.to_vec());
    document.settle(Vec::new()).expect("what was put off is taken");
    let again = applied(id, &changes);
    assert_eq!((again.heads(), again.automerge.save()), (document.heads(), document.automerge.save()));
}

/// The change that comes after the past, by another writer where the document takes one.
fn next_change(id: &DocumentId) -> ExpandedChange {
    let (mut document, _) = begun(id);
    let bytes = match id {
        DocumentId::Ledger { .. } => document.put(&[event(3)], 7).unwrap().0,
        _ => {
            let other = Epoch::from_bytes([4; 10]);
            let mut there = Document::new(id.clone(), other, BOOT).unwrap();
            let (_, changes) = begun(id);
            changes.iter().for_each(|bytes| there.apply(vec![there.read_change(bytes).unwrap()]).unwrap());
            let put = if *id == cart() { line(other, 0) } else { written(id, 9) };
            there.put(&[put], 7).unwrap().0
        }
    };
    automerge::Change::try_from(bytes.as_slice()).unwrap().decode()
}

fn bytes_of(change: ExpandedChange) -> Option<Vec<u8>> {
    std::panic::catch_unwind(|| automerge::Change::from(change).raw_bytes().to_vec()).ok()
}

#[test]
fn a_change_that_counts_its_operations_far_ahead_is_refused() {
    for id in [ledger(), cart(), catalog()] {
        for ahead in [5, 1 << 20, u64::from(u32::MAX) - 1, u64::from(u32::MAX), u64::MAX / 2] {
            let mut change = next_change(&id);
            let honest = change.start_op.get();
            change.start_op = NonZeroU64::new(honest + ahead).unwrap();
            let Some(bytes) = bytes_of(change) else { continue };
            let (mut document, _) = begun(&id);
            if let Ok(change) = document.read_change(&bytes) {
                assert!(document.apply(vec![change]).is_err(), "{id}: {ahead} ahead");
            }
        }
    }
}

#[test]
fn a_change_that_repeats_or_skips_a_number_of_its_writer_harms_nobody() {
    for id in [ledger(), cart(), catalog()] {
        for sequence in [0, 1, 2, 3, 5, 1_000, u64::from(u32::MAX), u64::MAX] {
            let mut change = next_change(&id);
            change.seq = sequence;
            if let Some(bytes) = bytes_of(change) {
                take(&id, &bytes);
            }
        }
    }
}

#[test]
fn a_change_that_does_not_name_its_authors_last_one_is_refused() {
    let (mut document, changes) = begun(&ledger());
    let mut next = next_change(&ledger());
    let first = automerge::Change::try_from(changes[0].as_slice()).unwrap();
    for deps in [vec![first.hash()], Vec::new()] {
        next.deps = deps;
        let change = document.read_change(&bytes_of(next.clone()).unwrap()).unwrap();
        let refused = document.apply(vec![change]).unwrap_err();
        assert!(matches!(refused, DocumentError::OutOfOrder { number: 4 }), "{refused}");
    }
    let honest = document.read_change(&bytes_of(next_change(&ledger())).unwrap()).unwrap();
    document.apply(vec![honest]).unwrap();
}

#[test]
fn what_somebody_lacks_is_named_by_its_hash_however_it_was_encoded() {
    let (document, _) = begun(&ledger());
    let before = document.heads();
    let (honest, _) = begun(&ledger()).0.put(&[event(3)], 7).unwrap();
    // One literal value is as good as a run of one, and Automerge writes the former.
    let literals: Vec<_> = (CHECKSUM.end..honest.len()).filter(|at| honest[*at] == 0x7f).collect();
    let mut taken = 0;
    for at in literals {
        let mut bytes = honest.clone();
        bytes[at] = 1;
        let Ok(change) = document.read_change(&with_checksum(bytes)) else { continue };
        let (hash, mut document) = (change.hash(), begun(&ledger()).0);
        if !document.can_apply(&change) || document.apply(vec![change]).is_err() {
            continue;
        }
        assert_eq!(document.missing_at(&before), [hash], "byte {at}");
        taken += 1;
    }
    assert!(taken > 1, "each column begins with a run");
}

fn document() -> impl Strategy<Value = DocumentId> {
    prop_oneof![Just(ledger()), Just(cart()), Just(catalog())]
}

/// What is altered in a change that is well formed otherwise.
#[derive(Debug, Clone)]
enum Lie {
    Start(u64),
    Sequence(u64),
    Time(i64),
    Object(u64, bool),
    Predecessor(u64, bool),
    Insert,
    Dependencies(usize),
    Extra(Vec<u8>),
    Message(String),
    Repeated(u8),
}

/// Seconds, the last that there are among them.
fn time() -> impl Strategy<Value = i64> {
    let edges = [i64::MIN, i64::MIN + 7, i64::MAX, -MOST_SECONDS, MOST_SECONDS];
    prop_oneof![any::<i64>(), prop::sample::select(edges.to_vec())]
}

fn lie() -> impl Strategy<Value = Lie> {
    let number = || prop_oneof![0..20_u64, Just(u64::from(u32::MAX)), Just(u64::from(u32::MAX) + 1), any::<u64>()];
    prop_oneof![
        number().prop_map(Lie::Start),
        number().prop_map(Lie::Sequence),
        time().prop_map(Lie::Time),
        (number(), any::<bool>()).prop_map(|(counter, own)| Lie::Object(counter, own)),
        (number(), any::<bool>()).prop_map(|(counter, own)| Lie::Predecessor(counter, own)),
        Just(Lie::Insert),
        (0..3_usize).prop_map(Lie::Dependencies),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Lie::Extra),
        Just(Lie::Extra(vec![1, 0])),
        any::<String>().prop_map(Lie::Message),
        (1..5_u8).prop_map(Lie::Repeated),
    ]
}

fn tell(change: &mut ExpandedChange, lie: &Lie) {
    let (own, genesis) = (change.actor_id.clone(), ActorId::from([0; 16].as_slice()));
    let id = |counter: u64, mine: bool| OpId::new(counter, if mine { &own } else { &genesis });
    match lie.clone() {
        Lie::Start(start) => change.start_op = NonZeroU64::new(start).unwrap_or(NonZeroU64::MIN),
        Lie::Sequence(sequence) => change.seq = sequence,
        Lie::Time(time) => change.time = time,
        Lie::Object(counter, mine) => putting(change).obj = ObjectId::Id(id(counter, mine)),
        Lie::Predecessor(counter, mine) => putting(change).pred = vec![id(counter, mine)].into(),
        Lie::Insert => putting(change).insert = true,
        Lie::Dependencies(count) => change.deps.truncate(count),
        Lie::Extra(bytes) => change.extra_bytes = bytes,
        Lie::Message(text) => change.message = Some(text),
        Lie::Repeated(times) => {
            let put = putting(change).clone();
            change.operations.extend((0..times).map(|_| put.clone()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_lie_in_any_field_harms_nobody(id in document(), lies in prop::collection::vec(lie(), 1..4)) {
        let mut change = next_change(&id);
        lies.iter().for_each(|lie| tell(&mut change, lie));
        if let Some(bytes) = bytes_of(change) {
            take(&id, &bytes);
            hear(&id, &bytes);
        }
    }

    #[test]
    fn altered_bytes_under_a_checksum_that_holds_harm_nobody(
        id in document(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = bytes_of(next_change(&id)).unwrap();
        for (place, byte) in edits {
            let place = CHECKSUM.end + 1 + place.index(bytes.len() - CHECKSUM.end - 1);
            bytes[place] = byte;
        }
        let bytes = with_checksum(bytes);
        take(&id, &bytes);
        hear(&id, &bytes);
    }
}
