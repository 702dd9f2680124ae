//! What is said without a signature brings who says it little, and what it says of others does not stay.

use super::fleet::{authority, certificate, enrol, enrolment};
use super::*;
use crate::document::Scope;
use crate::fleet::Role;
use crate::sync::{Answer, Ask, Digest, Kind, Presence, Response, message};

const SECOND: i64 = 1_000;

fn store() -> Scope {
    Scope::Stock(name("store"))
}

/// Lets a node hear something.
fn say(node: &mut Node, scope: Scope, kind: Kind, from: &str, payload: Vec<u8>) {
    let incoming = Incoming { scope, kind, from: name(from), payload };
    assert_eq!(node.engine.receive(node.now, &mut node.rng, &incoming), []);
}

/// Does what is due, and gives the messages of a kind.
fn said(node: &mut Node, kind: Kind) -> Vec<(Scope, Vec<u8>)> {
    node.engine.tick(node.now, &mut node.rng, usize::MAX);
    let effects = node.engine.commit(node.now).unwrap().effects.into_iter();
    let of_kind = effects.filter_map(|effect| match effect {
        Effect::Send { scope, kind: of, payload, .. } if of == kind => Some((scope, payload)),
        _ => None,
    });
    of_kind.collect()
}

/// Asks a node something, in a name.
fn ask(node: &mut Node, from: &str, ask: Ask, everybody: Option<bool>) {
    let id = u64::try_from(node.now.as_millis()).unwrap();
    let request = crate::sync::Request { from: name(from), id, ask, everybody };
    say(node, store(), Kind::Request, "till", message::to_bytes(&request));
}

/// How many bytes a node answers when for ten seconds everything is asked for a hundred times a second.
fn answered(node: &mut Node, asker: impl Fn(u64) -> String) -> usize {
    let mut bytes = 0;
    for id in 0..1_000 {
        node.now = node.now.plus_millis(SECOND / 100);
        ask(node, &asker(id), Ask::Rest(Vec::new()), None);
        bytes += said(node, Kind::Response).iter().map(|(_, payload)| payload.len()).sum::<usize>();
    }
    bytes
}

/// A member of a fleet with a key, that also knows another one, and has something to tell.
fn member() -> Node {
    let mut node = Node::new("till", 1);
    enrol(&mut node, Role::Headquarters);
    let other = certificate(&Node::new("kiosk", 2), Role::Kiosk);
    node.run(enrolment(&authority(), &[other]));
    for _ in 0..60 {
        node.run(receive("milk", 1));
    }
    node
}

#[test]
fn in_a_fleet_with_a_key_those_of_whom_nothing_is_signed_get_little_together_and_a_member_gets_all() {
    let made_up = answered(&mut member(), |id| format!("made-up-{id}"));
    let most = 1024 * 1024 + 10 * 64 * 1024 + message::MAX_MESSAGE + 100_000;
    assert!((512 * 1024..most).contains(&made_up), "{made_up} bytes to names that somebody made up");
    let member_got = answered(&mut member(), |_| "kiosk".to_owned());
    assert!(member_got > 2 * most, "{member_got} bytes to a member");
    let mut open = Node::new("till", 1);
    (0..60).for_each(|_| drop(open.run(receive("milk", 1))));
    let newcomer_got = answered(&mut open, |id| format!("newcomer-{id}"));
    assert!(newcomer_got > 2 * most, "{newcomer_got} bytes to newcomers of a fleet without a key");
}

#[test]
fn a_stranger_that_had_enough_is_answered_no_comparison_and_a_member_is() {
    let nothing = || Ask::Compare(vec![0x61]);
    let mut node = member();
    answered(&mut node, |id| format!("made-up-{id}"));
    ask(&mut node, "made-up", nothing(), None);
    assert_eq!(said(&mut node, Kind::Response).len(), 0);
    ask(&mut node, "kiosk", nothing(), None);
    assert_eq!(said(&mut node, Kind::Response).len(), 1);
    node.engine.tick(node.now, &mut node.rng, 0);
    ask(&mut node, "kiosk", nothing(), None);
    assert_eq!(said(&mut node, Kind::Response).len(), 0, "there is no room on the way out");
}

#[test]
fn what_a_stranger_asks_for_everybody_is_given_to_it_alone() {
    for (asker, told) in [("made-up", 0), ("kiosk", 1)] {
        let mut node = member();
        ask(&mut node, asker, Ask::Rest(Vec::new()), Some(true));
        assert_eq!(said(&mut node, Kind::Changes).len(), told, "{asker}");
    }
}

#[test]
fn an_answer_that_brings_nothing_ends_a_question_after_half_a_second_for_anybody_may_have_given_it() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 1));
    let other = Digest { sum: [1; 32], documents: 1, changes: 9 };
    say(&mut node, store(), Kind::Digest, "peer", message::to_bytes(&other));
    node.now = node.now.plus_millis(4 * SECOND / 10);
    let questions = said(&mut node, Kind::Request);
    let crate::sync::Request { id, .. } = message::from_bytes(&questions[0].1).unwrap();
    let answer = Answer::Batches { last: true, envelopes: Vec::new() };
    let forged = Response { from: name("peer"), id, answer };
    say(&mut node, store(), Kind::Response, "till", message::to_bytes(&forged));
    for (millis, waits) in [(400, true), (200, false)] {
        node.now = node.now.plus_millis(millis);
        said(&mut node, Kind::Request);
        assert_eq!(node.engine.sync.asking.contains_key(&store()), waits, "after {millis} ms more");
    }
}

#[test]
fn a_digest_that_somebody_says_in_a_nodes_name_is_followed_by_the_true_one_at_once() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 1));
    // The digests of a round are due at the start.
    let own = said(&mut node, Kind::Digest);
    let (_, own) = own.into_iter().find(|(scope, _)| *scope == store()).unwrap();
    node.now = node.now.plus_millis(SECOND / 10);
    say(&mut node, store(), Kind::Digest, "till", own.clone());
    assert_eq!(said(&mut node, Kind::Digest), [], "a broker brings what was said");
    let forged = Digest { sum: [1; 32], documents: 1, changes: 1 };
    say(&mut node, store(), Kind::Digest, "till", message::to_bytes(&forged));
    assert_eq!(said(&mut node, Kind::Digest), [(store(), own)]);
    let nowhere = Scope::Stock(name("nowhere"));
    say(&mut node, nowhere.clone(), Kind::Digest, "till", message::to_bytes(&forged));
    let nothing = Digest { sum: [0; 32], documents: 0, changes: 0 };
    assert_eq!(said(&mut node, Kind::Digest), [(nowhere, message::to_bytes(&nothing))], "it holds nothing of it");
}

#[test]
fn a_digest_that_counts_more_than_there_can_be_is_refused() {
    let mut node = Node::new("till", 1);
    let payload = message::to_bytes(&Digest { sum: [1; 32], documents: 1, changes: u64::MAX });
    let incoming = Incoming { scope: store(), kind: Kind::Digest, from: name("peer"), payload };
    let refused = node.engine.receive(node.now, &mut node.rng, &incoming);
    assert!(refused[0].reason.contains("18446744073709551615"), "{refused:?}");
}

fn presence(node: &mut Node, of: &str, here: bool) {
    say(node, Scope::Fleet, Kind::Presence, of, message::to_bytes(&Presence { here }));
}

#[test]
fn whoever_comes_and_goes_all_the_time_is_told_where_others_stand_about_once_a_second() {
    let comes: [fn(usize) -> String; 2] = [|_| "peer".to_owned(), |number| format!("peer-{number}")];
    for comes in comes {
        let mut node = Node::new("till", 1);
        node.run(receive("milk", 1));
        let (mut digests, seconds) = (0, 60);
        for number in 0..seconds * 100 {
            node.now = node.now.plus_millis(SECOND / 100);
            presence(&mut node, &comes(number), false);
            presence(&mut node, &comes(number), true);
            digests += said(&mut node, Kind::Digest).len();
        }
        // Those of a round come every ten seconds besides, and one is due at the start.
        let most = seconds + seconds / 10 + 1;
        assert!((seconds / 5..=most).contains(&digests), "{digests} digests in {seconds} seconds");
    }
}

#[test]
fn a_clock_that_goes_back_keeps_nobody_waiting_that_comes() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 1));
    node.now = NOON.plus_millis(1_000_000 * SECOND);
    presence(&mut node, "first", true);
    node.now = NOON;
    said(&mut node, Kind::Digest);
    presence(&mut node, "second", true);
    node.now = NOON.plus_millis(SECOND);
    assert_eq!(said(&mut node, Kind::Digest).len(), 1);
}

#[test]
fn that_a_node_is_here_is_said_again_where_the_commit_failed_that_would_have_said_it() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 1));
    said(&mut node, Kind::Presence);
    presence(&mut node, "till", false);
    let _outcome = node.submit(Request::now(sell("milk", 1))).unwrap();
    node.engine.storage.fail();
    assert!(node.engine.commit(node.now).is_err());
    assert_eq!(said(&mut node, Kind::Presence).len(), 1);
    assert_eq!(said(&mut node, Kind::Presence).len(), 0);
}

#[test]
fn who_comes_back_again_soon_after_it_was_told_where_others_stand_is_told_once_more() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 1));
    said(&mut node, Kind::Digest);
    let mut told = Vec::new();
    let came_back = [0, 400, 800];
    for at in 0..2 * SECOND / 10 {
        node.now = NOON.plus_millis(10 * at);
        if came_back.contains(&(10 * at)) {
            presence(&mut node, "peer", false);
            presence(&mut node, "peer", true);
        }
        told.extend(said(&mut node, Kind::Digest).iter().map(|_| 10 * at));
    }
    let after = |back: &i64| told.iter().any(|at| at > back);
    assert!(told.len() == 2 && came_back.iter().all(after), "told at {told:?} ms");
}
