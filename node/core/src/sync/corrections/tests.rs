use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn what_a_broker_brings_back_is_no_digest_of_another() {
    let mut corrections = Corrections::default();
    for sum in 0..8 {
        corrections.say(&Scope::Catalog, [sum; 32]);
    }
    for sum in 0..8 {
        corrections.hear(at(0), &Scope::Catalog, &[sum; 32]);
    }
    assert_eq!((corrections.next(), corrections.take_due(at(100_000))), (None, Vec::new()));
}

#[test]
fn digests_of_another_are_corrected_at_once_and_then_every_five_seconds_however_many_come() {
    let mut corrections = Corrections::default();
    corrections.say(&Scope::Catalog, [0; 32]);
    let mut corrected = Vec::new();
    for now in 0..=12_000 {
        corrections.hear(at(now), &Scope::Catalog, &[1; 32]);
        corrected.extend(corrections.take_due(at(now)).into_iter().map(|scope| (scope, now)));
    }
    assert_eq!(corrected, [0, 5_000, 10_000].map(|now| (Scope::Catalog, now)));
    assert_eq!(corrections.next(), Some(at(15_000)), "the last ones are corrected too");
}

#[test]
fn what_is_said_anyway_needs_no_correction() {
    let mut corrections = Corrections::default();
    corrections.hear(at(0), &Scope::Catalog, &[1; 32]);
    corrections.say(&Scope::Catalog, [0; 32]);
    assert_eq!(corrections.next(), None);
}

#[test]
fn a_clock_that_went_back_delays_no_correction_beyond_its_interval() {
    let mut corrections = Corrections::default();
    corrections.hear(at(1_000_000), &Scope::Catalog, &[1; 32]);
    assert_eq!(corrections.take_due(at(1_000_000)), [Scope::Catalog]);
    corrections.hear(at(1_000_001), &Scope::Catalog, &[1; 32]);
    corrections.clamp(at(0));
    assert_eq!(corrections.next(), Some(at(5_000)));
}
