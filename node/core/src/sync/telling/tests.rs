use super::*;

const SCOPE: Scope = Scope::Catalog;
const WAIT: i64 = 1_200;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

fn changed() -> Telling {
    let mut telling = Telling::default();
    telling.change(SCOPE);
    assert_eq!(telling.take_due(at(0), || WAIT), []);
    telling
}

fn hear(telling: &mut Telling, millis: i64, count: usize) {
    for peer in 0..count {
        telling.hear_equal(&SCOPE, &Name::new(&format!("peer{peer}")).unwrap(), at(millis));
    }
}

#[test]
fn a_change_is_said_once_it_is_a_while_ago() {
    let mut telling = changed();
    assert_eq!(telling.next(), Some(at(WAIT)));
    assert_eq!(telling.take_due(at(WAIT - 1), || WAIT), []);
    assert_eq!(telling.take_due(at(WAIT), || WAIT), [SCOPE]);
    assert_eq!(telling.next(), None);
}

#[test]
fn changes_that_go_on_are_said_all_the_same() {
    let mut telling = changed();
    let said: Vec<_> = (1..100)
        .flat_map(|tenth| {
            telling.change(SCOPE);
            telling.take_due(at(100 * tenth), || WAIT)
        })
        .collect();
    assert!((2..=4).contains(&said.len()), "{} in ten seconds", said.len());
}

#[test]
fn what_enough_others_said_is_not_said() {
    let mut telling = changed();
    hear(&mut telling, 500, ECHOES - 1);
    assert_eq!(telling.take_due(at(WAIT), || WAIT), [SCOPE], "fewer are not enough");
    let mut telling = changed();
    hear(&mut telling, 500, ECHOES);
    assert_eq!(telling.take_due(at(WAIT), || WAIT), []);
    assert_eq!(telling.next(), None);
}

#[test]
fn a_peer_that_is_heard_often_is_one() {
    let mut telling = changed();
    (0..2 * ECHOES).for_each(|_| hear(&mut telling, 500, ECHOES - 1));
    assert_eq!(telling.take_due(at(WAIT), || WAIT), [SCOPE]);
    assert_eq!(telling.take_round(at(WAIT), 10, [SCOPE].iter()), [SCOPE]);
}

#[test]
fn what_others_said_before_the_last_change_does_not_count_for_it() {
    let mut telling = changed();
    hear(&mut telling, 500, ECHOES);
    telling.change(SCOPE);
    assert_eq!(telling.take_due(at(600), || WAIT), []);
    assert_eq!(telling.take_due(at(600 + WAIT), || WAIT), [], "they may say the new state as well");
    assert_eq!(telling.take_due(at(600 + 2 * WAIT), || WAIT), [SCOPE]);
}

#[test]
fn a_round_is_silent_where_enough_others_spoke_but_not_for_ever() {
    let mut telling = Telling::default();
    assert_eq!(telling.take_round(at(0), 10, [SCOPE].iter()), [SCOPE]);
    let mut said = 0;
    for round in 1..=12 {
        hear(&mut telling, round * 10_000 - 1, ECHOES);
        said += telling.take_round(at(round * 10_000), 10, [SCOPE].iter()).len();
    }
    assert_eq!(said, 4, "every half minute");
    assert_eq!(telling.take_round(at(130_000), 10, [SCOPE].iter()), [SCOPE], "nobody spoke");
}

#[test]
fn two_peers_that_said_the_same_lately_are_alike() {
    let mut telling = changed();
    hear(&mut telling, 0, 1);
    assert!(!telling.has_alike(&SCOPE, at(1)));
    hear(&mut telling, 0, 2);
    assert!(telling.has_alike(&SCOPE, at(1)));
    assert!(!telling.has_alike(&SCOPE, at(ALIKE_MILLIS)));
    telling.hear_other(&SCOPE, &Name::new("peer1").unwrap());
    assert!(!telling.has_alike(&SCOPE, at(1)));
}

#[test]
fn a_clock_that_goes_back_silences_nobody() {
    let mut telling = changed();
    let back = at(-86_400_000);
    telling.clamp(back);
    assert!(telling.next().unwrap() <= back.plus_millis(PUT_OFF_MILLIS + MOST_SPREAD_MILLIS));
}

#[test]
fn the_time_in_which_chance_decides_grows_with_the_fleet_up_to_a_bound() {
    assert_eq!(spread_millis(0), LEAST_SPREAD_MILLIS);
    assert_eq!(spread_millis(20), 1_000);
    assert_eq!(spread_millis(1_000), MOST_SPREAD_MILLIS);
}
