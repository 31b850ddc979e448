//! Changes on their way to the audit.

use crate::ids::RequestId;
use crate::machine::{CallRecord, Entry};

/// One change of a call: what an audit record is identified by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// The call.
    pub call: RequestId,
    /// Its record's version after the change.
    pub version: u64,
}

impl Change {
    /// What brought the record where it is.
    pub fn to(record: &CallRecord) -> Self {
        Self { call: record.id(), version: record.version }
    }

    /// The change that an entry of the history is about.
    pub fn of(entry: &Entry) -> Self {
        Self { call: entry.id, version: entry.version }
    }
}
