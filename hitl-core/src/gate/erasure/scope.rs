//! Determines which lines of an audit are within the scope of an erasure, and which of them may be
//! erased. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hitl_base::Timestamp;

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallKey, Tenant};
use crate::gate::erasure::report::ErasureScope;
use crate::ids::{GrantId, RequestId};

/// The scope of an erasure, and the person who erases.
#[derive(Clone, Copy)]
pub(super) struct ScopeFilter<'f> {
    pub(super) scope: &'f ErasureScope,
    pub(super) by: &'f ReviewerIdentity,
}

/// The calls and grants that the audit mentions within the scope.
#[derive(Default)]
pub(super) struct MentionedCalls {
    pub(super) calls: BTreeMap<RequestId, Tenant>,
    /// The tenant of each grant; `None` if the line does not name it.
    pub(super) grants: BTreeMap<GrantId, Option<Tenant>>,
}

/// The calls and grants that the store knows among the mentioned ones.
#[derive(Default)]
pub(super) struct KnownCalls {
    /// Calls of which the store has only a tombstone.
    pub(super) erased: BTreeMap<RequestId, CallKey>,
    /// Calls that the store does not have.
    pub(super) unknown: BTreeMap<RequestId, Tenant>,
    /// Grants that the store still has, or may have.
    pub(super) live: BTreeSet<GrantId>,
}

impl MentionedCalls {
    /// Adds the call or the grant of a line, if the line is within the scope.
    pub(super) fn add(&mut self, record: AuditRecord, filter: ScopeFilter<'_>) {
        if !filter.includes(&record) {
            return;
        }
        let tenant = record.key.map(|key| key.tenant);
        let grant = record.subject.and_then(|subject| subject.parse().ok());
        match (record.call, grant, tenant) {
            (Some(id), _, Some(tenant)) => {
                self.calls.entry(id).or_insert(tenant);
            }
            (None, Some(grant), tenant) => {
                let of = self.grants.entry(grant).or_default();
                *of = of.take().or(tenant);
            }
            _ => {}
        }
    }
}

/// The relation of a line to an erasure.
pub(super) enum LinePlace {
    /// The line is out of scope.
    OutOfScope,
    /// The line is within the scope, but it is unknown whether it may be erased.
    Stays,
    /// The line is within the scope, and is erased.
    Erased,
}

/// Returns the relation of a line to an erasure.
pub(super) fn place_line(
    record: &AuditRecord,
    filter: ScopeFilter<'_>,
    known: &KnownCalls,
) -> LinePlace {
    if let Some(id) = record.call {
        // Ids are unique; a line of another tenant that names one does not belong to its call.
        let is_of = |tenant: &Tenant| record.key.as_ref().is_none_or(|key| key.tenant == *tenant);
        if known.erased.get(&id).is_some_and(|key| is_of(&key.tenant)) {
            return LinePlace::Erased;
        }
        let is_unknown = known.unknown.get(&id).is_some_and(is_of);
        return if is_unknown { LinePlace::Stays } else { LinePlace::OutOfScope };
    }
    if !is_of_no_record(record) || !filter.includes(record) {
        return place_other(record, filter.scope);
    }
    let grant = record.subject.as_ref().and_then(|subject| subject.parse().ok());
    if grant.is_some_and(|grant: GrantId| known.live.contains(&grant)) {
        return LinePlace::OutOfScope;
    }
    LinePlace::Erased
}

/// Returns the relation of a line that is not within the scope: a line of a grant that names the
/// principal and no tenant, as an older version wrote it, may belong to another tenant's principal.
fn place_other(record: &AuditRecord, scope: &ErasureScope) -> LinePlace {
    match scope {
        ErasureScope::Principal { principal, .. }
            if is_of_no_record(record)
                && record.key.is_none()
                && record.principal.as_ref() == Some(principal) =>
        {
            LinePlace::Stays
        }
        _ => LinePlace::OutOfScope,
    }
}

/// Returns whether a line is about a grant, or about a read-only call that the store never had.
fn is_of_no_record(record: &AuditRecord) -> bool {
    let is_grants = matches!(
        record.event,
        AuditEvent::GrantSaved
            | AuditEvent::GrantRevoked
            | AuditEvent::BreakGlassOpened
            | AuditEvent::BreakGlassEnded
    );
    record.call.is_none() && record.tool.is_some() && (record.key.is_some() || is_grants)
}

impl ScopeFilter<'_> {
    /// Returns whether a line is within the scope, and of a tenant whose calls the person may
    /// decide.
    fn includes(self, record: &AuditRecord) -> bool {
        let of = record.key.as_ref().map(|key| &key.tenant);
        match self.scope {
            ErasureScope::Call { .. } => false,
            ErasureScope::Principal { tenant, principal } => {
                of == Some(tenant) && record.principal.as_ref() == Some(principal)
            }
            ErasureScope::EndedBefore(moment) => {
                let by = self.by;
                let is_theirs = of.map_or(by.decides.is_none(), |tenant| by.may_decide(tenant));
                is_theirs && record.at < *moment
            }
        }
    }
}

/// Returns whether a call that ended at this time is within the scope.
pub(super) fn ended_within(scope: &ErasureScope, ended: Timestamp) -> bool {
    match scope {
        ErasureScope::EndedBefore(moment) => ended < *moment,
        ErasureScope::Call { .. } | ErasureScope::Principal { .. } => true,
    }
}
