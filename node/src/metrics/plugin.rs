//! What the calls of plugins came to and used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::Metrics;

/// The most counters of a plugin, each of which is a series: a plugin could make up names with every call.
const MAX_COUNTERS: usize = 32;

/// What a call used.
#[derive(Debug)]
pub struct Used<'a> {
    /// How long it took.
    pub took: Duration,
    /// Instructions.
    pub fuel: u64,
    /// The plugin's own counters: how much each grew.
    pub counters: &'a BTreeMap<String, u64>,
}

/// A call of a plugin, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    plugin: String,
    hook: String,
    outcome: String,
}

/// What of a plugin is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HookLabels {
    plugin: String,
    hook: String,
}

/// A counter of a plugin's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CounterLabels {
    plugin: String,
    counter: String,
}

type Histograms = Family<HookLabels, Histogram, fn() -> Histogram>;

/// The metrics of plugins.
#[derive(Debug)]
pub struct PluginMetrics {
    calls: Family<CallLabels, Counter>,
    seconds: Histograms,
    fuel: Histograms,
    counters: Family<CounterLabels, Counter>,
    counter_names: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl Default for PluginMetrics {
    fn default() -> Self {
        Self {
            calls: Family::default(),
            // From a tenth of a millisecond to 3 s: what a call may take, and more.
            seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_1, 2.0, 16))),
            // From ten thousand to 1.3 billion: more than any call is given.
            fuel: Family::new_with_constructor(|| Histogram::new(exponential_buckets(10_000.0, 2.0, 18))),
            counters: Family::default(),
            counter_names: Mutex::default(),
        }
    }
}

impl PluginMetrics {
    pub(super) fn register(&self, metrics: &Metrics) {
        metrics.register("plugin_calls", "Calls of plugins, by hook and outcome", self.calls.clone());
        metrics.register("plugin_seconds", "How long calls of plugins took", self.seconds.clone());
        metrics.register("plugin_fuel", "Instructions that calls of plugins ran", self.fuel.clone());
        metrics.register("plugin_counter", "What plugins count themselves", self.counters.clone());
    }

    /// Notes a call: of which plugin and hook, how it ended, and what it used.
    pub fn note(&self, plugin: &str, hook: &str, outcome: &str, used: &Used<'_>) {
        let (plugin, hook, outcome) = (plugin.to_owned(), hook.to_owned(), outcome.to_owned());
        let at = HookLabels { plugin: plugin.clone(), hook: hook.clone() };
        self.seconds.get_or_create(&at).observe(used.took.as_secs_f64());
        self.fuel.get_or_create(&at).observe(used.fuel as f64);
        for (counter, value) in used.counters {
            if self.has_room(&plugin, counter) {
                let labels = CounterLabels { plugin: plugin.clone(), counter: counter.clone() };
                self.counters.get_or_create(&labels).inc_by(*value);
            }
        }
        self.calls.get_or_create(&CallLabels { plugin, hook, outcome }).inc();
    }

    fn has_room(&self, plugin: &str, counter: &str) -> bool {
        let mut names = self.counter_names.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.entry(plugin.to_owned()).or_default();
        names.contains(counter) || (names.len() < MAX_COUNTERS && names.insert(counter.to_owned()))
    }
}
