use super::*;

const SCOPE: Scope = Scope::Catalog;
const OWN: [u8; 32] = [1; 32];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000 + seconds * 1_000)
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A peer whose turn comes after so many seconds.
fn candidate(peer: &str, preferred: bool, why: Why, seconds: i64) -> Candidate {
    Candidate { peer: name(peer), preferred, why, at: at(seconds), since: at(0), sum: [2; 32], own: OWN, crowd: false }
}

fn with(candidates: impl IntoIterator<Item = Candidate>) -> Differing {
    let mut differing = Differing::default();
    candidates.into_iter().for_each(|candidate| differing.insert(&SCOPE, candidate));
    differing
}

fn taken(differing: &mut Differing, seconds: i64) -> Option<Name> {
    differing.take_due(at(seconds), &SCOPE).map(|candidate| candidate.peer)
}

#[test]
fn names_are_doubted_after_three_questions_in_a_row_that_brought_nothing() {
    let mut differing = Differing::default();
    let mut doubts = |news| {
        differing.note_mere_name(news);
        differing.doubts_names()
    };
    assert_eq!([false, false, true, false, false, false].map(&mut doubts), [false, false, false, false, false, true]);
    assert!(!doubts(true), "a name that brings news ends it");
}

#[test]
fn a_preferred_peer_goes_first_and_one_whose_turn_has_not_come_holds_up_nobody() {
    let mut differing = with([candidate("name", false, Why::Differs, 1), candidate("till", true, Why::Differs, 1)]);
    assert_eq!(taken(&mut differing, 0), None);
    assert_eq!([taken(&mut differing, 1), taken(&mut differing, 1)], [Some(name("till")), Some(name("name"))]);
    let mut differing = with([candidate("name", false, Why::Differs, 1), candidate("till", true, Why::Differs, 9)]);
    assert_eq!([taken(&mut differing, 1), taken(&mut differing, 1)], [Some(name("name")), None]);
    assert_eq!((differing.next(|_| true), differing.next(|_| false)), (Some(at(9)), None));
}

#[test]
fn who_is_remembered_keeps_its_own_place_only_and_a_real_reason_takes_it_from_one_that_was_told() {
    let told = with([candidate("name", false, Why::Told, 1)]);
    let has = |differing: &Differing, peer, preferred, why| differing.has_for(&SCOPE, &name(peer), preferred, why);
    assert!(has(&told, "other", false, Why::Told));
    assert!(!has(&told, "other", false, Why::Differs));
    assert!(!has(&told, "till", true, Why::Told), "no name keeps a preferred peer from being asked");
    let differs = with([candidate("till", true, Why::Differs, 1)]);
    assert!(has(&differs, "till", false, Why::Early), "it has a place already");
    assert!(!has(&differs, "name", false, Why::Differs));
}

#[test]
fn an_equal_digest_ends_what_its_peer_was_told_and_is_believed_of_a_difference_once_something_was_learnt() {
    let mut differing = with([candidate("name", false, Why::Told, 1), candidate("till", true, Why::Differs, 1)]);
    differing.hear_equal(&SCOPE, &name("name"), &OWN);
    differing.hear_equal(&SCOPE, &name("till"), &OWN);
    assert_eq!(differing.scopes().count(), 1, "the till had something that this node still lacks");
    differing.hear_equal(&SCOPE, &name("somebody"), &[3; 32]);
    assert_eq!(differing.scopes().count(), 1, "it is another's place");
    differing.hear_equal(&SCOPE, &name("till"), &[3; 32]);
    assert_eq!(differing.scopes().count(), 0);
}

#[test]
fn a_clock_that_went_back_lets_nobody_wait_longer_than_the_longest_wait() {
    let mut differing = with([candidate("till", true, Why::Told, 1_000), candidate("name", false, Why::Told, 1)]);
    differing.clamp(at(-1_000));
    let longest = SETTLE_MILLIS + AHEAD_MILLIS + 5 * MOST_SPREAD_MILLIS;
    let turns: Vec<_> = differing.of_mut(&SCOPE).map(|candidate| (candidate.at, candidate.since)).collect();
    assert_eq!(turns, [(at(-1_000).plus_millis(longest), at(-1_000)); 2]);
}
