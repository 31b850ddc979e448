//! The durable record of calls: the contract, and the store in memory.

mod address;
mod apply_request;
mod contract;
mod effect_holder;
mod erasure;
mod error;
mod event_payload;
mod executors;
mod freeze;
mod history;
mod hold;
mod memory;
mod notifier;
mod outbox;
mod page;
mod sealed;
mod submit_result;
#[cfg(feature = "contract-suite")]
pub mod suite;
mod wrapper;
mod writers;

pub use crate::ids::HoldId;
pub use address::StoreAddress;
pub use apply_request::ApplyRequest;
pub use contract::Store;
pub use effect_holder::EffectHolder;
pub use erasure::{ERASED_AT_ONCE, Erasable, ErasedCount, NotErased, check_erasable};
pub use error::{ApplyError, StoreError, StoreErrorKind};
pub use event_payload::EventPayload;
pub use executors::{Executor, ExecutorRow, Executors, superseded, tools_of, tools_text};
pub use freeze::{FREEZES, Freeze, FreezeScope, Freezes, is_frozen};
pub use history::History;
pub use hold::{Hold, HoldScope, Holds, MAX_HOLD_REASON};
pub use memory::MemoryStore;
pub use notifier::{ChangeNotifier, ChangeWatch};
pub use outbox::ChangeId;
pub use page::{GrantQuery, PageRequest};
pub use sealed::{SealedPage, SealedPart, SealedText};
pub use submit_result::SubmitResult;
pub use wrapper::StoreWrapper;
pub use writers::AuditWriter;
