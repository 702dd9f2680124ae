//! Square's bodies. The fixtures of this folder are written by hand after Square's documentation.

use tillmesh_plugin::testing::{self, RECEIVED as NOW, context, product};
use tillmesh_plugin::{LineContent, Product};

use super::*;

mod wide;

const ORDER: &str = include_str!("../fixtures/order.json");
const COUNTS: &str = include_str!("../fixtures/inventory-count-updated.json");
const SETTINGS: &[(&str, &str)] = &[("location.LTESTPLACE1", "store-1")];

/// One product, known to Square as a variation.
struct Known;

impl Catalogue for Known {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        (reference == "VARIATIONTEA").then(|| product("TEA"))
    }

    fn by_sku(&self, sku: &str) -> Option<Product> {
        (sku == "TEA").then(|| Product { unit: Some("g".to_owned()), ..product(sku) })
    }
}

fn message(topic: &str, body: &str) -> Message {
    testing::message(topic, "application/json", body.as_bytes())
}

fn translate(topic: &str, body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    Square::translate(&message(topic, body), &context(settings), &Known)
}

fn detail(failure: Failure) -> (String, String) {
    match failure {
        Failure::Malformed(detail)
        | Failure::Rejected(detail)
        | Failure::UnknownSku(detail)
        | Failure::Unsupported(detail) => (detail.field, detail.rule),
        Failure::Retry(detail) => panic!("{detail:?}"),
    }
}

fn amount(money: &Option<tillmesh_plugin::Money>) -> Option<i64> {
    money.as_ref().map(|money| money.amount)
}

#[test]
fn what_is_open_is_an_order_with_its_lines_and_totals() {
    let commands = translate("order", &ORDER.replace("\"COMPLETED\"", "\"OPEN\""), SETTINGS).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((order.reference.as_str(), order.placed_at), ("b0rTestOrder7", 1_795_168_531_000_000));
    assert_eq!((order.customer_ref.as_deref(), order.location.as_deref()), (Some("CUSTOMER77"), Some("store-1")));
    let lines: Vec<_> = order.lines.iter().map(|it| (it.content.clone(), it.quantity, amount(&it.amount))).collect();
    let charge = |id: &str| LineContent::Charge(id.to_owned());
    let tea = LineContent::Sku("TEA".to_owned());
    assert_eq!(lines, [(tea, 3, Some(2_295)), (charge("line-2"), 1, Some(200)), (charge("tip"), 1, Some(100))]);
    assert_eq!(order.lines[0].unit_price.as_ref().map(|price| (price.amount, price.scale)), Some((850, Some(2))));
    let stated = &order.stated;
    let found = [&stated.subtotal, &stated.discount, &stated.tax, &stated.shipping, &stated.total].map(amount);
    assert_eq!(found, [Some(2_595), Some(255), Some(474), Some(0), Some(3_069)]);
    assert!(!stated.tax_included);
}

#[test]
fn a_line_of_nothing_is_no_part_of_the_order() {
    let open = ORDER.replace("\"COMPLETED\"", "\"OPEN\"");
    let nothing = open.replace("\"quantity\": \"1\"", "\"quantity\": \"0\"");
    let commands = translate("order", &nothing, SETTINGS).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((order.lines.len(), order.lines[0].quantity), (2, 3), "the tip stays");
    for zero in ["0", "0.00", "-0"] {
        let unknown = nothing.replace("\"uid\": \"line-2\"", "\"catalog_object_id\": \"OTHER\"");
        let unknown = unknown.replace("\"quantity\": \"0\"", &format!("\"quantity\": {zero:?}"));
        assert_eq!(translate("order", &unknown, SETTINGS).unwrap(), commands, "{zero}");
    }
}

#[test]
fn an_order_without_lines_means_nothing_yet_and_keeps_no_other_back() {
    let open = ORDER.replace("\"COMPLETED\"", "\"OPEN\"");
    let all_nothing = open.replace("\"quantity\": \"1\"", "\"quantity\": \"0\"").replace("\"3\"", "\"0\"");
    for without in
        [&all_nothing, &open.replace("\"line_items\"", "\"items\""), &ORDER.replace("\"line_items\"", "\"items\"")]
    {
        assert_eq!(translate("order", without, SETTINGS).unwrap(), []);
        let order = |body: &str| body[body.find(": {").unwrap() + 2..body.rfind('}').unwrap()].to_owned();
        let page = format!("{{ \"orders\": [{}, {}] }}", order(without), order(&open));
        let commands = translate("order", &page, SETTINGS).unwrap();
        assert!(matches!(commands.as_slice(), [Command::PlaceOrder(_)]), "{commands:?}");
    }
}

#[test]
fn what_was_completed_over_the_counter_has_left_and_what_is_to_be_shipped_where_the_channel_ships() {
    let to_ship = ORDER.replace("\"line_items\"", "\"fulfillments\": [{\"type\": \"SHIPMENT\"}], \"line_items\"");
    let by_channel = [SETTINGS, &[("fulfilled-by", "channel")]].concat();
    for (body, settings) in [(ORDER, SETTINGS), (to_ship.as_str(), by_channel.as_slice())] {
        let commands = translate("order", body, settings).unwrap();
        let [Command::PlaceOrder(order), Command::FulfilOrder(left)] = commands.as_slice() else {
            panic!("{commands:?}")
        };
        assert_eq!((&left.order, &left.reference), (&order.reference, &order.reference));
        assert_eq!((left.lines.len(), left.lines[0].sku.as_str(), left.lines[0].quantity), (1, "TEA", 3));
        assert_eq!((left.fulfilled_at, left.location.as_deref()), (1_795_168_862_000_000, Some("store-1")));
    }
    assert!(matches!(translate("order", &to_ship, SETTINGS).unwrap().as_slice(), [Command::PlaceOrder(_)]));
    let neither = [SETTINGS, &[("fulfilled-by", "me")]].concat();
    assert_eq!(detail(translate("order", &to_ship, &neither).unwrap_err()).0, "fulfilled-by");
}

#[test]
fn drafts_give_nothing_and_what_is_canceled_gives_its_goods_back() {
    assert_eq!(translate("order", &ORDER.replace("\"COMPLETED\"", "\"DRAFT\""), SETTINGS).unwrap(), []);
    let commands = translate("order", &ORDER.replace("\"COMPLETED\"", "\"CANCELED\""), SETTINGS).unwrap();
    assert!(
        matches!(commands.as_slice(), [Command::CancelOrder(cancel)] if cancel.reason.as_deref() == Some("canceled"))
    );
    let failure = translate("order", &ORDER.replace("\"COMPLETED\"", "\"PAUSED\""), SETTINGS).unwrap_err();
    assert_eq!(detail(failure).0, "state");
}

#[test]
fn what_came_back_with_an_order_moves_stock() {
    let body = r#"{ "order": { "id": "R1", "location_id": "LTESTPLACE1", "state": "COMPLETED",
        "updated_at": "2026-11-20T10:01:02Z",
        "returns": [{ "return_line_items": [{ "uid": "r", "catalog_object_id": "VARIATIONTEA", "quantity": "1" },
                                            { "uid": "s", "quantity": "1" },
                                            { "uid": "t", "catalog_object_id": "OTHER", "quantity": "0" }] }] } }"#;
    let commands = translate("order", body, SETTINGS).unwrap();
    let [Command::RecordReturn(back)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((back.reference.as_str(), back.lines.len(), back.lines[0].quantity), ("R1/1", 1, 1));
}

#[test]
fn a_count_says_what_can_be_sold_where_the_settings_know_the_location() {
    let commands = translate("inventory.count.updated", COUNTS, SETTINGS).unwrap();
    let [Command::SetAvailable(set)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((set.sku.as_str(), set.available, set.as_of), ("TEA", 41, 1_795_168_800_500_000));
    assert_eq!(translate("inventory.count.updated", COUNTS, &[("location.LTESTPLACE1", "")]).unwrap(), []);
    let (field, rule) = detail(translate("inventory.count.updated", COUNTS, &[]).unwrap_err());
    assert_eq!(field, "data.object.inventory_counts[0].location_id");
    assert!(rule.contains("location.LTESTPLACE1"), "{rule}");
    let fetched = COUNTS.replace("inventory_counts\": [", "x\": [], \"counts\": [");
    let fetched =
        format!("{{ \"counts\": {} }}", &fetched[fetched.rfind("[").unwrap()..fetched.rfind("]").unwrap() + 1]);
    let commands = translate("inventory.counts", &fetched, SETTINGS).unwrap();
    assert!(matches!(commands.as_slice(), [Command::SetAvailable(set)] if set.as_of == NOW), "{commands:?}");
    let by_weight = COUNTS.replace("\"41\"", "\"4.25\"");
    let (field, _) = detail(translate("inventory.count.updated", &by_weight, SETTINGS).unwrap_err());
    assert_eq!(field, "data.object.inventory_counts[0].quantity");
    let scaled = [SETTINGS, &[("scale.g", "1000")]].concat();
    let commands = translate("inventory.count.updated", &by_weight, &scaled).unwrap();
    assert!(matches!(commands.as_slice(), [Command::SetAvailable(set)] if set.available == 4_250));
}

#[test]
fn what_was_counted_by_hand_is_a_count() {
    let count = r#"{ "id": "C1", "catalog_object_id": "VARIATIONTEA", "location_id": "LTESTPLACE1", "state": "IN_STOCK",
        "quantity": "15", "occurred_at": "2026-11-20T10:01:02Z" }"#;
    let several = format!(
        r#"{{ "changes": [{{ "type": "PHYSICAL_COUNT", "physical_count": {count} }}, {{ "type": "ADJUSTMENT" }}] }}"#
    );
    for body in [format!("{{ \"count\": {count} }}"), several] {
        let commands = translate("inventory.changes", &body, SETTINGS).unwrap();
        let [Command::CountStock(counted)] = commands.as_slice() else { panic!("{commands:?}") };
        assert_eq!((counted.reference.as_str(), counted.lines[0].quantity), ("C1", 15));
    }
}

#[test]
fn two_locations_of_square_for_one_of_the_node_are_refused() {
    let one = [("location.A", "store-1"), ("location.B", "store-1")];
    let two = [("location.A", "store-1"), ("location.B", "store-2")];
    let count = |place: &str, quantity: u8| {
        format!(
            r#"{{ "id": "C{quantity}", "catalog_object_id": "VARIATIONTEA", "location_id": "{place}",
            "state": "IN_STOCK", "quantity": "{quantity}", "occurred_at": "2026-11-20T10:01:02Z",
            "calculated_at": "2026-11-20T10:01:02Z" }}"#
        )
    };
    let levels = |first: &str, second: &str| format!("{{ \"counts\": [{first}, {second}] }}");
    let both = levels(&count("A", 5), &count("B", 7));
    let (field, rule) = detail(translate("inventory.counts", &both, &one).unwrap_err());
    assert!(field == "counts[1].location_id" && rule.contains("same location as A"), "{field}: {rule}");
    assert_eq!(translate("inventory.counts", &both, &two).unwrap().len(), 2);
    assert_eq!(translate("inventory.counts", &levels(&count("A", 5), &count("A", 5)), &one).unwrap().len(), 1);
    assert!(translate("inventory.counts", &levels(&count("A", 5), &count("A", 7)), &one).is_err());
    let change = |count: &str| format!("{{ \"type\": \"PHYSICAL_COUNT\", \"physical_count\": {count} }}");
    let counted = |first: &str, second: &str| format!("{{ \"changes\": [{}, {}] }}", change(first), change(second));
    let both = counted(&count("A", 5), &count("B", 7));
    assert_eq!(
        detail(translate("inventory.changes", &both, &one).unwrap_err()).0,
        "changes[1].physical_count.location_id"
    );
    let again = counted(&count("A", 5), &count("A", 7));
    assert_eq!(translate("inventory.changes", &again, &one).unwrap().len(), 2, "what was counted again");
}

#[test]
fn what_is_not_as_documented_names_field_and_rule() {
    let of =
        |before: &str, after: &str| detail(translate("order", &ORDER.replace(before, after), SETTINGS).unwrap_err());
    assert_eq!(of("\"quantity\": \"3\"", "\"quantity\": \"-3\"").0, "line_items[0].quantity");
    assert_eq!(of("VARIATIONTEA", "OTHER").0, "line_items[0].catalog_object_id");
    assert_eq!(
        of("\"amount\": 2731, \"currency\": \"EUR\"", "\"amount\": 2731, \"currency\": \"USD\"").0,
        "line_items[0].total_money.currency"
    );
    assert_eq!(of("\"amount\": 2731", "\"amount\": 27.31").0, "line_items[0].total_money.amount");
    assert_eq!(of("\"closed_at\": \"2026-11-20T10:01:02.000Z\"", "\"closed_at\": \"noon\"").0, "closed_at");
    assert_eq!(of("\"order\"", "\"ordre\"").0, "order");
    assert_eq!(of("\"id\": \"b0rTestOrder7\",", "").0, "id");
    assert!(detail(translate("order.created", "{}", SETTINGS).unwrap_err()).1.contains("fetch the order"));
    assert_eq!(detail(translate("payment.created", "{}", SETTINGS).unwrap_err()).0, "topic");
    assert_eq!(detail(translate("inventory.counts", "{}", SETTINGS).unwrap_err()).0, "counts");
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    for (topic, sound) in [("order", ORDER), ("inventory.count.updated", COUNTS)] {
        for body in testing::mutants(sound.as_bytes(), 10_000) {
            // What it comes to is not the question.
            let _ = Square::translate(&testing::message(topic, "application/json", &body), &context(SETTINGS), &Known);
        }
    }
}
