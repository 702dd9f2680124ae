//! Products.

use super::*;

/// What the catalogue knows: the retailer gave one article a department, a base unit, a tax class and a GTIN.
struct Catalog;

impl Catalogue for Catalog {
    fn by_sku(&self, sku: &str) -> Option<Product> {
        let text = |text: &str| Some(text.to_owned());
        let (department, category) = (text("Grocery"), text("Loose"));
        let (unit, tax_class, gtin) = (text("packet"), text("reduced"), text("96385074"));
        let known = Product { department, category, unit, tax_class, gtin, ..product(sku) };
        (sku == "TEA-GREEN-100").then_some(known)
    }
}

fn articles(body: &str, settings: &[(&str, &str)]) -> Vec<Product> {
    let commands = Shopify::translate(&message("products/update", body), &context(settings), &Catalog).unwrap();
    let is_article = |command| match command {
        Command::UpsertProduct(article) => article,
        other => panic!("{other:?}"),
    };
    commands.into_iter().map(is_article).collect()
}

const EUROS: &[(&str, &str)] = &[("currency", "EUR")];

#[test]
fn each_variant_with_a_sku_is_an_article() {
    let articles = articles(PRODUCT, EUROS);
    let [small, large] = articles.as_slice() else { panic!("{articles:?}") };
    assert_eq!((small.sku.as_str(), small.name.as_str()), ("TEA-GREEN-100", "Green tea - 100 g"));
    assert_eq!((large.sku.as_str(), large.name.as_str()), ("TEA-GREEN-250", "Green tea - 250 g"));
    let price = large.price.as_ref().unwrap();
    assert_eq!((price.amount, price.scale, price.currency.as_str()), (1_900, Some(2), "EUR"));
    assert_eq!(small.gtin.as_deref(), Some("4006381333931"));
    assert_eq!(large.gtin, None, "a barcode that is no GTIN is the shop's own");
    assert_eq!(small.references, ["gid://shopify/ProductVariant/44310072", "gid://shopify/InventoryItem/46371002"]);
    assert_eq!((small.category.as_deref(), large.category.as_deref()), (Some("Tea"), Some("Tea")));
}

#[test]
fn what_shopify_does_not_know_stays_as_the_catalogue_has_it() {
    let known = &articles(PRODUCT, EUROS)[0];
    let text = |text: &Option<String>| text.clone().unwrap();
    let kept = [text(&known.department), text(&known.unit), text(&known.tax_class)];
    assert_eq!(kept, ["Grocery", "packet", "reduced"]);
    let without_kind = PRODUCT.replace("\"product_type\": \"Tea\"", "\"product_type\": \"\"");
    assert_eq!(articles(&without_kind, EUROS)[0].category.as_deref(), Some("Loose"));
    for unsaid in ["\"barcode\": \"\"", "\"barcode\": null", "\"barcode\": \"shelf 11\"", "\"has_no_barcode\": true"] {
        let body = PRODUCT.replace("\"barcode\": \"4006381333931\"", unsaid);
        assert_eq!(articles(&body, EUROS)[0].gtin.as_deref(), Some("96385074"), "{unsaid}");
    }
}

#[test]
fn what_is_not_taxed_has_the_class_that_the_settings_name() {
    let classes = |body: &str, settings: &[(&str, &str)]| -> Vec<_> {
        articles(body, settings).into_iter().map(|article| article.tax_class).collect()
    };
    let zero = [EUROS, &[("untaxed", "zero")]].concat();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(classes(PRODUCT, &zero), [text("reduced"), text("zero")]);
    assert_eq!(classes(PRODUCT, EUROS), [text("reduced"), None], "without the setting nothing is said of it");
    let reduced = [EUROS, &[("untaxed", "reduced")]].concat();
    assert_eq!(classes(PRODUCT, &reduced), [None, text("reduced")], "it is taxed now, and nobody says how");
    let unsaid = PRODUCT.replace("\"taxable\": false,", "");
    assert_eq!(classes(&unsaid, &zero), [text("reduced"), None]);
    let unsaid = PRODUCT.replacen("\"taxable\": true,", "", 1);
    assert_eq!(classes(&unsaid, &reduced), [text("reduced"), text("reduced")]);
}

#[test]
fn a_product_without_options_has_its_title_alone_and_one_without_title_its_sku() {
    let only = PRODUCT.replace("\"title\": \"100 g\"", "\"title\": \"Default Title\"");
    assert_eq!(articles(&only, EUROS)[0].name, "Green tea");
    let nameless = only.replace("\"title\": \"Green tea\"", "\"title\": null");
    assert_eq!(articles(&nameless, EUROS)[0].name, "TEA-GREEN-100");
    let long = only.replace("Green tea", &"\u{e9}".repeat(300));
    assert_eq!(articles(&long, EUROS)[0].name, "\u{e9}".repeat(100), "as much as a node takes");
}

#[test]
fn a_malformed_product_is_refused_by_field() {
    let bent = |from: &str, to: &str| {
        let body = PRODUCT.replacen(from, to, 1);
        match Shopify::translate(&message("products/create", &body), &context(EUROS), &Catalog).unwrap_err() {
            Failure::Malformed(detail) => detail.field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(bent("\"id\": 9012201", "\"id\": \"\""), "id");
    assert_eq!(bent("\"variants\"", "\"versions\""), "variants");
    assert_eq!(bent("\"id\": 44310073", "\"id\": null"), "variants[1].id");
    assert_eq!(bent("\"sku\": \"TEA-GREEN-250\"", "\"sku\": \"TEA \""), "variants[1].sku");
    assert_eq!(bent("\"price\": \"19.00\"", "\"price\": \"19,00\""), "variants[1].price");
    assert_eq!(bent("\"taxable\": false", "\"taxable\": 0"), "variants[1].taxable");
    assert_eq!(bent("\"inventory_item_id\": 46371002", "\"inventory_item_id\": {}"), "variants[0].inventory_item_id");
    let nameless = translate("products/create", PRODUCT, &[]).unwrap_err();
    assert!(matches!(nameless, Failure::Rejected(detail) if detail.field == "currency"));
}
