use super::*;

struct Links {
    routes: Routes,
    own: Waiting,
    bridge: Waiting,
}

fn links(bridged: &[&str]) -> Links {
    let mut routes = Routes::new(Arc::default());
    let own = routes.open(LinkName::Mqtt, Interest::all());
    let scopes = bridged.iter().map(|text| text.parse().unwrap()).collect();
    let bridge = routes.open(LinkName::Bridge, Interest::new(scopes));
    Links { routes, own, bridge }
}

impl Links {
    /// How many messages left on each link.
    fn left(&mut self) -> (usize, usize) {
        let count = |waiting: &mut Waiting| std::iter::from_fn(|| waiting.0.try_recv().ok()).count();
        (count(&mut self.own), count(&mut self.bridge))
    }

    fn post(&mut self, effects: Vec<Effect>, relays: Vec<Relay>) -> (usize, usize) {
        self.routes.post(Committed { position: None, effects, relays });
        self.left()
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn relay(from: &str) -> Relay {
    Relay { scope: Scope::Catalog, envelope: vec![1], heard_from: name(from) }
}

fn to(peer: Option<&str>) -> Effect {
    Effect::Send { scope: Scope::Catalog, kind: Kind::Request, to: peer.map(name), payload: vec![1] }
}

#[test]
fn own_batches_and_what_is_for_everybody_leave_on_both_links() {
    let mut links = links(&["*"]);
    links.routes.note(name("a"), LinkName::Mqtt);
    let batch = Effect::Batch { scope: Scope::Catalog, envelope: vec![1] };
    assert_eq!(links.post(vec![batch, to(None)], Vec::new()), (2, 2));
}

#[test]
fn what_is_for_a_peer_leaves_where_it_was_heard_last_and_of_a_stranger_on_both() {
    let mut links = links(&["*"]);
    links.routes.note(name("a"), LinkName::Mqtt);
    assert_eq!(links.post(vec![to(Some("a"))], Vec::new()), (1, 0));
    links.routes.note(name("a"), LinkName::Bridge);
    assert_eq!(links.post(vec![to(Some("a"))], Vec::new()), (0, 1));
    assert_eq!(links.post(vec![to(Some("stranger"))], Vec::new()), (1, 1));
}

#[test]
fn a_batch_is_passed_on_where_it_was_not_heard() {
    let mut links = links(&["*"]);
    links.routes.note(name("a"), LinkName::Mqtt);
    links.routes.note(name("c"), LinkName::Bridge);
    assert_eq!(links.post(Vec::new(), vec![relay("a")]), (0, 1));
    assert_eq!(links.post(Vec::new(), vec![relay("c"), relay("c")]), (2, 0));
}

#[test]
fn only_what_a_link_carries_leaves_on_it() {
    let mut links = links(&["stock-1"]);
    links.routes.note(name("a"), LinkName::Mqtt);
    assert_eq!(links.post(vec![to(None)], vec![relay("a")]), (1, 0));
    let stock = Effect::Batch { scope: "stock-1".parse().unwrap(), envelope: vec![1] };
    assert_eq!(links.post(vec![stock], Vec::new()), (1, 1));
}

#[test]
fn of_more_peers_than_are_remembered_the_one_heard_longest_ago_is_a_stranger_again() {
    let mut links = links(&["*"]);
    for number in 0..=MAX_HEARD {
        links.routes.note(name(&format!("n{number}")), LinkName::Mqtt);
    }
    assert_eq!(links.routes.heard.len(), MAX_HEARD);
    assert_eq!(links.post(vec![to(Some("n0"))], Vec::new()), (1, 1));
    assert_eq!(links.post(vec![to(Some("n1"))], Vec::new()), (1, 0));
}

#[test]
fn what_waits_for_a_link_is_bounded_and_counted() {
    let mut links = links(&["*"]);
    let many = |count| (0..count).map(|_| to(None)).collect();
    links.routes.post(Committed { effects: many(MAX_OUTBOX + 5), ..Committed::default() });
    assert!(links.routes.outboxes.iter().all(|outbox| outbox.bytes.load(Relaxed) == MAX_OUTBOX));
    assert_eq!(links.left(), (MAX_OUTBOX, MAX_OUTBOX));
}

#[test]
fn few_large_messages_are_bounded_as_well() {
    let mut links = links(&["*"]);
    let batch = || Effect::Batch { scope: Scope::Catalog, envelope: vec![0; MAX_PAYLOAD] };
    let fit = MAX_OUTBOX_BYTES / MAX_PAYLOAD;
    assert_eq!(links.post((0..2 * fit).map(|_| batch()).collect(), Vec::new()), (fit, fit));
}

#[test]
fn a_link_without_room_holds_up_its_own_peers_only() {
    const MOST: usize = 4 * MAX_PAYLOAD;
    let mut links = links(&["*"]);
    links.routes.note(name("a"), LinkName::Mqtt);
    links.routes.note(name("c"), LinkName::Bridge);
    assert_eq!(links.routes.room(MOST), (MOST, BTreeSet::new()));
    let answer = |peer, bytes| {
        let (scope, kind, to) = (Scope::Catalog, Kind::Response, Some(name(peer)));
        let effects = vec![Effect::Send { scope, kind, to, payload: vec![0; bytes] }];
        links.routes.post(Committed { effects, ..Committed::default() });
        links.routes.room(MOST)
    };
    assert_eq!(answer("c", MOST), (MOST, BTreeSet::from([name("c")])));
    assert_eq!(answer("a", MAX_PAYLOAD), (MOST - MAX_PAYLOAD, BTreeSet::from([name("c")])));
    assert_eq!(answer("a", MOST), (0, BTreeSet::from([name("a"), name("c")])));
}

#[test]
fn a_node_without_a_broker_has_room() {
    let routes = Routes::new(Arc::default());
    assert_eq!(routes.room(7), (7, BTreeSet::new()));
}
