//! Legal holds: data that nothing erases until a person releases it. Pure.

use std::fmt;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::approval::KnownBy;
use crate::audit::AuditRecord;
use crate::call::{Identity, Principal, Tenant};
use crate::grant::GrantRecord;
use crate::ids::{HoldId, RequestId};
use crate::machine::CallRecord;

/// The most characters of a hold's reason.
pub const MAX_HOLD_REASON: usize = 1_000;

/// The scope of a hold within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum HoldScope {
    /// One call.
    Call(RequestId),
    /// Everything in which a principal took part: calls made in their name, calls they submitted as
    /// an agent, decided, approved or edited, and the grants that they gave or received. Names are
    /// compared like identities.
    Principal(Principal),
    /// Everything of the tenant.
    Tenant,
}

impl fmt::Display for HoldScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(id) => write!(f, "the call {id}"),
            Self::Principal(principal) => write!(f, "the principal {principal}"),
            Self::Tenant => f.write_str("the whole tenant"),
        }
    }
}

/// A legal hold: until it is released, a store erases and forgets nothing that it covers.
///
/// Data that was erased before a hold was placed stays erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The tenant whose data it covers.
    pub tenant: Tenant,
    /// Its scope there.
    pub scope: HoldScope,
    /// The reason. At most [`MAX_HOLD_REASON`] characters.
    pub reason: String,
    /// The principal who placed it.
    pub by: Principal,
    /// The way in which their identity was verified, where a person placed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The time when it was placed, by the store's clock.
    pub placed_at: Timestamp,
}

impl Hold {
    /// Returns a new hold. The store that keeps it stamps its time.
    pub fn new(
        tenant: Tenant,
        scope: HoldScope,
        reason: impl Into<String>,
        by: impl Into<Principal>,
    ) -> Self {
        let (id, reason, by) = (HoldId::new(), reason.into(), by.into());
        Self { id, tenant, scope, reason, by, known_by: None, placed_at: Timestamp::EPOCH }
    }

    /// Returns the hold as stored, with its time.
    #[must_use]
    pub fn stamped(mut self, now: Timestamp) -> Self {
        self.placed_at = now;
        self
    }

    /// Returns whether it covers a call.
    pub fn covers(&self, record: &CallRecord) -> bool {
        self.tenant == record.key().tenant
            && match &self.scope {
                HoldScope::Call(id) => *id == record.id(),
                HoldScope::Principal(principal) => has_a_part(record, principal),
                HoldScope::Tenant => true,
            }
    }

    /// Returns whether it covers a grant.
    pub fn covers_grant(&self, record: &GrantRecord) -> bool {
        let grant = &record.grant;
        self.tenant == grant.tenant
            && match &self.scope {
                // The permission under which the call ran is evidence about it.
                HoldScope::Call(id) => *id == grant.request,
                HoldScope::Principal(principal) => {
                    let revoked = record.revoked.as_ref().map(|revoked| &revoked.by);
                    let who = Identity::new(principal, None);
                    let names = [Some(&grant.principal), Some(&grant.by), grant.canonical.as_ref()];
                    let mut names = names.into_iter().chain([revoked]).flatten();
                    names.any(|name| who.is(&Identity::new(name, None)))
                }
                HoldScope::Tenant => true,
            }
    }

    /// Returns whether it covers a line of an audit. A line without a tenant may be any tenant's.
    pub fn covers_audited(&self, record: &AuditRecord) -> bool {
        record.key.as_ref().is_none_or(|key| key.tenant == self.tenant)
            && match &self.scope {
                HoldScope::Call(id) => record.call == Some(*id),
                HoldScope::Principal(principal) => {
                    let who = Identity::new(principal, None);
                    let names = [&record.principal, &record.agent, &record.by];
                    let mut names = names.into_iter().flatten();
                    names.any(|name| who.is(&Identity::new(name, None)))
                }
                HoldScope::Tenant => true,
            }
    }
}

/// Returns whether a principal took part in a call.
fn has_a_part(record: &CallRecord, principal: &Principal) -> bool {
    let who = Identity::new(principal, None);
    let is =
        |name: &Principal, canonical: Option<&Principal>| who.is(&Identity::new(name, canonical));
    let decided = record.decision.iter().chain(record.prior_revisions.iter().map(|e| &e.edited));
    record.request.is_requested_by(record.canonical.as_ref(), &who)
        || decided.into_iter().any(|d| is(&d.by, d.canonical.as_ref()))
        || record.votes.iter().any(|vote| is(&vote.by, vote.canonical.as_ref()))
        || record
            .retry_of
            .as_ref()
            .and_then(|retry| retry.approved_by.as_ref())
            .is_some_and(|by| is(by, None))
}

/// The holds of a store, as read inside one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds(Vec<Hold>);

impl Holds {
    /// Returns a set of these holds.
    pub fn new(holds: Vec<Hold>) -> Self {
        Self(holds)
    }

    /// Returns the holds.
    pub fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.0.iter()
    }

    /// Returns a hold that covers a call, if there is one.
    pub fn on(&self, record: &CallRecord) -> Option<&Hold> {
        self.0.iter().find(|hold| hold.covers(record))
    }

    /// Returns a hold that covers a grant, if there is one.
    pub fn on_grant(&self, record: &GrantRecord) -> Option<&Hold> {
        self.0.iter().find(|hold| hold.covers_grant(record))
    }

    /// Returns a hold that covers a line of an audit, if there is one.
    pub fn on_audited(&self, record: &AuditRecord) -> Option<&Hold> {
        self.0.iter().find(|hold| hold.covers_audited(record))
    }
}
