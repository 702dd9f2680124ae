//! Pricing carts by a plugin, with what proves the result.

use std::sync::Arc;
use std::time::Instant;

use tillmesh_core::event::PricingProof;
use tillmesh_core::id::Name;
use tillmesh_core::pricing::{PriceResult, PricingInput};

use super::PluginLog;
use super::plugins::{Place, Plugins};
use crate::config::{OnFailure, Settings};
use crate::metrics::{Metrics, Used};
use crate::plugin::CallError;

/// What prices carts; without a plugin, catalogue prices hold.
pub struct Pricing {
    plugin: Option<Arc<Place>>,
    /// What the settings call it; none: there is none.
    name: Option<Name>,
    on_failure: OnFailure,
    metrics: Arc<Metrics>,
    log: Arc<PluginLog>,
}

/// A price with its proof.
#[derive(Debug, Clone)]
pub struct Proved {
    /// Adjustments and coupons.
    pub result: PriceResult,
    /// The hashes that let anybody run it again.
    pub proof: PricingProof,
    /// The inputs in canonical CBOR, to be kept under their hash.
    pub inputs: Vec<u8>,
}

/// Why a cart has no price.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PricingError {
    /// The inputs break a rule.
    #[error("the cart cannot be priced: {0}")]
    Input(#[from] tillmesh_core::pricing::InvalidInput),
    /// The plugin failed, and the settings say that this refuses the checkout.
    #[error("the pricing plugin failed: {0}")]
    Plugin(CallError),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl Pricing {
    pub(super) fn new(settings: &Settings, plugins: &Plugins, metrics: Arc<Metrics>, log: Arc<PluginLog>) -> Self {
        let plugin = settings.pricing_plugin.as_ref().and_then(|name| plugins.place(name)).cloned();
        let name = settings.pricing_plugin.clone();
        Self { plugin, name, on_failure: settings.pricing_on_failure, metrics, log }
    }

    /// Whether there is a plugin that prices.
    pub const fn is_active(&self) -> bool {
        self.plugin.is_some()
    }

    /// Prices a cart. None: there is no plugin, or it failed and the settings say that this means catalogue prices.
    ///
    /// # Errors
    /// When the inputs break a rule, or the plugin failed and that closes the checkout.
    pub async fn price(&self, input: PricingInput) -> Result<Option<Proved>, PricingError> {
        let Some(plugin) = self.plugin.as_ref().map(|place| place.current()) else { return Ok(None) };
        let input = input.canonical()?;
        let inputs = input.to_cbor();
        let began = Instant::now();
        let called = tokio::task::spawn_blocking(move || (plugin.price(&input), plugin.hash(), input.hash())).await;
        let (result, component, inputs_hash) = called.map_err(|_| PricingError::Stopping)?;
        let outcome = result.as_ref().map_or_else(|error| error.fault.label(), |_| "done");
        let report = match &result {
            Ok(priced) => &priced.report,
            Err(error) => &error.report,
        };
        let used = Used { took: began.elapsed(), fuel: report.fuel, counters: &report.counters };
        if let Some(name) = &self.name {
            self.metrics.plugins.note(name.as_str(), "price", outcome, &used);
            self.log.note(name, None, "price", report);
        }
        match result {
            Ok(priced) => {
                let proof = PricingProof { component, inputs: inputs_hash, output: priced.result.hash() };
                Ok(Some(Proved { result: priced.result, proof, inputs }))
            }
            Err(error) if self.on_failure == OnFailure::Open => {
                tracing::warn!(%error, "the pricing plugin failed; catalogue prices hold");
                Ok(None)
            }
            Err(error) => Err(PricingError::Plugin(error)),
        }
    }
}
