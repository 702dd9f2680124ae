use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn heard(numbers: &[u64]) -> StreamRow {
    let mut row = StreamRow::default();
    numbers.iter().for_each(|number| row.hear(*number, Timestamp::MIN));
    row
}

proptest! {
    #[test]
    fn a_stream_was_heard_up_to_the_first_number_that_is_missing(
        numbers in prop::collection::vec(0..40_u64, 0..120),
    ) {
        let all: BTreeSet<_> = numbers.iter().copied().collect();
        let missing = (0..).find(|number| !all.contains(number));
        prop_assert_eq!(Some(heard(&numbers).through), missing);
        let in_order: Vec<_> = all.into_iter().collect();
        prop_assert_eq!(heard(&numbers), heard(&in_order), "in any order, once or more often");
    }
}

#[test]
fn a_stream_full_of_gaps_is_remembered_within_bounds_and_goes_on_where_it_is_filled() {
    let gaps: Vec<_> = (0..100_000).map(|number| 2 * number + 1).collect();
    let mut row = heard(&gaps);
    assert_eq!(row.beyond.len(), MAX_STRETCHES);
    assert!(crate::codec::encode(&row).len() < 16 * 1_024);
    row.hear(0, Timestamp::MIN);
    row.hear(2, Timestamp::MIN);
    assert_eq!(row.through, 4);
    row.hear(u64::MAX, Timestamp::MIN);
    assert!(row.beyond.len() <= MAX_STRETCHES);
}
