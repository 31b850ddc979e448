//! The append-only record of what the gate did, and why.
//!
//! | file | what happens there |
//! |---|---|
//! | `record` | one event of a call's life, redacted |
//! | `sink`, `jsonl`, `memory`, `fan_out` | where records are kept |
//! | `group_commit` | one sync for all who wait |
//! | `backfill` | records that a dead process could not write |
//! | `pipeline` | the order around the act; what could not be kept is owed |
//! | `chain`, `segments` | how lines are linked, and how files follow one another |
//! | `checkpoint`, `checkpointing_sink` | the heads at a moment, to be kept elsewhere |
//! | `reader` | what it says of one call |
//! | `placeholder`, `erasable` | what replaces an erased line, and how files are rewritten |
//! | `erasures` | which lines were erased, and which records say that they may be |
//! | `verify`, `reconcile`, `report` | what was changed, and where |

mod backfill;
mod chain;
mod checkpoint;
#[cfg(feature = "checkpoints")]
mod checkpointing_sink;
mod erasable;
mod erasures;
mod fan_out;
mod group_commit;
mod jsonl;
mod logged_calls;
mod memory;
mod pipeline;
mod placeholder;
mod reader;
mod reconcile;
mod record;
mod report;
mod segments;
mod sink;
mod verify;

pub use chain::{ChainHead, ChainWriter};
pub use checkpoint::Checkpoint;
#[cfg(feature = "checkpoints")]
pub use checkpoint::{PublicKey, SigningKey};
#[cfg(feature = "checkpoints")]
pub use checkpointing_sink::CheckpointingSink;
pub use erasable::{ErasableLog, Replace};
pub use fan_out::FanOut;
pub use group_commit::Commit;
pub use jsonl::JsonlAudit;
pub use memory::MemoryAudit;
pub(crate) use pipeline::{AuditPipeline, UnacknowledgedChanges, heads, learn};
pub use placeholder::ErasedLine;
pub(crate) use placeholder::{LISTED, Line};
pub use reader::{AuditReader, CallAudit, JsonlFiles, StoredRecord};
pub use record::{AUDIT_SCHEMA, AuditEvent, AuditRecord};
pub use report::{Finding, FindingKind, Report};
pub use sink::{AuditError, AuditSink, Durability, TracingAudit};
pub use verify::Verifier;
