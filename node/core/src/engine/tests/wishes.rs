//! Rights go to who signed a wish for them, once for each wish.

use super::promises::{reserve, stocked, talk};
use super::*;
use crate::sync::{Ask, Kind, Request as Question, message};

/// Two nodes of one location, of which the first has ten units, and has heard a wish of the second for three.
fn two() -> (Node, Node, Incoming) {
    let (mut giver, mut asker) = (stocked("giver", 1, 10), stocked("asker", 2, 0));
    giver.engine.link_up(giver.now);
    asker.engine.link_up(asker.now);
    for _ in 0..20 {
        for node in [&mut giver, &mut asker] {
            node.now = node.now.plus_millis(1_000);
            node.engine.tick(node.now, &mut node.rng, usize::MAX);
        }
        talk(&mut giver, &mut asker);
    }
    let until = Some(asker.now.plus_millis(500));
    let asked = asker.submit(Request::now(reserve(3, None, until)));
    assert!(asked.is_err_and(|refusal| refusal.is_asking()));
    let wish = asker.engine.commit(asker.now).unwrap().effects.into_iter().find_map(|effect| match effect {
        Effect::Send { scope, kind: Kind::Request, payload, .. } => {
            Some(Incoming { scope, kind: Kind::Request, from: name("giver"), payload })
        }
        _ => None,
    });
    (giver, asker, wish.expect("it asks"))
}

/// Lets the giver hear a question; says whether it was refused, and what the giver still holds.
fn hear(giver: &mut Node, question: &Incoming) -> (bool, i64) {
    giver.now = giver.now.plus_millis(1);
    let refused = giver.engine.receive(giver.now, &mut giver.rng, question);
    giver.commit();
    (!refused.is_empty(), giver.stock("milk").rights_of(giver.engine.writer().epoch))
}

/// The same question with another wish in it.
fn with_wish(question: &Incoming, change: impl FnOnce(&mut Vec<u8>)) -> Incoming {
    let mut read: Question = message::from_bytes(&question.payload).unwrap();
    let Ask::Rights(signed) = &mut read.ask else { panic!("{read:?}") };
    change(signed);
    Incoming { payload: message::to_bytes(&read), ..question.clone() }
}

#[test]
fn a_wish_is_granted_once_however_often_it_is_heard() {
    let (mut giver, _, wish) = two();
    let (refused, left) = hear(&mut giver, &wish);
    assert!(!refused && left <= 7, "{left}");
    for _ in 0..5 {
        assert_eq!(hear(&mut giver, &wish), (false, left));
    }
}

#[test]
fn a_wish_that_was_granted_before_a_restart_is_not_granted_after_it() {
    let (mut giver, _, wish) = two();
    let (_, left) = hear(&mut giver, &wish);
    let mut giver = giver.restart(7);
    giver.run(receive("milk", 1));
    assert_eq!(hear(&mut giver, &wish), (false, left + 1));
}

#[test]
fn a_wish_that_nobody_signed_so_is_refused_and_moves_nothing() {
    let (mut giver, _, wish) = two();
    let forged = with_wish(&wish, |signed| *signed.last_mut().unwrap() ^= 1);
    assert_eq!(hear(&mut giver, &forged), (true, 10));
    assert_eq!(hear(&mut giver, &with_wish(&wish, Vec::clear)), (true, 10));
}

#[test]
fn a_wish_in_another_name_or_for_another_location_is_refused_and_moves_nothing() {
    let (mut giver, _, wish) = two();
    let mut read: Question = message::from_bytes(&wish.payload).unwrap();
    read.from = name("thief");
    let in_another_name = Incoming { payload: message::to_bytes(&read), ..wish.clone() };
    assert_eq!(hear(&mut giver, &in_another_name), (true, 10));
    let elsewhere = Incoming { scope: crate::document::Scope::Stock(name("elsewhere")), ..wish };
    assert_eq!(hear(&mut giver, &elsewhere), (true, 10));
}
