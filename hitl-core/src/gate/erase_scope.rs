//! Which lines of an audit are within the scope of an erasure, and which of them may go. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hitl_base::Timestamp;

use super::erase::ErasureScope;
use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallKey, Tenant};
use crate::ids::{GrantId, RequestId};

/// What the audit has within the scope.
#[derive(Default)]
pub(super) struct Mentioned {
    pub(super) calls: BTreeMap<RequestId, Tenant>,
    /// By grant, its tenant; none where the line does not say it.
    pub(super) grants: BTreeMap<GrantId, Option<Tenant>>,
}

/// What the store says of it.
#[derive(Default)]
pub(super) struct Known {
    /// Calls of which the store has no more than that they were.
    pub(super) erased: BTreeMap<RequestId, CallKey>,
    /// Calls that the store does not have.
    pub(super) unknown: BTreeMap<RequestId, Tenant>,
    /// Grants that the store still has, or may have.
    pub(super) live: BTreeSet<GrantId>,
}

impl Mentioned {
    pub(super) fn add(&mut self, record: AuditRecord, scope: &ErasureScope, by: &ReviewerIdentity) {
        if !is_within(scope, by, &record) {
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

/// Where a line belongs.
pub(super) enum Place {
    /// Not to what is erased.
    Elsewhere,
    /// To it, but it is not known that it may go.
    Left,
    /// To it, and it goes.
    Goes,
}

/// Returns where a line belongs.
pub(super) fn place(
    record: &AuditRecord,
    (scope, by): (&ErasureScope, &ReviewerIdentity),
    known: &Known,
) -> Place {
    if let Some(id) = record.call {
        // Ids are unique; a line of another tenant that names one is none of its call's.
        let is_of = |tenant: &Tenant| record.key.as_ref().is_none_or(|key| key.tenant == *tenant);
        if known.erased.get(&id).is_some_and(|key| is_of(&key.tenant)) {
            return Place::Goes;
        }
        let is_unknown = known.unknown.get(&id).is_some_and(is_of);
        return if is_unknown { Place::Left } else { Place::Elsewhere };
    }
    if !is_of_no_record(record) || !is_within(scope, by, record) {
        return unclaimed(record, scope);
    }
    let grant = record.subject.as_ref().and_then(|subject| subject.parse().ok());
    if grant.is_some_and(|grant: GrantId| known.live.contains(&grant)) {
        return Place::Elsewhere;
    }
    Place::Goes
}

/// Where a line belongs that is not within the scope: one of a grant that names the principal and,
/// as an older version wrote it, no tenant, may be of another tenant's principal.
fn unclaimed(record: &AuditRecord, scope: &ErasureScope) -> Place {
    match scope {
        ErasureScope::Principal { principal, .. }
            if is_of_no_record(record)
                && record.key.is_none()
                && record.principal.as_ref() == Some(principal) =>
        {
            Place::Left
        }
        _ => Place::Elsewhere,
    }
}

/// Whether it is about a call that the store never had, one that only reads, or about a grant.
fn is_of_no_record(record: &AuditRecord) -> bool {
    let is_grants = matches!(record.event, AuditEvent::GrantSaved | AuditEvent::GrantRevoked);
    record.call.is_none() && record.tool.is_some() && (record.key.is_some() || is_grants)
}

/// Whether a line is of what is erased, and of a tenant whose calls they may decide.
fn is_within(scope: &ErasureScope, by: &ReviewerIdentity, record: &AuditRecord) -> bool {
    let of = record.key.as_ref().map(|key| &key.tenant);
    match scope {
        ErasureScope::Call { .. } => false,
        ErasureScope::Principal { tenant, principal } => {
            of == Some(tenant) && record.principal.as_ref() == Some(principal)
        }
        ErasureScope::EndedBefore(moment) => {
            let is_theirs = of.map_or(by.decides.is_none(), |tenant| by.may_decide(tenant));
            is_theirs && record.at < *moment
        }
    }
}

/// Whether a call that ended then is of what is erased.
pub(super) fn ended_within(scope: &ErasureScope, ended: Timestamp) -> bool {
    match scope {
        ErasureScope::EndedBefore(moment) => ended < *moment,
        ErasureScope::Call { .. } | ErasureScope::Principal { .. } => true,
    }
}
