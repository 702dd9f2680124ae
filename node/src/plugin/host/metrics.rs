//! The import `metrics`.

use crate::plugin::bindings::tillmesh::channel::metrics::Host;
use crate::plugin::call::CallData;

impl Host for CallData {
    fn count(&mut self, name: String, value: u64) -> wasmtime::Result<()> {
        self.count_host_call()?;
        Self::count(self, name, value);
        Ok(())
    }
}
