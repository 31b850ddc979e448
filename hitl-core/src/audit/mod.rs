//! The append-only record of what the gate did, and why.
//!
//! | file | what happens there |
//! |---|---|
//! | `record` | one event of a call's life, redacted |
//! | `sink`, `jsonl`, `memory`, `fan_out` | where records are kept |
//! | `trail` | the order around the act; what could not be kept is owed |
//! | `chain`, `segments` | how lines are linked, and how files follow one another |
//! | `checkpoint`, `checkpointed` | the heads at a moment, to be kept elsewhere |
//! | `read` | what it says of one call |
//! | `placeholder`, `erasable` | what stands where a line was erased, and how files are written anew |
//! | `erasures` | which lines were erased, and which records say that they may be |
//! | `verify`, `with_store`, `report` | what was changed, and where |

mod chain;
mod checkpoint;
#[cfg(feature = "checkpoints")]
mod checkpointed;
mod erasable;
mod erasures;
mod fan_out;
mod jsonl;
mod late;
mod logged_calls;
mod memory;
mod placeholder;
mod read;
mod record;
mod report;
mod segments;
mod sink;
mod trail;
mod verify;
mod with_store;

pub use chain::{ChainWriter, Head};
pub use checkpoint::Checkpoint;
#[cfg(feature = "checkpoints")]
pub use checkpoint::{PublicKey, SigningKey};
#[cfg(feature = "checkpoints")]
pub use checkpointed::Checkpointed;
pub use erasable::{ErasableLog, Replace};
pub use fan_out::FanOut;
pub use jsonl::JsonlAudit;
pub use memory::MemoryAudit;
pub use placeholder::ErasedLine;
pub(crate) use placeholder::{LISTED, Line};
pub use read::{AuditReader, CallAudit, JsonlFiles, Kept};
pub use record::{AUDIT_SCHEMA, AuditEvent, AuditRecord};
pub use report::{Finding, FindingKind, Report};
pub use sink::{AuditError, AuditSink, Durability, TracingAudit};
pub(crate) use trail::{Audited, Trail, heads, learn};
pub use verify::Verifier;
