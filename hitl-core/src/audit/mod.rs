//! The append-only record of what the gate did, and why.

mod chain;
mod jsonl;
mod memory;
mod record;
mod sink;
mod trail;

pub use chain::{ChainError, Verified, verify};
pub use jsonl::JsonlAudit;
pub use memory::MemoryAudit;
pub use record::{AUDIT_SCHEMA, AuditEvent, AuditRecord};
pub use sink::{AuditError, AuditSink, TracingAudit};
pub(crate) use trail::Trail;
