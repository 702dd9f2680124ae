use super::*;
use crate::id::Epoch;

const GIVER: Epoch = Epoch::from_bytes([1; 10]);
const BOOT: Boot = Boot::from_bytes([2; 6]);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A wish of somebody who has heard so many events of a boot of the giver.
fn wish(id: u64, boot: Boot, through: u64) -> Wish {
    Wish {
        of: Writer { node: name("giver"), epoch: GIVER },
        location: name("store"),
        id,
        seen: vec![Seen { epoch: GIVER, boot, through }],
        what: Wished::Rights(Vec::new()),
        named: Vec::new().into(),
    }
}

/// Stands for a signed wish.
fn signed(id: u64) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

#[test]
fn a_wish_is_good_once() {
    let mut granted = Granted::default();
    let goodness = |granted: &Granted, id| granted.goodness(&wish(id, BOOT, 5), &signed(id), (BOOT, 300), None);
    assert_eq!(goodness(&granted, 1), Goodness::New);
    granted.note(&name("store"), &signed(1), 6);
    assert_eq!([1, 2].map(|id| goodness(&granted, id)), [Goodness::Granted, Goodness::New], "others are under way");
}

#[test]
fn a_wish_that_is_not_remembered_any_more_is_good_for_nothing() {
    let mut granted = Granted::default();
    for id in 0..=MAX_GRANTED as u64 {
        granted.note(&name("store"), &signed(id), id + 1);
    }
    let goodness = |through| granted.goodness(&wish(0, BOOT, through), &signed(0), (BOOT, 300), None);
    assert_eq!([0, 1].map(goodness), [Goodness::Unknown, Goodness::New], "who has heard of its grant asks anew");
    assert_eq!(granted.0[&name("store")].last.len(), MAX_GRANTED);
}

#[test]
fn who_has_heard_nothing_of_a_boot_must_have_heard_all_of_the_one_before() {
    let (granted, earlier) = (Granted::default(), Boot::from_bytes([9; 6]));
    let before = |through| Some(Seen { epoch: GIVER, boot: earlier, through });
    let goodness = |before| granted.goodness(&wish(1, earlier, 7), &signed(1), (BOOT, 300), before);
    assert_eq!([None, before(7), before(8)].map(goodness), [Goodness::New, Goodness::New, Goodness::Unknown]);
    assert_eq!(goodness(before(6)), Goodness::Unknown, "nobody has heard more than there is");
    let another = Some(Seen { epoch: GIVER, boot: Boot::from_bytes([8; 6]), through: 1 });
    assert_eq!(goodness(another), Goodness::Unknown, "it is of an earlier boot still");
}

#[test]
fn a_wish_of_who_claims_to_have_heard_more_than_was_recorded_is_good_for_nothing() {
    let goodness = |through| Granted::default().goodness(&wish(1, BOOT, through), &signed(1), (BOOT, 5), None);
    assert_eq!([5, 6, u64::MAX].map(goodness), [Goodness::New, Goodness::Unknown, Goodness::Unknown]);
}
