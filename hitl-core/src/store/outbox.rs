//! Changes on their way to the audit.

use crate::ids::RequestId;
use crate::machine::{CallRecord, HistoryEntry};

/// One change of a call: what an audit record is identified by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId {
    /// The call.
    pub call: RequestId,
    /// Its record's version after the change.
    pub version: u64,
}

impl ChangeId {
    /// What brought the record where it is.
    pub fn to(record: &CallRecord) -> Self {
        Self { call: record.id(), version: record.version }
    }

    /// The change that an entry of the history is about.
    pub fn from_entry(entry: &HistoryEntry) -> Self {
        Self { call: entry.id, version: entry.version }
    }
}
