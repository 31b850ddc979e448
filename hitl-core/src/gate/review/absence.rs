//! Reviewers who are away.

use std::sync::Arc;

use hitl_base::Timestamp;

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{Identity, Principal};
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::queue::{Absence, Absences};
use crate::store::{StoreError, StoreErrorKind};

/// The name under which the store keeps the list.
const NAME: &str = "absence.v1";
/// The most attempts at a change that other changes overtake.
const ATTEMPTS: u32 = 32;

/// Who sets a reviewer's absence.
#[derive(Clone, Debug)]
// Exhaustive: each is a right of its own.
pub enum AbsenceSetter {
    /// The reviewer, as the host has verified them.
    Themselves(ReviewerIdentity),
    /// An operator of the store, who may write to it anyway: the host vouches for that.
    Operator(ReviewerIdentity),
}

impl AbsenceSetter {
    fn identity(&self) -> &ReviewerIdentity {
        match self {
            Self::Themselves(by) | Self::Operator(by) => by,
        }
    }

    fn may_set(&self, who: &Principal) -> bool {
        match self {
            Self::Themselves(by) => by.identity().is(&Identity::new(who, None)),
            Self::Operator(_) => true,
        }
    }
}

impl Gate {
    /// Says that a reviewer is away until a time: calls that are assigned to them are shown to the
    /// deputy too. The deputy gains no right. It ends by itself, or with [`back`](Self::back).
    ///
    /// # Errors
    ///
    /// [`Forbidden`](GateErrorKind::Forbidden) if it is somebody else's absence and nobody vouches
    /// for an operator; [`InvalidAbsence`](GateErrorKind::InvalidAbsence) if it does not end within
    /// a year, or the deputy is the reviewer or a program.
    pub async fn away(
        &self,
        who: impl Into<Principal>,
        until: Timestamp,
        deputy: Option<Principal>,
        by: AbsenceSetter,
    ) -> Result<Absence, GateError> {
        let who = who.into();
        check_setter(&by, &who)?;
        let core = Arc::clone(&self.core);
        let setting = async move {
            let now = core.calls.store().now().await?;
            let setter = by.identity().principal.clone();
            let absence = Absence { who, until, deputy, by: setter, at: now };
            change(&core, |all| all.set(absence.clone(), now))
                .await?
                .map_err(|why| GateError::new(GateErrorKind::InvalidAbsence, why.to_string()))?;
            let deputy = absence.deputy.as_ref();
            let deputy = deputy.map_or_else(String::new, |deputy| format!("; {deputy} stands in"));
            record(&core, &absence, &by, format!("away until {until}{deputy}"), now);
            Ok(absence)
        };
        detach_on_drop(&self.core.runtime, setting).await
    }

    /// Says that a reviewer is back. Returns the absence that ended; `None` if they were not away.
    ///
    /// # Errors
    ///
    /// As for [`away`](Self::away).
    pub async fn back(
        &self,
        who: impl Into<Principal>,
        by: AbsenceSetter,
    ) -> Result<Option<Absence>, GateError> {
        let who = who.into();
        check_setter(&by, &who)?;
        let core = Arc::clone(&self.core);
        let ending = async move {
            let now = core.calls.store().now().await?;
            let ended = change(&core, |all| all.end(&who, now)).await?;
            if let Some(absence) = &ended {
                record(&core, absence, &by, "back".to_owned(), now);
            }
            Ok(ended)
        };
        detach_on_drop(&self.core.runtime, ending).await
    }

    /// Returns the reviewers who are away now, in the order in which they come back.
    ///
    /// # Errors
    ///
    /// If the store fails, or its list cannot be read.
    pub async fn absences(&self) -> Result<Vec<Absence>, GateError> {
        let store = self.core.calls.store();
        let now = store.now().await?;
        Ok(parse(store.metadata(NAME).await?.as_deref())?.in_force(now))
    }
}

fn check_setter(by: &AbsenceSetter, who: &Principal) -> Result<(), GateError> {
    if by.may_set(who) {
        return Ok(());
    }
    let why = "reviewers set their own absence; ask an operator of the store to set this one";
    Err(GateError::new(GateErrorKind::Forbidden, why))
}

async fn change<T>(
    core: &GateCore,
    mut change: impl FnMut(&mut Absences) -> T,
) -> Result<T, GateError> {
    let store = core.calls.store();
    for _ in 0..ATTEMPTS {
        let kept = store.metadata(NAME).await?;
        let before = parse(kept.as_deref())?;
        let mut all = before.clone();
        let answer = change(&mut all);
        if all == before {
            return Ok(answer);
        }
        let to = serde_json::to_string(&all).map_err(|_| unreadable())?;
        if store.compare_and_set_metadata(NAME, kept.as_deref(), &to).await? {
            return Ok(answer);
        }
    }
    let why = "the list of who is away changes too often; try again";
    Err(StoreError::new(StoreErrorKind::Unavailable, why).into())
}

fn parse(kept: Option<&str>) -> Result<Absences, StoreError> {
    let Some(kept) = kept else { return Ok(Absences::default()) };
    serde_json::from_str(kept).map_err(|_| unreadable())
}

fn unreadable() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "the store's list of who is away cannot be read")
}

fn record(core: &GateCore, absence: &Absence, by: &AbsenceSetter, note: String, at: Timestamp) {
    let entry = AuditRecord::about(AuditEvent::AbsenceChanged, absence.who.as_str(), at);
    core.audit.record_decider(entry, by.identity(), note);
}
