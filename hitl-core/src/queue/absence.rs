//! Reviewers who are away: until when, and who is shown their calls meanwhile. Pure: time is an
//! argument. An absence directs attention and gives no right.

use std::time::Duration;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::call::{Identity, Principal, PrincipalKind};

/// The most absences that are kept at once.
const MOST: usize = 200;
/// The longest absence.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// A reviewer who is away until a time. It ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Absence {
    /// The reviewer.
    pub who: Principal,
    /// The end, by the store's clock.
    pub until: Timestamp,
    /// The reviewer who is shown their calls meanwhile. They gain no right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deputy: Option<Principal>,
    /// The person who set it: themselves, or an operator of the store.
    pub by: Principal,
    /// The time when it was set.
    pub at: Timestamp,
}

/// The reason why an absence is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAbsence {
    /// The end is not later than now, or is more than a year away.
    #[error("an absence ends later than now, and within a year")]
    Until,
    /// The reviewer or the deputy is no human, or has no name.
    #[error("only a person is away, and only a person stands in")]
    NotHuman,
    /// The deputy is the absent reviewer.
    #[error("somebody else stands in for who is away")]
    OwnDeputy,
    /// As many are away as are kept.
    #[error("two hundred reviewers are away already; wait until one is back")]
    TooMany,
}

impl Absence {
    /// Returns whether it is this reviewer's, in any spelling of the name.
    pub fn is_of(&self, reviewer: &Principal) -> bool {
        is_one(&self.who, reviewer)
    }

    /// Returns whether this reviewer stands in.
    pub fn is_stood_in_by(&self, reviewer: &Principal) -> bool {
        self.deputy.as_ref().is_some_and(|deputy| is_one(deputy, reviewer))
    }

    /// Checks it when it is set at `now`.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), InvalidAbsence> {
        let ensure = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        let is_person = |who: &Principal| who.kind() == PrincipalKind::Human && who.is_named();
        ensure(is_person(&self.who), InvalidAbsence::NotHuman)?;
        ensure(self.deputy.as_ref().is_none_or(is_person), InvalidAbsence::NotHuman)?;
        ensure(!self.is_stood_in_by(&self.who), InvalidAbsence::OwnDeputy)?;
        let length = self.until.saturating_duration_since(now);
        ensure(length > Duration::ZERO && length <= LONGEST, InvalidAbsence::Until)
    }
}

/// The absences that a store keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Absences(Vec<Absence>);

impl Absences {
    /// Returns those in force at `now`, in the order in which the reviewers come back.
    pub(crate) fn in_force(&self, now: Timestamp) -> Vec<Absence> {
        let mut away: Vec<Absence> =
            self.0.iter().filter(|absence| now < absence.until).cloned().collect();
        away.sort_by(|one, other| (one.until, &one.who).cmp(&(other.until, &other.who)));
        away
    }

    /// Sets a reviewer's absence in place of an earlier one, and forgets those that have ended.
    pub(crate) fn set(&mut self, absence: Absence, now: Timestamp) -> Result<(), InvalidAbsence> {
        absence.check(now)?;
        self.0.retain(|other| now < other.until && !other.is_of(&absence.who));
        if self.0.len() >= MOST {
            return Err(InvalidAbsence::TooMany);
        }
        self.0.push(absence);
        Ok(())
    }

    /// Ends a reviewer's absence. Returns it if it was in force.
    pub(crate) fn end(&mut self, who: &Principal, now: Timestamp) -> Option<Absence> {
        let ended = self.0.iter().find(|absence| absence.is_of(who) && now < absence.until);
        let ended = ended.cloned();
        self.0.retain(|absence| !absence.is_of(who) && now < absence.until);
        ended
    }
}

/// Returns the reviewers whose calls one of them is shown as theirs: themselves, and the absent
/// ones for whom they stand in. It is not passed on: who stands in for a deputy who is away too is
/// shown the deputy's own calls only.
pub fn shown_to(reviewer: &Principal, in_force: &[Absence]) -> Vec<Principal> {
    let absent = in_force.iter().filter(|absence| absence.is_stood_in_by(reviewer));
    std::iter::once(reviewer).chain(absent.map(|absence| &absence.who)).cloned().collect()
}

fn is_one(one: &Principal, other: &Principal) -> bool {
    Identity::new(one, None).is(&Identity::new(other, None))
}

#[cfg(test)]
#[path = "absence_tests.rs"]
mod tests;
