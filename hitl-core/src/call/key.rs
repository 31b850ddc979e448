//! What makes a call this call and no other.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{RunId, Tenant};

/// The identity of a call: tenant, run and position in the run, given by the host.
///
/// Submitting the same key again re-attaches to the record of the first time (same content) or is
/// refused (other content). A provider's call id is only a label and no key: real agents reuse ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey {
    /// Whose data it is.
    pub tenant: Tenant,
    /// The run of the agent.
    pub run: RunId,
    /// The position of the call in its run, counted by the host.
    pub position: u64,
}

impl CallKey {
    /// A key in the default tenant.
    pub fn new(run: impl Into<RunId>, position: u64) -> Self {
        Self { tenant: Tenant::default(), run: run.into(), position }
    }

    /// A key that no other call has. Such a call cannot be re-attached to after a restart.
    pub(crate) fn fresh(tenant: Tenant) -> Self {
        let run = hitl_base::id::Uuid::now_v7().to_string();
        Self { tenant, run: RunId::new(run), position: 0 }
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.tenant, self.run, self.position)
    }
}
