//! Who has nothing to give says so in its own name only, and who is here is not taken for gone.

use super::promises::{promised, reserve};
use super::wishes::{ask, questions, two, two_that_met};
use super::*;
use crate::document::Scope;
use crate::identity::Identity;
use crate::sync::{Answer, Denial, Denied, GONE_AFTER_MILLIS, Kind, Presence, Response, message, word};

/// What a node says to one that asked.
fn answer(giver: &mut Node, question: &Incoming) -> Incoming {
    assert_eq!(giver.engine.receive(giver.now, &mut giver.rng, question), []);
    let effects = giver.engine.commit(giver.now).unwrap().effects;
    let said = effects.into_iter().find_map(|effect| match effect {
        Effect::Send { scope, kind: Kind::Response, to: Some(from), payload } => {
            Some(Incoming { scope, kind: Kind::Response, from, payload })
        }
        _ => None,
    });
    said.expect("it answers")
}

/// A denial of rights in the giver's name, signed by somebody.
fn denial(by: &Identity, to: &Node, question: &Incoming) -> Incoming {
    let asked: crate::sync::Request = message::from_bytes(&question.payload).unwrap();
    let denial = Denial { to: to.engine.writer().epoch, id: asked.id, what: Denied::Rights };
    let answer = Answer::Denied(word::sign(by, &name("fleet"), denial));
    let response = Response { from: name("giver"), id: asked.id, answer };
    let (scope, payload) = (question.scope.clone(), message::to_bytes(&response));
    Incoming { scope, kind: Kind::Response, from: name("asker"), payload }
}

/// Lets an asker hear an answer; whether it refused it, and whether its client waits on.
fn hear(asker: &mut Node, answer: &Incoming) -> (bool, bool) {
    let refused = asker.engine.receive(asker.now, &mut asker.rng, answer);
    let until = Some(asker.now.plus_millis(500));
    let again = asker.submit(Request::now(reserve(3, None, until)));
    (!refused.is_empty(), again.is_err_and(|refusal| refusal.is_asking()))
}

#[test]
fn a_question_is_ended_by_the_denial_of_who_was_asked() {
    let (mut giver, mut asker, question) = two();
    promised(&mut giver, 10, None);
    let denied = answer(&mut giver, &question);
    assert_eq!(hear(&mut asker, &denied), (false, false));
}

#[test]
fn a_question_is_not_ended_by_a_denial_that_somebody_else_signed_or_that_answers_another() {
    let (giver, mut asker, question) = two();
    let stranger = Node::new("giver", 9);
    let forged = denial(&stranger.engine.identity, &asker, &question);
    assert_eq!(hear(&mut asker, &forged), (false, true), "another epoch than the one that was asked");
    let for_another = denial(&giver.engine.identity, &stranger, &question);
    assert_eq!(hear(&mut asker, &for_another), (true, true));
    let mut altered = denial(&giver.engine.identity, &asker, &question);
    *altered.payload.last_mut().unwrap() ^= 1;
    assert_eq!(hear(&mut asker, &altered), (true, true));
    let honest = denial(&giver.engine.identity, &asker, &question);
    assert_eq!(hear(&mut asker, &honest), (false, false));
}

/// What a broker says, or somebody at it, of a node.
fn presence(of: &str, here: bool) -> Incoming {
    let payload = message::to_bytes(&Presence { here });
    Incoming { scope: Scope::Fleet, kind: Kind::Presence, from: name(of), payload }
}

fn says_that_it_is_here(node: &mut Node, heard: &Incoming) -> bool {
    assert_eq!(node.engine.receive(node.now, &mut node.rng, heard), []);
    let effects = node.engine.commit(node.now).unwrap().effects;
    let here = |effect: &Effect| match effect {
        Effect::Send { kind: Kind::Presence, payload, .. } => message::from_bytes::<Presence>(payload).unwrap().here,
        _ => false,
    };
    effects.iter().any(here)
}

#[test]
fn who_is_said_to_be_gone_and_is_here_says_so_at_most_four_times_a_second() {
    let mut node = Node::new("till", 1);
    assert!(!says_that_it_is_here(&mut node, &presence("till", true)));
    assert!(!says_that_it_is_here(&mut node, &presence("peer", false)));
    let mut times = 0;
    for _ in 0..1_000 {
        node.now = node.now.plus_millis(1);
        times += usize::from(says_that_it_is_here(&mut node, &presence("till", false)));
    }
    assert_eq!(times, 4);
    node.now = NOON;
    assert!(says_that_it_is_here(&mut node, &presence("till", false)), "also after a clock went back");
}

#[test]
fn who_was_said_to_be_gone_a_moment_after_it_spoke_says_that_it_is_here_soon() {
    let mut node = Node::new("till", 1);
    assert!(says_that_it_is_here(&mut node, &presence("till", false)));
    node.now = node.now.plus_millis(10);
    assert!(!says_that_it_is_here(&mut node, &presence("till", false)));
    let due = node.engine.tick(node.now, &mut node.rng, usize::MAX);
    assert!(due <= NOON.plus_millis(GONE_AFTER_MILLIS / 4), "{due}");
    node.commit();
    node.now = due;
    node.engine.tick(node.now, &mut node.rng, usize::MAX);
    assert!(says_that_it_is_here(&mut node, &presence("till", true)), "it was due");
}

/// Lets a second pass; whether digests were said in it.
fn says_digests(node: &mut Node) -> bool {
    let mut said = false;
    for _ in 0..20 {
        node.now = node.now.plus_millis(50);
        node.engine.tick(node.now, &mut node.rng, usize::MAX);
        let effects = node.engine.commit(node.now).unwrap().effects;
        said |= effects.iter().any(|effect| matches!(effect, Effect::Send { kind: Kind::Digest, .. }));
    }
    said
}

#[test]
fn who_comes_back_is_told_where_others_stand_also_before_it_is_believed_to_be_gone() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 1));
    let tell = |node: &mut Node, here| {
        let heard = presence("peer", here);
        assert_eq!(node.engine.receive(node.now, &mut node.rng, &heard), []);
    };
    tell(&mut node, true);
    // Beyond the digests of a round, up to a quiet second.
    let quiet = (0..30).any(|_| says_digests(&mut node) && !says_digests(&mut node));
    assert!(quiet);
    tell(&mut node, true);
    assert!(!says_digests(&mut node), "it was here");
    tell(&mut node, false);
    tell(&mut node, true);
    assert!(says_digests(&mut node));
}

#[test]
fn who_is_said_to_be_gone_is_asked_while_it_may_contradict_and_not_after() {
    let (_, mut asker) = two_that_met();
    let hear = |asker: &mut Node, here| {
        let heard = presence("giver", here);
        assert_eq!(asker.engine.receive(asker.now, &mut asker.rng, &heard), []);
    };
    for _ in 0..5 {
        hear(&mut asker, false);
        asker.now = asker.now.plus_millis(GONE_AFTER_MILLIS / 2);
        hear(&mut asker, true);
    }
    hear(&mut asker, false);
    assert_eq!(ask(&mut asker).len(), 1);
    asker.now = asker.now.plus_millis(GONE_AFTER_MILLIS);
    let until = Some(asker.now.plus_millis(500));
    let refused = asker.submit(Request::now(reserve(3, None, until)));
    assert!(refused.is_err_and(|refusal| !refusal.is_asking()) && questions(&mut asker).is_empty());
}
