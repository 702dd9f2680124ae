//! Finding out what differs, in fleets with many documents: what it costs.

use tillmesh_core::command::{Command, Outcome, Request};
use tillmesh_core::id::CartId;
use tillmesh_core::money::{Currency, Money, UnitPrice};
use tillmesh_core::sync::Kind;
use tillmesh_sim::traffic::sku;
use tillmesh_sim::{World, check};

const CARTS: usize = 100_000;
const DIFFERING: usize = 10;
/// What the batch of a line in a cart takes at most.
const BATCH_BYTES: u64 = 600;

/// Begins carts at a node; commits many at a time.
fn begin_carts(world: &mut World, node: usize, count: usize) -> Vec<CartId> {
    let mut carts = Vec::new();
    while carts.len() < count {
        for _ in 0..64.min(count - carts.len()) {
            world.submit(node, Request::now(Command::CreateCart { customer: None })).expect("a cart");
        }
        let begun = world.nodes[node].pending.iter().filter_map(|(_, outcome)| match outcome {
            Outcome::Cart { id, .. } => Some(*id),
            _ => None,
        });
        carts.extend(begun);
        world.commit(node);
        world.write_behind(node, 4_096);
    }
    carts
}

fn put_in(cart: CartId) -> Request {
    let price = UnitPrice::of(Money { amount: 99, currency: Currency::new("GBP").expect("a currency") });
    Request::now(Command::AddToCart { cart, sku: sku(1), quantity: 1, unit_price: Some(price) })
}

fn documents(world: &World, node: usize) -> usize {
    let engine = world.nodes[node].engine.as_ref().expect("it runs");
    engine.view().read().expect("no thread panicked").documents.len()
}

#[test]
fn of_a_hundred_thousand_documents_the_ten_that_differ_are_found_in_three_round_trips_and_20_kb() {
    let mut world = World::new(1);
    world.add("web", "shop");
    let carts = begin_carts(&mut world, 0, CARTS);
    let disk = world.nodes[0].disk.restored();
    world.add_on("kiosk", "shop", disk);
    world.settle();
    assert!(documents(&world, 0) >= CARTS);
    assert_eq!(documents(&world, 1), documents(&world, 0));

    world.link(1, false);
    for cart in carts.iter().step_by(CARTS / DIFFERING) {
        world.run(0, put_in(*cart));
    }
    world.pass(10_000, false);
    let before = world.network.traffic.clone();
    world.link(1, true);
    world.pass(15_000, false);
    println!("{:?} {:?}", world.network.traffic, before);
    assert!(world.heads_agree(), "the carts were found");
    let spent = world.network.traffic.since(&before);
    let ((requests, asked), (responses, answered)) = (spent.of(Kind::Request), spent.of(Kind::Response));
    println!("{requests} requests, {asked} bytes; {responses} responses, {answered} bytes with the batches");
    assert!((1..=3).contains(&requests) && responses <= 3, "{requests} requests, {responses} responses");
    let missing = DIFFERING as u64 * BATCH_BYTES;
    assert!(asked + answered <= 20_000 + missing, "{asked} and {answered} bytes");
}

#[test]
fn a_newcomer_fetches_thousands_of_documents_without_waiting_for_digests() {
    let mut world = World::new(2);
    world.add("web", "shop");
    let carts = begin_carts(&mut world, 0, 3_000);
    world.add("kiosk", "shop");
    // Less than the time from one digest to the next.
    world.pass(9_000, false);
    println!("{:?}", world.network.traffic);
    assert_eq!(documents(&world, 1), documents(&world, 0));
    // A node that holds a part finds the rest.
    world.link(1, false);
    begin_carts(&mut world, 0, 2_000);
    world.run(0, put_in(carts[7]));
    world.link(1, true);
    world.pass(15_000, false);
    assert!(world.heads_agree());
    world.settle();
    check::everything(&world);
}
