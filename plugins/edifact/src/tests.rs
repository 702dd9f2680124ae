//! Interchanges written by hand after the public directories of UN/EDIFACT.

use tillmesh_plugin::inbound::{CancelOrder, PlaceOrder, ReceiveStock, SetAvailable};
use tillmesh_plugin::outbound::{AvailabilityChanged, OrderFulfilled};
use tillmesh_plugin::testing::{self, RECEIVED, context, product};
use tillmesh_plugin::{LineContent, Product, StockLine};

use super::*;

mod altered;
mod groups;
mod places;
mod wide;

const ORDER: &str = include_str!("../fixtures/orders.edi");
const REPORT: &str = include_str!("../fixtures/invrpt.edi");
const ADVICE: &str = include_str!("../fixtures/desadv.edi");
const PLACES: &str = include_str!("../fixtures/invrpt-places.edi");

/// Knows the GTIN of one article.
struct Known;

impl Catalogue for Known {
    fn by_gtin(&self, gtin: &str) -> Option<Product> {
        (gtin == "5410000000016").then(|| product("TEA"))
    }
}

fn message(body: &[u8]) -> Message {
    testing::message("edifact", render::CONTENT_TYPE, body)
}

fn translate(body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    Edifact::translate(&message(body.as_bytes()), &context(settings), &Known)
}

/// What a body is answered, a segment a line.
fn answered(body: &str, outcome: &Outcome) -> Vec<String> {
    let answer = Edifact::acknowledge(&message(body.as_bytes()), outcome, &context(&[])).unwrap();
    let text = answer.map(|answer| String::from_utf8(answer.body).unwrap()).unwrap_or_default();
    text.split_terminator('\'').map(str::to_owned).collect()
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
    let commands = translate(ORDER, &[("location.5412345000020", "depot")]).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    let PlaceOrder { reference, lines, customer_ref, currency, placed_at, location, .. } = order;
    assert_eq!((reference.as_str(), currency.as_str()), ("PO-4711", "EUR"));
    assert_eq!((customer_ref.as_deref(), location.as_deref()), (Some("5412345000013"), Some("depot")));
    assert_eq!(*placed_at, 1_795_824_000_000_000);
    let of = |line: &tillmesh_plugin::Line| {
        let LineContent::Sku(sku) = &line.content else { panic!() };
        let price = line.unit_price.as_ref().and_then(|price| Some((price.amount, price.scale?)));
        (sku.clone(), line.quantity, line.amount.as_ref().map(|amount| amount.amount), price)
    };
    let lines: Vec<_> = lines.iter().map(of).collect();
    let expected = [("TEA", 12, 11_100, (925, 2)), ("AB+3542", 3, 630, (21_000, 4))];
    let expected = expected.map(|(sku, quantity, amount, price)| (sku.to_owned(), quantity, Some(amount), Some(price)));
    assert_eq!(lines, expected, "a price for 100 is a hundredth for one, and a line of nothing is none");
}

#[test]
fn a_cancellation_cancels_and_a_change_is_not_handled() {
    let cancelled = translate(&ORDER.replace("PO-4711+9", "PO-4711+1"), &[]).unwrap();
    let [Command::CancelOrder(CancelOrder { reference, .. })] = cancelled.as_slice() else { panic!("{cancelled:?}") };
    assert_eq!(reference, "PO-4711");
    let changed = translate(&ORDER.replace("PO-4711+9", "PO-4711+4"), &[]);
    assert!(matches!(changed, Err(Failure::Unsupported(detail)) if detail.field == "UNB 4711 UNH 1 BGM 1225"));
}

#[test]
fn levels_are_set_as_they_are_reported() {
    let commands = translate(REPORT, &[("location.S1", "depot")]).unwrap();
    let level = |command: &Command| match command {
        Command::SetAvailable(SetAvailable { sku, available, location, as_of }) => {
            (sku.clone(), *available, location.clone(), *as_of)
        }
        other => panic!("{other:?}"),
    };
    let levels: Vec<_> = commands.iter().map(level).collect();
    let (depot, at) = (Some("depot".to_owned()), RECEIVED - 900_000_000);
    assert_eq!(levels, [("TEA".to_owned(), 100, depot.clone(), at), ("AB3542".to_owned(), 7, depot, at)]);
}

#[test]
fn an_advice_books_in_or_fulfils_or_is_ignored_as_the_settings_say() {
    let received = translate(ADVICE, &[]).unwrap();
    let [Command::ReceiveStock(ReceiveStock { reference, lines, .. })] = received.as_slice() else { panic!() };
    let line = |sku: &str, quantity| StockLine { sku: sku.to_owned(), quantity };
    assert_eq!((reference.as_str(), lines), ("SHIP-9", &vec![line("AB3542", 3), line("TEA", 12)]));
    let left = translate(ADVICE, &[("ship-notice", "fulfil")]).unwrap();
    let order = |command: &Command| match command {
        Command::FulfilOrder(order) => (order.order.clone(), order.lines.clone()),
        other => panic!("{other:?}"),
    };
    let orders: Vec<_> = left.iter().map(order).collect();
    let expected = [("PO-4711", line("TEA", 12)), ("PO-4712", line("AB3542", 3))];
    assert_eq!(orders, expected.map(|(order, line)| (order.to_owned(), vec![line])));
    assert_eq!(translate(ADVICE, &[("ship-notice", "ignore")]).unwrap(), []);
    let nameless =
        translate(&ADVICE.replace("RFF+ON:PO-4711'\n", "").replace("UNT+14", "UNT+13"), &[("ship-notice", "fulfil")]);
    assert!(matches!(nameless, Err(Failure::Malformed(detail)) if detail.field == "UNB 9 UNH 1 RFF+ON"));
}

#[test]
fn separators_belong_to_each_interchange() {
    let stated = |text: &str| {
        let text = text.replace("UNA:+.? '\n", "").replace("?+", "\u{1}").replace("?'", "\u{2}");
        let text = text.replace('.', ",").replace(':', "|").replace('+', "*").replace("'\n", "~");
        format!("UNA|*,! ~{}", text.replace('\u{1}', "+").replace('\u{2}', "'"))
    };
    assert_eq!(translate(&stated(ORDER), &[]), translate(ORDER, &[]));
    let both = format!("{ORDER}{}", stated(ORDER));
    assert_eq!(translate(&both, &[]).unwrap().len(), 2);
    let one_line = ORDER.replace('\n', "");
    assert_eq!(translate(&one_line, &[]), translate(ORDER, &[]));
    let wrapped: Vec<_> =
        one_line.as_bytes().chunks(80).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    assert_eq!(translate(&wrapped.join("\r\n"), &[]), translate(ORDER, &[]), "lines of 80 characters");
}

#[test]
fn what_is_wrong_with_an_envelope_is_named_and_acknowledged_with_its_code() {
    let cases = [
        ("UNT+21+1", "UNT+20+1", "UNT", "UCM+1+ORDERS:D:96A:UN:EAN008+4+29+UNT"),
        ("UNT+21+1", "UNT+21+2", "UNT", "UCM+1+ORDERS:D:96A:UN:EAN008+4+28+UNT"),
        ("UNT+21+1'\n", "", "UNT", "UCM+1+ORDERS:D:96A:UN:EAN008+4+13+UNT"),
        ("QTY+21:12", "QTY+21:1O", "QTY", "UCM+1+ORDERS:D:96A:UN:EAN008+4+12"),
        ("UNZ+1+4711", "UNZ+1+4712", "UNZ", "UCI+4711+BUYER:14+SHOP:14+4+28+UNZ"),
        ("UNZ+1+4711", "UNZ+2+4711", "UNZ", "UCI+4711+BUYER:14+SHOP:14+4+29+UNZ"),
        ("UNZ+1+4711'\n", "", "UNZ", "UCI+4711+BUYER:14+SHOP:14+4+13+UNZ"),
        ("UNZ+1", "XXX+1'\nUNZ+1", "UNB", "UCI+4711+BUYER:14+SHOP:14+4+33"),
    ];
    for (sound, broken, place, segment) in cases {
        let body = ORDER.replace(sound, broken);
        assert_ne!(body, ORDER);
        let (_, answer) = exchanged(&body);
        assert!(malformed(&body).ends_with(&format!(" {place}")), "{broken}: {}", malformed(&body));
        assert!(answer.iter().any(|it| it == segment), "{broken}: {answer:?}");
    }
}

#[test]
fn a_sound_interchange_is_acknowledged_in_an_interchange_that_is_sound_itself() {
    let (taken, answer) = exchanged(ORDER);
    assert!(taken.is_ok());
    assert_eq!(
        answer,
        [
            "UNB+UNOC:3+SHOP:14+BUYER:14+261128:0930+1",
            "UNH+1+CONTRL:D:3:UN",
            "UCI+4711+BUYER:14+SHOP:14+7",
            "UCM+1+ORDERS:D:96A:UN:EAN008+7",
            "UNT+4+1",
            "UNZ+1+1",
        ]
    );
    let text: String = answer.iter().map(|segment| format!("{segment}'")).collect();
    assert_eq!(translate(&text, &[]), Ok(Vec::new()), "a CONTRL is understood, and means nothing");
    assert_eq!(answered(&text, &Outcome::Taken), Vec::<String>::new(), "and is not acknowledged itself");
}

#[test]
fn a_message_that_cannot_be_used_is_named_in_the_acknowledgement_and_nothing_of_the_body_is_taken() {
    let unknown = ORDER.replace("5410000000016:EN", "5410000000023:EN");
    let (taken, answer) = exchanged(&unknown);
    assert!(matches!(taken, Err(Failure::UnknownSku(detail)) if detail.field == "UNB 4711 UNH 1 LIN[0]"));
    assert!(answer.contains(&"UCM+1+ORDERS:D:96A:UN:EAN008+4+12".to_owned()), "{answer:?}");
    let invoice = ORDER.replace("ORDERS:D", "INVOIC:D");
    let (taken, answer) = exchanged(&invoice);
    assert!(matches!(taken, Err(Failure::Unsupported(_))));
    assert!(answer.iter().any(|it| it.ends_with("+4+17")), "{answer:?}");
    assert_eq!(translate(&invoice, &[("ignore", "INVOIC, PRICAT")]), Ok(Vec::new()));
}

#[test]
fn an_advice_that_takes_another_back_or_is_a_draft_or_a_copy_is_not_booked_in() {
    for function in ["1", "3", "4", "5", "16", "17", "31", "46", "53"] {
        let taken = translate(&ADVICE.replace("SHIP-9+9", &format!("SHIP-9+{function}")), &[]);
        assert!(matches!(taken, Err(Failure::Unsupported(_))), "{function}: {taken:?}");
    }
    for function in ["", "7", "22", "35", "700101"] {
        let taken = translate(&ADVICE.replace("SHIP-9+9", &format!("SHIP-9+{function}")), &[]);
        assert_eq!(taken, translate(ADVICE, &[]), "{function}");
    }
}

#[test]
fn cases_count_as_what_the_settings_say_is_in_them() {
    let received = translate(&ADVICE.replace("QTY+12:12", "QTY+12:12:CS"), &[("unit.CS", "6")]).unwrap();
    let [Command::ReceiveStock(ReceiveStock { lines, .. })] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(lines[1].quantity, 72);
}

#[test]
fn what_is_no_interchange_is_refused_and_not_answered() {
    for body in ["", " \n", "hello", "UNA:+.? '", "{\"a\": 1}", "ISA*00*"] {
        let (taken, answer) = exchanged(body);
        assert!(matches!(&taken, Err(Failure::Malformed(detail)) if detail.field == "UNB"), "{body:?}: {taken:?}");
        assert_eq!(answer, Vec::<String>::new(), "{body:?}");
    }
}

#[test]
fn quantities_dates_and_numbers_are_what_they_should_be_or_refused() {
    for (sound, broken, field) in [
        ("QTY+21:12:PCE", "QTY+21:-12:PCE", "UNB 4711 UNH 1 LIN[0] QTY"),
        ("QTY+21:12:PCE", "QTY+59:12:PCE", "UNB 4711 UNH 1 LIN[0] QTY"),
        ("PRI+AAA:9.25", "PRI+AAA:9.2.5", "UNB 4711 UNH 1 LIN[0] PRI"),
        ("137:20261128:102", "137:20261328:102", "UNB 4711 UNH 1 DTM 137"),
        ("137:20261128:102", "137:2026:102", "UNB 4711 UNH 1 DTM 137"),
        ("DTM+137", "DTM+2", "UNB 4711 UNH 1 DTM"),
        ("BGM+220+PO-4711", "BGM+220+", "UNB 4711 UNH 1 BGM 1004"),
        ("LIN+1++5410000000016:EN", "LIN+1", "UNB 4711 UNH 1 LIN[0]"),
    ] {
        assert_eq!(malformed(&ORDER.replace(sound, broken)), field, "{broken}");
    }
    let half = translate(&ORDER.replace("QTY+21:12", "QTY+21:12,5"), &[]);
    assert!(matches!(half, Err(Failure::Rejected(detail)) if detail.value == "12.5"));
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
        fulfilment: "P+1'?".to_owned(),
        lines: vec![StockLine { sku: "TEA".to_owned(), quantity: 3 }],
        location: "depot".to_owned(),
        fulfilled_at: RECEIVED,
    });
    let settings = [("own-id", "SHOP"), ("partner-id", "BUYER"), ("ship-notice", "fulfil")];
    let sent = Edifact::render(&[level("TEA", 5), left, level("POT", -2)], &context(&settings), &Known).unwrap();
    assert_eq!(sent.iter().map(|message| message.topic.as_str()).collect::<Vec<_>>(), ["INVRPT", "DESADV"]);
    let read = |message: &OutboundMessage| translate(str::from_utf8(&message.body).unwrap(), &settings).unwrap();
    let levels: Vec<_> = read(&sent[0]);
    assert!(matches!(&levels[1], Command::SetAvailable(level) if level.sku == "POT" && level.available == 0));
    let left = read(&sent[1]);
    assert!(matches!(&left[0], Command::FulfilOrder(it) if it.order == "PO-4711" && it.reference == "P+1'?-PO-4711"));
    let nameless = Edifact::render(&[level("TEA", 5)], &context(&[]), &Known);
    assert!(matches!(nameless, Err(Failure::Rejected(detail)) if detail.field == "own-id"));
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    let settings = context(&[("unit.PCE", "1000000"), ("ship-notice", "fulfil")]);
    for sound in [ORDER, REPORT, ADVICE, PLACES, &groups::in_groups()] {
        for body in testing::mutants(sound.as_bytes(), 12_000) {
            let message = message(&body);
            let taken = Edifact::translate(&message, &settings, &Known);
            let outcome = taken.map_or_else(Outcome::Refused, |_| Outcome::Taken);
            let answer = Edifact::acknowledge(&message, &outcome, &settings).unwrap();
            // What is answered can be read, whatever it answers.
            let sound = answer.is_none_or(|answer| envelope::read(&segment::text(&answer.body)).is_ok());
            assert!(sound, "{:?}", String::from_utf8_lossy(&body));
        }
    }
}
