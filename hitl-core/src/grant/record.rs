//! A grant, and what has been drawn on it.

use std::collections::{BTreeMap, BTreeSet};

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Amount, ArgumentScope, SumLimit};
use crate::approval::KnownBy;
use crate::call::{ContentDigest, Fingerprint, Identity, Principal, RunId, Tenant};
use crate::ids::{GrantId, RequestId};

/// The schema version of a [`GrantRecord`]. Additive changes keep it.
pub const GRANT_SCHEMA: u16 = 1;

/// A standing permission: whose calls of which tool may run without asking. Never changes once it
/// is saved; to change it, revoke it and give another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Whose calls: of this tenant,
    pub tenant: Tenant,
    /// asked for by this principal,
    pub principal: Principal,
    /// of this tool,
    pub tool: String,
    /// as it was when the permission was given: a tool that has changed is asked about again.
    pub fingerprint: Fingerprint,
    /// Only under this root run; none: in any run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The request was made in a workspace that the host had verified, so calls must be too.
    #[serde(default)]
    pub verified: bool,
    /// Which arguments.
    pub arguments: ArgumentScope,
    /// The names of the arguments that the request had, where others than the exact ones are
    /// permitted: a call with an argument of another name, which the rule does not speak of, does
    /// not fit. Nothing in grants of old, which take any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<BTreeSet<String>>,
    /// The content of the request: what [`ArgumentScope::Exact`] means.
    pub content: ContentDigest,
    /// At most so many starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// At most so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<SumLimit>,
    /// What the request counted its sum in, by where it said so: calls must say the same, in the
    /// same places, and nothing else. Empty without a sum, and where the request named no currency.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub currencies: BTreeMap<String, String>,
    /// Until then, by the store's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who gave it.
    pub by: Principal,
    /// How it was known who they are; nothing in grants of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The name that the directory gave them, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Principal>,
    /// The request that it was given on.
    pub request: RequestId,
    /// The rule as it was shown before it was saved, line by line.
    pub rule: Vec<String>,
}

impl Grant {
    /// Who gave it, as they are compared with others.
    pub(crate) fn giver(&self) -> Identity<'_> {
        Identity::new(&self.by, self.canonical.as_ref())
    }
}

/// Why and by whom a grant was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Revocation {
    /// By whom.
    pub by: Principal,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// What is kept of a grant.
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
    /// How many starts were drawn on it.
    #[serde(default)]
    pub used: u64,
    /// How much was drawn on it.
    #[serde(default)]
    pub spent: Amount,
    /// Who took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// When it was saved, by the store's clock.
    pub saved_at: Timestamp,
    /// When it last changed, by the store's clock.
    pub updated_at: Timestamp,
}

impl GrantRecord {
    /// A new grant. Its times are stamped by the store that keeps it.
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

    /// The record as a store keeps it, with its time.
    #[must_use]
    pub fn stamped(mut self, now: Timestamp) -> Self {
        (self.saved_at, self.updated_at) = (now, now);
        self
    }

    /// Whether it ended, by revocation or by its time, before `moment`: retention may forget it
    /// then.
    pub fn ended_before(&self, moment: Timestamp) -> bool {
        let revoked = self.revoked.as_ref().map(|revoked| revoked.at);
        revoked.into_iter().chain(self.grant.until).any(|end| end < moment)
    }

    /// Its id.
    pub fn id(&self) -> GrantId {
        self.grant.id
    }
}

/// What one start of a call draws on a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrantUse {
    /// On which grant.
    pub grant: GrantId,
    /// How much of its sum.
    #[serde(default)]
    pub amount: Amount,
}

impl GrantUse {
    /// One start, of this amount.
    pub fn new(grant: GrantId, amount: Amount) -> Self {
        Self { grant, amount }
    }
}
