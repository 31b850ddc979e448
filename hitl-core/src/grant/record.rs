//! Grants, and the draws on them.

use std::collections::{BTreeMap, BTreeSet};

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Amount, ArgumentScope, BreakGlass, SumLimit};
use crate::approval::{DecisionChannel, KnownBy};
use crate::call::{ContentDigest, Fingerprint, Identity, Principal, RunId, Tenant};
use crate::ids::{GrantId, RequestId};

/// The schema version of a [`GrantRecord`]. Additive changes keep it.
pub const GRANT_SCHEMA: u16 = 1;

/// A standing permission for a principal's calls of a tool to run without asking. It never changes
/// once it is saved; to change it, revoke it and give another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The calls covered: of this tenant,
    pub tenant: Tenant,
    /// of this principal,
    pub principal: Principal,
    /// of this tool,
    pub tool: String,
    /// as it was when the permission was given: a changed tool is asked about again.
    pub fingerprint: Fingerprint,
    /// The only root run in which it applies; `None`: any run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// True if the request was made in a workspace that the host had verified, so calls must be
    /// too.
    #[serde(default)]
    pub verified: bool,
    /// The arguments covered.
    pub arguments: ArgumentScope,
    /// The names of the arguments of the request, where other than the exact ones are permitted: a
    /// call with an argument of another name, which the rule does not cover, does not match. `None`
    /// in old grants, which accept any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<BTreeSet<String>>,
    /// The content of the request: the meaning of [`ArgumentScope::Exact`].
    pub content: ContentDigest,
    /// The most starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// The limit on the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<SumLimit>,
    /// The currencies that the request named, by path: calls must name the same ones at the same
    /// paths, and no others. Empty without a sum, and if the request named no currency.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub currencies: BTreeMap<String, String>,
    /// The end, by the store's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The person who gave it.
    pub by: Principal,
    /// The way in which their identity was verified; `None` in old grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The channel through which it was given; `None` in old grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<DecisionChannel>,
    /// The name by which the directory knows them, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Principal>,
    /// The request on which it was given; of no call if it was given by breaking the glass.
    pub request: RequestId,
    /// Why it was given by breaking the glass; `None` for a standing permission. Then the other
    /// fields about arguments do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// The rule as it was shown before it was saved, line by line.
    pub rule: Vec<String>,
}

impl Grant {
    /// Returns the giver's identity, for comparison with others.
    pub(crate) fn giver(&self) -> Identity<'_> {
        Identity::new(&self.by, self.canonical.as_ref())
    }
}

/// The revocation of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Revocation {
    /// The person who revoked it.
    pub by: Principal,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The time, by the store's clock.
    pub at: Timestamp,
}

/// The stored record of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrantRecord {
    /// [`GRANT_SCHEMA`] of the writer.
    pub schema: u16,
    /// Counts the record's changes, from 1.
    pub version: u64,
    /// The grant.
    pub grant: Grant,
    /// The number of starts drawn on it.
    #[serde(default)]
    pub used: u64,
    /// The amount drawn on it.
    #[serde(default)]
    pub spent: Amount,
    /// Its revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// The time when it was saved, by the store's clock.
    pub saved_at: Timestamp,
    /// The time of its last change, by the store's clock.
    pub updated_at: Timestamp,
}

impl GrantRecord {
    /// Returns the record of a new grant. The store that keeps it stamps its times.
    pub(crate) fn new(grant: Grant) -> Self {
        Self {
            schema: GRANT_SCHEMA,
            version: 1,
            grant,
            used: 0,
            spent: Amount::ZERO,
            revoked: None,
            saved_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    /// Returns the record as stored, with its time.
    #[must_use]
    pub fn stamped(mut self, now: Timestamp) -> Self {
        (self.saved_at, self.updated_at) = (now, now);
        self
    }

    /// Returns whether it ended, by revocation or by its time, before `moment`: retention may
    /// delete it then.
    pub fn ended_before(&self, moment: Timestamp) -> bool {
        let revoked = self.revoked.as_ref().map(|revoked| revoked.at);
        revoked.into_iter().chain(self.grant.until).any(|end| end < moment)
    }

    /// Its id.
    pub fn id(&self) -> GrantId {
        self.grant.id
    }
}

/// The draw of one start of a call on a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrantUse {
    /// The grant.
    pub grant: GrantId,
    /// The amount drawn from its sum.
    #[serde(default)]
    pub amount: Amount,
    /// The kind of the grant.
    #[serde(default, skip_serializing_if = "GrantKind::is_standing")]
    pub kind: GrantKind,
}

/// The kind of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: code that does not handle a kind must not compile.
pub enum GrantKind {
    /// A standing permission, given on a request: for calls that one person may approve.
    #[default]
    Standing,
    /// Given by breaking the glass: in place of everybody who would be asked.
    BreakGlass,
}

impl GrantKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_standing(&self) -> bool {
        *self == Self::Standing
    }
}

impl GrantUse {
    /// Returns a draw of one start, of this amount, on a standing permission.
    pub fn new(grant: GrantId, amount: Amount) -> Self {
        Self { grant, amount, kind: GrantKind::Standing }
    }
}
