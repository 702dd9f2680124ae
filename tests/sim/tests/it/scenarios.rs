//! Courses of events that have a name: each plays one thing that happens to shops, and says what must come of it.

use std::collections::BTreeSet;

use tillmesh_core::cart::{checkouts, continuation_of};
use tillmesh_core::channel::{ChannelCommand, CommandLine, LineContent, StatedTotals, StockLine};
use tillmesh_core::command::{Command, LineRequest, Outcome, Priced, Request};
use tillmesh_core::document::Scope;
use tillmesh_core::event::Body;
use tillmesh_core::history::read_commit;
use tillmesh_core::id::{CartId, Reference};
use tillmesh_core::money::{Currency, Money, UnitPrice};
use tillmesh_core::refusal::Refusal;
use tillmesh_core::stock::StockRow;
use tillmesh_core::sync::{Incoming, Kind, pack};
use tillmesh_core::time::Timestamp;
use tillmesh_sim::network::Weather;
use tillmesh_sim::node::name;
use tillmesh_sim::reference::events_in_log;
use tillmesh_sim::traffic::{count, receive, sell, sku};
use tillmesh_sim::{Failure, World, check};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Nodes of one shop that know of some goods.
fn shop(nodes: usize, goods: i64) -> World {
    let mut world = World::new(1);
    for node in 0..nodes {
        world.add(&format!("till{node}"), "shop");
    }
    world.run(0, Request::now(receive(&sku(1), goods)));
    world.pass(5 * SECOND, false);
    assert!((0..nodes).all(|node| on_hand(&world, node) == goods), "everybody heard of the goods");
    world
}

fn stock(world: &World, node: usize) -> StockRow {
    let engine = world.nodes[node].engine.as_ref().expect("it runs");
    let view = engine.view();
    let view = view.read().expect("no thread panicked");
    view.stock.get(&(world.nodes[node].location.clone(), sku(1))).cloned().unwrap_or_default()
}

fn on_hand(world: &World, node: usize) -> i64 {
    stock(world, node).on_hand()
}

fn sale(quantity: i64) -> Request {
    Request::now(sell(&sku(1), quantity))
}

/// Time passes, too much of it to play every digest.
fn later(world: &mut World, millis: i64) {
    world.now += millis;
    world.pass(2 * SECOND, false);
}

/// Everybody meets; everything must hold; gives what everybody has on hand.
fn ends_with(world: &mut World) -> i64 {
    world.settle();
    check::everything(world);
    on_hand(world, 0)
}

fn sales_in_log(world: &World, node: usize) -> usize {
    let log = events_in_log(&world.nodes[node].disk);
    let sales: BTreeSet<_> =
        log.iter().filter(|(event, _)| matches!(event.body, Body::Sale(_))).map(|(event, _)| event.id).collect();
    sales.len()
}

fn pound(amount: i64) -> UnitPrice {
    UnitPrice::of(Money { amount, currency: Currency::new("GBP").expect("a currency") })
}

fn put_in(cart: CartId, number: u64) -> Request {
    Request::now(Command::AddToCart { cart, sku: sku(number), quantity: 1, unit_price: Some(pound(99)) })
}

fn begin_cart(world: &mut World, node: usize) -> CartId {
    world.submit(node, Request::now(Command::CreateCart { customer: None })).expect("a cart");
    let Some((_, Outcome::Cart { id, .. })) = world.nodes[node].pending.last() else { panic!("a cart comes of it") };
    let id = *id;
    world.commit(node);
    id
}

fn fork_cart(world: &mut World, node: usize, cart: CartId) -> CartId {
    world.submit(node, Request::now(Command::ForkCart { cart })).expect("a fork");
    let Some((_, Outcome::Cart { id, .. })) = world.nodes[node].pending.last() else { panic!("a cart comes of it") };
    let id = *id;
    world.commit(node);
    id
}

fn check_out(world: &World, node: usize, cart: CartId) -> Request {
    let row = world.nodes[node].cart(cart).expect("it was heard of");
    let add_ids = row.lines().into_iter().map(|(id, _)| id.clone()).collect();
    let line = |quantity, unit_price, sku| LineRequest { sku, quantity, unit_price, amount: None };
    let lines = row.lines().into_iter().map(|(_, found)| line(found.quantity, found.unit_price, found.sku.clone()));
    let priced = Priced { add_ids, lines: lines.collect(), adjustments: Vec::new(), proof: None };
    Request::now(Command::Checkout { cart, priced, tenders: Vec::new() })
}

fn skus_of(world: &World, node: usize, cart: CartId) -> Vec<String> {
    let row = world.nodes[node].cart(cart).expect("it was heard of");
    row.lines().into_iter().map(|(_, line)| line.sku.to_string()).collect()
}

#[test]
fn a_node_that_was_away_for_days_is_equal_afterwards() {
    let mut world = shop(3, 100);
    world.link(2, false);
    for _day in 0..4 {
        for node in 0..3 {
            world.run(node, sale(2));
        }
        later(&mut world, DAY);
    }
    assert_eq!(on_hand(&world, 2), 92, "it knows of its own sales only");
    assert_eq!(on_hand(&world, 0), 84, "nobody knows of its sales");
    assert_eq!(ends_with(&mut world), 76);
}

#[test]
fn a_node_that_starts_empty_catches_up_though_much_is_lost_on_the_way() {
    let mut world = shop(2, 1_000);
    let cart = begin_cart(&mut world, 0);
    for number in 0..60 {
        world.run(number % 2, sale(1));
        world.run(number % 2, put_in(cart, 2));
        later(&mut world, HOUR / 2);
    }
    world.weather = Weather { loss: 30, twice: 10, delay: 2_000 };
    let newcomer = world.add("newcomer", "shop");
    world.pass(60 * SECOND, false);
    assert_eq!(ends_with(&mut world), 940);
    assert_eq!(on_hand(&world, newcomer), 940);
    assert_eq!(skus_of(&world, newcomer, cart).len(), 60);
}

#[test]
fn two_nodes_that_sell_the_last_piece_apart_both_sold_it_and_the_number_says_so() {
    let mut world = shop(2, 1);
    world.divide(|node| u8::from(node == 1));
    world.run(0, sale(1));
    world.run(1, sale(1));
    world.pass(30 * SECOND, false);
    assert_eq!((on_hand(&world, 0), on_hand(&world, 1)), (0, 0), "each saw one and sold it");
    assert_eq!(ends_with(&mut world), -1);
    assert_eq!(sales_in_log(&world, 0), 2);
}

/// A count of seven at node 0 and a sale of two at node 1 that do not know of each other.
fn count_and_sale(sale_first: bool) -> World {
    let mut world = shop(2, 10);
    world.divide(|node| u8::from(node == 1));
    if sale_first {
        world.run(1, sale(2));
        world.pass(60 * SECOND, false);
    }
    world.run(0, Request::now(count(&sku(1), 7)));
    if !sale_first {
        world.pass(60 * SECOND, false);
        world.run(1, sale(2));
    }
    world
}

#[test]
fn a_sale_made_before_a_count_that_had_not_heard_of_it_is_not_taken_off_twice() {
    let mut world = count_and_sale(true);
    assert_eq!(ends_with(&mut world), 7, "the shelf was counted after the goods had left");
}

#[test]
fn a_sale_made_after_a_count_that_it_had_not_heard_of_is_taken_off() {
    let mut world = count_and_sale(false);
    assert_eq!(ends_with(&mut world), 5, "the goods were on the shelf when it was counted");
}

#[test]
fn a_sale_that_the_counter_had_heard_of_is_covered_though_its_clock_is_ahead() {
    let mut world = shop(2, 10);
    world.nodes[1].clock_error = HOUR;
    world.run(1, sale(2));
    world.pass(30 * SECOND, false);
    world.run(0, Request::now(count(&sku(1), 8)));
    assert_eq!(ends_with(&mut world), 8);
}

#[test]
fn a_cart_goes_on_at_another_node_while_the_first_is_cut_off() {
    let mut world = shop(2, 10);
    let cart = begin_cart(&mut world, 0);
    world.run(0, put_in(cart, 2));
    world.pass(5 * SECOND, false);
    world.link(0, false);
    world.run(1, put_in(cart, 3));
    world.run(0, put_in(cart, 4));
    let fork = fork_cart(&mut world, 1, cart);
    let sold = check_out(&world, 1, fork);
    world.run(1, sold);
    ends_with(&mut world);
    for node in 0..2 {
        let row = world.nodes[node].cart(fork).expect("a cart");
        assert_eq!((row.checkouts().len(), row.forked_from()), (1, Some(cart)));
        assert_eq!(row.sold_lines().len(), 2, "what the customer saw at the second node");
        assert_eq!(skus_of(&world, node, cart), ["sku 4"], "the holder's cart goes on with what was not sold");
    }
}

#[test]
fn lines_that_a_node_cut_off_adds_to_a_sold_cart_open_the_same_new_cart_everywhere() {
    let mut world = shop(3, 10);
    let cart = begin_cart(&mut world, 0);
    world.run(0, put_in(cart, 1));
    world.pass(5 * SECOND, false);
    world.link(2, false);
    world.run(2, put_in(cart, 3));
    world.run(2, put_in(cart, 4));
    let sold = check_out(&world, 0, cart);
    world.run(0, sold);
    assert_eq!(ends_with(&mut world), 9);
    for node in 0..3 {
        assert_eq!(skus_of(&world, node, continuation_of(cart)), ["sku 3", "sku 4"]);
    }
    let sold = check_out(&world, 0, continuation_of(cart));
    world.run(0, sold);
    ends_with(&mut world);
    assert_eq!(world.nodes[2].cart(continuation_of(cart)).expect("a cart").sold_lines().len(), 2);
}

#[test]
fn a_cart_and_its_fork_that_were_checked_out_apart_both_stand() {
    let mut world = shop(2, 10);
    let cart = begin_cart(&mut world, 0);
    world.run(0, put_in(cart, 1));
    world.pass(5 * SECOND, false);
    world.divide(|node| u8::from(node == 1));
    let elsewhere = check_out(&world, 1, cart);
    let refused = world.submit(1, elsewhere);
    assert!(matches!(refused, Err(Refusal::CartHeldElsewhere { .. })), "{refused:?}");
    let fork = fork_cart(&mut world, 1, cart);
    for (node, cart) in [(0, cart), (1, fork)] {
        let sold = check_out(&world, node, cart);
        world.run(node, sold);
    }
    assert_eq!(ends_with(&mut world), 8, "both sold: what was paid is never dropped");
    for node in 0..2 {
        let [row, forked] = [cart, fork].map(|cart| world.nodes[node].cart(cart).expect("a cart"));
        assert!(row.forks().contains(&fork));
        let settled = checkouts(&row, [&forked]);
        assert_eq!(settled.winner.map(|it| it.order), Some(row.checkouts()[0].order), "the holder's order stands");
        assert_eq!(settled.losers.len(), 1);
    }
}

#[test]
fn a_checkout_at_another_node_goes_through_once_the_token_has_come() {
    let mut world = shop(2, 10);
    let cart = begin_cart(&mut world, 0);
    world.run(0, put_in(cart, 1));
    world.pass(5 * SECOND, false);
    let elsewhere = check_out(&world, 1, cart);
    let refused = world.submit(1, elsewhere.clone());
    assert!(matches!(refused, Err(Refusal::CartHeldElsewhere { asked: true, .. })), "{refused:?}");
    world.commit(1);
    world.pass(SECOND, false);
    world.run(1, elsewhere);
    assert_eq!(ends_with(&mut world), 9);
}

fn web_order(message: &str, quantity: u64) -> Request {
    let line = CommandLine { content: LineContent::Sku(sku(1)), quantity, unit_price: None, amount: None };
    let order = ChannelCommand::PlaceOrder {
        reference: Reference::new("order 7").expect("a reference"),
        lines: vec![line],
        customer_ref: None,
        currency: Currency::new("GBP").expect("a currency"),
        stated: StatedTotals::default(),
        placed_at: Timestamp::from_millis(tillmesh_sim::world::START),
        location: Some(name("shop")),
    };
    let command = Command::of_channel(message, vec![order]);
    Request { channel: Some(name("web")), ..Request::now(command) }
}

#[test]
fn the_same_message_of_a_channel_at_two_nodes_counts_once() {
    let mut world = shop(2, 10);
    world.divide(|node| u8::from(node == 1));
    world.run(0, web_order("webhook 1", 3));
    world.run(1, web_order("webhook 1", 3));
    world.run(1, web_order("webhook 2", 3));
    assert_eq!(ends_with(&mut world), 10);
    for node in 0..2 {
        assert_eq!((stock(&world, node).open(), stock(&world, node).available()), (3, 7));
    }
    world.run(0, web_order("webhook 1", 3));
    assert_eq!(stock(&world, 0).open(), 3, "sent once more, after everybody knew");
}

/// A channel's stock-take of one SKU, a minute after the start.
fn stock_take(number: u64, quantity: u64) -> Request {
    let counted = ChannelCommand::CountStock {
        reference: Reference::new("stock-take").expect("a reference"),
        lines: vec![StockLine { sku: sku(number), quantity }],
        counted_at: Timestamp::from_millis(tillmesh_sim::world::START + 60 * SECOND),
        location: Some(name("shop")),
    };
    let command = Command::of_channel("stock-take", vec![counted]);
    Request { channel: Some(name("web")), ..Request::now(command) }
}

/// One message that says another thing at each of two nodes: one of them counts, the same one everywhere. Gives what is
/// on hand.
fn counted_in_two_ways(quantity: u64) -> i64 {
    let mut world = shop(3, 10);
    world.link(2, false);
    world.run(0, stock_take(1, quantity));
    let earlier = Timestamp::from_millis(tillmesh_sim::world::START + 30 * SECOND);
    world.run(1, Request { occurred_at: Some(earlier), ..Request::now(count(&sku(1), 8)) });
    world.pass(5 * SECOND, false);
    world.run(2, stock_take(2, 3));
    ends_with(&mut world)
}

#[test]
fn a_count_that_loses_to_another_content_of_its_message_leaves_the_count_before_it() {
    let outcomes: Vec<i64> = (1..7).map(counted_in_two_ways).collect();
    assert!(outcomes.contains(&8), "where it lost, the earlier count holds: {outcomes:?}");
    let won = (1..7).zip(&outcomes).filter(|(quantity, outcome)| quantity == *outcome).count();
    assert_eq!(won + outcomes.iter().filter(|outcome| **outcome == 8).count(), 6, "it won or it lost: {outcomes:?}");
    assert!(won > 0, "and it won now and then: {outcomes:?}");
}

#[test]
fn what_is_heard_between_two_sales_of_one_commit_stands_between_them_after_a_start() {
    let mut world = shop(2, 10);
    world.link(1, false);
    world.run(1, sale(1));
    let disk = &world.nodes[1].disk;
    let last = (1..).map_while(|position| read_commit(disk, position).ok()).last().expect("it sold");
    let envelopes: Vec<Vec<u8>> = last.envelopes.into_iter().map(Vec::from).collect();
    let (scope, payload) = (Scope::Stock(name("shop")), pack(&envelopes));
    world.submit(0, sale(2)).expect("a sale");
    let message = Incoming { scope, kind: Kind::Changes, from: name("till1"), payload };
    assert_eq!(world.nodes[0].receive(world.now, &message), []);
    world.submit(0, sale(3)).expect("a sale");
    world.commit(0);
    world.crash(0);
    world.start(0);
    assert_eq!(on_hand(&world, 0), 4);
    assert_eq!(ends_with(&mut world), 4);
}

#[test]
fn everything_that_two_nodes_on_copies_of_one_disk_sold_counts() {
    let mut world = shop(2, 20);
    world.run(0, sale(1));
    world.pass(5 * SECOND, false);
    world.cloned.insert(world.nodes[0].engine.as_ref().expect("it runs").writer().epoch);
    let disk = world.nodes[0].disk.copy();
    let clone = world.add_on("till0", "shop", disk);
    for _round in 0..3 {
        world.run(0, sale(1));
        world.run(clone, sale(2));
        later(&mut world, DAY / 2);
    }
    assert_eq!(ends_with(&mut world), 20 - 1 - 3 - 6);
    assert_eq!(sales_in_log(&world, 1), 7);
}

#[test]
fn a_clone_under_the_same_name_is_heard_without_a_third_node_and_raises_the_alarm() {
    let mut world = shop(1, 20);
    world.run(0, sale(1));
    world.cloned.insert(world.nodes[0].engine.as_ref().expect("it runs").writer().epoch);
    let disk = world.nodes[0].disk.copy();
    world.add_on("till0", "shop", disk);
    world.pass(5 * SECOND, false);
    let alarms = |world: &World, node: usize| {
        let engine = world.nodes[node].engine.as_ref().expect("it runs");
        engine.clone_alarms().iter().map(|alarm| alarm.changes).collect::<Vec<_>>()
    };
    assert_eq!((alarms(&world, 0), alarms(&world, 1)), (vec![], vec![]), "nothing was sold twice yet");
    world.run(0, sale(2));
    world.run(1, sale(3));
    world.pass(5 * SECOND, false);
    assert_eq!((on_hand(&world, 0), on_hand(&world, 1)), (14, 14), "both count");
    assert_eq!((alarms(&world, 0), alarms(&world, 1)), (vec![1], vec![1]));
}

#[test]
fn a_node_that_hears_its_own_batches_from_the_broker_raises_no_alarm() {
    let mut world = shop(1, 20);
    world.run(0, sale(1));
    let commits = (1..).map_while(|position| read_commit(&world.nodes[0].disk, position).ok());
    let envelopes: Vec<Vec<u8>> = commits.flat_map(|commit| commit.envelopes.into_iter().map(Vec::from)).collect();
    let (scope, payload) = (Scope::Stock(name("shop")), pack(&envelopes));
    let echo = Incoming { scope, kind: Kind::Changes, from: name("till0"), payload };
    for start_between in [false, true] {
        if start_between {
            world.crash(0);
            world.start(0);
        }
        assert_eq!(world.nodes[0].receive(world.now, &echo), []);
        world.commit(0);
        assert_eq!(world.nodes[0].engine.as_ref().expect("it runs").clone_alarms(), []);
    }
    assert_eq!(on_hand(&world, 0), 19);
}

#[test]
fn a_store_that_was_lost_is_rebuilt_from_its_peers_and_repeats_its_answers() {
    let mut world = shop(2, 20);
    let keyed = || sale(3).with_key("client 1", b"three of them");
    world.run(0, keyed());
    world.run(0, sale(1));
    world.pass(30 * SECOND, false);
    let before = world.nodes[0].engine.as_ref().expect("it runs").writer().epoch;
    world.lose_store(0);
    world.start(0);
    assert_eq!(on_hand(&world, 0), 0, "it begins empty");
    world.pass(60 * SECOND, false);
    assert_eq!(on_hand(&world, 0), 16);
    assert_ne!(world.nodes[0].engine.as_ref().expect("it runs").writer().epoch, before, "a new life");
    world.run(0, keyed());
    assert_eq!(ends_with(&mut world), 16, "the client that asked again got its first answer");
    world.run(0, sale(1));
    assert_eq!(ends_with(&mut world), 15);
}

#[test]
fn a_sale_of_yesterday_that_is_heard_today_still_counts() {
    let mut world = shop(2, 20);
    world.run(1, sale(1));
    world.pass(5 * SECOND, false);
    world.link(1, false);
    world.run(1, sale(2));
    later(&mut world, DAY);
    world.run(0, sale(1));
    world.pass(5 * SECOND, false);
    let log = events_in_log(&world.nodes[0].disk);
    let closed = log.iter().filter(|(event, _)| matches!(event.body, Body::DayClose(_))).count();
    assert_eq!(closed, 1, "node 0 closed its own day; of the other it has not heard");
    let yesterday = Timestamp::from_millis(tillmesh_sim::world::START + HOUR);
    world.run(1, Request { occurred_at: Some(yesterday), ..sale(4) });
    assert_eq!(ends_with(&mut world), 20 - 1 - 2 - 1 - 4);
    let log = events_in_log(&world.nodes[0].disk);
    let dates: BTreeSet<_> = log.iter().map(|(_, origin)| (origin.writer.clone(), origin.date)).collect();
    assert_eq!(dates.len(), 4, "two days of two nodes");
    for (event, _) in &log {
        if let Body::DayClose(close) = &event.body {
            assert!(close.automatic);
            assert!(close.events > 0, "a day of trade that saw something is closed: {close:?}");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_by_hours_neither_reorders_nor_silences_a_node() {
    let mut world = shop(2, 20);
    world.run(0, sale(1));
    world.pass(30 * SECOND, false);
    world.nodes[0].clock_error = -9 * HOUR;
    world.weather = Weather { loss: 100, twice: 0, delay: 20 };
    world.run(0, sale(2));
    world.pass(5 * SECOND, false);
    assert_eq!(on_hand(&world, 1), 19, "the message was lost");
    world.weather = Weather::FAIR;
    world.pass(30 * SECOND, false);
    assert_eq!(on_hand(&world, 1), 17, "its digests come as often as before");
    world.run(0, sale(3));
    assert_eq!(ends_with(&mut world), 14);
    let log = events_in_log(&world.nodes[0].disk);
    let mine: Vec<_> = log.iter().map(|(event, _)| (event.number, event.recorded_at)).collect();
    assert!(mine.is_sorted(), "numbers and times of a node grow together: {mine:?}");
}

#[test]
fn a_clock_that_is_set_back_over_midnight_opens_no_day_again() {
    let mut world = shop(1, 20);
    later(&mut world, DAY);
    world.run(0, sale(1));
    world.nodes[0].clock_error = -DAY;
    world.run(0, sale(1));
    assert_eq!(ends_with(&mut world), 18);
    let dates: Vec<_> = events_in_log(&world.nodes[0].disk).iter().map(|(_, origin)| origin.date).collect();
    assert!(dates.is_sorted(), "{dates:?}");
}

/// A sale under a key whose commit fails, asked for again until it is acknowledged.
fn sold_on_a_failing_disk(failure: Failure, reopens_that_fail: u32) -> World {
    let mut world = shop(2, 20);
    world.run(0, sale(1));
    let keyed = || sale(3).with_key("client 1", b"three of them");
    world.submit(0, keyed()).expect("it does not know yet");
    world.fail_disk(0, failure, reopens_that_fail);
    world.commit(0);
    for _attempt in 0..=reopens_that_fail {
        world.commit(0);
    }
    assert!(!world.nodes[0].disk.is_failing(), "it was opened again");
    world.run(0, keyed());
    world
}

#[test]
fn a_disk_that_fails_in_a_commit_loses_nothing_acknowledged_and_a_client_that_asks_again_buys_once() {
    for failure in [Failure::Lost, Failure::Kept] {
        for reopens_that_fail in [0, 1, 3] {
            let mut world = sold_on_a_failing_disk(failure, reopens_that_fail);
            assert_eq!(ends_with(&mut world), 16, "{failure:?}, {reopens_that_fail}");
            assert_eq!(sales_in_log(&world, 1), 2);
        }
    }
}

#[test]
fn what_waits_for_a_commit_when_rows_cannot_be_written_is_done_once_all_the_same() {
    for failure in [Failure::Lost, Failure::Kept] {
        let keyed = || sale(3).with_key("client 1", b"three of them");
        let mut world = shop(2, 20);
        world.submit(0, keyed()).expect("it does not know yet");
        world.fail_disk(0, failure, 0);
        world.write_behind(0, 100);
        assert!(!world.nodes[0].disk.is_failing(), "there were rows to write, and the disk was opened again");
        assert_eq!(on_hand(&world, 0), 17, "{failure:?}");
        world.run(0, keyed());
        assert_eq!(ends_with(&mut world), 17, "{failure:?}");
    }
}

#[test]
fn what_waits_for_a_commit_when_the_disk_stays_closed_is_never_acknowledged_and_can_be_asked_for_again() {
    for failure in [Failure::Lost, Failure::Kept] {
        let keyed = || sale(3).with_key("client 1", b"three of them");
        let mut world = shop(2, 20);
        world.submit(0, keyed()).expect("it does not know yet");
        world.fail_disk(0, failure, 2);
        world.write_behind(0, 100);
        assert_eq!(on_hand(&world, 0), 20, "{failure:?}");
        while world.nodes[0].disk.is_failing() {
            world.commit(0);
        }
        assert_eq!(on_hand(&world, 0), 20, "{failure:?}");
        world.run(0, keyed());
        assert_eq!(ends_with(&mut world), 17, "{failure:?}");
    }
}

#[test]
fn a_node_that_dies_with_a_failing_disk_goes_on_where_it_was_durable() {
    for failure in [Failure::Lost, Failure::Kept] {
        let mut world = shop(2, 20);
        world.run(0, sale(1));
        world.submit(0, sale(3)).expect("it does not know yet");
        world.fail_disk(0, failure, 9);
        world.commit(0);
        world.crash(0);
        world.start(0);
        let expected = if failure == Failure::Lost { 19 } else { 16 };
        assert_eq!(ends_with(&mut world), expected, "{failure:?}");
    }
}
