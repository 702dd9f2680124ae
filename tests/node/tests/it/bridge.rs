//! A node between two brokers: a store's and the headquarters'.

use serde_json::Value;
use tillmesh_examples::proxy::Proxy;

use crate::support::mqtt::Stranger;
use crate::support::{Node, Setup, eventually};

/// A store with a broker of its own, the headquarters with another, and between them a bridge whose line to the
/// headquarters can be cut.
struct World {
    till: Node,
    bridge: Node,
    web: Node,
    line: Proxy,
}

impl World {
    fn open() -> Self {
        let till = Setup::new("till").location("shop").with_broker().start();
        let web = Setup::new("web").location("web").with_broker().start();
        let line = Proxy::start(web.broker()).unwrap();
        // The brokers need not speak the same version of MQTT.
        let bridge = bridge("bridge", &till, &line, "protocol = \"5\"\n").start();
        let world = Self { till, bridge, web, line };
        world.till.receive("opening", "A", 20);
        world.agree();
        world
    }

    fn nodes(&self) -> [&Node; 3] {
        [&self.till, &self.bridge, &self.web]
    }

    #[track_caller]
    fn agree(&self) {
        all_agree(&self.nodes());
    }

    #[track_caller]
    fn hold(&self, units: i64) {
        for node in self.nodes() {
            eventually(&format!("{} holds {units}", node.name()), || node.on_hand("A") == Some(units));
        }
        self.agree();
    }

    fn link(&self, name: &str) -> Value {
        self.bridge.get("/v1/node").ok()[name]["state"].clone()
    }
}

/// A node between the broker of the till and that behind the line.
fn bridge(name: &str, till: &Node, line: &Proxy, settings: &str) -> Setup {
    let broker = format!("[bridge]\nbroker = \"mqtt://{}\"\n{settings}", line.address());
    Setup::new(name).location("shop").linked_to(till.broker()).settings(&broker)
}

#[track_caller]
fn all_agree(nodes: &[&Node]) {
    eventually("all hold the same", || {
        let states: Vec<_> = nodes.iter().map(|node| node.state()).collect();
        states.windows(2).all(|pair| pair[0] == pair[1])
    });
}

#[test]
fn what_happens_at_either_broker_is_known_at_the_other() {
    let world = World::open();
    world.till.put_product("A", 250);
    world.till.sell("till", "A", 3);
    world.web.sell("web", "A", 2);
    world.bridge.sell("bridge", "A", 1);
    world.agree();
    let expected = world.till.on_hand("A");
    assert_eq!(expected, Some(20 - 3 - 2 - 1));
    eventually("the web has the product", || world.web.get("/v1/products/A").status == 200);
    let cart = world.web.cart_of("cart", "A", 1);
    eventually("the till has the cart", || world.till.get(&format!("/v1/carts/{cart}")).status == 200);
    world.agree();
    // Nobody but the bridge hears of both sides.
    let peers = |node: &Node| {
        let listed = node.client().list("/v1/peers").unwrap();
        listed.iter().map(|peer| peer["node"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (node, expected) in
        [(&world.bridge, vec!["till", "web"]), (&world.web, vec!["bridge"]), (&world.till, vec!["bridge"])]
    {
        eventually("a node hears those at its brokers", || peers(node) == expected);
    }
}

#[test]
fn a_store_whose_line_to_the_headquarters_is_cut_goes_on_and_joins_again() {
    let world = World::open();
    world.line.cut();
    eventually("the bridge has noticed", || world.link("bridge") == "down");
    assert_eq!(world.link("link"), "up");
    let metrics = world.bridge.get("/metrics").text();
    for series in [r#"tillmesh_link_up{link="mqtt"} 1"#, r#"tillmesh_link_up{link="bridge"} 0"#] {
        assert!(metrics.contains(series), "{series} in\n{metrics}");
    }
    world.till.sell("till", "A", 3);
    world.web.sell("web", "A", 2);
    eventually("the store goes on", || world.bridge.on_hand("A") == Some(17));
    assert_eq!(world.web.on_hand("A"), Some(18));
    world.line.mend();
    world.hold(15);
    assert_eq!(world.link("bridge"), "up");
}

#[test]
fn a_bridge_that_was_away_makes_up_for_both_sides() {
    let mut world = World::open();
    world.bridge.kill();
    world.till.sell("till", "A", 3);
    world.web.sell("web", "A", 2);
    assert_eq!((world.till.on_hand("A"), world.web.on_hand("A")), (Some(17), Some(18)));
    world.bridge.restart();
    world.hold(15);
}

#[test]
fn a_newcomer_behind_one_broker_gets_from_the_bridge_what_happened_behind_the_other() {
    let mut world = World::open();
    for number in 0..30 {
        world.till.sell(&format!("sale-{number}"), &format!("SKU-{number}"), 1);
    }
    world.agree();
    // The only other node behind this broker forgets everything, while nobody who wrote it can be reached from there.
    world.web.kill();
    world.till.sell("late", "A", 1);
    world.web.delete_data();
    world.web.restart();
    world.hold(19);
}

#[test]
fn two_bridges_between_the_same_brokers_pass_a_batch_on_once_each_and_come_to_rest() {
    const SALES: usize = 40;
    let world = World::open();
    let second = bridge("second", &world.till, &world.line, "").start();
    let nodes = [&world.till, &world.bridge, &second, &world.web];
    all_agree(&nodes);
    let mut strangers = [&world.till, &world.web].map(|node| {
        let mut stranger = Stranger::connect(node.broker(), "stranger");
        stranger.subscribe("tm/1/tests/#");
        stranger
    });
    for number in 0..SALES {
        world.till.sell(&format!("till-{number}"), "A", 1);
        world.web.sell(&format!("web-{number}"), "A", 1);
    }
    all_agree(&nodes);
    for stranger in &mut strangers {
        // Each bridge says three digests after everybody holds the same: what still went round would be heard.
        let mut digests = [0, 0];
        let mut changes = 0;
        while digests.iter().any(|count| *count < 3) {
            let (topic, _) = stranger.message();
            let levels: Vec<&str> = topic.split('/').collect();
            match levels[4..] {
                ["changes", _] => changes += 1,
                ["digest", node] if levels[3] == "stock-shop" => {
                    let place = ["bridge", "second"].iter().position(|name| *name == node);
                    place.into_iter().for_each(|place| digests[place] += 1);
                }
                _ => {}
            }
        }
        // Its author says a batch once on its own broker, and each bridge once on the other; a bridge that hears of it
        // from the other bridge first says it once where it came from.
        assert!(changes <= 4 * SALES, "{changes} messages of changes for {} sales", 2 * SALES);
    }
    let refused = |node: &Node| node.get("/metrics").text().contains("tillmesh_refused_envelopes_total{");
    assert!(nodes.iter().all(|node| !refused(node)));
}

#[test]
fn only_the_scopes_of_the_bridge_go_over_it() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let web = Setup::new("web").location("web").with_broker().start();
    let line = Proxy::start(web.broker()).unwrap();
    let bridge = bridge("bridge", &till, &line, "scopes = [\"stock-<location>\"]\n").start();
    till.put_product("A", 250);
    till.receive("opening", "A", 20);
    web.put_product("B", 100);
    web.receive("opening", "B", 5);
    eventually("the web knows the shop's stock", || web.on_hand("A") == Some(20));
    eventually("the bridge knows the shop's product", || bridge.get("/v1/products/A").status == 200);
    // Whatever else was to go over the bridge would have gone before this.
    till.sell("last", "A", 1);
    eventually("the web knows the last sale", || web.on_hand("A") == Some(19));
    assert_eq!(web.get("/v1/products/A").status, 404, "the catalogue stays in the store");
    assert_eq!((bridge.on_hand("B"), till.on_hand("B")), (None, None), "the web's stock stays outside");
}
