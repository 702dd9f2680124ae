//! One call: a fresh store and instance, the limits, and what is made of its end.

use std::collections::BTreeMap;

use wasmtime::Store;
use wasmtime::component::Instance;

use super::bindings::tillmesh::channel::types::Failure;
use super::call::{CallContext, CallData};
use super::engine::{Slot, ticks};
use super::limits::{InputSize, Limit};
use super::report::Report;
use super::{CallError, CallFault, Export, Plugin, convert};

/// A call that is under way. Dropping it throws the store away and gives the slot back.
pub(super) struct Running<'a> {
    // Fields drop in this order: the memory of the store goes back to the pool before the slot does.
    store: Store<CallData>,
    plugin: &'a Plugin,
    fuel: u64,
    _slot: Slot<'a>,
}

/// An answer with what the call wrote and used.
type Finished<T> = (T, BTreeMap<String, Option<Vec<u8>>>, Report);

impl<'a> Running<'a> {
    /// Waits for a slot and makes a store for a call with so much input.
    pub(super) fn start(plugin: &'a Plugin, context: CallContext, input: InputSize) -> Result<Self, CallError> {
        let limits = plugin.limits;
        if input.bytes > limits.input_bytes {
            return Err(CallError { fault: CallFault::Limit(Limit::Input), report: Box::default() });
        }
        let slot = plugin.engine.slot();
        let mut store = Store::new(plugin.engine.engine(), CallData::new(context, limits));
        store.limiter(|data| &mut data.growth);
        store.set_epoch_deadline(ticks(limits.deadline));
        store.set_hostcall_fuel(limits.output_bytes);
        let fuel = limits.fuel_for(input);
        let host = |error: wasmtime::Error| CallFault::Host { detail: format!("{error:#}") };
        store.set_fuel(fuel).map_err(|error| CallError { fault: host(error), report: Box::default() })?;
        Ok(Self { store, plugin, fuel, _slot: slot })
    }

    pub(super) const fn store(&mut self) -> &mut Store<CallData> {
        &mut self.store
    }

    pub(super) fn instantiate(&mut self) -> Result<Instance, CallFault> {
        self.plugin.pre.instantiate(&mut self.store).map_err(|error| CallFault::of_engine(&error))
    }

    /// Makes an instance and calls it. The closure gives none when the plugin does not serve the export.
    pub(super) fn call<T>(
        &mut self,
        export: Export,
        call: impl FnOnce(&mut Store<CallData>, &Instance) -> wasmtime::Result<Option<Result<T, Failure>>>,
    ) -> Result<T, CallFault> {
        let instance = self.instantiate()?;
        let answer = call(&mut self.store, &instance).map_err(|error| CallFault::of_engine(&error))?;
        let answer = answer.ok_or(CallFault::NotServed { export: export.name() })?;
        answer.map_err(|failure| CallFault::Failure(convert::types::failure_in(failure)))
    }

    /// The answer, or how the call ended, with what it used.
    pub(super) fn finish<T>(self, answer: Result<T, CallFault>) -> Result<Finished<T>, CallError> {
        let left = self.store.get_fuel().unwrap_or_default();
        let mut data = self.store.into_data();
        data.end_of_output();
        let memory_bytes = data.growth.memory_taken(&self.plugin.limits);
        let (fuel, fuel_allowed) = (self.fuel - left.min(self.fuel), self.fuel);
        let report = Report { fuel, fuel_allowed, memory_bytes, ..data.report };
        match answer {
            Ok(answer) => Ok((answer, data.changes, report)),
            Err(fault) => Err(CallError { fault, report: Box::new(report) }),
        }
    }
}

/// An answer that breaks a rule.
pub(super) fn refused(detail: String) -> CallFault {
    CallFault::Answer { detail }
}
