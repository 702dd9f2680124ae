use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// How many messages of so many bytes are given when one is asked for each millisecond.
fn given(allowance: &mut Allowance, millis: std::ops::Range<i64>, bytes: usize) -> i64 {
    let mut given = 0;
    for now in millis {
        if allowance.is_left(at(now)) {
            allowance.spend(bytes);
            given += i64::try_from(bytes).unwrap();
        }
    }
    given
}

#[test]
fn whatever_is_asked_for_so_much_is_given_a_second_beyond_what_was_saved_up() {
    for bytes in [200, 1_000, 48 * 1024] {
        let mut allowance = Allowance::default();
        let all = given(&mut allowance, 0..60_000, bytes);
        let most = MOST_SAVED + 60_000 * BYTES_A_MILLI + i64::try_from(bytes).unwrap();
        assert!(all <= most, "{all} of {bytes} bytes each, at most {most}");
        assert!(
            all > most - 1_000 * BYTES_A_MILLI - i64::try_from(bytes).unwrap(),
            "{all} of {bytes} bytes each, about {most}"
        );
    }
}

#[test]
fn a_quiet_day_saves_up_no_more_than_the_most() {
    let mut allowance = Allowance::default();
    assert!(given(&mut allowance, 0..10_000, 48 * 1024) >= MOST_SAVED);
    let day = 24 * 60 * 60 * 1_000;
    assert!(given(&mut allowance, day..day + 1, 1) == 1 && allowance.left == MOST_SAVED - 1);
}

#[test]
fn a_clock_that_goes_back_gives_nothing_and_goes_on_giving_from_there() {
    let mut allowance = Allowance::default();
    assert!(allowance.is_left(at(1_000_000)));
    allowance.spend(usize::try_from(MOST_SAVED).unwrap());
    assert!(!allowance.is_left(at(0)));
    assert!(allowance.is_left(at(100)));
}
