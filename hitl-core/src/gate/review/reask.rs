//! Asks about a call again whose tool, or whose named contents, are not the ones that were shown;
//! or closes it if it can certainly not run any more.

use std::sync::Arc;

use hitl_base::display::clip;

use crate::approval::{Answer, Decision, ToolChange, names_the_same};
use crate::arguments::{ArgumentError, Snapshot};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::calls::lifecycle::MAX_REASON;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::stored_text::UNLIMITED;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::gate::tools::tool_check::{ChangedTool, ToolCheck, describe_state};
use crate::machine::{CallRecord, CallState, Event, Reask, Refusal};
use crate::policy::{ApprovalLevel, Verdict};
use crate::store::{ApplyError, Enclosed};

/// The next step for a call whose tool has changed.
enum ReaskStep {
    /// It is asked about again.
    Ask(Box<Reask>, Enclosed),
    /// It is closed, for this reason.
    Close(String),
    /// It ended meanwhile.
    Ended,
}

impl GateCore {
    /// Asks about a call again whose tool has changed, as its next revision. The call is closed if
    /// its arguments do not fit the tool any more, or its policies deny it now. Returns the call as
    /// it is then.
    ///
    /// Runs nothing. An error leaves the call as it was.
    pub(in crate::gate) async fn reask(
        &self,
        record: &CallRecord,
        changed: &ChangedTool,
    ) -> Result<CallRecord, GateError> {
        match self.plan_reask(record, changed).await? {
            ReaskStep::Ask(reask, enclosed) => {
                self.apply_reask(record, &changed.change, reask, enclosed).await
            }
            ReaskStep::Close(why) => self.close_unrunnable(record, &why).await,
            ReaskStep::Ended => self.calls.current(&record.key().tenant, record.id()).await,
        }
    }

    async fn plan_reask(
        &self,
        record: &CallRecord,
        changed: &ChangedTool,
    ) -> Result<ReaskStep, GateError> {
        let ChangedTool { change, now, own, found } = changed;
        let reason = format!("asked again: {change}");
        let reask = Reask::new(record.request.binding, now.clone(), reason);
        let Some(tool) = own else {
            return Ok(ReaskStep::Ask(Box::new(reask), Enclosed::none()));
        };
        let Some(stored) = self.stored_snapshot(record).await? else { return Ok(ReaskStep::Ended) };
        let next = match read_as_now(tool, &stored) {
            Ok(next) => next,
            Err(error) => {
                let why = format!("{change}, and its arguments do not fit any more: {error}");
                return Ok(ReaskStep::Close(why));
            }
        };
        let mut revision =
            self.evaluate_revision(record, Arc::clone(tool), next, found.clone()).await?;
        let routed = &mut revision.evaluation.routed;
        if let Verdict::Deny(why) = &routed.verdict {
            if !routed.failed {
                let why = format!("{change}, and it is not allowed as it is now: {why}");
                return Ok(ReaskStep::Close(why));
            }
            // A policy that fails here has not decided anything: the claim asks it again.
            routed.verdict = Verdict::Ask(ApprovalLevel::Full);
        }
        let same_contents = names_the_same(&revision.contents, &record.request.contents);
        let (next, referents) = (revision.snapshot.clone(), revision.referents.clone());
        let revised = self.to_revised(record, revision).await;
        let enclosed = if !same_contents || revised.content != record.current_content() {
            Enclosed::payload(self.seal_next(record, &next, &referents)?)
        } else {
            Enclosed::none()
        };
        Ok(ReaskStep::Ask(Box::new(reask.revised(revised)), enclosed))
    }

    async fn apply_reask(
        &self,
        record: &CallRecord,
        change: &ToolChange,
        reask: Box<Reask>,
        enclosed: Enclosed,
    ) -> Result<CallRecord, GateError> {
        let tenant = &record.key().tenant;
        match self.calls.apply(tenant, record.id(), Event::Reask(reask), enclosed).await {
            Ok(record) => {
                let mut entry = AuditRecord::of(AuditEvent::Reopened, &record, record.updated_at);
                entry.note = record.request.because.last().cloned();
                entry.arguments = Some(record.request.arguments.clone());
                entry.assessment = Some(record.request.assessment.clone());
                self.audit.record(&entry);
                Ok(record)
            }
            Err(ApplyError::Lost { refusal: Refusal::AlreadyTried, .. }) => {
                let why = format!("{change}, and the call was tried before with other arguments");
                self.close_unrunnable(record, &why).await
            }
            Err(ApplyError::Lost { refusal, current }) => {
                if refusal == Refusal::Expired {
                    self.lifecycle.expire(tenant, record.id()).await?;
                    return self.calls.current(tenant, record.id()).await;
                }
                // Somebody else has changed it.
                Ok(*current)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Closes a call that nobody can run any more, and audits why.
    async fn close_unrunnable(
        &self,
        record: &CallRecord,
        why: &str,
    ) -> Result<CallRecord, GateError> {
        let reason = clip(why, MAX_REASON).into_owned();
        let event = Event::Deny { binding: record.request.binding, reason };
        self.lifecycle.reopen_or_deny(record, event, AuditEvent::Denied).await?;
        self.calls.current(&record.key().tenant, record.id()).await
    }

    /// Closes a call whose tool was taken away.
    pub(in crate::gate) async fn close_retired(
        &self,
        record: &CallRecord,
    ) -> Result<CallRecord, GateError> {
        let change = ToolChange::gone(&record.request.tool);
        let why = format!("{change}, and those that had it were replaced");
        self.close_unrunnable(record, &why).await
    }

    /// Refuses an approval of a call whose tool is not the one that was shown, and asks about the
    /// call again. A decision that would be refused anyway passes: the state machine says why.
    pub(in crate::gate) async fn check_tool_before_approval(
        &self,
        decision: &Decision,
    ) -> Result<(), GateError> {
        if !matches!(decision.answer, Answer::Approve | Answer::Edit { .. }) {
            return Ok(());
        }
        let (tenant, id) = (&decision.tenant, decision.request);
        let store = self.calls.store();
        let Some(record) = store.get(tenant, id).await? else { return Ok(()) };
        let is_about_it = record.state == CallState::Pending
            && record.request.binding == decision.binding
            && record.request.revision == decision.revision
            && decision.by.may_decide(tenant);
        if !is_about_it || store.now().await? >= record.request.expires_at {
            return Ok(());
        }
        let tool = &record.request.tool;
        match self.check_tool(&record).await? {
            ToolCheck::Same(_)
            | ToolCheck::Elsewhere
            | ToolCheck::NoExecutor
            | ToolCheck::Unknown => Ok(()),
            ToolCheck::Gone => {
                let then = "nothing was decided; approve it when an executor has the tool again, or reject it";
                Err(GateError::tool_changed(ToolChange::gone(tool), record, then))
            }
            ToolCheck::Retired => {
                let record = self.close_retired(&record).await?;
                let then = describe_state(&record);
                Err(GateError::tool_changed(ToolChange::gone(tool), record, &then))
            }
            ToolCheck::Changed(changed) => {
                let record = self.reask(&record, &changed).await?;
                let then = describe_state(&record);
                Err(GateError::tool_changed(changed.change, record, &then))
            }
        }
    }
}

/// Reads stored arguments as a tool reads them now.
fn read_as_now(tool: &RegisteredTool, stored: &Snapshot) -> Result<Snapshot, ArgumentError> {
    let next = tool.bind(stored.text(), UNLIMITED)?.snapshot;
    tool.check_read_back(&next)?;
    Ok(next)
}
