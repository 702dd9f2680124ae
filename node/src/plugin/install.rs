//! Installing a component: its kind, what it exports and imports, its types, and that an instance of it starts.

use std::sync::Arc;

use tillmesh_core::id::{Name, ObjectHash};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use super::bindings::exports::tillmesh::channel as exported;
use super::bindings::tillmesh::channel as imported;
use super::call::{CallContext, CallData};
use super::engine::PluginEngine;
use super::limits::InputSize;
use super::run::Running;
use super::{Capability, CodeCache, Export, InstallError, Limits, MAX_COMPONENT, Plugin, Terms, host, inspect};

/// How plugins are run.
#[derive(Debug, Clone, Default)]
pub struct HostOptions {
    /// Where compiled components are kept; without it every start compiles.
    pub cache: Option<CodeCache>,
}

/// Runs plugins.
pub struct PluginHost {
    pub(super) engine: Arc<PluginEngine>,
    linker: Linker<CallData>,
    cache: Option<CodeCache>,
}

/// A component that can be called, whatever the terms.
pub(super) struct Installed {
    pub engine: Arc<PluginEngine>,
    pub pre: InstancePre<CallData>,
    pub hash: ObjectHash,
    pub exports: Vec<Export>,
    pub imports: Vec<Capability>,
    pub inbound: Option<exported::inbound::GuestIndices>,
    pub outbound: Option<exported::outbound::GuestIndices>,
    pub acknowledgement: Option<exported::acknowledgement::GuestIndices>,
    pub pricing: Option<exported::pricing::GuestIndices>,
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
        imported::lookup::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        imported::state::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        imported::log::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        imported::metrics::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
        imported::types::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data).map_err(fault)?;
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
        let installed = self.link(&compiled, hash, exports, imports).map_err(types)?;
        let terms = Terms { limits: terms.limits.capped(), ..terms.clone() };
        let plugin = Plugin::new(Arc::new(installed), terms);
        check_start(&plugin)?;
        Ok(Arc::new(plugin))
    }

    /// Gives a component what it imports, and finds what it exports.
    fn link(
        &self,
        component: &Component,
        hash: ObjectHash,
        exports: Vec<Export>,
        imports: Vec<Capability>,
    ) -> wasmtime::Result<Installed> {
        let pre = if imports.contains(&Capability::Wasi) {
            let mut linker = self.linker.clone();
            host::wasi::link(&mut linker, component)?;
            linker.instantiate_pre(component)?
        } else {
            self.linker.instantiate_pre(component)?
        };
        let serves = |export| exports.contains(&export).then_some(&pre);
        Ok(Installed {
            inbound: serves(Export::Inbound).map(exported::inbound::GuestIndices::new).transpose()?,
            outbound: serves(Export::Outbound).map(exported::outbound::GuestIndices::new).transpose()?,
            acknowledgement: serves(Export::Acknowledgement)
                .map(exported::acknowledgement::GuestIndices::new)
                .transpose()?,
            pricing: serves(Export::Pricing).map(exported::pricing::GuestIndices::new).transpose()?,
            engine: Arc::clone(&self.engine),
            pre,
            hash,
            exports,
            imports,
        })
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

/// Starts an instance and looks its exports up, so that what cannot run is refused here and not at the first customer.
fn check_start(plugin: &Plugin) -> Result<(), InstallError> {
    let name = Name::new("install").map_err(|error| InstallError::Host { detail: error.to_string() })?;
    let context = CallContext::bare(name.clone(), name);
    let mut run = Running::start(plugin, context, InputSize::default(), None)
        .map_err(|error| InstallError::Start { fault: error.fault })?;
    let instance = run.instantiate().map_err(|fault| InstallError::Start { fault })?;
    let (installed, store) = (&plugin.installed, run.store());
    let loaded = [
        installed.inbound.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
        installed.outbound.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
        installed.acknowledgement.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
        installed.pricing.as_ref().map(|it| it.load(&mut *store, &instance).map(drop)),
    ];
    loaded.into_iter().flatten().collect::<wasmtime::Result<()>>().map_err(types)
}

fn types(error: wasmtime::Error) -> InstallError {
    InstallError::Types { detail: format!("{error:#}") }
}
