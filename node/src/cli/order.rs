//! `tillmesh order`.

mod prove;
mod returns;
mod serve;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::Target;
use super::client::encode;
use super::past::AsOf;
use super::show::{self, Table, money, text};

/// Show orders, serve them and prove their prices
#[derive(Debug, Args)]
pub(super) struct Order {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show an order with everything that happened to it
    Show {
        /// The order
        order: String,
        #[command(flatten)]
        moment: AsOf,
        #[command(flatten)]
        target: Target,
    },
    /// List orders of which something is still to leave, or to be put back
    List(serve::List),
    /// Take promised goods on: they are to be picked
    Allocate(serve::Goods),
    /// Take promised goods from the shelf
    Pick(serve::Goods),
    /// Say that promised goods are packed
    Ready(serve::Goods),
    /// Put promised goods back on the shelf
    PutBack(serve::Goods),
    /// Hand promised goods over to the customer
    HandOver(serve::Leaving),
    /// Send promised goods to the customer
    Ship(serve::Leaving),
    /// Say that shipped goods arrived
    Deliver(serve::Arrival),
    /// Give an order up before its goods have left
    Cancel(serve::Cancel),
    /// Say that goods of an order may come back
    AuthoriseReturn(returns::Authorise),
    /// Take goods of an order back
    Return(returns::TakeBack),
    /// Decide what becomes of goods that came back and were kept aside
    Dispose(returns::Dispose),
    /// Pay back what an order has left
    Refund(returns::Refund),
    /// Work an order's price out again in this process, and say whether it is the same
    Prove(prove::Prove),
}

impl Order {
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.action {
            Action::Prove(prove) => return prove.run(),
            Action::List(list) => list.run()?,
            Action::Allocate(goods) => goods.bring("allocated")?,
            Action::Pick(goods) => goods.bring("picked")?,
            Action::Ready(goods) => goods.bring("ready")?,
            Action::PutBack(goods) => goods.bring("placed")?,
            Action::HandOver(goods) => goods.leave("collected")?,
            Action::Ship(goods) => goods.leave("shipped")?,
            Action::Deliver(arrival) => arrival.record()?,
            Action::Cancel(cancel) => cancel.ask()?,
            Action::AuthoriseReturn(authorise) => authorise.record()?,
            Action::Return(back) => back.record()?,
            Action::Dispose(dispose) => dispose.record()?,
            Action::Refund(refund) => refund.record()?,
            Action::Show { order, moment, target } => {
                let order = target.client().get(&moment.ask(format!("/v1/orders/{}", encode(&order))))?;
                if target.json {
                    show::json(&order)?;
                } else {
                    print_order(&order);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints an order as a receipt would read.
pub(super) fn print_order(order: &Value) {
    let receipt = text(&order["receipt_number"]);
    let receipt = if receipt.is_empty() { receipt } else { format!(", receipt {receipt}") };
    println!("order {} ({}{receipt})", text(&order["id"]), text(&order["status"]));
    println!("sold {} at {} by {}", text(&order["sold_at"]), text(&order["location"]), text(&order["node"]));
    let mut table = Table::new(&["sku", ">quantity", ">price", ">amount"]);
    for line in order["lines"].as_array().into_iter().flatten() {
        let (price, amount) = (money(&line["unit_price"]), money(&line["amount"]));
        table.row([text(&line["sku"]), text(&line["quantity"]), price, amount]);
    }
    for adjustment in order["adjustments"].as_array().into_iter().flatten() {
        table.row([text(&adjustment["reason"]), "".into(), "".into(), money(&adjustment["amount"])]);
    }
    if order["total"].is_object() {
        table.row(["total".to_owned(), "".into(), "".into(), money(&order["total"])]);
    }
    for tender in order["tenders"].as_array().into_iter().flatten() {
        table.row([text(&tender["kind"]), "".into(), "".into(), money(&tender["amount"])]);
    }
    table.print();
    for of in order["quantities"].as_array().into_iter().flatten().filter(|of| of["to_put_back"] != 0) {
        println!("to put back: {} of {}", text(&of["to_put_back"]), text(&of["sku"]));
    }
    for request in order["cancellation_requests"].as_array().into_iter().flatten() {
        println!("cancellation asked of {}: {}", text(&request["asked"]), text(&request["state"]));
    }
    for event in order["events"].as_array().into_iter().flatten().skip(1) {
        let units: i64 =
            event["lines"].as_array().into_iter().flatten().filter_map(|line| line["quantity"].as_i64()).sum();
        let units = if units > 0 { format!(" of {units} units") } else { String::new() };
        println!("{} {}{units} at {}", text(&event["occurred_at"]), text(&event["kind"]), text(&event["location"]));
    }
}
