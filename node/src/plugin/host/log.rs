//! The import `log`.

use crate::plugin::bindings::tillmesh::channel::log::{Host, Level};
use crate::plugin::call::CallData;
use crate::plugin::report::LogLevel;

impl Host for CallData {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.count_host_call()?;
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.log(level, &message);
        Ok(())
    }
}
