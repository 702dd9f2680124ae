//! Metrics, in Prometheus' text format. Names are `tillmesh_<what>_<unit>`.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

pub use self::plugin::{PluginMetrics, Used};

mod plugin;

/// A thing and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Labels {
    /// What it is: a command, a kind of message.
    pub kind: String,
    /// What became of it.
    pub outcome: String,
}

/// A kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabel {
    /// What it is.
    pub kind: String,
}

/// A kind of message and the link on which it was heard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HeardLabels {
    /// The kind.
    pub kind: String,
    /// The link.
    pub link: String,
}

/// A kind of message, what became of it, and on which link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SentLabels {
    /// The kind.
    pub kind: String,
    /// What became of it.
    pub outcome: String,
    /// The link.
    pub link: String,
}

/// A link to a broker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LinkLabel {
    /// The link.
    pub link: String,
}

/// The metrics of a node.
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Commands by kind and outcome.
    pub commands: Family<Labels, Counter>,
    /// Commits to the store.
    pub commits: Counter,
    /// How long a commit took, in seconds.
    pub commit_seconds: Histogram,
    /// How many commands and messages shared a commit.
    pub commit_group: Histogram,
    /// Messages of the sync protocol heard, by kind and link.
    pub messages_received: Family<HeardLabels, Counter>,
    /// Messages of the sync protocol sent, by kind, outcome and link.
    pub messages_sent: Family<SentLabels, Counter>,
    /// Messages that a link dropped before they were read, by reason and link.
    pub messages_dropped: Family<HeardLabels, Counter>,
    /// Envelopes refused, by kind.
    pub refused: Family<KindLabel, Counter>,
    /// Calls of plugins.
    pub plugins: PluginMetrics,
    /// Dead letters that were kept, by channel and cause.
    pub dead_letters_kept: Family<Labels, Counter>,
    /// Dead letters that wait for somebody.
    pub dead_letters: Gauge,
    /// Attempts to deliver a message to a channel, by channel and outcome.
    pub deliveries: Family<Labels, Counter>,
    /// Messages that wait to be delivered, by channel.
    pub outbox: Family<KindLabel, Gauge>,
    /// What became of openings, by verdict.
    pub openings: Family<KindLabel, Counter>,
    /// Which links to brokers are up.
    pub link_up: Family<LinkLabel, Gauge>,
    /// Epochs that the store left because they ran twice, as far as it remembers.
    pub clones: Gauge,
    /// Projection rows that wait to be written.
    pub unwritten_rows: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("tillmesh")),
            commands: Family::default(),
            commits: Counter::default(),
            commit_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            commit_group: Histogram::new(exponential_buckets(1.0, 2.0, 8)),
            messages_received: Family::default(),
            messages_sent: Family::default(),
            messages_dropped: Family::default(),
            refused: Family::default(),
            plugins: PluginMetrics::default(),
            dead_letters_kept: Family::default(),
            dead_letters: Gauge::default(),
            deliveries: Family::default(),
            outbox: Family::default(),
            openings: Family::default(),
            link_up: Family::default(),
            clones: Gauge::default(),
            unwritten_rows: Gauge::default(),
        };
        metrics.register("commands", "Commands by kind and outcome", metrics.commands.clone());
        metrics.register("commits", "Commits to the store", metrics.commits.clone());
        metrics.register("commit_seconds", "How long a commit took", metrics.commit_seconds.clone());
        metrics.register("commit_group", "Commands and messages that shared a commit", metrics.commit_group.clone());
        metrics.register("messages_received", "Sync messages heard", metrics.messages_received.clone());
        metrics.register("messages_sent", "Sync messages sent", metrics.messages_sent.clone());
        metrics.register("messages_dropped", "Messages dropped unread", metrics.messages_dropped.clone());
        metrics.register("refused_envelopes", "Envelopes refused", metrics.refused.clone());
        metrics.plugins.register(&metrics);
        metrics.register("dead_letters_kept", "Dead letters kept, by cause", metrics.dead_letters_kept.clone());
        metrics.register("dead_letters", "Dead letters that wait for somebody", metrics.dead_letters.clone());
        metrics.register("deliveries", "Attempts to deliver to a channel", metrics.deliveries.clone());
        metrics.register("outbox_messages", "Messages that wait to be delivered", metrics.outbox.clone());
        metrics.register("openings", "Openings written and checked, by verdict", metrics.openings.clone());
        metrics.register("link_up", "Whether the broker is connected, by link", metrics.link_up.clone());
        metrics.register("clones", "Epochs that this store left as they ran twice", metrics.clones.clone());
        metrics.register("unwritten_rows", "Projection rows waiting to be written", metrics.unwritten_rows.clone());
        metrics
    }
}

impl Metrics {
    /// Adds a metric; the prefix `tillmesh_` is put before its name.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }

    /// All metrics as text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string does not fail; a metric that could not be written is left out.
        if encode(&mut text, &registry).is_err() {
            tracing::warn!("a metric could not be written");
        }
        text
    }
}

impl Labels {
    /// A kind and an outcome.
    pub fn new(kind: &str, outcome: &str) -> Self {
        Self { kind: kind.to_owned(), outcome: outcome.to_owned() }
    }
}

impl HeardLabels {
    /// A kind and a link.
    pub fn new(kind: &str, link: &str) -> Self {
        Self { kind: kind.to_owned(), link: link.to_owned() }
    }
}

impl SentLabels {
    /// A kind, an outcome and a link.
    pub fn new(kind: &str, outcome: &str, link: &str) -> Self {
        Self { kind: kind.to_owned(), outcome: outcome.to_owned(), link: link.to_owned() }
    }
}

impl LinkLabel {
    /// A link.
    pub fn new(link: &str) -> Self {
        Self { link: link.to_owned() }
    }
}

impl KindLabel {
    /// A kind.
    pub fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned() }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
