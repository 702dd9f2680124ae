use super::*;
use crate::id::{Reference, Sku};
use crate::money::{Currency, Money, UnitPrice};

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

fn order(lines: Vec<CommandLine>) -> ChannelCommand {
    ChannelCommand::PlaceOrder {
        reference: Reference::new("450789469").unwrap(),
        lines,
        customer_ref: None,
        currency: Currency::new("USD").unwrap(),
        stated: StatedTotals::default(),
        placed_at: Timestamp(1),
        location: None,
    }
}

fn line(quantity: u64, amount: Money) -> CommandLine {
    let content = LineContent::Sku(Sku::new("A").unwrap());
    CommandLine { content, quantity, unit_price: Some(UnitPrice::of(amount)), amount: Some(amount) }
}

#[test]
fn stated_totals_are_compared_and_never_repaired() {
    let stated = |subtotal, tax, shipping: Option<i64>, total, tax_included| StatedTotals {
        subtotal: Some(usd(subtotal)),
        discount: None,
        tax: Some(usd(tax)),
        tax_included,
        shipping: shipping.map(usd),
        total: Some(usd(total)),
    };
    assert_eq!(stated(39_800, 1_194, None, 40_994, false).adds_up(), Some(true));
    assert_eq!(stated(39_800, 1_194, Some(500), 41_494, false).adds_up(), Some(true));
    assert_eq!(stated(39_800, 1_194, None, 39_800, true).adds_up(), Some(true));
    assert_eq!(stated(59_700, 1_194, None, 59_894, false).adds_up(), Some(false));
    assert_eq!(StatedTotals::default().adds_up(), None);
}

#[test]
fn a_command_of_a_plugin_is_checked_field_by_field() {
    assert_eq!(order(vec![line(1, usd(5))]).check(), Ok(()));
    let refused = [
        (order(vec![]), "lines"),
        (order(vec![line(0, usd(5))]), "lines[0].quantity"),
        (order(vec![line(1, usd(5)), line(u64::MAX, usd(5))]), "lines[1].quantity"),
        (order(vec![line(1, Money { amount: 5, currency: Currency::new("EUR").unwrap() })]), "lines[0].amount"),
    ];
    for (command, field) in refused {
        assert_eq!(command.check().unwrap_err().field, field);
    }
}

#[test]
fn a_count_may_be_zero_and_a_receipt_may_not() {
    let lines = vec![StockLine { sku: Sku::new("A").unwrap(), quantity: 0 }];
    let (reference, location) = (Reference::new("1").unwrap(), None);
    let count = ChannelCommand::CountStock {
        reference: reference.clone(),
        lines: lines.clone(),
        counted_at: Timestamp(0),
        location: location.clone(),
    };
    assert_eq!(count.check(), Ok(()));
    let receipt = ChannelCommand::ReceiveStock { reference, lines, received_at: Timestamp(0), location };
    assert_eq!(
        receipt.check().unwrap_err().to_string(),
        "receive-stock: lines[0].quantity: \"0\" is refused: it must lie between 1 and 1000000000000"
    );
}

#[test]
fn commands_read_back_from_their_bytes() {
    let command = order(vec![line(2, usd(5))]);
    let bytes = minicbor::to_vec(&command).unwrap();
    assert_eq!(minicbor::decode::<ChannelCommand>(&bytes).unwrap(), command);
}

#[test]
fn a_failure_names_field_value_and_rule() {
    let detail = Detail { field: "quantity".into(), value: "-1".into(), rule: "it must be at least 1".into() };
    let failure = ChannelFailure::Malformed(detail);
    assert_eq!(failure.to_string(), "malformed: quantity: \"-1\" is refused: it must be at least 1");
    assert_eq!(failure.cause(), "malformed");
}

#[test]
fn a_message_needs_an_id_and_a_topic() {
    let message = |id: &str, topic: &str| ChannelMessage {
        channel: Name::new("shopify").unwrap(),
        id: id.into(),
        topic: topic.into(),
        content_type: "application/json".into(),
        received_at: Timestamp(0),
        body: vec![],
    };
    assert_eq!(message("1", "orders/create").check(), Ok(()));
    assert_eq!(message("", "orders/create").check().unwrap_err().kind, "message id");
    assert_eq!(message("1", "a\nb").check().unwrap_err().kind, "topic");
}
