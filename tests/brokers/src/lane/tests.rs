use std::collections::BTreeSet;
use std::time::Duration;

use super::{Counts, LONGEST_DELAY, LONGEST_HOLD, Lane, Odds, PARTS, Step};
use crate::packet::{Packet, Role};

const NOW: Duration = Duration::from_secs(1);
const ALWAYS: u64 = PARTS;

fn message(id: u16) -> Packet {
    let mut bytes: &[u8] = &[0x32, 8, 0, 1, b't', (id >> 8) as u8, id as u8, (id >> 8) as u8, id as u8, b'!'];
    Packet::read(&mut bytes).unwrap().unwrap()
}

/// The lane's packet ids and the numbers of the messages that go on, in order.
fn onward(steps: &[Step]) -> Vec<(u16, u8)> {
    let each = steps.iter().filter_map(|step| match step {
        Step::Onward(packet) => match packet.role() {
            Role::Message(id) => Some((id, packet.bytes()[8])),
            _ => None,
        },
        _ => None,
    });
    each.collect()
}

/// What the sender is told, in order.
fn back(steps: &[Step]) -> Vec<u16> {
    let each = steps.iter().filter_map(|step| match step {
        Step::Back(packet) => match packet.role() {
            Role::Acknowledgement(id) => Some(id),
            other => panic!("{other:?} goes back"),
        },
        _ => None,
    });
    each.collect()
}

#[test]
fn without_odds_every_message_passes_once_and_is_acknowledged_when_its_receiver_did_so() {
    let mut lane = Lane::new(Odds::default(), 1);
    for id in 1..=100 {
        let steps = lane.take(message(id), NOW);
        assert_eq!((steps.len(), back(&steps).len()), (1, 0));
        let (given, number) = onward(&steps)[0];
        assert_eq!(u16::from(number), id);
        assert_eq!(back(&lane.acknowledged(given)), [id]);
    }
    assert_eq!(lane.counts(), Counts { messages: 100, ..Counts::default() });
    assert_eq!(lane.next_due(), None);
}

#[test]
fn a_dropped_message_is_acknowledged_and_goes_nowhere() {
    let mut lane = Lane::new(Odds { drop: ALWAYS, ..Odds::default() }, 1);
    assert_eq!(lane.take(message(7), NOW), [Step::Back(Packet::acknowledgement(7))]);
    assert_eq!(lane.counts().dropped, 1);
}

#[test]
fn a_duplicate_has_an_id_of_its_own_and_the_sender_hears_of_one() {
    let mut lane = Lane::new(Odds { duplicate: ALWAYS, ..Odds::default() }, 1);
    let sent = onward(&lane.take(message(7), NOW));
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].0, sent[1].0);
    assert_eq!(sent[0].1, sent[1].1);
    assert_eq!(lane.acknowledged(sent[1].0), []);
    assert_eq!(back(&lane.acknowledged(sent[0].0)), [7]);
    assert_eq!(lane.counts().stray, 0);
}

#[test]
fn a_delayed_message_keeps_its_place_before_those_that_wait_behind_it() {
    let mut lane = Lane::new(Odds { delay: ALWAYS, ..Odds::default() }, 1);
    assert_eq!(lane.take(message(1), NOW), []);
    let due = lane.next_due().unwrap();
    assert!(due > NOW && due <= NOW + LONGEST_DELAY, "{due:?}");
    assert_eq!(lane.take(message(2), NOW), []);
    let steps = lane.due(due);
    assert_eq!(onward(&steps).iter().map(|(_, number)| *number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(lane.next_due(), None);
}

#[test]
fn what_is_no_message_overtakes_a_delay() {
    let mut lane = Lane::new(Odds { delay: ALWAYS, ..Odds::default() }, 1);
    assert_eq!(lane.take(message(1), NOW), []);
    assert_eq!(lane.take(Packet::disconnect(), NOW), [Step::Onward(Packet::disconnect())]);
}

#[test]
fn a_held_message_comes_after_later_ones_and_at_the_latest_when_its_time_is_over() {
    let mut lane = Lane::new(Odds { reorder: PARTS / 2, ..Odds::default() }, 3);
    let mut order = Vec::new();
    for id in 1..=200 {
        order.extend(onward(&lane.take(message(id), NOW)).into_iter().map(|(_, number)| number));
    }
    order.extend(onward(&lane.due(NOW + LONGEST_HOLD)).into_iter().map(|(_, number)| number));
    assert_eq!(order.len(), 200);
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 200);
    assert!(!order.is_sorted());
    assert_eq!(lane.next_due(), None);
}

#[test]
fn the_sender_is_told_once_for_each_message_and_in_its_order_whatever_befalls_them() {
    let odds = Odds { drop: 1_500, duplicate: 1_500, delay: 500, reorder: 1_500, cut: 0 };
    let mut lane = Lane::new(odds, 5);
    let (mut told, mut open) = (Vec::new(), Vec::new());
    let mut now = NOW;
    for id in 1..=2_000 {
        let steps = lane.take(message(id), now);
        told.extend(back(&steps));
        open.extend(onward(&steps).into_iter().map(|(given, _)| given));
        if id % 7 == 0 {
            // Receivers may acknowledge late and in any order.
            open.reverse();
            told.extend(open.drain(..).flat_map(|given| back(&lane.acknowledged(given))).collect::<Vec<_>>());
        }
        now += Duration::from_millis(3);
    }
    open.extend(onward(&lane.due(now + LONGEST_HOLD)).into_iter().map(|(given, _)| given));
    for given in open {
        told.extend(back(&lane.acknowledged(given)));
    }
    assert_eq!(told, (1..=2_000).collect::<Vec<_>>());
    let counts = lane.counts();
    assert!([counts.dropped, counts.duplicated, counts.delayed, counts.reordered].iter().all(|count| *count > 50));
    assert_eq!((counts.messages, counts.stray), (2_000, 0));
}

#[test]
fn ids_that_are_not_acknowledged_are_not_given_again() {
    let mut lane = Lane::new(Odds::default(), 1);
    let given = |lane: &mut Lane| onward(&lane.take(message(1), NOW))[0].0;
    let first = given(&mut lane);
    lane.next_id = u16::MAX;
    assert_eq!([given(&mut lane), given(&mut lane)], [u16::MAX, first + 1]);
}

#[test]
fn a_cut_takes_its_message_along() {
    let mut lane = Lane::new(Odds { cut: ALWAYS, ..Odds::default() }, 1);
    assert_eq!(lane.take(message(1), NOW), [Step::Cut]);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_counted_and_goes_no_further() {
    let mut lane = Lane::new(Odds::default(), 1);
    assert_eq!(lane.acknowledged(7), []);
    assert_eq!(lane.counts().stray, 1);
}

#[test]
fn one_seed_plays_the_same_again_and_another_does_not() {
    let odds = Odds { drop: 3_000, duplicate: 3_000, ..Odds::default() };
    let play = |seed| {
        let mut lane = Lane::new(odds, seed);
        (1..=100).map(|id| onward(&lane.take(message(id), NOW)).len()).collect::<Vec<_>>()
    };
    assert_eq!(play(4), play(4));
    assert_ne!(play(4), play(5));
}
