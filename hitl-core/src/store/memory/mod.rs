//! A store that lives as long as the process: for tests, and for hosts that need no durability.

mod calls;
mod contract;
mod executors;
mod grants;
mod index;
mod store;
mod submit;

pub use store::MemoryStore;
