use super::MemoryStorage;

crate::storage_conformance!(MemoryStorage::default);
