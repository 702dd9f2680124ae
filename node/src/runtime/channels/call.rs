//! Calls of a channel's plugin: by the component at work, by one on trial, or by both; counted and logged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tillmesh_core::id::Name;
use tokio::sync::OwnedSemaphorePermit;

use super::ChannelError;
use super::answer::Answer;
use super::channel::Hook;
use crate::metrics::{Metrics, Used};
use crate::plugin::{CallContext, CallError, CallFault, LogLevel, LogLine, Plugin, Report};
use crate::runtime::PluginLog;
use crate::runtime::plugins::{Canary, CanaryState, Place, Verdict, Version};

/// The outcome of a call that was answered.
const DONE: &str = "done";
/// How many differences are shown: they hold what channels sent, and push out what other plugins said.
const SHOWN_DIFFERENCES: u64 = 5;
/// How much of an answer is shown to who compares two, in bytes.
const SHOWN: usize = 400;

/// What is asked of a plugin.
type Call<T> = dyn Fn(&Plugin, &CallContext) -> Result<T, CallError> + Send + Sync;

/// What came of it.
type Called<T> = Result<T, CallError>;

/// Who calls.
#[derive(Clone)]
pub(super) struct Caller {
    pub channel: Name,
    pub place: Arc<Place>,
    pub hook: Hook,
    pub context: Arc<CallContext>,
    pub metrics: Arc<Metrics>,
    pub log: Arc<PluginLog>,
}

impl Caller {
    /// Calls whoever it is to be.
    pub(super) async fn call<T: Answer>(
        &self,
        version: &Version,
        call: impl Fn(&Plugin, &CallContext) -> Called<T> + Send + Sync + 'static,
    ) -> Result<T, ChannelError> {
        let call: Arc<Call<T>> = Arc::new(call);
        let result = match version {
            Version::Current { plugin, shadow } => {
                let result = self.at_work(plugin, &call).await?;
                if let Some(canary) = shadow.as_ref().filter(|_| self.hook != Hook::Look) {
                    self.look_on(canary, call, result.as_ref().ok().cloned());
                }
                result
            }
            Version::Canary { canary, current } => self.try_out(canary, current, &call).await?,
        };
        let plugin = self.place.name.clone();
        result.map_err(|error| match error.fault {
            CallFault::Failure(failure) => ChannelError::Failure { plugin, failure },
            _ => ChannelError::Plugin { plugin, error },
        })
    }

    /// Calls the component at work.
    async fn at_work<T: Answer>(&self, plugin: &Arc<Plugin>, call: &Arc<Call<T>>) -> Result<Called<T>, ChannelError> {
        let turn = self.turn().await?;
        let (result, took) = self.run(plugin, call, turn).await?;
        self.note(self.place.name.as_str(), took, &result);
        let report = report_of(&result);
        if self.hook != Hook::Look || result.is_err() {
            self.keep_lines(report);
        }
        Ok(result)
    }

    /// Calls a component on trial, and the one at work where that gives no answer: a trial costs no message.
    async fn try_out<T: Answer>(
        &self,
        canary: &Canary,
        current: &Arc<Plugin>,
        call: &Arc<Call<T>>,
    ) -> Result<Called<T>, ChannelError> {
        let turn = self.turn().await?;
        let error = match self.run(&canary.plugin, call, turn).await {
            Ok((tried, took)) => {
                self.note(&self.canary_name(), took, &tried);
                self.keep_lines(report_of(&tried));
                match tried {
                    Ok(answer) => {
                        self.judge(canary, Verdict::Good);
                        return Ok(Ok(answer));
                    }
                    Err(error) => error.to_string(),
                }
            }
            Err(error) => error.to_string(),
        };
        let result = self.at_work(current, call).await?;
        if result.is_ok() {
            self.say(format!("the component on trial gave no answer, and the one at work did: {error}"));
        }
        self.judge(canary, if result.is_ok() { Verdict::Worse } else { Verdict::Good });
        Ok(result)
    }

    /// Has a component look on, beside what others wait for; where one looks on already, this call is passed over.
    fn look_on<T: Answer>(&self, canary: &Arc<Canary>, call: Arc<Call<T>>, answer: Option<T>) {
        let Ok(turn) = Arc::clone(&self.place.shadow).try_acquire_owned() else { return };
        let (caller, canary) = (self.clone(), Arc::clone(canary));
        tokio::spawn(async move {
            match caller.run(&canary.plugin, &call, turn).await {
                Ok((tried, took)) => {
                    caller.note(&caller.canary_name(), took, &tried);
                    caller.keep_lines(report_of(&tried));
                    caller.compare(&canary, answer, tried);
                }
                // The node stops, or the call panicked, which the log says.
                Err(error) => tracing::warn!(%error, "a component that looks on was not called"),
            }
        });
    }

    fn compare<T: Answer>(&self, canary: &Canary, answer: Option<T>, tried: Called<T>) {
        let verdict = match (answer, tried) {
            (Some(answer), Ok(tried)) if answer.is_same_as(&tried) => Verdict::Good,
            (None, Err(_)) => Verdict::Good,
            (answer, Ok(tried)) => {
                let [one, other] = [answer.map(|it| it.summary()), Some(tried.summary())];
                let [one, other] = [one, other].map(|it| it.map_or_else(|| "nothing".to_owned(), shortened));
                if canary.state().differences < SHOWN_DIFFERENCES {
                    self.say(format!("the component on trial answers {other} instead of {one}"));
                }
                Verdict::Different
            }
            (Some(_), Err(error)) => {
                self.say(format!("the component on trial gives no answer, and the one at work does: {error}"));
                Verdict::Worse
            }
        };
        self.judge(canary, verdict);
    }

    fn judge(&self, canary: &Canary, verdict: Verdict) {
        if canary.note(verdict) {
            let CanaryState { calls, errors, .. } = canary.state();
            self.say(format!("the component on trial is withdrawn: {errors} errors in {calls} calls"));
            tracing::error!(plugin = %self.place.name, calls, errors, "a component on trial is withdrawn");
        }
    }

    /// Away from the threads that serve requests.
    async fn run<T: Answer>(
        &self,
        plugin: &Arc<Plugin>,
        call: &Arc<Call<T>>,
        turn: OwnedSemaphorePermit,
    ) -> Result<(Called<T>, Duration), ChannelError> {
        let (plugin, context, call) = (Arc::clone(plugin), Arc::clone(&self.context), Arc::clone(call));
        let called = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let result = call(&plugin, &context);
            // Whoever asked may be gone; the call is over only here.
            drop(turn);
            (result, began.elapsed())
        });
        called.await.map_err(stopped)
    }

    /// Waits until the plugin may be called.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, ChannelError> {
        Arc::clone(&self.place.turns).acquire_owned().await.map_err(stopped)
    }

    fn note<T: Answer>(&self, plugin: &str, took: Duration, result: &Called<T>) {
        let (none, report) = (BTreeMap::new(), report_of(result));
        let outcome = result.as_ref().map_or_else(|error| error.fault.label(), |_| DONE);
        // What is looked at is translated once more, and counted then.
        let counters = if self.hook == Hook::Look { &none } else { &report.counters };
        let used = Used { took, fuel: report.fuel, counters };
        self.metrics.plugins.note(plugin, self.hook.as_str(), outcome, &used);
    }

    /// Keeps what the plugin said.
    fn keep_lines(&self, report: &Report) {
        self.log.note(&self.place.name, Some(&self.channel), self.hook.as_str(), report);
        for LogLine { level, message } in &report.log {
            tracing::info!(plugin = %self.place.name, channel = %self.channel, ?level, said = message, "plugin log");
        }
    }

    /// Keeps what there is to say of a trial, where whoever tries looks.
    fn say(&self, message: String) {
        let line = LogLine { level: LogLevel::Warn, message };
        self.keep_lines(&Report { log: vec![line], ..Report::default() });
    }

    /// What metrics call a component on trial: no plugin can have this name.
    fn canary_name(&self) -> String {
        format!("{}.canary", self.place.name)
    }
}

fn stopped(error: impl std::error::Error + Send + Sync + 'static) -> ChannelError {
    ChannelError::File(std::io::Error::other(error))
}

fn report_of<T: Answer>(result: &Called<T>) -> &Report {
    result.as_ref().map_or_else(|error| &*error.report, Answer::report)
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(SHOWN));
    text
}
