//! What is remembered of a task beyond the life of its process.

mod contract;
pub(crate) mod entry;
mod error;
mod hidden_null;
mod look;
mod memory;
pub(crate) mod output;
#[cfg(feature = "contract-suite")]
pub mod suite;

pub use contract::{Epoch, Journal};
pub use error::{JournalError, JournalErrorKind};
pub use look::{Journaled, erasable};
pub use memory::MemoryJournal;
