//! Draws on a grant, their return, and revocation. Pure: a store applies them in the transaction of
//! the claim.

use std::fmt;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GrantRecord, GrantUse, Revocation};
use crate::call::Principal;

/// The reason why nothing can be drawn on a grant. The call is asked about instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantRefusal {
    /// There is no such grant.
    #[error("there is no such grant")]
    Missing,
    /// The grant was revoked.
    #[error("the grant was revoked")]
    Revoked,
    /// The grant has expired.
    #[error("the grant's time is over")]
    Over,
    /// The grant has been used as often as it may.
    #[error("the grant has been used as often as it may")]
    Uses,
    /// The requester gave the grant themselves.
    #[error("the grant was given by who asks for the call; another human must give it")]
    Own,
    /// A program gave it.
    #[error("the grant was not given by a human")]
    NotHuman,
    /// It came through a channel that cannot approve the call.
    #[error("the grant came through a channel that cannot approve this call")]
    Channel,
    /// The rest of its sum is less than this call needs.
    #[error("what is left of the grant's sum is less than the call needs")]
    Sum,
}

/// The status of a grant, as one word for people and programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum GrantStatus {
    /// The grant is in force.
    Live,
    /// The grant was revoked.
    Revoked,
    /// The grant has expired.
    Over,
    /// The grant has been used as often, or for as much, as it may.
    Used,
}

impl GrantStatus {
    /// Returns its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Revoked => "revoked",
            Self::Over => "over",
            Self::Used => "used",
        }
    }
}

impl fmt::Display for GrantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl GrantRecord {
    /// Returns its status at `now`, by the store's clock.
    pub fn status(&self, now: Timestamp) -> GrantStatus {
        let sum = self.grant.sum.as_ref();
        match self.is_live(now) {
            Ok(()) if sum.is_some_and(|sum| self.spent >= sum.at_most) => GrantStatus::Used,
            Ok(()) => GrantStatus::Live,
            Err(
                GrantRefusal::Revoked
                | GrantRefusal::Missing
                | GrantRefusal::Own
                | GrantRefusal::NotHuman
                | GrantRefusal::Channel,
            ) => GrantStatus::Revoked,
            Err(GrantRefusal::Over) => GrantStatus::Over,
            Err(GrantRefusal::Uses | GrantRefusal::Sum) => GrantStatus::Used,
        }
    }

    /// Returns the record after a draw of one start at `now`, by the store's clock.
    pub fn draw(&self, drawn: &GrantUse, now: Timestamp) -> Result<Self, GrantRefusal> {
        self.is_live(now)?;
        let grant = &self.grant;
        // A draw on a standing permission is checked otherwise than one on a broken glass.
        if (drawn.grant, drawn.kind) != (grant.id, grant.kind()) {
            return Err(GrantRefusal::Missing);
        }
        let used = self.used.checked_add(1).ok_or(GrantRefusal::Uses)?;
        if grant.uses.is_some_and(|most| used > most) {
            return Err(GrantRefusal::Uses);
        }
        let spent = self.spent.plus(drawn.amount).ok_or(GrantRefusal::Sum)?;
        if grant.sum.as_ref().is_some_and(|sum| spent > sum.at_most) {
            return Err(GrantRefusal::Sum);
        }
        Ok(self.changed(now, |next| (next.used, next.spent) = (used, spent)))
    }

    /// Returns the record after a draw was returned: the body was not started. Allowed even if the
    /// grant has ended meanwhile.
    #[must_use]
    pub fn give_back(&self, drawn: &GrantUse, now: Timestamp) -> Self {
        self.changed(now, |next| {
            next.used = next.used.saturating_sub(1);
            next.spent = next.spent.minus(drawn.amount);
        })
    }

    /// Returns the record after its revocation. `None` if it was revoked before: the first
    /// revocation counts.
    #[must_use]
    pub fn revoke(&self, by: &Principal, reason: Option<&str>, now: Timestamp) -> Option<Self> {
        if self.revoked.is_some() {
            return None;
        }
        let revoked = Revocation { by: by.clone(), reason: reason.map(str::to_owned), at: now };
        Some(self.changed(now, |next| next.revoked = Some(revoked)))
    }

    /// Returns the record after its store was restored from a backup. `None` if it was revoked
    /// before.
    #[must_use]
    pub fn restored(&self, now: Timestamp) -> Option<Self> {
        // The draws since the backup are unknown, so no more are allowed.
        let why = "the store was restored from a backup";
        self.revoke(&Principal::new("restore"), Some(why), now)
    }

    /// Returns whether anything can still be drawn at all.
    pub fn is_live(&self, now: Timestamp) -> Result<(), GrantRefusal> {
        if self.revoked.is_some() {
            return Err(GrantRefusal::Revoked);
        }
        if self.grant.until.is_some_and(|end| now >= end) {
            return Err(GrantRefusal::Over);
        }
        if self.grant.uses.is_some_and(|most| self.used >= most) {
            return Err(GrantRefusal::Uses);
        }
        Ok(())
    }

    fn changed(&self, now: Timestamp, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next.updated_at = now;
        change(&mut next);
        next
    }
}
