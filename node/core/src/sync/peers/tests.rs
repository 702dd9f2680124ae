use super::*;

fn at(millis: usize) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

fn name(number: usize) -> Name {
    Name::new(&format!("peer{number}")).unwrap()
}

fn stock(number: usize) -> Scope {
    Scope::Stock(name(number))
}

fn heard(millis: usize) -> PeerScope {
    PeerScope { heard_at: at(millis), ..PeerScope::default() }
}

#[test]
fn names_that_somebody_makes_up_put_no_peer_out_of_mind_that_more_is_known_of() {
    let mut peers = Peers::new(name(0));
    peers.hear(&name(1), at(1)).proved = true;
    peers.hear(&name(2), at(2));
    for number in 3..3 + 2 * MAX_PEERS {
        peers.hear(&name(number), at(number));
    }
    assert_eq!(peers.len(), MAX_PEERS);
    assert!(peers.peer(&name(1)).is_some() && peers.peer(&name(2)).is_none());
}

#[test]
fn the_peer_that_was_heard_longest_ago_makes_room_where_more_is_known_of_all() {
    let mut peers = Peers::new(name(0));
    for number in 1..=MAX_PEERS + 1 {
        peers.hear(&name(number), at(number)).proved = true;
    }
    assert!(peers.peer(&name(1)).is_none() && peers.peer(&name(2)).is_some());
}

#[test]
fn of_too_many_scopes_of_a_peer_the_newest_are_known() {
    let mut peers = Peers::new(name(0));
    peers.hear(&name(1), at(0));
    for number in 0..=MAX_SCOPES {
        peers.note(&name(1), &stock(number), heard(number));
    }
    assert_eq!(peers.peer(&name(1)).unwrap().scopes.len(), MAX_SCOPES);
    assert!(peers.scope(&name(1), &stock(0)).is_none() && peers.scope(&name(1), &stock(MAX_SCOPES)).is_some());
}

#[test]
fn of_all_peers_who_said_most_makes_room() {
    let mut peers = Peers::new(name(0));
    peers.hear(&name(0), at(0));
    peers.note(&name(0), &stock(0), heard(0));
    let full = MAX_SCOPES_IN_ALL / MAX_SCOPES;
    for peer in 1..=full {
        peers.hear(&name(peer), at(peer));
        (0..MAX_SCOPES).for_each(|number| peers.note(&name(peer), &stock(number), heard(number)));
    }
    let all = |peers: &Peers| peers.iter().map(|(_, peer)| peer.scopes.len()).sum::<usize>();
    assert_eq!((all(&peers), peers.scopes), (MAX_SCOPES_IN_ALL, MAX_SCOPES_IN_ALL));
    assert!(peers.scope(&name(0), &stock(0)).is_some(), "it said little");

    // What was said by those that are forgotten counts no more.
    for number in 0..MAX_PEERS {
        peers.hear(&name(full + 1 + number), at(full + 1 + number)).proved = true;
    }
    assert_eq!((all(&peers), peers.scopes), (0, 0));
}
