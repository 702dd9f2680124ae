//! The import `state`. What a call writes is kept with its answer and written by the caller together with its effects.

use crate::plugin::bindings::tillmesh::channel::state::{Host, Refusal};
use crate::plugin::call::CallData;

/// The longest key in bytes.
const MAX_KEY: usize = 128;

impl Host for CallData {
    fn read(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.count_host_call()?;
        Ok(Self::read(self, &key))
    }

    fn write(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Refusal>> {
        self.count_host_call()?;
        if !(1..=MAX_KEY).contains(&key.len()) {
            return Ok(Err(Refusal::KeyLength));
        }
        Ok(if Self::write(self, key, Some(value)) { Ok(()) } else { Err(Refusal::OverQuota) })
    }

    fn remove(&mut self, key: String) -> wasmtime::Result<()> {
        self.count_host_call()?;
        if Self::read(self, &key).is_some() {
            Self::write(self, key, None);
        }
        Ok(())
    }
}
