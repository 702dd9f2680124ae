//! `tillmesh cart`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::Target;
use super::client::{Client, WriteKey, encode};
use super::order::print_order;
use super::past::AsOf;
use super::show::{self, Table, money, text};

/// Begin, show, change, hand over and check out carts
#[derive(Debug, Args)]
pub(super) struct Cart {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Begin a cart
    Create {
        /// Whose it is, opaque: finds the cart at another node
        #[arg(long, value_name = "REFERENCE")]
        customer: Option<String>,
        /// Channel that it is begun in [default: the node's location]
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Find carts
    List {
        /// Only those of this customer
        #[arg(long, value_name = "REFERENCE")]
        customer: Option<String>,
    },
    /// Show a cart with its price
    ///
    /// With --as-of, as this node knew it then, without a price.
    Show {
        /// The cart
        cart: String,
        #[command(flatten)]
        moment: AsOf,
    },
    /// Add goods
    Add {
        /// The cart
        cart: String,
        /// What
        sku: String,
        /// How much
        #[arg(default_value_t = 1)]
        quantity: i64,
        /// Which clerk adds it, opaque
        #[arg(long, value_name = "REFERENCE")]
        clerk: Option<String>,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Set how much of a SKU the cart holds
    Set {
        /// The cart
        cart: String,
        /// What
        sku: String,
        /// How much; 0 removes it
        quantity: i64,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Remove a SKU
    Remove {
        /// The cart
        cart: String,
        /// What
        sku: String,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Add a coupon, or take it off
    Coupon {
        /// The cart
        cart: String,
        /// The code
        code: String,
        /// Take it off
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Get the cart's token from whoever holds it: its holder checks the cart out
    Claim {
        /// The cart
        cart: String,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Begin a cart of the lines of one whose holder cannot be reached, to sell the goods in hand
    Fork {
        /// The other cart
        cart: String,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Let the lines of another cart go on in this one, such as a guest's
    Merge {
        /// The cart that takes the lines
        cart: String,
        /// The cart that ends
        from: String,
        /// How much of each SKU: sum, max, or keep what the cart holds itself
        #[arg(long, value_enum, default_value_t = Policy::Sum)]
        policy: Policy,
        #[command(flatten)]
        key: WriteKey,
    },
    /// Sell the cart's goods over the counter, or promise them
    Checkout {
        /// The cart
        cart: String,
        /// Promise the goods instead of selling them
        #[arg(long, conflicts_with = "tender")]
        promise: bool,
        /// How it is paid: cash, card, or cash=500 where it pays a part, in minor units
        #[arg(long, value_name = "KIND[=AMOUNT]")]
        tender: Vec<String>,
        #[command(flatten)]
        key: WriteKey,
    },
}

/// How much of a SKU a cart has that takes another's lines.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Policy {
    /// What both held together
    Sum,
    /// What the one held that held more
    Max,
    /// What it held itself; of what it did not hold, what the other held
    Keep,
}

impl Policy {
    const fn word(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Keep => "keep",
        }
    }
}

impl Cart {
    pub(super) fn run(self) -> Result<ExitCode> {
        let client = self.target.client();
        if let Action::List { customer } = &self.action {
            let carts = client.list("/v1/carts", &[("customer_ref", customer.as_deref())])?;
            if self.target.json {
                show::json(&json!(carts))?;
            } else {
                print_carts(&carts);
            }
            return Ok(ExitCode::SUCCESS);
        }
        let checkout = matches!(self.action, Action::Checkout { .. });
        let answer = self.action.answer(&client)?;
        match (self.target.json, checkout) {
            (true, _) => show::json(&answer)?,
            (false, true) => print_order(&answer),
            (false, false) => print_cart(&answer),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Action {
    fn answer(self, client: &Client) -> Result<Value> {
        match self {
            Self::Create { customer, channel, key } => {
                client.post("/v1/carts", &key, &json!({ "customer_ref": customer, "channel": channel }))
            }
            Self::List { .. } => bail!("a list has no single answer"),
            Self::Show { cart, moment } => client.get(&moment.ask(path(&cart))),
            Self::Add { cart, sku, quantity, clerk, key } => {
                let body = json!({ "sku": sku, "quantity": quantity, "clerk": clerk });
                client.post(&format!("{}/lines", path(&cart)), &key, &body)
            }
            Self::Set { cart, sku, quantity, key } => {
                client.patch(&line_path(&cart, &sku), &key, &json!({ "quantity": quantity }))
            }
            Self::Remove { cart, sku, key } => client.delete(&line_path(&cart, &sku), &key),
            Self::Coupon { cart, code, remove: true, key } => {
                client.delete(&format!("{}/coupons/{}", path(&cart), encode(&code)), &key)
            }
            Self::Coupon { cart, code, remove: false, key } => {
                client.post(&format!("{}/coupons", path(&cart)), &key, &json!({ "code": code }))
            }
            Self::Claim { cart, key } => client.act(&format!("{}:claim", path(&cart)), &key),
            Self::Fork { cart, key } => client.act(&format!("{}:fork", path(&cart)), &key),
            Self::Merge { cart, from, policy, key } => {
                let body = json!({ "from": from, "policy": policy.word() });
                client.post(&format!("{}:merge", path(&cart)), &key, &body)
            }
            Self::Checkout { cart, promise, tender, key } => {
                let kind = if promise { "promise" } else { "physical" };
                let body = json!({ "kind": kind, "tenders": tenders(client, &cart, &tender)? });
                client.post(&format!("{}:checkout", path(&cart)), &key, &body)
            }
        }
    }
}

fn path(cart: &str) -> String {
    format!("/v1/carts/{}", encode(cart))
}

fn line_path(cart: &str, sku: &str) -> String {
    format!("{}/lines/{}", path(cart), encode(sku))
}

/// A means of payment without an amount pays what the cart comes to.
fn tenders(client: &Client, cart: &str, given: &[String]) -> Result<Vec<Value>> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let cart = client.get(&path(cart))?;
    let total = &cart["total"];
    let in_cash = cart.get("cash_total").unwrap_or(total);
    let currency = total["currency"].as_str().context("the cart has no price, so nothing can be paid")?;
    let tender = |text: &String| match text.split_once('=') {
        None => Ok(json!({ "kind": text, "amount": if text == "cash" { in_cash } else { total } })),
        Some((kind, amount)) => {
            let amount: i64 = amount.parse().with_context(|| format!("--tender {text}: {amount:?} is no integer"))?;
            Ok(json!({ "kind": kind, "amount": { "amount": amount, "currency": currency } }))
        }
    };
    given.iter().map(tender).collect()
}

fn print_carts(carts: &[Value]) {
    let mut table = Table::new(&["cart", "state", "customer", "begun at", "in", ">lines", ">total"]);
    for cart in carts {
        table.row([
            text(&cart["id"]),
            text(&cart["state"]),
            text(&cart["customer_ref"]),
            text(&cart["begun"]["at"]),
            text(&cart["begun"]["channel"]),
            cart["lines"].as_array().map_or(0, Vec::len).to_string(),
            money(&cart["total"]),
        ]);
    }
    table.print();
}

/// Who may check it out, and which carts it has to do with.
fn print_relations(cart: &Value) {
    println!("its token is held by {}", text(&cart["holder"]["node"]));
    let relations = [
        ("forked_from", "fork of"),
        ("continued_from", "continues"),
        ("continued_in", "continued in"),
        ("merged_into", "merged into"),
    ];
    for (member, words) in relations {
        if cart[member].is_string() {
            println!("{words} cart {}", text(&cart[member]));
        }
    }
}

fn print_cart(cart: &Value) {
    let customer = text(&cart["customer_ref"]);
    let customer = if customer.is_empty() { customer } else { format!(", customer {customer}") };
    println!("cart {} ({}{customer})", text(&cart["id"]), text(&cart["state"]));
    print_relations(cart);
    let mut table = Table::new(&["sku", "name", ">quantity", ">price", ">amount"]);
    for line in cart["lines"].as_array().into_iter().flatten() {
        let (price, amount) = (money(&line["unit_price"]), money(&line["amount"]));
        table.row([text(&line["sku"]), text(&line["name"]), text(&line["quantity"]), price, amount]);
    }
    for adjustment in cart["adjustments"].as_array().into_iter().flatten() {
        let reason = text(&adjustment["reason"]);
        table.row([text(&adjustment["promotion"]), reason, "".into(), "".into(), money(&adjustment["amount"])]);
    }
    if cart["total"].is_object() {
        table.row(["total".to_owned(), "".into(), "".into(), "".into(), money(&cart["total"])]);
    }
    table.print();
    for coupon in cart["coupons"].as_array().into_iter().flatten() {
        println!("coupon {}: {}", text(&coupon["code"]), text(&coupon["status"]));
    }
    for line in cart["late_lines"].as_array().into_iter().flatten() {
        println!("after the checkout came {} x {}", text(&line["quantity"]), text(&line["sku"]));
    }
    for checkout in cart["checkouts"].as_array().into_iter().flatten() {
        println!("checked out at {} as order {}", text(&checkout["node"]), text(&checkout["order"]));
    }
}
