//! The scope of an erasure, and its report.

use hitl_base::Timestamp;

use crate::call::{Principal, Tenant};
use crate::ids::RequestId;
use crate::store::NotErased;

/// The most calls that a report lists as left.
const MAX_LISTED: usize = 1_000;

/// The data that an erasure covers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErasureScope {
    /// One call.
    Call {
        /// Its tenant.
        tenant: Tenant,
        /// Its id.
        id: RequestId,
    },
    /// Every call that was requested in a principal's name and has ended, their grants that have
    /// ended, and their read-only calls in the audit.
    Principal {
        /// The tenant of the principal.
        tenant: Tenant,
        /// The principal, as the records name them.
        principal: Principal,
    },
    /// Every call of any tenant that ended before this time, grants likewise, and read-only calls
    /// in the audit.
    EndedBefore(Timestamp),
}

/// The result of an erasure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErasureReport {
    /// The number of calls of which the store now has only a tombstone.
    pub calls: u64,
    /// The number of erased grants; not counted for a scope of time.
    pub grants: u64,
    /// Calls within the scope that were not erased, with the reasons: at most a thousand. Those of
    /// a scope of time are not listed.
    pub left: Vec<(RequestId, NotErased)>,
    /// The number of further calls that were not erased.
    pub more_left: u64,
    /// The number of lines of the audit whose content is gone.
    pub lines: u64,
    /// The number of lines of the audit that name erased data and stay: their call is not in this
    /// store, or they do not name their tenant.
    pub lines_left: u64,
    /// True if lines can be erased in all parts of the gate's audit.
    pub audit_erased: bool,
    /// The parts of the audit in which lines cannot be erased, under the
    /// [names](crate::AuditSink::unerasable) that they give. The host must erase their data.
    pub audit_left: Vec<String>,
}

impl ErasureReport {
    /// Adds a call that was not erased.
    pub(super) fn leave(&mut self, id: RequestId, why: NotErased) {
        if self.left.len() < MAX_LISTED {
            self.left.push((id, why));
        } else {
            self.more_left += 1;
        }
    }
}
