use super::*;

const SCOPE: Scope = Scope::Catalog;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000 + seconds * 1_000)
}

fn peer(number: usize) -> Name {
    Name::new(&format!("peer{number}")).unwrap()
}

/// The seconds until a peer may be asked again after so many questions in a row, all asked at 0.
fn waits(times: u32, ending: Ending, lead: Option<i64>) -> Vec<i64> {
    let mut patience = Patience::default();
    (0..times)
        .map(|_| {
            patience.note(at(0), &SCOPE, &peer(1), 3, ending);
            (patience.until(&SCOPE, &peer(1), lead).unwrap().as_millis() - at(0).as_millis()) / 1_000
        })
        .collect()
}

#[test]
fn each_question_that_brings_nothing_doubles_the_wait_up_to_ten_minutes() {
    assert_eq!(waits(8, Ending::Nothing, Some(3)), [10, 20, 40, 80, 160, 320, 600, 600]);
    assert_eq!(waits(200, Ending::Nothing, Some(3)).last(), Some(&600));
}

#[test]
fn a_peer_that_may_have_something_new_is_asked_within_a_minute() {
    let expected = [1, 2, 4, 8, 16, 32, 60, 60];
    assert_eq!(waits(8, Ending::Nothing, Some(4)), expected, "it says that it has more than before");
    assert_eq!(waits(8, Ending::Nothing, None), expected, "a batch of it waits for its ancestors");
    assert_eq!(waits(8, Ending::Open, Some(3)), expected, "it did not answer");
}

#[test]
fn news_and_being_equal_end_the_wait() {
    let mut patience = Patience::default();
    for end in [true, false] {
        patience.note(at(0), &SCOPE, &peer(1), 3, Ending::Nothing);
        assert!(patience.until(&SCOPE, &peer(1), Some(3)).is_some());
        assert_eq!(patience.until(&SCOPE, &peer(2), Some(3)), None, "others are not concerned");
        assert_eq!(patience.until(&Scope::Fleet, &peer(1), Some(3)), None, "nor other scopes");
        if end {
            patience.note(at(1), &SCOPE, &peer(1), 3, Ending::News);
        } else {
            patience.forget(&SCOPE, &peer(1));
        }
        assert_eq!(patience.until(&SCOPE, &peer(1), Some(3)), None);
    }
}

#[test]
fn peers_without_end_fill_no_more_than_their_table() {
    let mut patience = Patience::default();
    for number in 0..2 * MAX_REMEMBERED {
        patience.note(at(i64::try_from(number).unwrap()), &SCOPE, &peer(number), 0, Ending::Nothing);
    }
    assert_eq!(patience.tried.len(), MAX_REMEMBERED);
    assert!(patience.until(&SCOPE, &peer(2 * MAX_REMEMBERED - 1), Some(0)).is_some(), "the last ones are remembered");
}
