//! Interchanges written by hand after X12's public descriptions.

use tillmesh_plugin::inbound::{CancelOrder, PlaceOrder, ReceiveStock, SetAvailable};
use tillmesh_plugin::outbound::{AvailabilityChanged, OrderFulfilled};
use tillmesh_plugin::testing::{self, RECEIVED, context, product};
use tillmesh_plugin::{LineContent, Product, StockLine};

use super::*;

mod answers;
mod articles;
mod envelopes;
mod places;
mod purposes;
mod wide;

const ORDER: &str = include_str!("../fixtures/850.x12");
const ADVICE: &str = include_str!("../fixtures/846.x12");
const NOTICE: &str = include_str!("../fixtures/856.x12");
const PLACES: &str = include_str!("../fixtures/846-places.x12");

/// Knows the GTIN of one article.
struct Known;

impl Catalogue for Known {
    fn by_gtin(&self, gtin: &str) -> Option<Product> {
        (gtin == "036000291452").then(|| product("TEA"))
    }
}

fn message(body: &[u8]) -> Message {
    testing::message("x12", render::CONTENT_TYPE, body)
}

fn translate(body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    X12::translate(&message(body.as_bytes()), &context(settings), &Known)
}

/// What a body is answered, a segment a line.
fn answered(body: &str, outcome: &Outcome) -> Vec<String> {
    let answer = X12::acknowledge(&message(body.as_bytes()), outcome, &context(&[])).unwrap();
    let text = answer.map(|answer| String::from_utf8(answer.body).unwrap()).unwrap_or_default();
    text.split_terminator('~').map(str::to_owned).collect()
}

/// What an answer depends on, of a message of now.
fn given<'a>(outcome: &'a Outcome, context: &'a Context) -> Given<'a> {
    Given { outcome, context, catalogue: &Known, clock: Clock::at(RECEIVED) }
}

/// What becomes of a body, and what it is answered.
fn exchanged(body: &str) -> (Result<Vec<Command>, Failure>, Vec<String>) {
    let taken = translate(body, &[]);
    let outcome = taken.as_ref().map_or_else(|failure| Outcome::Refused(failure.clone()), |_| Outcome::Taken);
    (taken, answered(body, &outcome))
}

fn malformed(body: &str) -> String {
    match translate(body, &[]) {
        Err(Failure::Malformed(detail)) => detail.field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_placed_with_its_lines_exactly() {
    let commands = translate(ORDER, &[("location.0003947268292", "depot")]).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    let PlaceOrder { reference, lines, customer_ref, currency, stated, placed_at, location } = order;
    assert_eq!((reference.as_str(), currency.as_str()), ("PO-4711", "USD"));
    assert_eq!((customer_ref.as_deref(), location.as_deref()), (Some("BUYER-1"), Some("depot")));
    assert_eq!(*placed_at, 1_795_824_000_000_000);
    assert_eq!(stated.subtotal.as_ref().map(|total| total.amount), Some(13_425));
    let of = |line: &tillmesh_plugin::Line| {
        let LineContent::Sku(sku) = &line.content else { panic!() };
        (sku.clone(), line.quantity, line.amount.as_ref().map(|amount| amount.amount))
    };
    let lines: Vec<_> = lines.iter().map(of).collect();
    let expected = [("AB3542", 12, Some(11_100)), ("TEA", 3, None), ("066850-116", 1, Some(2_325))];
    assert_eq!(lines, expected.map(|(sku, quantity, amount)| (sku.to_owned(), quantity, amount)));
}

#[test]
fn levels_are_set_as_they_are_stated() {
    let commands = translate(ADVICE, &[("location.S1", "depot")]).unwrap();
    let level = |command: &Command| match command {
        Command::SetAvailable(SetAvailable { sku, available, location, .. }) => {
            (sku.clone(), *available, location.clone())
        }
        other => panic!("{other:?}"),
    };
    let levels: Vec<_> = commands.iter().map(level).collect();
    let depot = || Some("depot".to_owned());
    assert_eq!(levels, [("ABC123".to_owned(), 100, depot()), ("TEA".to_owned(), 7, depot())]);
}

#[test]
fn a_ship_notice_books_in_or_fulfils_or_is_ignored_as_the_settings_say() {
    let received = translate(NOTICE, &[]).unwrap();
    let [Command::ReceiveStock(ReceiveStock { reference, lines, .. })] = received.as_slice() else { panic!() };
    let line = |sku: &str, quantity| StockLine { sku: sku.to_owned(), quantity };
    assert_eq!((reference.as_str(), lines), ("SHIP-9", &vec![line("AB3542", 12), line("TEA", 5)]));
    let left = translate(NOTICE, &[("ship-notice", "fulfil")]).unwrap();
    let order = |command: &Command| match command {
        Command::FulfilOrder(order) => (order.order.clone(), order.lines.clone()),
        other => panic!("{other:?}"),
    };
    let orders: Vec<_> = left.iter().map(order).collect();
    let first = vec![line("AB3542", 12), line("TEA", 3)];
    assert_eq!(orders, [("PO-4711".to_owned(), first), ("PO-4712".to_owned(), vec![line("TEA", 2)])]);
    assert_eq!(translate(NOTICE, &[("ship-notice", "ignore")]).unwrap(), []);
}

#[test]
fn delimiters_belong_to_each_interchange() {
    let other = ORDER.replace('*', "|").replace('>', "^").replace("~\n", "\n");
    assert_eq!(translate(&other, &[]), translate(ORDER, &[]));
    let both = format!("{ORDER}{}", other.replace("PO-4711", "PO-4712"));
    assert_eq!(translate(&both, &[]).unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_an_envelope_is_named_and_acknowledged_with_its_code() {
    let cases = [
        ("SE*16*0001", "SE*17*0001", "SE01", "AK5*R*4"),
        ("SE*16*0001", "SE*16*0002", "SE02", "AK5*R*3"),
        ("SE*16*0001~\n", "", "SE", "AK5*R*2"),
        ("GE*1*77", "GE*1*78", "GE02", "AK9*R*1*1*0*4"),
        ("GE*1*77", "GE*2*77", "GE01", "AK9*R*2*1*0*5"),
        ("GE*1*77~\n", "", "GE", "AK9*R*1*1*0*3"),
        ("IEA*1*000000224", "IEA*1*224", "IEA02", "TA1*000000224*261128*0930*R*001"),
        ("IEA*1*000000224", "IEA*2*000000224", "IEA01", "TA1*000000224*261128*0930*R*021"),
        ("IEA*1*000000224~\n", "", "IEA", "TA1*000000224*261128*0930*R*023"),
        ("GE*1*77", "XX*1~\nGE*1*77", "ISA", "TA1*000000224*261128*0930*R*024"),
    ];
    for (sound, broken, element, segment) in cases {
        let body = ORDER.replace(sound, broken);
        assert_ne!(body, ORDER);
        let (_, answer) = exchanged(&body);
        assert!(malformed(&body).ends_with(&format!(" {element}")), "{broken}: {}", malformed(&body));
        assert!(answer.iter().any(|it| it == segment), "{broken}: {answer:?}");
        assert!(answer.iter().any(|it| it.starts_with("AK9*R")), "{broken}: {answer:?}");
    }
}

#[test]
fn a_sound_interchange_is_accepted_in_an_interchange_that_is_sound_itself() {
    let (taken, answer) = exchanged(ORDER);
    assert!(taken.is_ok());
    assert_eq!(
        answer[1..],
        [
            "GS*FA*9251750000*ABYZ000*20261128*0930*1*X*004010",
            "ST*997*0001",
            "AK1*PO*77",
            "AK2*850*0001",
            "AK5*A",
            "AK9*A*1*1*1",
            "SE*6*0001",
            "GE*1*1",
            "IEA*1*000000001",
        ]
    );
    let text: String = answer.iter().map(|segment| format!("{segment}~")).collect();
    assert_eq!(translate(&text, &[]), Ok(Vec::new()), "a 997 is understood, and means nothing");
    assert_eq!(answered(&text, &Outcome::Taken), Vec::<String>::new(), "and is not acknowledged itself");
}

#[test]
fn a_set_that_cannot_be_used_is_named_in_the_acknowledgement_and_nothing_of_the_body_is_taken() {
    let unknown = ORDER.replace("*VN*AB3542", "*BP*NOBODY");
    let (taken, answer) = exchanged(&unknown);
    assert!(
        matches!(taken, Err(Failure::UnknownSku(detail)) if detail.field == "ISA 000000224 GS 77 ST 0001 PO1[0].06")
    );
    assert!(answer.contains(&"AK5*R*5".to_owned()) && answer.contains(&"AK9*R*1*1*0".to_owned()), "{answer:?}");
    let invoice = ORDER.replace("ST*850", "ST*810");
    let (taken, answer) = exchanged(&invoice);
    assert!(matches!(taken, Err(Failure::Unsupported(_))));
    assert!(answer.contains(&"AK5*R*1".to_owned()), "{answer:?}");
    assert_eq!(translate(&invoice, &[("ignore", "810 820")]), Ok(Vec::new()));
}

#[test]
fn the_set_that_is_to_blame_is_told_from_one_of_the_same_number_elsewhere() {
    let second = ORDER.replace("000000224", "000000225").replace("*VN*AB3542", "*BP*NOBODY");
    let (taken, answer) = exchanged(&format!("{ORDER}{second}"));
    assert!(
        matches!(taken, Err(Failure::UnknownSku(detail)) if detail.field.starts_with("ISA 000000225 GS 77 ST 0001"))
    );
    let sets: Vec<_> = answer.iter().filter(|it| it.starts_with("AK5") || it.starts_with("IEA")).collect();
    assert_eq!(sets, ["AK5*R", "IEA*1*000000001", "AK5*R*5", "IEA*1*000000002"]);
    // What is no interchange behind one refuses both, and the one is answered.
    let (taken, answer) = exchanged(&format!("{ORDER}and more"));
    assert!(matches!(taken, Err(Failure::Malformed(_))) && answer.contains(&"AK9*R*1*1*0".to_owned()), "{answer:?}");
}

#[test]
fn cases_count_as_what_the_settings_say_is_in_them() {
    let cases = ORDER.replace("PO1*1*12*EA", "PO1*1*12*CA");
    let of = |settings: &[(&str, &str)]| match translate(&cases, settings).unwrap().remove(0) {
        Command::PlaceOrder(mut order) => order.lines.remove(0),
        other => panic!("{other:?}"),
    };
    let line = of(&[("unit.CA", "6")]);
    assert_eq!((line.quantity, line.amount.map(|amount| amount.amount), line.unit_price), (72, Some(11_100), None));
    assert_eq!(of(&[]).quantity, 12);
    let broken = translate(&cases, &[("unit.CA", "a dozen")]);
    assert!(matches!(broken, Err(Failure::Rejected(detail)) if detail.field == "unit.CA"));
}

#[test]
fn what_is_no_interchange_is_refused_and_not_answered() {
    for body in ["", " \n", "hello", "ISA*00*short~", "{\"a\": 1}", "UNA:+.? 'UNB+"] {
        let (taken, answer) = exchanged(body);
        assert!(matches!(&taken, Err(Failure::Malformed(detail)) if detail.field == "ISA"), "{body:?}: {taken:?}");
        assert_eq!(answer, Vec::<String>::new(), "{body:?}");
    }
}

#[test]
fn quantities_and_prices_are_numbers_or_refused() {
    for (sound, broken, field) in [
        ("PO1*1*12*", "PO1*1**", "ISA 000000224 GS 77 ST 0001 PO1[0].02"),
        ("PO1*1*12*", "PO1*1*-1*", "ISA 000000224 GS 77 ST 0001 PO1[0].02"),
        ("*9.25*", "*9,25*", "ISA 000000224 GS 77 ST 0001 PO1[0].04"),
        ("**20261128~", "**20261331~", "ISA 000000224 GS 77 ST 0001 BEG05"),
        ("*PO-4711*", "**", "ISA 000000224 GS 77 ST 0001 BEG03"),
    ] {
        assert_eq!(malformed(&ORDER.replace(sound, broken)), field, "{broken}");
    }
    let half = translate(&ORDER.replace("PO1*1*12*", "PO1*1*12.5*"), &[]);
    assert!(matches!(half, Err(Failure::Rejected(detail)) if detail.value == "12.5"));
    assert!(translate(&ORDER.replace("PO1*1*12*", "PO1*1*12.0*"), &[]).is_ok());
    let none = translate(&ORDER.replace("PO1*1*12*", "PO1*1*0*"), &[]).unwrap();
    assert!(matches!(&none[0], Command::PlaceOrder(order) if order.lines.len() == 2), "a line of nothing is none");
}

#[test]
fn a_mainframe_may_send_ebcdic() {
    assert_eq!(segment::text(&[0xc9, 0xe2, 0xc1, 0x5c, 0xf0, 0x81, 0x6e, 0x15]), "ISA*0a>\n");
}

#[test]
fn levels_and_fulfilments_are_sent_as_interchanges_that_are_sound() {
    let level = |sku: &str, available| {
        Event::AvailabilityChanged(AvailabilityChanged {
            sku: sku.to_owned(),
            available,
            location: "depot".to_owned(),
            as_of: RECEIVED,
            references: vec![],
        })
    };
    let left = Event::OrderFulfilled(OrderFulfilled {
        order: "PO-4711".to_owned(),
        fulfilment: "P-1".to_owned(),
        lines: vec![StockLine { sku: "TEA".to_owned(), quantity: 3 }],
        location: "depot".to_owned(),
        fulfilled_at: RECEIVED,
    });
    let settings = [("own-id", "SHOP"), ("partner-id", "BUYER"), ("ship-notice", "fulfil")];
    let sent = X12::render(&[level("TEA", 5), left, level("POT", -2)], &context(&settings), &Known).unwrap();
    assert_eq!(sent.iter().map(|message| message.topic.as_str()).collect::<Vec<_>>(), ["846", "856"]);
    let read = |message: &OutboundMessage| translate(str::from_utf8(&message.body).unwrap(), &settings).unwrap();
    let levels: Vec<_> = read(&sent[0]);
    assert!(matches!(&levels[1], Command::SetAvailable(level) if level.sku == "POT" && level.available == 0));
    let left = read(&sent[1]);
    assert!(
        matches!(&left[0], Command::FulfilOrder(it) if it.order == "PO-4711" && it.lines[0].quantity == 3),
        "{left:?}"
    );
    for sku in ["T*A", "T>A", "T~A"] {
        let refused = X12::render(&[level(sku, 5)], &context(&settings), &Known);
        assert!(matches!(refused, Err(Failure::Rejected(detail)) if detail.value == sku), "{sku}");
    }
    let nameless = X12::render(&[level("TEA", 5)], &context(&[]), &Known);
    assert!(matches!(nameless, Err(Failure::Rejected(detail)) if detail.field == "own-id"));
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    let answers = ("order-acknowledgement", "855");
    let settings = context(&[("unit.EA", "1000000"), ("ship-notice", "fulfil"), answers]);
    for sound in [ORDER, ADVICE, NOTICE, PLACES] {
        for body in testing::mutants(sound.as_bytes(), 12_000) {
            let message = message(&body);
            let mut orders = Orders::default();
            let taken = crate::translate(&message, &settings, &Known, &mut orders);
            let outcome = taken.map_or_else(Outcome::Refused, |_| Outcome::Taken);
            let answer = answer(&message, &given(&outcome, &settings), &mut orders).unwrap();
            // What is answered can be read, whatever it answers.
            let sound = answer.is_none_or(|answer| envelope::read(&segment::text(&answer.body)).is_ok());
            assert!(sound, "{:?}", String::from_utf8_lossy(&body));
        }
    }
}
