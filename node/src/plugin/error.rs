//! Why a plugin is not installed, and how a call can end.

use tillmesh_core::channel::ChannelFailure;

use super::limits::{Limit, LimitReached};
use super::report::Report;

/// Why a component is not installed. Each says what it has and what is needed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// More bytes than any plugin has.
    #[error("the component has {bytes} bytes, at most {max} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most that is allowed.
        max: usize,
    },
    /// Bytes that are no WebAssembly.
    #[error("this is no WebAssembly: it begins with {found}, a component begins with 00 61 73 6d 0d 00 01 00")]
    NotWasm {
        /// The first bytes in hexadecimal.
        found: String,
    },
    /// A core module.
    #[error(
        "this is a core module, a component is needed: make one of it with `wasm-tools component new`, or build the \
         plugin with plugins/build"
    )]
    CoreModule,
    /// A component that is damaged or uses what the host does not support.
    #[error("the component cannot be compiled: {detail}")]
    Invalid {
        /// What the compiler says.
        detail: String,
    },
    /// An interface of another version of the contract.
    #[error("the component has {found}, this node needs {needed}: build it against that version of wit/")]
    Version {
        /// The interface with its version.
        found: String,
        /// The version that is needed.
        needed: String,
    },
    /// Nothing that the node could call.
    #[error("the component exports {found}; a plugin exports at least one of {needed}")]
    World {
        /// What it exports.
        found: String,
        /// What would do.
        needed: String,
    },
    /// An import that the plugin has no right to.
    #[error("the component imports {import}, which it is not granted; it may import {granted}")]
    Import {
        /// The import.
        import: String,
        /// What it may import.
        granted: String,
    },
    /// The names are right and the types are not.
    #[error("the component does not fit tillmesh:channel@{}: {detail}", super::WIT_VERSION)]
    Types {
        /// What does not fit.
        detail: String,
    },
    /// It cannot be started: its memory or tables are above the limits, or its start function traps.
    #[error("the component cannot be started: {fault}")]
    Start {
        /// How the start ended.
        fault: CallFault,
    },
    /// A fault of the node.
    #[error("the node could not install the component: {detail}")]
    Host {
        /// What happened.
        detail: String,
    },
}

/// How a call ended that gave no answer, with what the plugin logged and used until then.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct CallError {
    /// How it ended.
    pub fault: CallFault,
    /// What the plugin logged and used.
    pub report: Box<Report>,
}

/// How a call ended that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallFault {
    /// The plugin says that it makes nothing of its input, and why.
    #[error(transparent)]
    Failure(#[from] ChannelFailure),
    /// The plugin crashed.
    #[error("the plugin crashed: {detail}")]
    Trap {
        /// The trap.
        detail: String,
    },
    /// The plugin ran into a limit.
    #[error("the plugin was stopped: {0}")]
    Limit(Limit),
    /// The plugin's answer breaks the rules.
    #[error("the plugin's answer is refused: {detail}")]
    Answer {
        /// Which rule.
        detail: String,
    },
    /// The plugin does not serve this.
    #[error("the plugin does not export {export}")]
    NotServed {
        /// The interface.
        export: &'static str,
    },
    /// A fault of the node.
    #[error("the node could not run the plugin: {detail}")]
    Host {
        /// What happened.
        detail: String,
    },
}

impl CallFault {
    /// The outcome in one word, for logs, metrics and dead letters.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Failure(_) => "failure",
            Self::Trap { .. } => "trap",
            Self::Limit(_) => "limit",
            Self::Answer { .. } => "answer",
            Self::NotServed { .. } => "not-served",
            Self::Host { .. } => "host",
        }
    }

    /// What an error of the engine means.
    pub(super) fn of_engine(error: &wasmtime::Error) -> Self {
        if let Some(LimitReached(limit)) = error.downcast_ref() {
            return Self::Limit(*limit);
        }
        if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            return Self::Host { detail: error.to_string() };
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::OutOfFuel) => Self::Limit(Limit::Fuel),
            Some(wasmtime::Trap::Interrupt) => Self::Limit(Limit::Deadline),
            Some(wasmtime::Trap::StackOverflow) => Self::Limit(Limit::Stack),
            Some(trap) => Self::Trap { detail: trap.to_string() },
            None => Self::of_message(&format!("{error:#}")),
        }
    }

    /// Errors that the engine has no public type for. Its version is pinned, and a test holds the words.
    fn of_message(message: &str) -> Self {
        const OUTPUT: &str = "fuel allocated for hostcalls has been exhausted";
        if message.contains(OUTPUT) {
            return Self::Limit(Limit::Output);
        }
        // What is left are answers that are no valid encoding: text that is no UTF-8, lists outside of memory.
        Self::Trap { detail: message.to_owned() }
    }
}
