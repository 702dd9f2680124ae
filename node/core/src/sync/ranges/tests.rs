use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::id::{CartId, ChangeHash, Name};
use crate::view::{AsOf, Record as _, Staged};

fn scope() -> Scope {
    Scope::Carts(Name::new("region").unwrap())
}

/// A view of carts, by number, at heads, by number.
fn view(carts: &BTreeMap<u16, u8>) -> View {
    let mut staged = Staged::default();
    for (cart, head) in carts {
        let mut id = [0; CartId::LEN];
        id[..2].copy_from_slice(&cart.to_be_bytes());
        let row =
            DocumentRow { scope: scope(), heads: vec![ChangeHash::from_bytes([*head; 32])], changes: 1, seal: None };
        DocumentRow::staged_mut(&mut staged).insert(DocumentId::Cart { id: CartId::from_bytes(id) }, row);
    }
    let mut view = View::default();
    view.absorb(staged, 1, &AsOf::default());
    view
}

fn ranges(carts: &BTreeMap<u16, u8>) -> Ranges {
    Ranges::of(&view(carts), &scope()).unwrap()
}

/// Compares to the end; gives what one side wants of the other, and how many messages that took.
fn compare(one: &Ranges, other: &Ranges) -> (Vec<Item>, usize) {
    let (mut wanted, mut messages) = (Vec::new(), 0);
    let mut next = Some(one.begin().unwrap());
    while let Some(message) = next {
        let answer = other.answer(&message).unwrap();
        assert!(message.len().max(answer.len()) <= crate::sync::MAX_MESSAGE);
        messages += 2;
        next = one.go_on(&answer, &mut wanted).unwrap();
    }
    (wanted, messages)
}

proptest! {
    #[test]
    fn a_comparison_finds_exactly_what_the_other_side_has_otherwise(
        shared in prop::collection::btree_map(any::<u16>(), any::<u8>(), 0..600),
        changed in prop::collection::btree_map(any::<u16>(), any::<u8>(), 0..40),
        own in prop::collection::btree_map(any::<u16>(), any::<u8>(), 0..40),
    ) {
        let mut one = shared.clone();
        one.extend(own);
        let mut other = shared;
        other.extend(changed);
        let (here, there) = (ranges(&one), ranges(&other));
        let (wanted, _) = compare(&here, &there);
        let expected: BTreeSet<_> = there.documents.keys().filter(|item| here.document(item).is_none()).collect();
        prop_assert_eq!(wanted.iter().collect::<BTreeSet<_>>(), expected);
        for item in &wanted {
            let document = there.document(item).unwrap();
            let held = here.documents.values().any(|held| held == document);
            prop_assert_eq!(here.like(item), held.then_some(document));
        }
    }

    #[test]
    fn no_message_makes_a_comparison_panic(
        carts in prop::collection::btree_map(any::<u16>(), any::<u8>(), 0..200),
        noise in prop::collection::vec(any::<u8>(), 0..300),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let ranges = ranges(&carts);
        let mut altered = ranges.begin().unwrap();
        for (place, byte) in places {
            let at = place.index(altered.len());
            altered[at] = byte;
        }
        for message in [[&[0x61], noise.as_slice()].concat(), noise, altered] {
            let mut wanted = Vec::new();
            let answers = [ranges.answer(&message), ranges.go_on(&message, &mut wanted).map(Option::unwrap_or_default)];
            for answer in answers.into_iter().flatten() {
                prop_assert!(answer.len() <= crate::sync::MAX_MESSAGE);
            }
        }
    }
}

#[test]
fn what_is_equal_takes_two_messages() {
    let carts = (0..5_000).map(|cart| (cart, 1)).collect();
    assert_eq!(compare(&ranges(&carts), &ranges(&carts)), (Vec::new(), 2));
}

#[test]
fn a_node_without_any_document_finds_all_in_frames() {
    let carts = (0..10_000).map(|cart| (cart, 1)).collect();
    let (wanted, messages) = compare(&ranges(&BTreeMap::new()), &ranges(&carts));
    assert_eq!(wanted.len(), 10_000);
    assert!(messages > 2, "a frame has a limit");
}
