//! What the API's description says of types that the core defines: their rules as JSON Schema. None of these exists as
//! a value; each stands for the core's type of the same name.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::json;
use tillmesh_core::event::MAX_QUANTITY;
use tillmesh_core::id;
use tillmesh_core::money::{MAX_AMOUNT, MAX_SCALE};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! schemas {
    ($($(#[doc = $doc:literal])* $name:ident $([$($inner:ident),*])? = $schema:expr;)*) => {
        $(
            $(#[doc = $doc])*
            pub(super) enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    // Nearly everything has money in it: a node that starts reads each of these once.
                    static SCHEMA: LazyLock<RefOr<Schema>> = LazyLock::new(|| {
                        let mut schema = $schema;
                        schema["description"] = json!(concat!($($doc),*).trim());
                        read(schema)
                    });
                    SCHEMA.clone()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }

                fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                    // Types that name no other leave the list as it is.
                    let _ = &schemas;
                    $($(
                        if schemas.iter().all(|(name, _)| *name != $inner::name()) {
                            schemas.push(($inner::name().into_owned(), $inner::schema()));
                            $inner::schemas(schemas);
                        }
                    )*)?
                }
            }
        )*
    };
}

/// Text without control characters that neither begins nor ends with white space.
const TRIMMED: &str = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$";

schemas! {
    /// A name of a node, location, region, channel or promotion.
    Name = json!({ "type": "string", "minLength": 1, "maxLength": id::Name::MAX_LEN, "pattern": "^[A-Za-z0-9_-]+$" });
    /// A stock keeping unit, as the retailer writes it. At most 64 bytes.
    Sku = json!({ "type": "string", "minLength": 1, "maxLength": id::Sku::MAX_LEN, "pattern": TRIMMED });
    /// A reference of another system, opaque; never a person's name, address or number. At most 128 bytes.
    Reference = json!({ "type": "string", "minLength": 1, "maxLength": id::Reference::MAX_LEN, "pattern": TRIMMED });
    /// An event, and the order that a sale or promise makes.
    EventId = json!({ "type": "string", "pattern": "^[a-z2-7]{26}$" });
    /// An Ed25519 public key, in base32.
    PublicKey = json!({ "type": "string", "pattern": "^[a-z2-7]{52}$" });
    /// A cart.
    CartId = json!({ "type": "string", "pattern": "^[a-z2-7]{16}$" });
    /// SHA-256 of content, in base32.
    ObjectHash = json!({ "type": "string", "pattern": "^[a-z2-7]{52}$" });
    /// A day of trade in its location's time zone.
    BusinessDate = json!({ "type": "string", "format": "date" });
    /// Which way cash moved without a sale.
    CashKind = json!({ "type": "string", "enum": ["float", "paid-in", "paid-out"] });
    /// A moment, RFC 3339, between 1970-01-01 and 9999-01-01.
    Timestamp = json!({ "type": "string", "format": "date-time", "example": "2026-11-24T10:00:00Z" });
    /// An ISO 4217 code with a minor unit.
    Currency = json!({ "type": "string", "enum": currencies(), "example": "USD" });
    /// An amount of money in minor units: cents, pence, yen.
    Money [Currency] = json!({
        "type": "object",
        "required": ["amount", "currency"],
        "additionalProperties": false,
        "properties": {
            "amount": { "type": "integer", "format": "int64", "minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT },
            "currency": { "$ref": "#/components/schemas/Currency" },
        },
        "example": { "amount": 1299, "currency": "USD" },
    });
    /// The price of one base unit: `amount / 10^scale` of the currency's major unit; without a scale, minor units.
    UnitPrice [Currency] = json!({
        "type": "object",
        "required": ["amount", "currency"],
        "additionalProperties": false,
        "properties": {
            "amount": { "type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_AMOUNT },
            "scale": { "type": "integer", "minimum": 0, "maximum": MAX_SCALE },
            "currency": { "$ref": "#/components/schemas/Currency" },
        },
        "example": { "amount": 12345, "scale": 4, "currency": "GBP" },
    });
    /// How much of something, in the SKU's base unit: pieces, grams, thousandths.
    Quantity = json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_QUANTITY });
    /// The same where nothing is something: a stock-take, a coupon line of a till.
    QuantityOrZero = json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_QUANTITY });
    /// A change of stock: positive found, negative lost, never zero.
    Change = json!({
        "oneOf": [
            { "type": "integer", "format": "int64", "minimum": -MAX_QUANTITY, "maximum": -1 },
            { "type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_QUANTITY },
        ],
    });
    /// What a promotion takes off.
    PromotionKind [Money, Target] = json!({
        "oneOf": [
            variant("percentage", &["basis_points"], json!({ "basis_points": share() })),
            variant("fixed-amount", &["amount"], json!({
                "amount": { "$ref": "#/components/schemas/Money" },
                "per": { "type": "string", "enum": ["target", "unit"], "default": "target" },
            })),
            variant("buy-x-get-y", &["buy", "get", "basis_points"], json!({
                "buy": units(),
                "get": units(),
                "basis_points": share(),
                "reward": { "$ref": "#/components/schemas/Target" },
                "times": units(),
            })),
        ],
    });
    /// What a promotion applies to.
    Target [Sku] = json!({
        "oneOf": [
            variant("everything", &[], json!({})),
            variant("skus", &["skus"], json!({ "skus": listed(json!({ "$ref": "#/components/schemas/Sku" })) })),
            variant("categories", &["categories"], json!({ "categories": listed(text()) })),
            variant("departments", &["departments"], json!({ "departments": listed(text()) })),
        ],
    });
}

/// Every code that is taken: found by asking, once, since the core keeps no list.
fn currencies() -> &'static [String] {
    static CODES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let letters = || 'A'..='Z';
        let pairs = letters().flat_map(|a| letters().map(move |b| (a, b)));
        let codes = pairs.flat_map(|(a, b)| letters().map(move |c| String::from_iter([a, b, c])));
        codes.filter(|code| tillmesh_core::money::Currency::new(code).is_ok()).collect()
    });
    &CODES
}

fn share() -> serde_json::Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 10_000, "description": "Hundredths of a percent." })
}

fn units() -> serde_json::Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 1_000 })
}

fn text() -> serde_json::Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 200 })
}

fn listed(items: serde_json::Value) -> serde_json::Value {
    json!({ "type": "array", "minItems": 1, "maxItems": 1_000, "items": items })
}

fn variant(tag: &str, required: &[&str], mut properties: serde_json::Value) -> serde_json::Value {
    properties["type"] = json!({ "type": "string", "enum": [tag] });
    let required: Vec<&str> = std::iter::once("type").chain(required.iter().copied()).collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

/// Puts a schema into the description's own type; one that it cannot say would be left out, and a test would miss it.
fn read(schema: serde_json::Value) -> RefOr<Schema> {
    serde_json::from_value(schema).unwrap_or_else(|_| RefOr::T(Schema::default()))
}
