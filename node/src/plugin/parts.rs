//! What a fresh instance costs, part by part.

use std::time::{Duration, Instant};

use tillmesh_core::channel::ChannelMessage;

use super::call::CallContext;
use super::limits::InputSize;
use super::run::Running;
use super::{CallError, CallFault, Part, Plugin, convert, run};

/// Where the time of one call goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts {
    /// A store with its limits.
    pub store: Duration,
    /// Memories, tables and globals, and what the guest does as it starts.
    pub instance: Duration,
    /// Finding the exports of the instance.
    pub exports: Duration,
    /// The arguments into the guest's memory, the guest, and its answer out of it.
    pub call: Duration,
    /// The answer checked, as commands.
    pub check: Duration,
    /// Store and memory given back.
    pub end: Duration,
}

impl Plugin {
    /// Has a fresh instance say what a message means, and measures each part of it.
    ///
    /// # Errors
    /// As for [`Plugin::translate`].
    pub fn measure_parts(&self, message: &ChannelMessage, context: &CallContext) -> Result<Parts, CallError> {
        let mut since = Instant::now();
        let mut lap = || {
            let now = Instant::now();
            now - std::mem::replace(&mut since, now)
        };
        let mut parts = Parts::default();
        let input = InputSize { bytes: message.body.len(), pairs: 0 };
        let mut running = Running::start(self, context.clone(), input, None)?;
        parts.store = lap();
        let ended = |fault: CallFault| CallError { fault, report: Box::default() };
        let instance = running.instantiate().map_err(ended)?;
        parts.instance = lap();
        let engine = |error: wasmtime::Error| ended(CallFault::of_engine(&error));
        let not_served = || ended(CallFault::NotServed { export: super::Export::Inbound.name() });
        let indices = self.installed.inbound.as_ref().ok_or_else(not_served)?;
        let guest = indices.load(running.store(), &instance).map_err(engine)?;
        parts.exports = lap();
        let given = convert::types::message_out(message, &Part::whole());
        let answer = guest.call_translate(running.store(), &given, &convert::types::context_out(context));
        let answer = answer.map_err(engine)?;
        parts.call = lap();
        let answer = answer.map_err(|failure| ended(CallFault::Failure(convert::types::failure_in(failure))))?;
        let commands = convert::inbound::commands_in(answer.commands).map_err(|error| ended(run::refused(error)))?;
        parts.check = lap();
        drop((commands, running));
        parts.end = lap();
        Ok(parts)
    }
}
