//! The published grocery baskets, see `examples/grocery/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// One line of a basket, as published. Money in US cents.
#[derive(Debug, Clone, Deserialize)]
pub struct BasketLine {
    /// Local time without a zone.
    pub sold_at: String,
    /// The store.
    pub store_id: String,
    /// The basket: one store, one household, one time.
    pub basket_id: String,
    /// The household.
    pub household_id: String,
    /// The product.
    pub product_id: String,
    /// Units; zero for a coupon or a correction; fuel in thousandths of a gallon.
    pub quantity: i64,
    /// What was paid for the line.
    pub sales_value_cents: i64,
}

/// A product, as published.
#[derive(Debug, Clone, Deserialize)]
pub struct ProductLine {
    /// The product.
    pub product_id: String,
    /// Its department.
    pub department: String,
    /// Its brand: national or private.
    pub brand: String,
    /// Its category.
    pub product_category: String,
    /// Its type.
    pub product_type: String,
    /// Its package.
    pub package_size: String,
}

/// What was sold over the four weeks, as published.
#[derive(Debug, Clone, Deserialize)]
pub struct UnitsSold {
    /// The store.
    pub store_id: String,
    /// The product.
    pub product_id: String,
    /// Units.
    pub quantity: i64,
}

/// The data.
pub struct Grocery {
    /// Every line of every basket, in the published order.
    pub lines: Vec<BasketLine>,
    /// The products; two of those in the baskets are missing.
    pub products: Vec<ProductLine>,
    /// The ground truth.
    pub sold: Vec<UnitsSold>,
}

impl Grocery {
    /// Reads the files.
    ///
    /// # Errors
    /// When one is missing or not as published.
    pub fn read() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grocery/data");
        Ok(Self {
            lines: rows(folder.join("baskets-weeks-1-4.csv"))?,
            products: rows(folder.join("products.csv"))?,
            sold: rows(folder.join("units-sold-weeks-1-4.csv"))?,
        })
    }

    /// The stores.
    pub fn stores(&self) -> BTreeSet<String> {
        self.lines.iter().map(|line| line.store_id.clone()).collect()
    }

    /// What a customer paid for one unit of each product, in cents: the most that was paid, since less is a discount.
    pub fn prices(&self) -> BTreeMap<String, i64> {
        let mut prices = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.quantity > 0 && line.quantity < 1_000) {
            let price = prices.entry(line.product_id.clone()).or_insert(0);
            *price = (line.sales_value_cents / line.quantity).max(*price);
        }
        prices
    }

    /// The products as a node takes them.
    pub fn catalogue(&self, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
        let prices = self.prices();
        let products = self.products.iter().filter(|product| wanted(&product.product_id));
        products.map(|product| product.to_json(prices.get(&product.product_id).copied())).collect()
    }
}

impl ProductLine {
    fn to_json(&self, price: Option<i64>) -> Value {
        let name = [self.product_type.trim(), self.package_size.trim()].join(" ");
        let name = if name.trim().is_empty() { format!("product {}", self.product_id) } else { name.trim().to_owned() };
        let mut product = json!({ "sku": self.product_id, "name": name });
        for (key, value) in [("department", &self.department), ("category", &self.product_category)] {
            if !value.trim().is_empty() && value.trim() != "NA" {
                product[key] = json!(value.trim());
            }
        }
        if let Some(price) = price.filter(|price| *price > 0) {
            product["price"] = json!({ "amount": price, "currency": "USD" });
        }
        product
    }
}

/// The week of the data that a time falls into, from 0: seven days each from the first of the month.
pub fn week_of(sold_at: &str) -> usize {
    let day: usize = sold_at.get(8..10).and_then(|day| day.parse().ok()).unwrap_or(1);
    (day - 1) / 7
}

/// Baskets as a node's import takes them, in the order of their first lines. The data has no time zone: its times are
/// taken as UTC.
pub fn sales(lines: &[&BasketLine]) -> Vec<Value> {
    let mut order = Vec::new();
    let mut baskets: BTreeMap<&str, Vec<&BasketLine>> = BTreeMap::new();
    for line in lines {
        let basket = baskets.entry(&line.basket_id).or_default();
        if basket.is_empty() {
            order.push(line.basket_id.as_str());
        }
        basket.push(line);
    }
    order.into_iter().map(|basket| sale(basket, &baskets[basket])).collect()
}

fn sale(basket: &str, lines: &[&BasketLine]) -> Value {
    let line = |line: &&BasketLine| {
        json!({
            "sku": line.product_id,
            "quantity": line.quantity,
            "amount": { "amount": line.sales_value_cents, "currency": "USD" },
        })
    };
    json!({
        "idempotency_key": format!("basket-{basket}"),
        "sold_at": format!("{}Z", lines[0].sold_at),
        "customer_ref": format!("household-{}", lines[0].household_id),
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn rows<T: serde::de::DeserializeOwned>(path: PathBuf) -> Result<Vec<T>> {
    let mut reader = csv::Reader::from_path(&path).with_context(|| path.display().to_string())?;
    reader.deserialize().collect::<Result<_, _>>().with_context(|| path.display().to_string())
}
