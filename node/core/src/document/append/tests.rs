use super::super::{Document, DocumentError, DocumentId, Put, read_change};
use crate::id::{Boot, ChangeHash, Epoch, Name, Writer};
use crate::time::BusinessDate;

const EPOCH: Epoch = Epoch::from_bytes([1; Epoch::LEN]);

fn ledger() -> DocumentId {
    let (location, node) = (Name::new("store").unwrap(), Name::new("till").unwrap());
    let date = BusinessDate::from_days(20_000).unwrap();
    DocumentId::Ledger { location, writer: Writer { node, epoch: EPOCH }, date }
}

/// Two copies of one writer's ledger: one appends, the other asks Automerge for every change.
struct Pair {
    boot: Boot,
    appended: Document,
    transacted: Document,
    written: usize,
}

impl Pair {
    fn new(boot: u8) -> Self {
        let boot = Boot::from_bytes([boot; Boot::LEN]);
        let document = || Document::new(ledger(), EPOCH, boot).unwrap();
        Self { boot, appended: document(), transacted: document(), written: 0 }
    }

    fn write(&mut self) -> (Vec<u8>, Vec<u8>) {
        let put = self.next_put();
        let time = 1_700_000_000 + i64::try_from(self.written).unwrap();
        let (appended, _) = self.appended.put(std::slice::from_ref(&put), time).unwrap();
        let transacted = self.transacted.transact(&[put], time).unwrap();
        self.transacted.changes += 1;
        (appended, transacted.raw_bytes().to_vec())
    }

    fn next_put(&mut self) -> Put {
        let number = self.written;
        self.written += 1;
        let (block, key) = (format!("{}-{}", self.boot, number / 64), (number % 64).to_string());
        Put { block, key, value: vec![u8::try_from(number % 251).unwrap(); number * 7 % 900] }
    }

    fn hear(&mut self, changes: &[Vec<u8>]) {
        for document in [&mut self.appended, &mut self.transacted] {
            apply(document, changes).unwrap();
        }
    }

    fn assert_same(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|_| {
                let (appended, transacted) = self.write();
                assert_eq!(appended, transacted, "change {} of boot {}", self.written, self.boot);
                appended
            })
            .collect()
    }
}

fn apply(document: &mut Document, changes: &[Vec<u8>]) -> Result<(), DocumentError> {
    document.apply(changes.iter().map(|bytes| read_change(&ledger(), bytes).unwrap()).collect())
}

fn hashes(changes: &[Vec<u8>]) -> Vec<ChangeHash> {
    changes.iter().map(|bytes| read_change(&ledger(), bytes).unwrap().hash()).collect()
}

#[test]
fn an_appended_change_has_the_bytes_that_automerge_would_have_written() {
    let mut pair = Pair::new(2);
    let changes = pair.assert_same(300);
    let mut peer = Document::new(ledger(), Epoch::from_bytes([9; Epoch::LEN]), pair.boot).unwrap();
    apply(&mut peer, &changes).unwrap();
    assert_eq!(peer.heads(), pair.appended.heads());
    assert_eq!(peer.missing_at(&[]), hashes(&changes));
}

#[test]
fn appending_goes_on_after_a_ledger_was_loaded_again() {
    let mut pair = Pair::new(2);
    let changes = pair.assert_same(70);
    let mut again = Pair { written: pair.written, ..Pair::new(2) };
    again.hear(&changes);
    assert_eq!(again.assert_same(70), pair.assert_same(70));
}

#[test]
fn appending_goes_on_after_another_boot_wrote_at_the_same_time() {
    let (mut first, mut second) = (Pair::new(2), Pair::new(3));
    let early = first.assert_same(5);
    second.hear(&early);
    let (mine, theirs) = (first.assert_same(5), second.assert_same(3));
    first.hear(&theirs);
    assert_eq!(first.appended.heads().len(), 2);
    let merged = first.assert_same(3);
    second.hear(&mine);
    second.hear(&merged);
    second.assert_same(100);
    assert_eq!(second.appended.heads().len(), 1);
}

#[test]
fn a_change_names_its_authors_last_one_also_when_another_boot_has_built_on_it() {
    let (mut first, mut second) = (Pair::new(2), Pair::new(3));
    second.hear(&first.assert_same(5));
    first.hear(&second.assert_same(1));
    let (appended, _) = first.write();
    second.hear(std::slice::from_ref(&appended));
    assert_eq!(second.appended.heads(), hashes(&[appended]));
}

#[test]
fn what_is_missing_and_known_does_not_depend_on_what_automerge_has_heard() {
    let mut pair = Pair::new(2);
    let known = hashes(&pair.assert_same(100));
    assert!(!pair.appended.unsettled.is_empty());
    for place in [0, 63, 64, 65, 80, 99] {
        assert!(pair.appended.knows(&known[place]));
        assert_eq!(pair.appended.missing_at(&known[place..=place]), known[place + 1..]);
        assert_eq!(pair.transacted.missing_at(&known[place..=place]), known[place + 1..]);
    }
    assert_eq!(pair.appended.missing_at(&[ChangeHash::from_bytes([7; ChangeHash::LEN])]), known);
    assert_eq!(pair.appended.heads(), pair.transacted.heads());
}
