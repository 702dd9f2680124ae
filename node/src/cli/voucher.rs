//! `tillmesh voucher`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tillmesh_core::money::Currency;

use super::Target;
use super::client::{WriteKey, encode};
use super::day::{minor_units, tender};
use super::show::{self, money, text};

/// Issue coupons and gift cards, and show what they are worth
#[derive(Debug, Args)]
pub(super) struct Voucher {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Issue a gift card or a coupon, or put more onto one
    Issue(Issue),
    /// Show what is left of one
    Show {
        /// Its code
        code: String,
    },
}

#[derive(Debug, Args)]
struct Issue {
    /// What a gift card is worth, such as 50 or 12.50
    #[arg(long, value_name = "AMOUNT", requires = "currency", conflicts_with = "uses")]
    amount: Option<String>,
    /// The currency of the amount
    #[arg(long, value_name = "CODE", requires = "amount")]
    currency: Option<String>,
    /// How many times a coupon may be used
    #[arg(long, value_name = "NUMBER", required_unless_present = "amount")]
    uses: Option<u32>,
    /// Its code [default: the node makes one]
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// The first moment at which it is worth nothing any more, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    valid_until: Option<String>,
    /// The only promotion that a coupon is for
    #[arg(long, value_name = "ID")]
    promotion: Option<String>,
    /// How a gift card is paid for, such as cash=50; may be given several times
    #[arg(long, value_name = "KIND[:REFERENCE]=AMOUNT", requires = "amount")]
    paid: Vec<String>,
    #[command(flatten)]
    key: WriteKey,
}

impl Voucher {
    pub(super) fn run(self) -> Result<ExitCode> {
        let client = self.target.client();
        let answer = match self.action {
            Action::Show { code } => client.get(&format!("/v1/vouchers/{}", encode(&code)))?,
            Action::Issue(issue) => client.post("/v1/vouchers", &issue.key, &issue.body()?)?,
        };
        if self.target.json {
            show::json(&answer)?;
        } else {
            print(&answer);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Issue {
    fn body(&self) -> Result<Value> {
        let mut body = json!({ "kind": "coupon", "uses": self.uses });
        if let (Some(amount), Some(code)) = (&self.amount, &self.currency) {
            let currency = Currency::new(code)?;
            let amount = minor_units(amount, currency.exponent())?;
            body = json!({ "kind": "gift-card", "amount": { "amount": amount, "currency": currency.code() } });
            body["tenders"] = self.paid.iter().map(|text| tender(text, currency)).collect::<Result<_>>()?;
        }
        let given = [("code", &self.code), ("valid_until", &self.valid_until), ("promotion", &self.promotion)];
        for (member, value) in given.into_iter().filter_map(|(member, value)| Some((member, value.as_ref()?))) {
            body[member] = json!(value);
        }
        Ok(body)
    }
}

fn print(voucher: &Value) {
    let code = text(if voucher["code"].is_string() { &voucher["code"] } else { &voucher["ending"] });
    println!("{} {code}", text(&voucher["kind"]));
    for (member, words) in [("amount", "worth"), ("balance", "left"), ("balance_here", "this node can take")] {
        if voucher[member].is_object() {
            println!("{words} {}", money(&voucher[member]));
        }
    }
    for (member, words) in [("uses", "uses"), ("uses_here", "uses that this node can take")] {
        if voucher[member].is_number() {
            println!("{words} {}", text(&voucher[member]));
        }
    }
    for holder in voucher["holders"].as_array().into_iter().flatten() {
        println!("node {} can take {}", text(&holder["node"]), text(&holder["available"]));
    }
    if voucher["valid_until"].is_string() {
        println!("valid until {}", text(&voucher["valid_until"]));
    }
}
