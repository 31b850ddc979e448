//! The durable record of calls: the contract, and the store that lives in memory.

mod contract;
mod enclosed;
mod erasure;
mod error;
mod executors;
mod hold;
mod hub;
mod memory;
mod memory_calls;
mod memory_grants;
mod memory_index;
mod outbox;
mod page;
mod sealed;
#[cfg(feature = "contract-suite")]
pub mod suite;
mod writers;

pub use contract::{Applied, History, Retained, Store, Submitted};
pub use enclosed::Enclosed;
pub use erasure::{ERASED_AT_ONCE, Erasable, NotErased, check_erasable};
pub use error::{ApplyError, StoreError, StoreErrorKind};
pub use executors::{Executor, ExecutorRow, Executors, superseded, tools_of, tools_text};
pub use hold::{Hold, HoldScope, Holds, MAX_HOLD_REASON};
pub use hub::{Hub, Watch};
pub use memory::MemoryStore;
pub use outbox::Change;
pub use page::{GrantPage, PageRequest};
pub use sealed::{SealedPage, SealedPart, SealedText};
pub use writers::AuditWriter;
