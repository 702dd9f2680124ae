use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn digest(sum: u8) -> Digest {
    Digest { sum: [sum; 32], documents: 1, changes: 1 }
}

/// What a node remembers that said digests a second apart, the last one at second 8.
fn eight_said() -> Corrections {
    let mut corrections = Corrections::default();
    for sum in 1..=8 {
        corrections.note_said(at(1_000 * i64::from(sum)), &Scope::Catalog, digest(sum));
    }
    corrections
}

#[test]
fn what_a_broker_brings_back_within_seconds_is_no_digest_of_another() {
    let mut corrections = eight_said();
    for sum in 4..=8 {
        corrections.hear(at(8_000), &Scope::Catalog, &digest(sum));
    }
    corrections.hear(at(100_000), &Scope::Catalog, &digest(8));
    assert_eq!((corrections.next(), corrections.take_due(at(200_000))), (None, Vec::new()));
}

#[test]
fn what_was_said_before_the_last_one_and_comes_much_later_is_said_by_another() {
    let mut corrections = eight_said();
    corrections.hear(at(12_500), &Scope::Catalog, &digest(7));
    assert_eq!(corrections.next(), Some(at(12_500)));
}

#[test]
fn the_true_sum_with_other_counts_is_said_by_another() {
    let mut corrections = eight_said();
    corrections.hear(at(8_000), &Scope::Catalog, &Digest { changes: 2, ..digest(8) });
    assert_eq!(corrections.next(), Some(at(8_000)));
}

#[test]
fn digests_of_another_are_corrected_at_once_and_then_every_five_seconds_however_many_come() {
    let mut corrections = Corrections::default();
    corrections.note_said(at(0), &Scope::Catalog, digest(0));
    let mut corrected = Vec::new();
    for now in 0..=12_000 {
        corrections.hear(at(now), &Scope::Catalog, &digest(1));
        corrected.extend(corrections.take_due(at(now)).into_iter().map(|scope| (scope, now)));
    }
    assert_eq!(corrected, [0, 5_000, 10_000].map(|now| (Scope::Catalog, now)));
    assert_eq!(corrections.next(), Some(at(15_000)), "the last ones are corrected too");
}

#[test]
fn of_scopes_that_somebody_makes_up_so_many_are_corrected_as_are_remembered() {
    let mut corrections = Corrections::default();
    for number in 0..2 * MAX_SCOPES {
        let scope = Scope::Stock(crate::id::Name::new(&format!("made-up-{number}")).unwrap());
        corrections.hear(at(0), &scope, &digest(1));
    }
    assert_eq!(corrections.take_due(at(0)).len(), MAX_SCOPES);
}

#[test]
fn what_is_said_anyway_needs_no_correction() {
    let mut corrections = Corrections::default();
    corrections.hear(at(0), &Scope::Catalog, &digest(1));
    corrections.note_said(at(0), &Scope::Catalog, digest(0));
    assert_eq!(corrections.next(), None);
}

#[test]
fn a_clock_that_went_back_delays_no_correction_beyond_its_interval() {
    let mut corrections = Corrections::default();
    corrections.hear(at(1_000_000), &Scope::Catalog, &digest(1));
    assert_eq!(corrections.take_due(at(1_000_000)), [Scope::Catalog]);
    corrections.hear(at(1_000_001), &Scope::Catalog, &digest(1));
    corrections.clamp(at(0));
    assert_eq!(corrections.next(), Some(at(5_000)));
}
