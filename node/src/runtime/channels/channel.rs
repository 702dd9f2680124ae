//! A channel and its plugin: calls of it, from one snapshot of what it may ask, counted and logged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tillmesh_core::channel::{ChannelEvent, ChannelFailure, ChannelMessage};
use tillmesh_core::engine::SharedView;
use tillmesh_core::id::Name;
use tokio::sync::Mutex;

use super::ChannelError;
use super::memory::Memory;
use crate::config::{ChannelSettings, Settings};
use crate::metrics::{Metrics, Used};
use crate::plugin::{
    Acknowledged, CallContext, CallError, CallFault, Export, Part, Plugin, Rendering, Report, Translation,
};
use crate::runtime::PluginLog;
use crate::runtime::lookup::ViewLookup;
use crate::runtime::plugins::Plugins;
use crate::store;

/// The outcome of a call that was answered.
const DONE: &str = "done";

/// What a plugin is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// To see whether it takes a piece of a message, before any is recorded.
    Look,
    Translate,
    Render,
    Acknowledge,
}

/// A channel of the settings.
pub(in crate::runtime) struct Channel {
    pub name: Name,
    pub settings: ChannelSettings,
    /// Where its orders come from, and whose stock it is told.
    pub location: Name,
    pub plugin: Option<Arc<Plugin>>,
    pub view: SharedView,
    pub reader: store::Reader,
    pub metrics: Arc<Metrics>,
    pub log: Arc<PluginLog>,
    /// Whose turn it is to change what the plugin remembers.
    pub turn: Mutex<()>,
}

impl Channel {
    /// The channels of the settings, by name.
    pub(in crate::runtime) fn all(
        settings: &Settings,
        plugins: &Plugins,
        view: &SharedView,
        reader: &store::Reader,
        metrics: &Arc<Metrics>,
        log: &Arc<PluginLog>,
    ) -> BTreeMap<Name, Arc<Self>> {
        let channel = |(name, channel): (&Name, &ChannelSettings)| {
            let channel = Self {
                name: name.clone(),
                location: channel.location.clone().unwrap_or_else(|| settings.location.clone()),
                plugin: plugins.plugin(&channel.plugin),
                settings: channel.clone(),
                view: Arc::clone(view),
                reader: reader.clone(),
                metrics: Arc::clone(metrics),
                log: Arc::clone(log),
                turn: Mutex::default(),
            };
            (name.clone(), Arc::new(channel))
        };
        settings.channels.iter().map(channel).collect()
    }

    /// What the plugin remembers, once nobody else is about to change it.
    pub(in crate::runtime) async fn memory(&self) -> Result<Memory<'_>, ChannelError> {
        let turn = match &self.plugin {
            Some(plugin) if plugin.remembers() => Some(self.turn.lock().await),
            _ => None,
        };
        let memory = Memory::read(&self.reader, &self.name, &self.settings.plugin, turn);
        memory.map_err(|error| ChannelError::Submit(error.into()))
    }

    /// Says what a message means.
    pub(super) async fn translate(
        &self,
        hook: Hook,
        memory: &Memory<'_>,
        message: &Arc<ChannelMessage>,
        part: Part,
    ) -> Result<Translation, ChannelError> {
        let message = Arc::clone(message);
        let call = move |plugin: &Plugin, context: &CallContext| plugin.translate_part(&message, &part, context);
        self.call(hook, memory, call, |translation| &translation.report).await
    }

    /// Puts events into the channel's format.
    pub(in crate::runtime) async fn render(
        &self,
        memory: &Memory<'_>,
        events: Vec<ChannelEvent>,
    ) -> Result<Rendering, ChannelError> {
        let call = move |plugin: &Plugin, context: &CallContext| plugin.render(&events, context);
        self.call(Hook::Render, memory, call, |rendering| &rendering.report).await
    }

    /// What a message is answered that was taken, or refused and why; nothing, by a plugin that acknowledges none.
    pub(super) async fn acknowledge(
        &self,
        memory: &Memory<'_>,
        message: &Arc<ChannelMessage>,
        refused: Option<ChannelFailure>,
    ) -> Result<Option<Acknowledged>, ChannelError> {
        if !self.plugin.as_ref().is_some_and(|plugin| plugin.exports().contains(&Export::Acknowledgement)) {
            return Ok(None);
        }
        let message = Arc::clone(message);
        let call =
            move |plugin: &Plugin, context: &CallContext| plugin.acknowledge(&message, refused.as_ref(), context);
        self.call(Hook::Acknowledge, memory, call, |answer| &answer.report).await.map(Some)
    }

    async fn call<T: Send + 'static>(
        &self,
        hook: Hook,
        memory: &Memory<'_>,
        call: impl FnOnce(&Plugin, &CallContext) -> Result<T, CallError> + Send + 'static,
        report: impl Fn(&T) -> &Report,
    ) -> Result<T, ChannelError> {
        let plugin = self.plugin.clone().ok_or_else(|| ChannelError::Unknown(self.settings.plugin.clone()))?;
        let context = CallContext {
            channel: self.name.clone(),
            location: self.location.clone(),
            config: self.settings.settings.clone(),
            lookup: Arc::new(ViewLookup(Arc::clone(&self.view))),
            state: memory.reader(),
        };
        let began = Instant::now();
        let called = tokio::task::spawn_blocking(move || call(&plugin, &context)).await;
        let result = called.map_err(|error| ChannelError::File(std::io::Error::other(error)))?;
        let outcome = result.as_ref().map_or_else(|error| error.fault.label(), |_| DONE);
        self.note(hook, outcome, began, result.as_ref().map_or_else(|error| &error.report, report));
        let plugin = self.settings.plugin.clone();
        result.map_err(|error| match error.fault {
            CallFault::Failure(failure) => ChannelError::Failure { plugin, failure },
            _ => ChannelError::Plugin { plugin, error },
        })
    }

    fn note(&self, hook: Hook, outcome: &str, began: Instant, report: &Report) {
        let none = BTreeMap::new();
        // What is looked at is translated once more, and counted then.
        let counters = if hook == Hook::Look { &none } else { &report.counters };
        let used = Used { took: began.elapsed(), fuel: report.fuel, counters };
        self.metrics.plugins.note(self.settings.plugin.as_str(), hook.as_str(), outcome, &used);
        if hook == Hook::Look && outcome == DONE {
            return;
        }
        self.log.note(&self.settings.plugin, Some(&self.name), hook.as_str(), report);
        for line in &report.log {
            let (level, said) = (line.level, &line.message);
            tracing::info!(plugin = %self.settings.plugin, channel = %self.name, ?level, said, "plugin log");
        }
    }
}

impl Hook {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Translate => "translate",
            Self::Render => "render",
            Self::Acknowledge => "acknowledge",
        }
    }
}
