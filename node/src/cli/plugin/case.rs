//! A case: what a plugin is given, and what surrounds it.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tillmesh_core::catalog::is_same_gtin;
use tillmesh_core::channel::{ChannelFailure, ChannelMessage, CommandProduct, Detail, OutboundMessage};
use tillmesh_core::id::{Name, Reference, Sku};
use tillmesh_core::money::UnitPrice;
use tillmesh_core::time::Timestamp;

use super::pieces;
use crate::plugin::{
    CallContext, CallError, CallFault, Export, LogLine, Lookup, Plugin, Report, StateReader, Stock, Translation,
};

/// The text of a case's file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Text {
    /// The file with a message's body, beside the case's.
    message: Option<PathBuf>,
    /// The file with events, as JSON.
    events: Option<PathBuf>,
    /// The file with a cart to price, as JSON.
    cart: Option<PathBuf>,
    /// What the message is about.
    #[serde(default)]
    topic: Box<str>,
    #[serde(default = "json_type")]
    content_type: Box<str>,
    #[serde(default)]
    received_at: Timestamp,
    /// How many bytes of the body a call is given; all of them, if nobody says.
    piece_bytes: Option<NonZeroUsize>,
    /// Whether what the plugin logs and counts is expected, too.
    #[serde(default)]
    reports: bool,
    /// The channel; the plugin's name, if nobody says.
    channel: Option<Name>,
    /// The node's location.
    location: Option<Name>,
    /// The channel's settings.
    #[serde(default)]
    config: BTreeMap<String, String>,
    /// What the plugin's state holds.
    #[serde(default)]
    state: BTreeMap<String, String>,
    #[serde(default)]
    products: Vec<CommandProduct>,
    #[serde(default)]
    stock: Vec<StockLevel>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct StockLevel {
    sku: Sku,
    location: Name,
    on_hand: i64,
    #[serde(default)]
    promised: i64,
}

/// A case that was read.
pub(super) struct Case {
    given: Given,
    piece_bytes: Option<NonZeroUsize>,
    reports: bool,
    context: CallContext,
    kept: Arc<Kept>,
}

enum Given {
    Message(ChannelMessage),
    Events(Vec<tillmesh_core::channel::ChannelEvent>),
    Cart(Box<tillmesh_core::pricing::PricingInput>),
}

/// What a plugin made of a case.
#[derive(PartialEq)]
pub(super) struct Outcome {
    /// The answer, or why there was none, as it is compared.
    pub answer: Value,
    pub report: Report,
}

fn json_type() -> Box<str> {
    "application/json".into()
}

impl Case {
    /// Reads a case, and the file that it names.
    pub(super) fn read(path: &Path, plugin: &Name) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text: Text = toml::from_str(&text).with_context(|| format!("{} is no case", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::of(text, folder, plugin).with_context(|| path.display().to_string())
    }

    fn of(text: Text, folder: &Path, plugin: &Name) -> Result<Self> {
        let channel = text.channel.unwrap_or_else(|| plugin.clone());
        let location = text.location.map_or_else(|| Name::new("store-1"), Ok)?;
        let given = match (text.message, text.events, text.cart) {
            (Some(file), None, None) => Given::Message(ChannelMessage {
                channel: channel.clone(),
                id: "1".into(),
                topic: text.topic,
                content_type: text.content_type,
                received_at: text.received_at,
                body: read(folder, &file)?,
            }),
            (None, Some(file), None) => Given::Events(parse(folder, &file)?),
            (None, None, Some(file)) => Given::Cart(parse(folder, &file)?),
            _ => bail!("a case names one of message, events and cart: the file with what the plugin is given"),
        };
        if let Given::Message(message) = &given {
            message.check()?;
        }
        let lookup = Arc::new(Known { products: text.products, stock: text.stock, channel: channel.clone() });
        let kept = Arc::new(Kept(text.state.into_iter().map(|(key, value)| (key, value.into_bytes())).collect()));
        let state = Arc::<Kept>::clone(&kept);
        let context = CallContext { channel, location, config: text.config, lookup, state };
        Ok(Self { given, piece_bytes: text.piece_bytes, reports: text.reports, context, kept })
    }

    /// Calls the plugin with it, and has it acknowledge a message where it acknowledges any.
    pub(super) fn play(&self, plugin: &Plugin) -> Outcome {
        let mut outcome = self.call(plugin);
        if let Given::Message(message) = &self.given
            && plugin.exports().contains(&Export::Acknowledgement)
        {
            let answered = plugin.acknowledge(message, refused(&outcome.answer).as_ref(), &self.context);
            outcome.answer["acknowledgement"] = match answered {
                Ok(made) => json!(made.answer.as_ref().map(shown)),
                Err(error) => json!({ "fault": error.fault.label(), "detail": error.fault.to_string() }),
            };
        }
        if self.reports {
            let line = |LogLine { level, message }: &LogLine| format!("{level:?}: {message}");
            outcome.answer["log"] = outcome.report.log.iter().map(line).collect();
            outcome.answer["counters"] = json!(outcome.report.counters);
        }
        outcome
    }

    fn call(&self, plugin: &Plugin) -> Outcome {
        let answer = match &self.given {
            Given::Message(message) => self.translate(plugin, message).map(|made| {
                let answer = json!({ "commands": made.commands });
                (with_state(answer, &made.state), made.report)
            }),
            Given::Events(events) => plugin.render(events, &self.context).map(|made| {
                let messages: Vec<_> = made.messages.iter().map(shown).collect();
                (with_state(json!({ "messages": messages }), &made.state), made.report)
            }),
            Given::Cart(cart) => plugin.price(cart).map(|made| (json!({ "price": made.result }), made.report)),
        };
        match answer {
            Ok((answer, report)) => Outcome { answer, report },
            Err(CallError { fault: CallFault::Failure(failure), report }) => {
                Outcome { answer: json!({ "failure": failure }), report: *report }
            }
            Err(CallError { fault, report }) => {
                let answer = json!({ "fault": fault.label(), "detail": fault.to_string() });
                Outcome { answer, report: *report }
            }
        }
    }

    fn translate(&self, plugin: &Plugin, message: &ChannelMessage) -> Result<Translation, CallError> {
        match self.piece_bytes {
            Some(bytes) => pieces::translate(plugin, message, bytes, &self.context, &self.kept),
            None => plugin.translate(message, &self.context),
        }
    }
}

fn read(folder: &Path, file: &Path) -> Result<Vec<u8>> {
    let path = folder.join(file);
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn parse<T: for<'de> Deserialize<'de>>(folder: &Path, file: &Path) -> Result<T> {
    serde_json::from_slice(&read(folder, file)?).with_context(|| format!("cannot use {}", file.display()))
}

/// Why a message is refused, as a node tells the plugin that acknowledges it; none, where it is taken.
fn refused(answer: &Value) -> Option<ChannelFailure> {
    let of_host = |reason: &str| {
        ChannelFailure::Rejected(Detail { field: Box::from(""), value: Box::from(""), rule: Box::from(reason) })
    };
    let stated = serde_json::from_value(answer["failure"].clone()).ok();
    stated.or_else(|| answer["detail"].as_str().map(of_host))
}

/// A message with its body as text, or in hexadecimal where it is none.
fn shown(message: &OutboundMessage) -> Value {
    let OutboundMessage { topic, content_type, ordering_key, body } = message;
    let mut shown = json!({ "topic": topic, "content_type": content_type, "ordering_key": ordering_key });
    match std::str::from_utf8(body) {
        Ok(text) => shown["body"] = json!(text),
        Err(_) => shown["body_hex"] = json!(data_encoding::HEXLOWER.encode(body)),
    }
    shown
}

fn with_state(mut answer: Value, state: &BTreeMap<String, Option<Vec<u8>>>) -> Value {
    if !state.is_empty() {
        let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
        let state: BTreeMap<_, _> = state.iter().map(|(key, value)| (key, value.as_ref().map(text))).collect();
        answer["state"] = json!(state);
    }
    answer
}

/// The catalogue and the stock of a case.
struct Known {
    products: Vec<CommandProduct>,
    stock: Vec<StockLevel>,
    channel: Name,
}

impl Known {
    fn product(&self, is_meant: impl Fn(&CommandProduct) -> bool) -> Option<CommandProduct> {
        self.products.iter().find(|product| is_meant(product)).cloned()
    }
}

impl Lookup for Known {
    fn by_sku(&self, sku: &Sku) -> Option<CommandProduct> {
        self.product(|product| product.sku == *sku)
    }

    fn by_gtin(&self, gtin: &str) -> Option<CommandProduct> {
        self.product(|product| product.gtin.as_ref().is_some_and(|own| is_same_gtin(own, gtin)))
    }

    fn by_reference(&self, channel: &Name, reference: &Reference) -> Option<CommandProduct> {
        self.product(|product| *channel == self.channel && product.references.contains(reference))
    }

    fn availability(&self, sku: &Sku, location: &Name) -> Option<Stock> {
        let level = self.stock.iter().find(|level| level.sku == *sku && level.location == *location)?;
        let StockLevel { on_hand, promised, .. } = *level;
        Some(Stock { on_hand, promised, available: on_hand.saturating_sub(promised) })
    }

    fn price(&self, sku: &Sku) -> Option<UnitPrice> {
        self.by_sku(sku)?.price
    }
}

/// The state of a case.
#[derive(Clone)]
pub(super) struct Kept(BTreeMap<String, Vec<u8>>);

impl Kept {
    /// Takes what a call wrote: a new value, or none where it took one away.
    pub(super) fn take(&mut self, written: &BTreeMap<String, Option<Vec<u8>>>) {
        for (key, value) in written {
            match value {
                Some(value) => drop(self.0.insert(key.clone(), value.clone())),
                None => drop(self.0.remove(key)),
            }
        }
    }
}

impl StateReader for Kept {
    fn read(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn used_bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.len()).sum()
    }
}
