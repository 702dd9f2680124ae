//! `tillmesh order list`, and what is done with an order until the customer has it.

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Target;
use crate::cli::client::{WriteKey, encode};
use crate::cli::show::{self, Table, text};
use crate::cli::stock::line;

/// Which open orders.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those whose goods are this location's
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Only those in this state; to-put-back: those with picked goods that were given up since
    #[arg(long, value_enum)]
    status: Option<Status>,
    #[command(flatten)]
    target: Target,
}

/// Where an order stands that a location has to work on.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Reserved,
    Placed,
    Allocated,
    Picked,
    Ready,
    PartlyFulfilled,
    ToPutBack,
}

/// Goods of an order.
#[derive(Debug, Args)]
pub(super) struct Goods {
    /// The order
    order: String,
    /// What and how much, in the SKU's base unit [default: all of it]
    #[arg(value_name = "SKU=QUANTITY", value_parser = line)]
    lines: Vec<(String, i64)>,
    /// Who does it, opaque
    #[arg(long, value_name = "TEXT")]
    clerk: Option<String>,
    #[command(flatten)]
    key: WriteKey,
    #[command(flatten)]
    target: Target,
}

/// Goods that leave.
#[derive(Debug, Args)]
pub(super) struct Leaving {
    #[command(flatten)]
    goods: Goods,
    /// Where from [default: the location that they were promised at]
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// The parcel's or pick-up's own reference
    #[arg(long, value_name = "TEXT")]
    parcel: Option<String>,
}

/// Goods that arrived.
#[derive(Debug, Args)]
pub(super) struct Arrival {
    /// The order
    order: String,
    /// The parcel [default: all that are on their way]
    #[arg(long, value_name = "TEXT")]
    parcel: Option<String>,
    #[command(flatten)]
    key: WriteKey,
    #[command(flatten)]
    target: Target,
}

/// An order that is given up.
#[derive(Debug, Args)]
pub(super) struct Cancel {
    #[command(flatten)]
    goods: Goods,
    /// Why, opaque
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Give it up without asking the location that may be handing it over
    #[arg(long)]
    force: bool,
}

impl List {
    pub(super) fn run(self) -> Result<()> {
        let status = self.status.and_then(|status| status.to_possible_value());
        let status = status.as_ref().map(|value| value.get_name());
        let filters = [("location", self.location.as_deref()), ("status", status)];
        let mut orders = self.target.client().list("/v1/orders", &filters)?;
        // What was promised first is served first.
        orders.sort_by_key(|order| text(&order["sold_at"]));
        if self.target.json {
            return show::json(&json!(orders));
        }
        let columns =
            ["order", "status", "since", "location", ">placed", ">allocated", ">picked", ">ready", ">to put back"];
        let mut table = Table::new(&columns);
        for order in &orders {
            let told = ["id", "status", "sold_at", "location"].map(|name| text(&order[name]));
            let stages = ["placed", "allocated", "picked", "ready", "to_put_back"];
            let units = stages.map(|stage| units(order, stage).to_string());
            table.row(told.into_iter().chain(units));
        }
        table.print();
        Ok(())
    }
}

impl Goods {
    /// Brings them to a stage.
    pub(super) fn bring(self, stage: &str) -> Result<()> {
        self.send("progress", json!({ "stage": stage }))
    }

    fn send(self, what: &str, body: Value) -> Result<()> {
        let body = self.with_lines(body);
        record(&self.target, &self.order, what, &self.key, &body)
    }

    fn with_lines(&self, mut body: Value) -> Value {
        let line = |(sku, quantity): &(String, i64)| json!({ "sku": sku, "quantity": quantity });
        body["lines"] = self.lines.iter().map(line).collect();
        body["clerk"] = json!(self.clerk);
        body
    }
}

impl Cancel {
    /// Gives it up, or asks its location to consent.
    pub(super) fn ask(self) -> Result<()> {
        let Goods { order, key, target, .. } = &self.goods;
        let body = self.goods.with_lines(json!({ "reason": self.reason, "force": self.force }));
        let client = target.client();
        let answer = client.post(&format!("/v1/reservations/{}:release", encode(order)), key, &body)?;
        if target.json {
            return show::json(&answer);
        }
        for event in answer["events"].as_array().into_iter().flatten() {
            println!("{} {} at {}", text(&event["kind"]), text(&event["id"]), text(&event["location"]));
        }
        if answer["state"] == "cancellation-requested" {
            let asked = text(&answer["events"][0]["asked"]);
            println!("order {order} is given up once node {asked} consents; if its goods have left by then, it is not");
            return Ok(());
        }
        println!("{}", standing(&client.get(&format!("/v1/orders/{}", encode(order)))?));
        Ok(())
    }
}

impl Leaving {
    /// Lets them leave.
    pub(super) fn leave(self, handover: &str) -> Result<()> {
        let body = json!({ "handover": handover, "location": self.from, "parcel": self.parcel });
        self.goods.send("fulfilments", body)
    }
}

impl Arrival {
    pub(super) fn record(self) -> Result<()> {
        record(&self.target, &self.order, "deliveries", &self.key, &json!({ "parcel": self.parcel }))
    }
}

/// Writes something of an order, and says where the order stands then.
pub(super) fn record(target: &Target, order: &str, what: &str, key: &WriteKey, body: &Value) -> Result<()> {
    let (client, path) = (target.client(), format!("/v1/orders/{}", encode(order)));
    let answer = client.post(&format!("{path}/{what}"), key, body)?;
    if target.json {
        return show::json(&answer);
    }
    for event in answer["events"].as_array().into_iter().flatten() {
        println!("{} {} at {}", text(&event["kind"]), text(&event["id"]), text(&event["location"]));
    }
    println!("{}", standing(&client.get(&path)?));
    Ok(())
}

fn standing(order: &Value) -> String {
    let (id, status) = (text(&order["id"]), text(&order["status"]));
    match units(order, "to_put_back") {
        0 => format!("order {id} is {status}"),
        units => format!("order {id} is {status}; to be put back: {units}"),
    }
}

fn units(order: &Value, stage: &str) -> i64 {
    order["quantities"].as_array().into_iter().flatten().filter_map(|of| of[stage].as_i64()).sum()
}
