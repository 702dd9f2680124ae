//! Plugins: sandboxed components that say what a channel's message means, render what happened, and price carts.
//!
//! ```text
//!  bytes --install--> Plugin (by hash) --translate / render / price--> answer + Report
//!            |                                |
//!            |  kind, exports, imports,       |  a fresh instance a call, from a pool; fuel, deadline, memory, sizes;
//!            |  types; compiled once, kept    |  thrown away, whatever happened in it, or kept (`reuse`)
//!            |  sealed on disk                |
//! ```
//!
//! A plugin is a pure function: it has no clock, files, sockets, environment or randomness, and what it may ask is a
//! snapshot that the caller hands over. This module is the only home of wasmtime. It knows nothing of stores, brokers
//! or HTTP; a call blocks its thread, for at most the deadline and the wait for one of [`engine::MAX_CALLS`] slots.
//!
//! A call ends in one of these ways, and each is told apart: an answer; [`CallFault::Failure`], which the plugin says
//! itself; [`CallFault::Trap`], a crash; [`CallFault::Limit`]; [`CallFault::Answer`], an answer that breaks the rules;
//! and [`CallFault::Host`], a fault of the node. After any of them the host is as good as before.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tillmesh_core::channel::{ChannelCommand, ChannelEvent, ChannelFailure, ChannelMessage, OutboundMessage};
use tillmesh_core::id::ObjectHash;
use tillmesh_core::pricing::{PriceResult, PricingInput, Totals};

pub use self::cache::CodeCache;
pub use self::call::CallContext;
pub use self::error::{CallError, CallFault, InstallError};
pub use self::install::{HostOptions, PluginHost};
pub use self::limits::{Limit, Limits};
pub use self::lookup::{Lookup, NoLookup, NoState, StateReader, Stock};
pub use self::manifest::{Build, Manifest};
pub use self::parts::Parts;
pub use self::report::{LogLevel, LogLine, Report};

use self::install::Installed;
use self::limits::InputSize;
use self::reuse::Reuse;
use self::run::Running;

mod bindings;
mod cache;
mod call;
mod convert;
pub mod engine;
mod error;
mod host;
mod inspect;
mod install;
mod limits;
mod lookup;
mod manifest;
mod parts;
mod report;
mod reuse;
mod run;

/// The version of `wit/` that this node speaks.
pub const WIT_VERSION: &str = "0.1.0";

/// The largest component in bytes: one that carries a Python interpreter has 20 to 40 million.
pub const MAX_COMPONENT: usize = 64 << 20;

/// An installed plugin. Calls may come from any thread.
pub struct Plugin {
    installed: Arc<Installed>,
    terms: Terms,
    reuse: Option<Reuse>,
}

/// On which terms a component is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What it may import.
    pub capabilities: Vec<Capability>,
    /// What a call of it may use.
    pub limits: Limits,
    /// Whether an instance may serve more than one call: it says that it keeps nothing between calls.
    pub reuse: bool,
}

/// What a plugin serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Export {
    /// [`Plugin::translate`].
    Inbound,
    /// [`Plugin::render`].
    Outbound,
    /// [`Plugin::acknowledge`].
    Acknowledgement,
    /// [`Plugin::price`].
    Pricing,
}

/// What a plugin may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// The catalogue, for reading.
    Lookup,
    /// A small space of its own.
    State,
    /// Lines for the operator.
    Log,
    /// Counters of its own.
    Metrics,
    /// WASI 0.2, virtual: no files, no network, no environment, a clock that stands; what is printed goes to the log.
    Wasi,
}

/// Which part of a body a message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where in the body it begins.
    pub offset: u64,
    /// Whether the body ends with it.
    pub last: bool,
    /// What the part before handed over.
    pub carry: Vec<u8>,
}

/// What a message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The commands, all of which take effect or none.
    pub commands: Vec<ChannelCommand>,
    /// What the call for the next part is to be given.
    pub carry: Vec<u8>,
    /// What the call wrote to the plugin's state, to be committed with the commands: a new value, or none where it took
    /// one away.
    pub state: BTreeMap<String, Option<Vec<u8>>>,
    /// What the call used.
    pub report: Report,
}

/// Events in a channel's own format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// The messages, in order.
    pub messages: Vec<OutboundMessage>,
    /// What the call wrote to the plugin's state.
    pub state: BTreeMap<String, Option<Vec<u8>>>,
    /// What the call used.
    pub report: Report,
}

/// What a message is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The acknowledgement; none: the message gets none.
    pub answer: Option<OutboundMessage>,
    /// What the call wrote to the plugin's state.
    pub state: BTreeMap<String, Option<Vec<u8>>>,
    /// What the call used.
    pub report: Report,
}

/// A priced cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The answer, checked.
    pub result: PriceResult,
    /// What it comes to.
    pub totals: Totals,
    /// What the call used.
    pub report: Report,
}

impl Plugin {
    fn new(installed: Arc<Installed>, terms: Terms) -> Self {
        let reuse = terms.reuse.then(Reuse::new);
        Self { installed, terms, reuse }
    }

    /// SHA-256 of the component.
    pub fn hash(&self) -> ObjectHash {
        self.installed.hash
    }

    /// What it serves.
    pub fn exports(&self) -> &[Export] {
        &self.installed.exports
    }

    /// Whether it imports `state`: then what one call writes another reads.
    pub fn remembers(&self) -> bool {
        self.installed.imports.contains(&Capability::State)
    }

    /// On which terms it runs.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The same component, compiled once, with instances that serve more than one call, or fresh ones.
    #[must_use]
    pub fn with_reuse(&self, reuse: bool) -> Self {
        Self::new(Arc::clone(&self.installed), Terms { reuse, ..self.terms.clone() })
    }

    /// Whether its instances serve more than one call. No longer, once one of them was seen to answer otherwise than a
    /// fresh one.
    pub fn is_reused(&self) -> bool {
        self.reuse.as_ref().is_some_and(|reuse| !reuse.is_refuted())
    }

    /// Says what a message means, its whole body in one call.
    ///
    /// # Errors
    /// When the plugin gives no answer or none that is taken; nothing of the call has any effect then.
    pub fn translate(&self, message: &ChannelMessage, context: &CallContext) -> Result<Translation, CallError> {
        self.translate_part(message, &Part::whole(), context)
    }

    /// Says what a part of a larger message means; `message.body` is the part.
    ///
    /// # Errors
    /// As for [`Plugin::translate`].
    pub fn translate_part(
        &self,
        message: &ChannelMessage,
        part: &Part,
        context: &CallContext,
    ) -> Result<Translation, CallError> {
        let config = context.config.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        let input = InputSize { bytes: message.body.len() + part.carry.len() + config, pairs: 0 };
        let answered = self.ask(context, input, |run| {
            let answer = run.call(Export::Inbound, |store, instance| {
                let Some(indices) = &self.installed.inbound else { return Ok(None) };
                let guest = indices.load(&mut *store, instance)?;
                let message = convert::types::message_out(message, part);
                guest.call_translate(store, &message, &convert::types::context_out(context)).map(Some)
            })?;
            let commands = convert::inbound::commands_in(answer.commands).map_err(run::refused)?;
            Ok((commands, answer.carry))
        });
        answered.map(|((commands, carry), state, report)| Translation { commands, carry, state, report })
    }

    /// Puts events into the channel's own format.
    ///
    /// # Errors
    /// As for [`Plugin::translate`].
    pub fn render(&self, events: &[ChannelEvent], context: &CallContext) -> Result<Rendering, CallError> {
        let input = InputSize { bytes: minicbor::len(events), pairs: 0 };
        let answered = self.ask(context, input, |run| {
            let messages = run.call(Export::Outbound, |store, instance| {
                let Some(indices) = &self.installed.outbound else { return Ok(None) };
                let guest = indices.load(&mut *store, instance)?;
                let events: Vec<_> = events.iter().map(convert::outbound::event_out).collect();
                guest.call_render(store, &events, &convert::types::context_out(context)).map(Some)
            })?;
            let messages: Result<Vec<_>, _> = messages.into_iter().map(convert::outbound::message_in).collect();
            messages.map_err(run::refused)
        });
        answered.map(|(messages, state, report)| Rendering { messages, state, report })
    }

    /// Acknowledges a message that was taken, or refused and why.
    ///
    /// # Errors
    /// As for [`Plugin::translate`].
    pub fn acknowledge(
        &self,
        message: &ChannelMessage,
        refused: Option<&ChannelFailure>,
        context: &CallContext,
    ) -> Result<Acknowledged, CallError> {
        let answered = self.ask(context, InputSize { bytes: message.body.len(), pairs: 0 }, |run| {
            let answer = run.call(Export::Acknowledgement, |store, instance| {
                let Some(indices) = &self.installed.acknowledgement else { return Ok(None) };
                let guest = indices.load(&mut *store, instance)?;
                let message = convert::types::message_out(message, &Part::whole());
                let outcome = convert::outbound::outcome_out(refused);
                guest.call_acknowledge(store, &message, &outcome, &convert::types::context_out(context)).map(Some)
            })?;
            answer.map(convert::outbound::answer_in).transpose().map_err(run::refused)
        });
        answered.map(|(answer, state, report)| Acknowledged { answer, state, report })
    }

    /// Prices a cart, and checks the answer against it. The same input gives the same answer at every node.
    ///
    /// # Errors
    /// As for [`Plugin::translate`].
    pub fn price(&self, input: &PricingInput) -> Result<Priced, CallError> {
        // Where a price is asked for is not among its arguments: a plugin that prices has no import that would tell.
        let context = CallContext::bare(input.channel.clone(), input.channel.clone());
        let size = InputSize { bytes: minicbor::len(input), pairs: input.lines.len() * input.promotions.len() };
        // Whoever proves a price later asks a fresh instance, and so does whoever makes one.
        let priced = Running::start(self, context, size, None)?.make(
            |run| {
                let result = run.call(Export::Pricing, |store, instance| {
                    let Some(indices) = &self.installed.pricing else { return Ok(None) };
                    let guest = indices.load(&mut *store, instance)?;
                    guest.call_price(store, &convert::pricing::cart_out(input)).map(Some)
                })?;
                let result = convert::pricing::result_in(result, input.currency).map_err(run::refused)?;
                let totals = result.check(input).map_err(|error| run::refused(error.to_string()))?;
                Ok((result, totals))
            },
            None,
        );
        priced.map(|((result, totals), _, report)| Priced { result, totals, report })
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if let Some(reuse) = &self.reuse {
            self.installed.engine.shelf().clear(reuse);
        }
    }
}

impl Default for Terms {
    /// Whatever the contract offers, the default limits, a fresh instance a call.
    fn default() -> Self {
        Self { capabilities: Capability::CONTRACT.to_vec(), limits: Limits::DEFAULT, reuse: false }
    }
}

impl Part {
    /// The whole body.
    pub const fn whole() -> Self {
        Self { offset: 0, last: true, carry: Vec::new() }
    }
}

impl Export {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Inbound, Self::Outbound, Self::Acknowledgement, Self::Pricing];

    /// The full name, with the version that this node speaks.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbound => "tillmesh:channel/inbound@0.1.0",
            Self::Outbound => "tillmesh:channel/outbound@0.1.0",
            Self::Acknowledgement => "tillmesh:channel/acknowledgement@0.1.0",
            Self::Pricing => "tillmesh:channel/pricing@0.1.0",
        }
    }

    const fn interface(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Acknowledgement => "acknowledgement",
            Self::Pricing => "pricing",
        }
    }
}

impl Capability {
    /// What the contract offers. Nothing else is granted unless somebody says so.
    pub const CONTRACT: [Self; 4] = [Self::Lookup, Self::State, Self::Log, Self::Metrics];

    /// The full name, with the version that this node speaks.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lookup => "tillmesh:channel/lookup@0.1.0",
            Self::State => "tillmesh:channel/state@0.1.0",
            Self::Log => "tillmesh:channel/log@0.1.0",
            Self::Metrics => "tillmesh:channel/metrics@0.1.0",
            Self::Wasi => "wasi@0.2",
        }
    }

    /// What the settings call it.
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::State => "state",
            Self::Log => "log",
            Self::Metrics => "metrics",
            Self::Wasi => "wasi",
        }
    }

    /// Whether an answer may depend on it.
    const fn is_impure(self) -> bool {
        matches!(self, Self::Lookup | Self::State)
    }
}

#[cfg(test)]
mod tests;
