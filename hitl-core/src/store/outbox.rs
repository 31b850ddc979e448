//! Changes on their way to the audit.

use crate::ids::RequestId;
use crate::machine::{CallRecord, HistoryEntry};

/// A change of a call: the identity of an audit record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Exhaustive: these parts are the identity of a change.
pub struct ChangeId {
    /// The call.
    pub call: RequestId,
    /// Its record's version after the change.
    pub version: u64,
}

impl ChangeId {
    /// Returns the change that led to this record.
    pub fn to(record: &CallRecord) -> Self {
        Self { call: record.id(), version: record.version }
    }

    /// Returns the change that a history entry is about.
    pub fn from_entry(entry: &HistoryEntry) -> Self {
        Self { call: entry.id, version: entry.version }
    }
}
