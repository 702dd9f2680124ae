//! A day's report as receipt printers print it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::show::text;

/// The columns of a printer for rolls of 80 mm.
const WIDTH: usize = 42;

/// The report.
pub(super) fn report(report: &Value) -> String {
    let mut page = Page::default();
    let closed = report["state"] == "closed";
    page.middle(if closed { "Z-REPORT" } else { "X-REPORT (DAY IS OPEN)" });
    page.pair(&text(&report["location"]), &text(&report["business_date"]));
    page.rule();
    page.totals(&report["totals"]);
    for node in report["nodes"].as_array().into_iter().flatten() {
        page.node(node);
    }
    if let Some(late) = report["late"].as_object() {
        page.rule();
        page.pair("LATE: heard after the close", &text(&late["events"]));
        page.totals(&late["totals"]);
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        // Writing to text does not fail.
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    fn middle(&mut self, words: &str) {
        self.line(&format!("{words:^WIDTH$}"));
    }

    fn rule(&mut self) {
        self.line(&"-".repeat(WIDTH));
    }

    /// A label and what stands at the right; the label is cut where both do not fit.
    fn pair(&mut self, label: &str, value: &str) {
        let room = WIDTH.saturating_sub(value.chars().count() + 1);
        let label: String = label.chars().take(room).collect();
        self.line(&format!("{label:<room$} {value}"));
    }

    fn totals(&mut self, totals: &Value) {
        for (label, name) in [("Sales", "sales"), ("Returns", "returns"), ("Refunds", "refunds")] {
            self.pair(label, &text(&totals[name]));
        }
        for money in totals["money"].as_array().into_iter().flatten() {
            self.money(money);
        }
    }

    fn money(&mut self, money: &Value) {
        self.rule();
        self.pair("Sold", &amount(&money["sold"], true));
        self.pair("Paid back", &amount(&money["refunded"], false));
        for (label, name) in [
            ("Paid for promises", "promises_paid"),
            ("Paid back of promises", "promises_refunded"),
            ("Rounding of cash", "rounding"),
            ("Gift cards sold", "vouchers_sold"),
        ] {
            if money[name]["amount"].as_i64().is_some_and(|amount| amount != 0) {
                self.pair(label, &amount(&money[name], false));
            }
        }
        if money["untendered"]["amount"].as_i64().is_some_and(|amount| amount != 0) {
            self.pair("  without a tender", &amount(&money["untendered"], false));
        }
        for tender in list(&money["tenders"]) {
            self.pair(&format!("  {}", text(&tender["kind"])), &amount(&tender["paid"], false));
            if tender["refunded"]["amount"] != 0 {
                self.pair("    paid back", &amount(&tender["refunded"], false));
            }
        }
        for department in list(&money["departments"]) {
            let name = department["department"].as_str().unwrap_or("without department");
            self.pair(&format!("  {name}"), &amount(&department["amount"], false));
        }
        for part in list(&money["taxes"]) {
            let class = part["class"].as_str().unwrap_or("not taxed");
            self.pair(&format!("Tax {} % {class}", text(&part["rate"])), &amount(&part["tax"], false));
            self.pair("  on", &amount(&part["taxable"], false));
        }
        self.cash(&money["cash"]);
    }

    fn cash(&mut self, cash: &Value) {
        self.rule();
        for (label, name) in [
            ("Float", "float"),
            ("Cash sales", "sales"),
            ("Cash paid back", "refunds"),
            ("Paid in", "paid_in"),
            ("Paid out", "paid_out"),
            ("Expected in the drawer", "expected"),
        ] {
            self.pair(label, &amount(&cash[name], false));
        }
    }

    fn node(&mut self, node: &Value) {
        self.rule();
        self.pair(&text(&node["node"]), &text(&node["state"]));
        for (label, name) in [("First", "first_receipt"), ("Last", "last_receipt")] {
            if let Some(number) = node[name].as_str() {
                self.pair(label, number);
            }
        }
        for money in list(&node["totals"]["money"]) {
            self.pair("Expected in the drawer", &amount(&money["cash"]["expected"], true));
        }
        let close = &node["close"];
        for (label, name) in [("Counted", "counted"), ("Difference", "difference")] {
            if !close[name].is_null() {
                self.pair(label, &amount(&close[name], true));
            }
        }
        if close["automatic"] == true {
            self.line("Closed by itself when the next day began");
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// An amount of money in major units, with its currency where asked for.
fn amount(value: &Value, with_currency: bool) -> String {
    let shown = crate::cli::show::money(value);
    let plain = || shown.split_once(' ').map_or(shown.as_str(), |(amount, _)| amount).to_owned();
    if with_currency { shown } else { plain() }
}
