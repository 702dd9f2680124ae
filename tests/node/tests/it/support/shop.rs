//! A shop's everyday requests, and what its nodes say of it.

use serde_json::{Value, json};

use super::node::Node;

/// Channels for the tests: a web shop with signed webhooks, and a plugin that misbehaves as its messages ask.
pub fn channels() -> String {
    format!(
        "[plugins.shopify]\ncomponent = {:?}\n\
         [plugins.misbehaving]\ncomponent = {:?}\n\
         [channels.shop]\nplugin = \"shopify\"\nsignature = \"shopify\"\nsecret = {SECRET:?}\nlocation = \"web\"\n\
         [channels.odd]\nplugin = \"misbehaving\"\nsignature = \"none\"\n",
        super::component("shopify"),
        super::component("misbehaving"),
    )
}

/// The secret of the channel `shop`.
pub const SECRET: &str = "hush";

/// A plugin that prices carts.
pub fn priced_by(plugin: &str, on_failure: &str) -> String {
    format!(
        "[pricing]\nplugin = {plugin:?}\non_failure = {on_failure:?}\n[plugins.{plugin}]\ncomponent = {:?}\n",
        super::component(plugin)
    )
}

/// An amount.
pub fn usd(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

/// A sale of one line.
pub fn sale_of(sku: &str, quantity: i64) -> Value {
    json!({ "lines": [{ "sku": sku, "quantity": quantity, "amount": usd(100 * quantity) }] })
}

/// Goods that move, of one line.
pub fn goods(sku: &str, quantity: i64) -> Value {
    json!({ "lines": [{ "sku": sku, "quantity": quantity }] })
}

impl Node {
    /// Puts a product.
    #[track_caller]
    pub fn put_product(&self, sku: &str, price: i64) {
        let product = json!({ "name": format!("product {sku}"), "price": usd(price) });
        self.put(&format!("/v1/products/{sku}"), &format!("product-{sku}"), &product).ok();
    }

    /// Books goods in.
    #[track_caller]
    pub fn receive(&self, key: &str, sku: &str, quantity: i64) {
        self.post("/v1/stock/receipts", key, &goods(sku, quantity)).ok();
    }

    /// Sells over the counter and gives the order.
    #[track_caller]
    pub fn sell(&self, key: &str, sku: &str, quantity: i64) -> Value {
        self.post("/v1/sales", key, &sale_of(sku, quantity)).ok()
    }

    /// Begins a cart with one line and gives its id.
    #[track_caller]
    pub fn cart_of(&self, key: &str, sku: &str, quantity: i64) -> String {
        let cart = self.post("/v1/carts", key, &json!({})).ok();
        let id = cart["id"].as_str().unwrap().to_owned();
        let line = json!({ "sku": sku, "quantity": quantity });
        self.post(&format!("/v1/carts/{id}/lines"), &format!("{key}-line"), &line).ok();
        id
    }

    /// How much of a SKU there is at all locations; none when the node does not know it.
    #[track_caller]
    pub fn on_hand(&self, sku: &str) -> Option<i64> {
        let answer = self.get(&format!("/v1/stock/{sku}"));
        if answer.status == 404 { None } else { answer.ok()["on_hand"].as_i64() }
    }

    /// The number of its last commit.
    #[track_caller]
    pub fn position(&self) -> u64 {
        self.get("/v1/node").ok()["position"].as_u64().unwrap()
    }

    /// Everything that nodes of a fleet must agree on: stock, catalogue and carts.
    pub fn state(&self) -> [Vec<Value>; 4] {
        let client = self.client();
        ["/v1/stock", "/v1/products", "/v1/promotions", "/v1/carts"].map(|path| client.list(path).unwrap())
    }
}
