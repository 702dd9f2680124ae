//! Stock as nodes come to it: events made at two nodes, heard by a third in any order, any number of times.

use super::*;
use crate::channel::{ChannelCommand, CommandLine, LineContent, StatedTotals, StockLine};
use crate::command::{Command, LineRequest, Request};
use crate::id::Reference;
use crate::tests::Node;

fn stock_of(node: &Node) -> Vec<((Name, Sku), StockRow)> {
    node.engine.committed().stock.iter().map(|(key, row)| (key.clone(), row.clone())).collect()
}

/// One thing that happens at one of two nodes.
#[derive(Debug, Clone)]
struct Step {
    second: bool,
    /// Whether the node hears first what happened so far.
    meet: bool,
    /// When, in seconds after noon, by the node's own clock: clocks need not agree.
    clock: i64,
    /// When it is said to have happened.
    occurred: Option<i64>,
    what: u8,
    quantity: u32,
    order: u8,
}

fn step() -> impl Strategy<Value = Step> {
    (any::<(bool, bool)>(), 0..40_i64, prop::option::weighted(0.3, -20..40_i64), 0..11_u8, 1..9_u32, 0..3_u8).prop_map(
        |((second, meet), clock, occurred, what, quantity, order)| Step {
            second,
            meet,
            clock,
            occurred,
            what,
            quantity,
            order,
        },
    )
}

fn request(step: &Step, number: usize) -> Request {
    let (what, quantity) = (sku("milk"), i64::from(step.quantity));
    let lines = vec![Line { sku: what.clone(), quantity }];
    let command = match step.what {
        0..3 => {
            let line = LineRequest { sku: what, quantity, unit_price: None, amount: None };
            Command::Sell { location: None, lines: vec![line], tenders: Vec::new(), customer: None }
        }
        3 => Command::Receive { location: None, lines },
        4 | 5 => Command::Count { location: None, lines },
        6 => {
            let lines = vec![Line { sku: what, quantity: -quantity }];
            Command::Adjust { location: None, lines, reason: AdjustmentReason::Lost }
        }
        _ => return message(step, number),
    };
    let occurred_at = step.occurred.map(|seconds| NOON.plus_millis(seconds * 1_000));
    Request { occurred_at, ..Request::now(command) }
}

/// A web shop's message: an order, the parcel that answers it, what it says can be sold; the same order may be sent to
/// both nodes.
fn message(step: &Step, number: usize) -> Request {
    let reference = Reference::new(&format!("order {}", step.order)).unwrap();
    let quantity = u64::from(step.quantity);
    let command = if step.what > 8 {
        // From before the orders, and from after them.
        let as_of = NOON.plus_millis((step.clock - 20) * 1_000);
        ChannelCommand::SetAvailable {
            sku: sku("milk"),
            available: step.quantity.into(),
            as_of,
            location: Some(name("store")),
        }
    } else if step.what == 7 {
        let line = CommandLine { content: LineContent::Sku(sku("milk")), quantity, unit_price: None, amount: None };
        ChannelCommand::PlaceOrder {
            reference,
            lines: vec![line],
            customer_ref: None,
            currency: Currency::new("GBP").unwrap(),
            stated: StatedTotals::default(),
            placed_at: NOON,
            location: Some(name("store")),
        }
    } else {
        ChannelCommand::FulfilOrder {
            reference: Reference::new(&format!("parcel {number}")).unwrap(),
            order: reference,
            lines: vec![StockLine { sku: sku("milk"), quantity }],
            fulfilled_at: NOON.plus_millis(step.clock * 1_000),
            location: Some(name("store")),
        }
    };
    let command = Command::of_channel(format!("message {number}"), vec![command]);
    Request { channel: Some(name("web")), ..Request::now(command) }
}

/// Everything that the two nodes wrote, and the nodes.
fn written(steps: &[Step]) -> (Vec<Vec<u8>>, [Node; 2]) {
    let mut nodes = [Node::new("one", 1), Node::new("two", 2)];
    let mut all: Vec<Vec<u8>> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let node = &mut nodes[usize::from(step.second)];
        if step.meet {
            node.hear(&all);
        }
        let now = NOON.plus_millis(step.clock * 1_000);
        let _outcome = node.submit(now, request(step, number)).unwrap();
        all.extend(node.commit());
    }
    (all, nodes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_fold_does_not_depend_on_the_order_of_hearing_nor_on_repetition(
        (steps, order, cuts) in prop::collection::vec(step(), 1..14).prop_flat_map(|steps| {
            let twice: Vec<usize> = (0..steps.len()).chain(0..steps.len()).collect();
            let cuts = prop::collection::vec(any::<bool>(), twice.len());
            (Just(steps), Just(twice).prop_shuffle(), cuts)
        }),
    ) {
        let (all, nodes) = written(&steps);
        let mut straight = Node::new("straight", 3);
        all.iter().for_each(|envelope| straight.hear(std::slice::from_ref(envelope)));
        straight.commit();
        let mut shuffled = Node::new("shuffled", 4);
        for (place, cut) in order.iter().zip(cuts) {
            shuffled.hear(all.get(*place).map(std::slice::from_ref).unwrap_or_default());
            if cut {
                shuffled.commit();
            }
        }
        shuffled.commit();
        prop_assert!(!stock_of(&straight).is_empty(), "something was traded");
        prop_assert_eq!(stock_of(&straight), stock_of(&shuffled));
        for mut node in nodes {
            node.hear(&all);
            node.commit();
            prop_assert_eq!(stock_of(&node), stock_of(&straight));
        }
    }
}

#[test]
fn a_repeated_message_is_one_event_wherever_it_was_heard_first() {
    let order = Step { second: false, meet: false, clock: 0, occurred: None, what: 7, quantity: 4, order: 0 };
    let (all, _) = written(&[order.clone(), Step { second: true, ..order }]);
    assert_eq!(all.len(), 2, "both nodes wrote it down");
    let mut reader = Node::new("reader", 3);
    reader.hear(&all);
    reader.commit();
    let stock = stock_of(&reader);
    assert_eq!(stock[0].1.open(), 4, "{stock:?}");
}
