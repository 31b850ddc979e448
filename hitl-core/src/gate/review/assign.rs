//! A call is assigned to a reviewer.

use std::collections::BTreeSet;
use std::sync::Arc;

use hitl_base::display::visible;

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{Principal, Tenant};
use crate::gate::error::GateError;
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::ids::RequestId;
use crate::machine::{CallRecord, Event};
use crate::queue::Absence;
use crate::store::EventPayload;

/// A call that was assigned, and what the person who did it should know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Assigned {
    /// The call.
    pub record: CallRecord,
    /// Notes for that person, one sentence each: that the call waits for a role, or that the
    /// reviewer is away and who stands in.
    pub notes: Vec<String>,
}

impl Gate {
    /// Directs a reviewer's attention to a waiting call, or with `None` no longer to anybody's. It
    /// gives no right and takes none: who may decide the call stays the same, and so do its
    /// revision and its binding.
    ///
    /// The gate does not know the roles of the reviewer: where the call waits for a role, the
    /// answer says so.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::GateErrorKind::Refused) if the call does not wait, or if it is known that
    /// the reviewer may not decide it: they asked for it or edited it and it needs four eyes, they
    /// have approved it already, or they are a program.
    /// [`Forbidden`](crate::GateErrorKind::Forbidden) if the directory cannot say who they are.
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped.
    pub async fn assign(
        &self,
        tenant: &Tenant,
        id: RequestId,
        to: Option<Principal>,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<Assigned, GateError> {
        let record = self.core.calls.current(tenant, id).await?;
        let by = self.core.identities.identify(by.into())?;
        let to = to.map(ReviewerIdentity::new);
        let to = to.map(|to| self.core.identities.identify_among(to, &record)).transpose()?;
        let (core, tenant) = (Arc::clone(&self.core), tenant.clone());
        let gate = self.clone();
        let assigning = async move {
            let event = Event::Assign { to: to.clone(), by: by.clone() };
            let record = core.calls.apply(&tenant, id, event, EventPayload::none()).await?;
            let entry = AuditRecord::new(AuditEvent::Assigned, &record, record.updated_at);
            let note = match &to {
                Some(to) => format!("assigned to {}", to.principal),
                None => "assigned to nobody".to_owned(),
            };
            core.audit.record_decider(entry, &by, note);
            // The call is assigned; what is not known about absences is not said.
            let away = gate.absences().await.unwrap_or_default();
            let notes = to.map(|to| notes_on(&record, &to.principal, &away)).unwrap_or_default();
            Ok(Assigned { record, notes })
        };
        detach_on_drop(&self.core.runtime, assigning).await
    }
}

/// Returns what the person who assigns a call should know. Pure.
fn notes_on(record: &CallRecord, to: &Principal, away: &[Absence]) -> Vec<String> {
    let mut notes = Vec::new();
    let name = visible(to.as_str());
    let stages = record.request.quorum.stages.iter();
    let roles: BTreeSet<&str> =
        stages.flat_map(|stage| stage.roles.keys().map(String::as_str)).collect();
    let roles: Vec<&str> = roles.into_iter().collect();
    if !roles.is_empty() {
        let roles = visible(&roles.join(", ")).into_owned();
        notes.push(format!("it waits for {roles}; this gate does not know the roles of {name}"));
    }
    if let Some(absence) = away.iter().find(|absence| absence.is_of(to)) {
        let deputy = match &absence.deputy {
            Some(deputy) => {
                format!("; {} stands in, and is shown it too", visible(deputy.as_str()))
            }
            None => String::new(),
        };
        notes.push(format!("{name} is away until {}{deputy}", absence.until));
    }
    notes
}
