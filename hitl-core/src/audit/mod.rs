//! The append-only record of what the gate did, and why.
//!
//! | file | contents |
//! |---|---|
//! | `record` | one event of a call's life, redacted |
//! | `sink`, `jsonl`, `memory`, `fan_out` | the destinations of records |
//! | `group_commit` | one sync for all callers that wait |
//! | `backfill` | records that a dead process could not write |
//! | `pipeline` | the order around the act; records that could not be kept are owed |
//! | `chain`, `segments` | the links between lines, and the sequence of files |
//! | `checkpoint`, `checkpointing_sink` | the heads at one time, to be kept elsewhere |
//! | `reader` | the records of one call |
//! | `placeholder`, `erasable` | the replacement of an erased line, and the rewriting of files |
//! | `erasures` | the erased lines, and the records that allow their erasure |
//! | `verify`, `reconcile`, `report` | the detection of changes, and their places |

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
