//! Authors whose changes Automerge failed on.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::document::{DocumentId, Scope};
use crate::envelope;
use crate::money::{Currency, Money, UnitPrice};

const MINUTE: i64 = 60_000;
/// Where a change's checksum stands, what it covers, and where the list of dependencies begins, as Automerge writes a
/// change of less than 16 KB.
const CHECKSUM: std::ops::Range<usize> = 4..8;
const DEPENDENCIES: usize = 11;

/// A change with its operations numbered far ahead: its checksum holds, and Automerge is not given it.
fn numbered_ahead(change: &[u8]) -> Vec<u8> {
    let mut bytes = change.to_vec();
    let actor = DEPENDENCIES + 1 + 32 * usize::from(bytes[DEPENDENCIES]);
    let sequence = actor + 1 + usize::from(bytes[actor]);
    let first_operation = sequence + 1;
    assert!(bytes[sequence] < 0x80 && bytes[first_operation] < 0x70, "numbers of one byte");
    bytes[first_operation] = 0x7f;
    let digest = Sha256::digest(&bytes[CHECKSUM.end..]);
    bytes[CHECKSUM].copy_from_slice(&digest[..4]);
    bytes
}

/// Something that an author signed and that cannot be used.
fn unusable(author: &Node, honest: &[u8]) -> Vec<u8> {
    let batch = envelope::reopen(honest).unwrap();
    let changes: Vec<_> = batch.changes.iter().map(|change| numbered_ahead(change)).collect();
    envelope::seal(&author.engine.identity, &name("fleet"), &batch.scope, &batch.document, &changes)
}

fn offer(node: &mut Node, envelopes: &[Vec<u8>]) -> Vec<RefusedKind> {
    let (scope, payload) = (Scope::Stock(name("store")), pack(envelopes));
    let incoming = Incoming { scope, kind: crate::sync::Kind::Changes, from: name("peer"), payload };
    let refused = node.engine.receive(node.now, &mut node.rng, &incoming);
    node.engine.commit(node.now).unwrap();
    refused.into_iter().map(|refused| refused.kind).collect()
}

/// A node that has heard the first sale of a broken one; what the broken one says next, right and wrong.
fn shop() -> (Node, Node, Vec<Vec<u8>>, Vec<u8>) {
    let (mut node, mut broken) = (Node::new("till", 1), Node::new("broken", 2));
    node.hear("broken", &broken.run(receive("milk", 10)));
    let next = broken.run(sell("milk", 1));
    let wrong = unusable(&broken, &next[0]);
    (node, broken, next, wrong)
}

#[test]
fn nothing_of_an_author_is_taken_for_a_while_after_automerge_failed_on_it_and_then_everything() {
    let (mut node, mut broken, next, wrong) = shop();
    assert_eq!(offer(&mut node, std::slice::from_ref(&wrong)), [RefusedKind::Unusable]);
    assert_eq!(offer(&mut node, &next), [RefusedKind::Quarantined]);
    let mut other = Node::new("other", 3);
    node.hear("other", &other.run(receive("milk", 5)));
    assert_eq!(node.stock("milk").on_hand(), 15, "what it said before stays, and others are heard");

    node.now = node.now.plus_millis(MINUTE);
    node.hear("broken", &next);
    assert_eq!(node.stock("milk").on_hand(), 14);
    assert_eq!(offer(&mut node, &[wrong]), [RefusedKind::Unusable]);
    let later = broken.run(sell("milk", 2));
    node.now = node.now.plus_millis(MINUTE);
    assert_eq!(offer(&mut node, &later), [RefusedKind::Quarantined], "twice as long");
    node.now = node.now.plus_millis(MINUTE);
    node.hear("broken", &later);
    assert_eq!(node.stock("milk").on_hand(), 12);
}

#[test]
fn an_author_is_shut_out_whatever_epoch_it_signs_in() {
    let (mut node, mut broken, _, wrong) = shop();
    assert_eq!(offer(&mut node, &[wrong]), [RefusedKind::Unusable]);
    let epoch = broken.engine.writer().epoch;
    broken.engine.begin_again(broken.now, &mut broken.rng).unwrap();
    assert_ne!(broken.engine.writer().epoch, epoch);
    let said = broken.run(sell("milk", 1));
    assert_eq!(offer(&mut node, &said), [RefusedKind::Quarantined]);
}

#[test]
fn a_start_ends_a_quarantine() {
    let (mut node, _, next, wrong) = shop();
    assert_eq!(offer(&mut node, &[wrong]), [RefusedKind::Unusable]);
    let mut node = node.restart(4);
    node.hear("broken", &next);
    assert_eq!(node.stock("milk").on_hand(), 9);
}

#[test]
fn a_document_that_is_made_anew_in_the_middle_of_a_commit_keeps_what_the_commit_holds() {
    let (mut node, mut broken) = (Node::new("till", 1), Node::new("broken", 2));
    let Outcome::Cart { id: cart, .. } = node.submit(Request::now(Command::CreateCart { customer: None })).unwrap()
    else {
        panic!("a cart comes of it");
    };
    let begun = node.commit();
    assert_eq!(offer(&mut broken, &begun), []);
    let price = UnitPrice::of(Money { amount: 99, currency: Currency::new("GBP").unwrap() });
    let line = |quantity| Command::AddToCart { cart, sku: sku("milk"), quantity, unit_price: Some(price) };
    let spoilt = broken.run(line(9));
    let spoilt = unusable(&broken, &spoilt[0]);
    let _first = node.submit(Request::now(line(1))).unwrap();
    let batch = envelope::reopen(&spoilt).unwrap();
    assert!(matches!(batch.document, DocumentId::Cart { .. }));
    let incoming =
        Incoming { scope: batch.scope, kind: crate::sync::Kind::Changes, from: name("peer"), payload: pack(&[spoilt]) };
    let refused = node.engine.receive(node.now, &mut node.rng, &incoming);
    assert_eq!(refused.iter().map(|refused| refused.kind).collect::<Vec<_>>(), [RefusedKind::Unusable]);
    let _second = node.submit(Request::now(line(2))).unwrap();
    let envelopes = node.commit();
    let mut other = Node::new("other", 3);
    assert_eq!(offer(&mut other, &[begun, envelopes].concat()), []);
    let view = other.engine.committed();
    let id = DocumentId::Cart { id: cart };
    assert_eq!(view.documents.get(&id).unwrap().changes, 3, "each is a change of its own, one after the other");
    assert_eq!(view.documents.get(&id).unwrap().heads.len(), 1);
}
