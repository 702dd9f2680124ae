//! One call: a store and an instance, the limits, and what is made of its end.

use std::collections::BTreeMap;

use wasmtime::Store;
use wasmtime::component::Instance;

use super::bindings::tillmesh::channel::types::Failure;
use super::call::{CallContext, CallData};
use super::engine::{Slot, ticks};
use super::limits::{InputSize, Limit};
use super::report::{LogLevel, LogLine, Report};
use super::reuse::{Kept, Reuse};
use super::{CallError, CallFault, Export, Plugin, convert};

/// A call that is under way. Dropping it throws the store away and gives the slot back.
pub(super) struct Running<'a> {
    // Fields drop in this order: the memory of the store goes back to the pool before the slot does.
    store: Store<CallData>,
    instance: Option<Instance>,
    plugin: &'a Plugin,
    fuel: u64,
    /// How many calls the instance has served before.
    served: u32,
    _slot: Slot<'a>,
}

/// An answer with what the call wrote and used.
type Finished<T> = (T, BTreeMap<String, Option<Vec<u8>>>, Report);

impl Plugin {
    /// Makes a call, in a kept instance where the plugin has any.
    pub(super) fn ask<T: PartialEq>(
        &self,
        context: &CallContext,
        input: InputSize,
        call: impl Fn(&mut Running<'_>) -> Result<T, CallFault>,
    ) -> Result<Finished<T>, CallError> {
        let fresh = || Running::start(self, context.clone(), input, None)?.make(&call, None);
        let Some(reuse) = self.reuse.as_ref().filter(|reuse| !reuse.is_refuted()) else { return fresh() };
        let running = Running::start(self, context.clone(), input, Some(reuse))?;
        let is_used = running.served > 0;
        let answer = running.make(&call, Some(reuse));
        if !is_used || (is_answered(&answer) && !reuse.is_check_due()) {
            return answer;
        }
        let mut fresh = fresh();
        let odd = match (is_answered(&answer), is_answered(&fresh)) {
            (true, true) if !is_same(&answer, &fresh) => self.refute(reuse, "answers otherwise than a fresh one"),
            // What a fresh one could not do, for the machine is busy, is no reason to throw an answer away.
            (true, false) => return answer,
            (false, true) if reuse.note_failure() => {
                self.refute(reuse, "fails again and again where a fresh one does not")
            }
            (false, true) => "an instance that served before gave no answer, and a fresh one did".to_owned(),
            _ => return fresh,
        };
        let report = match &mut fresh {
            Ok((_, _, report)) => report,
            Err(error) => &mut *error.report,
        };
        report.log.push(LogLine { level: LogLevel::Warn, message: odd });
        fresh
    }

    /// What the plugin says of itself is not so. In words.
    fn refute(&self, reuse: &Reuse, how: &str) -> String {
        reuse.refute();
        self.installed.engine.shelf().clear(reuse);
        let said = format!("an instance that served before {how}: each call has a fresh one now; take `reuse` away");
        tracing::warn!(component = %self.installed.hash, "{said}");
        said
    }
}

/// Whether the plugin said something, be it that it makes nothing of its input.
const fn is_answered<T>(answer: &Result<T, CallError>) -> bool {
    matches!(answer, Ok(_) | Err(CallError { fault: CallFault::Failure(_), .. }))
}

/// Whether two calls came to the same, whatever they used.
fn is_same<T: PartialEq>(one: &Result<Finished<T>, CallError>, other: &Result<Finished<T>, CallError>) -> bool {
    match (one, other) {
        (Ok((one, changes, _)), Ok((other, other_changes, _))) => one == other && changes == other_changes,
        (Err(one), Err(other)) => one.fault == other.fault,
        _ => false,
    }
}

impl<'a> Running<'a> {
    /// Waits for a slot, and makes ready a call with so much input: in an instance that is kept, or in a fresh one.
    pub(super) fn start(
        plugin: &'a Plugin,
        context: CallContext,
        input: InputSize,
        reuse: Option<&Reuse>,
    ) -> Result<Self, CallError> {
        let limits = plugin.terms.limits;
        if input.bytes > limits.input_bytes {
            return Err(CallError { fault: CallFault::Limit(Limit::Input), report: Box::default() });
        }
        let engine = &plugin.installed.engine;
        let slot = engine.slot();
        // Behind the slot: whoever has one counts among those at work, and no longer among those that are kept.
        let kept = reuse.and_then(|reuse| engine.shelf().take(reuse));
        let (mut store, instance, served) = match kept {
            Some(Kept { mut store, instance, calls }) => {
                store.data_mut().begin_again(context);
                (store, Some(instance), calls)
            }
            None => (Store::new(engine.engine(), CallData::new(context, limits)), None, 0),
        };
        store.limiter(|data| &mut data.growth);
        store.set_epoch_deadline(ticks(limits.deadline));
        store.set_hostcall_fuel(limits.output_bytes);
        let fuel = limits.fuel_for(input);
        let host = |error: wasmtime::Error| CallFault::Host { detail: format!("{error:#}") };
        store.set_fuel(fuel).map_err(|error| CallError { fault: host(error), report: Box::default() })?;
        Ok(Self { store, instance, plugin, fuel, served, _slot: slot })
    }

    pub(super) const fn store(&mut self) -> &mut Store<CallData> {
        &mut self.store
    }

    pub(super) fn instantiate(&mut self) -> Result<Instance, CallFault> {
        if let Some(instance) = self.instance {
            return Ok(instance);
        }
        let made = self.plugin.installed.pre.instantiate(&mut self.store);
        let instance = made.map_err(|error| CallFault::of_engine(&error))?;
        self.instance = Some(instance);
        Ok(instance)
    }

    /// Makes an instance, where there is none, and calls it. The closure gives none when the plugin does not serve the
    /// export.
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

    /// The answer, or how the call ended, with what it used. Keeps the instance, if it is to be kept.
    pub(super) fn make<T>(
        mut self,
        call: impl Fn(&mut Self) -> Result<T, CallFault>,
        keep: Option<&Reuse>,
    ) -> Result<Finished<T>, CallError> {
        let answer = call(&mut self);
        let left = self.store.get_fuel().unwrap_or_default();
        let data = self.store.data_mut();
        data.end_of_output();
        let memory_bytes = data.growth.memory_taken(&self.plugin.terms.limits);
        let (fuel, fuel_allowed) = (self.fuel - left.min(self.fuel), self.fuel);
        let report = Report { fuel, fuel_allowed, memory_bytes, ..std::mem::take(&mut data.report) };
        let changes = std::mem::take(&mut data.changes);
        let finished = match answer {
            Ok(answer) => Ok((answer, changes, report)),
            Err(fault) => Err(CallError { fault, report: Box::new(report) }),
        };
        if let Some(reuse) = keep.filter(|_| is_answered(&finished)) {
            self.keep(reuse);
        }
        finished
    }

    fn keep(self, reuse: &Reuse) {
        let Self { mut store, instance, plugin, served, .. } = self;
        let Some(instance) = instance else { return };
        // Snapshots of the catalogue are not for keeping.
        store.data_mut().let_go();
        plugin.installed.engine.shelf().put(reuse, Kept { store, instance, calls: served + 1 });
    }
}

/// An answer that breaks a rule.
pub(super) fn refused(detail: String) -> CallFault {
    CallFault::Answer { detail }
}
