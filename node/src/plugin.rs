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
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

pub use self::cache::CodeCache;
pub use self::call::CallContext;
pub use self::error::{CallError, CallFault, InstallError};
pub use self::limits::{Limit, Limits};
pub use self::lookup::{Lookup, NoLookup, NoState, StateReader, Stock};
pub use self::manifest::{Build, Manifest};
pub use self::parts::Parts;
pub use self::report::{LogLevel, LogLine, Report};

use self::bindings::exports::tillmesh::channel as exported;
use self::call::CallData;
use self::engine::PluginEngine;
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

/// How plugins are run.
#[derive(Debug, Clone, Default)]
pub struct HostOptions {
    /// Where compiled components are kept; without it every start compiles.
    pub cache: Option<CodeCache>,
}

/// Runs plugins.
pub struct PluginHost {
    engine: Arc<PluginEngine>,
    linker: Linker<CallData>,
    cache: Option<CodeCache>,
}

/// An installed plugin. Calls may come from any thread.
pub struct Plugin {
    engine: Arc<PluginEngine>,
    pre: InstancePre<CallData>,
    hash: ObjectHash,
    exports: Vec<Export>,
    inbound: Option<exported::inbound::GuestIndices>,
    outbound: Option<exported::outbound::GuestIndices>,
    acknowledgement: Option<exported::acknowledgement::GuestIndices>,
    pricing: Option<exported::pricing::GuestIndices>,
    remembers: bool,
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

impl PluginHost {
    /// Starts a host: its engine, its pool and the thread that counts epochs.
    ///
    /// # Errors
    /// When the machine cannot run compiled code, map the pool or start the thread.
    pub fn new(options: HostOptions) -> Result<Self, InstallError> {
        let fault = |error: wasmtime::Error| InstallError::Host { detail: format!("{error:#}") };
        let engine = Arc::new(PluginEngine::start().map_err(fault)?);
        let mut linker = Linker::new(engine.engine());
        bindings::tillmesh::channel::lookup::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        bindings::tillmesh::channel::state::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        bindings::tillmesh::channel::log::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        bindings::tillmesh::channel::metrics::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data)
            .map_err(fault)?;
        bindings::tillmesh::channel::types::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        Ok(Self { engine, linker, cache: options.cache })
    }

    /// Installs a component that may import whatever the contract offers.
    ///
    /// # Errors
    /// When the bytes are no component, one of another version or world, or one that asks for more than it may have.
    pub fn install(&self, component: &[u8], limits: Limits) -> Result<Arc<Plugin>, InstallError> {
        self.install_on(component, &Terms { limits, ..Terms::default() })
    }

    /// Installs a component on terms: what it may import and use.
    ///
    /// # Errors
    /// As for [`PluginHost::install`].
    pub fn install_on(&self, component: &[u8], terms: &Terms) -> Result<Arc<Plugin>, InstallError> {
        if component.len() > MAX_COMPONENT {
            return Err(InstallError::TooLarge { bytes: component.len(), max: MAX_COMPONENT });
        }
        inspect::check_kind(component)?;
        let hash = ObjectHash::of(component);
        let compiled = self.compile(component, hash)?;
        let exports = inspect::exports(self.engine.engine(), &compiled)?;
        let imports = inspect::imports(self.engine.engine(), &compiled, &exports, &terms.capabilities)?;
        let types = |error: wasmtime::Error| InstallError::Types { detail: format!("{error:#}") };
        let pre = self.link(&compiled, &imports).map_err(types)?;
        let serves = |export| exports.contains(&export);
        let inbound = serves(Export::Inbound).then(|| exported::inbound::GuestIndices::new(&pre)).transpose();
        let outbound = serves(Export::Outbound).then(|| exported::outbound::GuestIndices::new(&pre)).transpose();
        let acknowledgement = serves(Export::Acknowledgement);
        let acknowledgement =
            acknowledgement.then(|| exported::acknowledgement::GuestIndices::new(&pre)).transpose().map_err(types)?;
        let pricing = serves(Export::Pricing).then(|| exported::pricing::GuestIndices::new(&pre)).transpose();
        let (inbound, outbound, pricing) = (inbound.map_err(types)?, outbound.map_err(types)?, pricing.map_err(types)?);
        let (terms, reuse) = (Terms { limits: terms.limits.capped(), ..terms.clone() }, terms.reuse.then(Reuse::new));
        let (engine, remembers) = (Arc::clone(&self.engine), imports.contains(&Capability::State));
        let plugin =
            Plugin { engine, pre, hash, exports, inbound, outbound, acknowledgement, pricing, remembers, terms, reuse };
        plugin.check_start()?;
        Ok(Arc::new(plugin))
    }

    /// Gives a component what it imports.
    fn link(&self, component: &Component, imports: &[Capability]) -> wasmtime::Result<InstancePre<CallData>> {
        if !imports.contains(&Capability::Wasi) {
            return self.linker.instantiate_pre(component);
        }
        let mut linker = self.linker.clone();
        host::wasi::link(&mut linker, component)?;
        linker.instantiate_pre(component)
    }

    /// Compiles a component, or takes it from the cache.
    fn compile(&self, component: &[u8], hash: ObjectHash) -> Result<Component, InstallError> {
        let engine = self.engine.engine();
        if let Some(compiled) = self.cache.as_ref().and_then(|cache| cache.load(engine, hash)) {
            return Ok(compiled);
        }
        let invalid = |error: wasmtime::Error| InstallError::Invalid { detail: format!("{error:#}") };
        let compiled = Component::from_binary(engine, component).map_err(invalid)?;
        if let Some(cache) = &self.cache
            && let Err(error) = cache.store(engine, hash, &compiled)
        {
            // Without its cache the node starts more slowly and is right all the same.
            tracing::warn!(%error, dir = %cache.dir.display(), "cannot keep a compiled plugin");
        }
        Ok(compiled)
    }
}

impl Plugin {
    /// SHA-256 of the component.
    pub const fn hash(&self) -> ObjectHash {
        self.hash
    }

    /// What it serves.
    pub fn exports(&self) -> &[Export] {
        &self.exports
    }

    /// Whether it imports `state`: then what one call writes another reads.
    pub const fn remembers(&self) -> bool {
        self.remembers
    }

    /// On which terms it runs.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The same component, compiled once, with instances that serve more than one call, or fresh ones.
    #[must_use]
    pub fn with_reuse(&self, reuse: bool) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            pre: self.pre.clone(),
            hash: self.hash,
            exports: self.exports.clone(),
            inbound: self.inbound.clone(),
            outbound: self.outbound.clone(),
            acknowledgement: self.acknowledgement.clone(),
            pricing: self.pricing.clone(),
            remembers: self.remembers,
            terms: Terms { reuse, ..self.terms.clone() },
            reuse: reuse.then(Reuse::new),
        }
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
                let Some(indices) = &self.inbound else { return Ok(None) };
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
                let Some(indices) = &self.outbound else { return Ok(None) };
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
                let Some(indices) = &self.acknowledgement else { return Ok(None) };
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
                    let Some(indices) = &self.pricing else { return Ok(None) };
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

    /// Starts an instance and looks its exports up, so that what cannot run is refused here and not at the first
    /// customer.
    fn check_start(&self) -> Result<(), InstallError> {
        let name = tillmesh_core::id::Name::new("install")
            .map_err(|error| InstallError::Host { detail: error.to_string() })?;
        let start = |error: CallError| InstallError::Start { fault: error.fault };
        let mut run =
            Running::start(self, CallContext::bare(name.clone(), name), InputSize::default(), None).map_err(start)?;
        let instance = run.instantiate().map_err(|fault| InstallError::Start { fault })?;
        let store = run.store();
        let loaded = [
            self.inbound.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
            self.outbound.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
            self.acknowledgement.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
            self.pricing.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
        ];
        let types = |error: wasmtime::Error| InstallError::Types { detail: format!("{error:#}") };
        loaded.into_iter().flatten().collect::<wasmtime::Result<()>>().map_err(types)
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if let Some(reuse) = &self.reuse {
            self.engine.shelf().clear(reuse);
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
