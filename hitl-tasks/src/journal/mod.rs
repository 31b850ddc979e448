//! The memory of a task beyond its process.

pub(crate) mod contract;
pub(crate) mod entry;
pub(crate) mod error;
mod hidden_null;
mod mark;
pub(crate) mod memory;
pub(crate) mod output;
pub(crate) mod result;
pub(crate) mod session;
#[cfg(feature = "contract-suite")]
pub mod suite;
pub(crate) mod summary;

pub use contract::{Epoch, Journal};
pub use error::{JournalError, JournalErrorKind};
pub use mark::mark_for_retry;
pub use memory::MemoryJournal;
pub use result::{ResultError, ResultErrorKind, read_result, read_result_json};
pub use summary::{JournalSummary, check_erasable};
