//! Feeds as Google's documentation describes them.

use tillmesh_plugin::outbound::ProductChanged;
use tillmesh_plugin::testing::{RECEIVED, context, product};
use tillmesh_plugin::{Stock, UnitPrice};

use super::*;

/// Sells one article.
struct Shop;

impl Catalogue for Shop {
    fn availability(&self, sku: &str, location: Option<&str>) -> Option<Stock> {
        // G-1 is the code of a store, and no location.
        (sku == "TEA & CO" && location != Some("G-1")).then_some(Stock { on_hand: 5, promised: 1, available: 4 })
    }

    fn price(&self, sku: &str) -> Option<UnitPrice> {
        (sku == "TEA & CO").then(|| price(1_250, 2, "USD"))
    }
}

fn price(amount: i64, scale: u8, currency: &str) -> UnitPrice {
    UnitPrice { amount, scale: Some(scale), currency: currency.to_owned() }
}

fn changed(product: Product) -> Event {
    Event::ProductChanged(ProductChanged { product, effective_at: RECEIVED })
}

fn level(sku: &str, location: &str, available: i64) -> Event {
    let (sku, location, references) = (sku.to_owned(), location.to_owned(), vec![]);
    Event::AvailabilityChanged(AvailabilityChanged { sku, available, location, as_of: RECEIVED, references })
}

const SETTINGS: [(&str, &str); 5] = [
    ("shop-title", "Tea & more"),
    ("shop-link", "https://shop.example"),
    ("shop-description", "Tea"),
    ("link", "https://shop.example/p/{sku}"),
    ("store.depot", ""),
];

fn rendered(events: &[Event]) -> Vec<(String, String)> {
    let messages = GoogleMerchant::render(events, &context(&SETTINGS), &Shop).unwrap();
    messages.into_iter().map(|it| (it.topic, String::from_utf8(it.body).unwrap())).collect()
}

#[test]
fn a_product_is_an_item_with_everything_that_google_needs() {
    let tea = Product {
        name: "Tea <green>".to_owned(),
        price: Some(price(12_499, 3, "USD")),
        gtin: Some("036000291452".to_owned()),
        category: Some("Drinks".to_owned()),
        ..product("TEA & CO")
    };
    let feeds = rendered(&[changed(tea), changed(product("NO-PRICE"))]);
    let [(topic, feed)] = feeds.as_slice() else { panic!("{feeds:?}") };
    assert_eq!(topic, "products");
    let expected = "    <title>Tea &amp; more</title>\n    <link>https://shop.example</link>\n    \
        <description>Tea</description>\n    <item>\n      <g:id>TEA &amp; CO</g:id>\n      \
        <title>Tea &lt;green&gt;</title>\n      <g:condition>new</g:condition>\n      \
        <g:availability>in_stock</g:availability>\n      <link>https://shop.example/p/TEA%20%26%20CO</link>\n      \
        <g:price>12.50 USD</g:price>\n      <g:product_type>Drinks</g:product_type>\n      \
        <g:gtin>036000291452</g:gtin>\n    </item>\n  </channel>\n</rss>\n";
    assert!(feed.ends_with(expected), "{feed}");
    assert!(feed.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss xmlns:g="), "{feed}");
}

#[test]
fn levels_are_rows_by_store_and_never_below_nothing() {
    let feeds = rendered(&[level("TEA & CO", "shop-1", 4), level("POT", "shop-1", -2), level("POT", "depot", 9)]);
    let [(topic, feed)] = feeds.as_slice() else { panic!("{feeds:?}") };
    assert_eq!(topic, "local-inventory");
    let rows = ["shop-1\tTEA & CO\t4\t12.50 USD\tin_stock", "shop-1\tPOT\t0\t\tout_of_stock"];
    assert_eq!(*feed, format!("store_code\tid\tquantity\tprice\tavailability\n{}\n", rows.join("\n")));
}

#[test]
fn a_feed_of_nothing_is_not_sent() {
    assert_eq!(rendered(&[level("POT", "depot", 9)]), [], "the depot is none of Google's");
    assert_eq!(rendered(&[changed(product("NO-PRICE"))]), []);
    assert_eq!(rendered(&[]), []);
}

#[test]
fn a_store_of_several_locations_has_what_they_have_together() {
    let settings = [("store.floor", "G-1"), ("store.cellar", "G-1"), ("store.depot", "")];
    let feed = |events: &[Event]| {
        let messages = GoogleMerchant::render(events, &context(&settings), &Shop).unwrap();
        String::from_utf8(messages[0].body.clone()).unwrap().lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let both = [level("POT", "floor", 2), level("POT", "cellar", 5), level("POT", "shop-1", 1)];
    assert_eq!(feed(&both), ["G-1\tPOT\t7\t\tin_stock", "shop-1\tPOT\t1\t\tin_stock"]);
    let one = feed(&[level("TEA & CO", "floor", 2)]);
    assert_eq!(one, ["G-1\tTEA & CO\t6\t12.50 USD\tin_stock"], "the cellar has 4, which did not change");
    let settings = [("store.cellar", "floor")];
    let feed = |events: &[Event]| {
        let messages = GoogleMerchant::render(events, &context(&settings), &Shop).unwrap();
        String::from_utf8(messages[0].body.clone()).unwrap().lines().nth(1).map(str::to_owned)
    };
    for both in
        [[level("POT", "floor", 2), level("POT", "cellar", 5)], [level("POT", "cellar", 5), level("POT", "floor", 2)]]
    {
        assert_eq!(feed(&both).as_deref(), Some("floor\tPOT\t7\t\tin_stock"), "a code that nobody says is the name");
    }
}

#[test]
fn prices_have_the_decimals_of_their_currency() {
    let shown = |amount, scale, currency| price::shown(&price(amount, scale, currency));
    assert_eq!(shown(200, 2, "USD").as_deref(), Some("2.00 USD"));
    assert_eq!(shown(5, 0, "USD").as_deref(), Some("5.00 USD"));
    assert_eq!(shown(1_555, 3, "GBP").as_deref(), Some("1.56 GBP"));
    assert_eq!(shown(19_940, 0, "JPY").as_deref(), Some("19940 JPY"));
    assert_eq!(shown(1_234, 3, "KWD").as_deref(), Some("1.234 KWD"));
    assert_eq!(shown(-1, 2, "USD"), None);
    assert!(shown(i64::MAX, 0, "USD").is_some());
}

#[test]
fn a_feed_needs_to_know_where_products_are_shown() {
    let settings = [("link", "https://shop.example")];
    let refused = GoogleMerchant::render(&[changed(product("A"))], &context(&settings), &Shop);
    assert!(matches!(refused, Err(Failure::Rejected(detail)) if detail.field == "link"));
}
