use automerge::ExpandedChange;

use super::super::{Change, Document, DocumentId, MAX_UNSETTLED, MAX_UNSETTLED_BYTES, Put, read_change};
use crate::id::{Boot, Epoch, Name, Writer};
use crate::time::BusinessDate;

const EPOCH: Epoch = Epoch::from_bytes([1; Epoch::LEN]);
const BOOT: Boot = Boot::from_bytes([2; Boot::LEN]);

fn ledger() -> DocumentId {
    let (location, node) = (Name::new("store").unwrap(), Name::new("till").unwrap());
    let date = BusinessDate::from_days(20_000).unwrap();
    DocumentId::Ledger { location, writer: Writer { node, epoch: EPOCH }, date }
}

fn document(boot: Boot) -> Document {
    Document::new(ledger(), EPOCH, boot).unwrap()
}

fn peer() -> Document {
    Document::new(ledger(), Epoch::from_bytes([9; Epoch::LEN]), Boot::from_bytes([9; Boot::LEN])).unwrap()
}

/// Writes so many events with a boot, the first of them with this number.
fn write(document: &mut Document, boot: Boot, numbers: std::ops::Range<usize>) -> Vec<Change> {
    let put = |number: usize| Put {
        block: format!("{boot}-{}", number / 64),
        key: (number % 64).to_string(),
        value: vec![u8::try_from(number % 251).unwrap(); 40 + number % 100],
    };
    let written = numbers.map(|number| document.put(&[put(number)], 1_700_000_000).unwrap().0);
    written.map(|bytes| read_change(&ledger(), &bytes).unwrap()).collect()
}

fn hear(document: &mut Document, changes: &[Change]) {
    changes.iter().for_each(|change| document.hear(std::slice::from_ref(change)).unwrap());
}

/// What Automerge alone makes of these changes.
fn applied(changes: &[Change]) -> Document {
    let mut document = peer();
    document.apply(changes.to_vec()).unwrap();
    document
}

#[track_caller]
fn assert_same(followed: &mut Document, changes: &[Change]) {
    let expected = applied(changes);
    assert_eq!((followed.heads(), followed.len()), (expected.heads(), expected.len()));
    assert_eq!(followed.missing_at(&[]), expected.missing_at(&[]));
    followed.settle(Vec::new()).unwrap();
    assert_eq!((followed.heads(), followed.automerge.save()), (expected.heads(), expected.automerge.save()));
}

#[test]
fn what_an_author_appends_is_followed_and_comes_to_the_same() {
    let changes = write(&mut document(BOOT), BOOT, 0..300);
    let mut followed = peer();
    for (heard, change) in changes.iter().enumerate() {
        followed.hear(std::slice::from_ref(change)).unwrap();
        // The first change is asked about.
        assert_eq!(followed.unsettled.len(), heard.saturating_sub(1) % MAX_UNSETTLED + usize::from(heard > 0));
    }
    assert_same(&mut followed, &changes);
}

#[test]
fn a_ledger_that_was_loaded_is_followed_from_its_next_change_but_one_on() {
    let changes = write(&mut document(BOOT), BOOT, 0..20);
    let mut followed = applied(&changes[..10]);
    hear(&mut followed, &changes[10..]);
    assert_eq!(followed.unsettled.len(), 9);
    assert_same(&mut followed, &changes);
}

#[test]
fn two_boots_that_write_at_the_same_time_are_asked_about_until_one_builds_on_the_other() {
    let other = Boot::from_bytes([3; Boot::LEN]);
    let (mut first, mut second) = (document(BOOT), document(other));
    let mut changes = write(&mut first, BOOT, 0..5);
    second.apply(changes.clone()).unwrap();
    let (mine, theirs) = (write(&mut first, BOOT, 5..10), write(&mut second, other, 0..5));
    first.apply(theirs.clone()).unwrap();
    changes.extend(mine.into_iter().zip(theirs).flat_map(|(mine, theirs)| [mine, theirs]));
    let mut followed = peer();
    hear(&mut followed, &changes);
    assert!(followed.unsettled.is_empty());
    changes.extend(write(&mut first, BOOT, 10..20));
    hear(&mut followed, &changes[15..]);
    assert_eq!(followed.unsettled.len(), 9, "Automerge is asked about the one that merges them");
    assert_same(&mut followed, &changes);
}

#[test]
fn of_large_changes_few_are_put_off_wherever_they_were_written() {
    const LARGE: usize = 50 * 1024;
    let (mut own, mut followed, mut changes) = (document(BOOT), peer(), Vec::new());
    for number in 0..2 * MAX_UNSETTLED_BYTES / LARGE {
        let put = Put { block: format!("{BOOT}-0"), key: number.to_string(), value: vec![1; LARGE] };
        let written = own.put(&[put], 1_700_000_000).unwrap().0;
        changes.push(read_change(&ledger(), &written).unwrap());
        followed.hear(std::slice::from_ref(&changes[number])).unwrap();
        for document in [&own, &followed] {
            let bytes: usize = document.unsettled.iter().map(|change| change.raw_bytes().len()).sum();
            assert!(bytes < MAX_UNSETTLED_BYTES + 2 * LARGE, "{bytes} bytes");
        }
    }
    assert_same(&mut followed, &changes);
}

/// A change, altered, that may still be read.
fn altered(change: &Change, alter: impl FnOnce(&mut ExpandedChange)) -> Change {
    let mut expanded = change.as_automerge().decode();
    alter(&mut expanded);
    read_change(&ledger(), automerge::Change::from(expanded).raw_bytes()).expect("it may be read")
}

#[test]
fn what_differs_from_what_an_author_appends_is_not_put_off() {
    let changes = write(&mut document(BOOT), BOOT, 0..66);
    let earlier = changes[10].as_automerge().hash();
    let alterations = [
        (20, altered(&changes[20], |it| it.seq += 1)),
        (20, altered(&changes[20], |it| it.deps = vec![earlier])),
        (20, altered(&changes[20], |it| it.deps.push(earlier))),
        (20, altered(&changes[20], |it| it.start_op = it.start_op.saturating_add(1))),
        (20, altered(&changes[20], |it| it.operations[0].obj = change_obj(&changes[64]))),
        (64, altered(&changes[64], |it| it.operations[1].obj = change_obj(&changes[10]))),
    ];
    for (heard, change) in alterations {
        let mut followed = peer();
        hear(&mut followed, &changes[..heard]);
        let put_off = followed.unsettled.len();
        let taken = followed.hear(std::slice::from_ref(&change));
        assert!(put_off > 0 && (taken.is_err() || followed.unsettled.is_empty()), "{:?}", change.as_automerge());
    }
}

#[test]
fn a_store_goes_on_after_what_a_copy_of_it_wrote_was_put_off() {
    let copy = Boot::from_bytes([3; Boot::LEN]);
    let (mut own, mut other) = (document(BOOT), document(copy));
    let mut changes = write(&mut own, BOOT, 0..3);
    other.apply(changes.clone()).unwrap();
    let theirs = write(&mut other, copy, 0..3);
    hear(&mut own, &theirs);
    assert!(own.unsettled.len() >= 2);
    changes.extend(theirs);
    changes.extend(write(&mut own, BOOT, 3..6));
    assert_same(&mut own, &changes);
}

fn change_obj(change: &Change) -> automerge::legacy::ObjectId {
    change.as_automerge().decode().operations.pop().unwrap().obj
}
