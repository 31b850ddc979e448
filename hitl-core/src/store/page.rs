//! Queries for lists of records.

use hitl_base::Timestamp;

use crate::call::{Principal, RunId};
use crate::grant::GrantRecord;
use crate::ids::{GrantId, RequestId};
use crate::machine::CallState;

/// A query for records, in the order of their creation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PageRequest {
    /// Only records in one of these states; all when empty.
    pub states: Vec<CallState>,
    /// Only records created after this one.
    pub after: Option<RequestId>,
    /// Only calls of this run, and of those that it delegated to, directly or not.
    pub root: Option<RunId>,
    /// The most records to return, 1 to 1000.
    pub limit: usize,
}

impl PageRequest {
    /// Returns a query for the first hundred records in any state.
    pub fn all() -> Self {
        Self { states: Vec::new(), after: None, root: None, limit: 100 }
    }

    /// Returns a query for the first hundred records in one of `states`.
    pub fn new(states: &[CallState]) -> Self {
        Self { states: states.to_vec(), ..Self::all() }
    }

    /// Continues after this record.
    #[must_use]
    pub fn after(mut self, id: RequestId) -> Self {
        self.after = Some(id);
        self
    }

    /// Restricts the query to the calls under this root run: its own, and delegated ones.
    #[must_use]
    pub fn root(mut self, run: impl Into<RunId>) -> Self {
        self.root = Some(run.into());
        self
    }

    /// Limits the number of records; clamped to 1 to 1000.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, 1000);
        self
    }
}

/// A query for grants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantQuery {
    /// Only grants of this tool.
    pub tool: Option<String>,
    /// Only grants for calls of this principal.
    pub principal: Option<Principal>,
    /// Only grants that are neither revoked nor past their time.
    pub live: bool,
    /// Only grants after this one.
    pub after: Option<GrantId>,
    /// The most grants to return, 1 to 1000.
    pub limit: usize,
}

impl GrantQuery {
    /// Returns a query for the first hundred grants, live or not.
    pub fn all() -> Self {
        Self { tool: None, principal: None, live: false, after: None, limit: 100 }
    }

    /// Returns a query for the first hundred live grants.
    pub fn live() -> Self {
        Self { live: true, ..Self::all() }
    }

    /// Restricts the query to grants of this tool.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// Restricts the query to grants for calls of this principal.
    #[must_use]
    pub fn principal(mut self, principal: impl Into<Principal>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// Continues after this grant.
    #[must_use]
    pub fn after(mut self, id: GrantId) -> Self {
        self.after = Some(id);
        self
    }

    /// Limits the number of grants; clamped to 1 to 1000.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, 1000);
        self
    }

    /// Returns whether a grant matches the query, apart from its position.
    pub fn fits(&self, record: &GrantRecord, now: Timestamp) -> bool {
        let grant = &record.grant;
        let ended = record.revoked.is_some() || grant.until.is_some_and(|end| now >= end);
        !(self.live && ended)
            && self.tool.as_ref().is_none_or(|tool| *tool == grant.tool)
            && self.principal.as_ref().is_none_or(|principal| *principal == grant.principal)
    }
}
