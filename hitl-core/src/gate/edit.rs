//! An edit: the payload is opened, patched, read back through the same checks as a model's text,
//! assessed and routed again. What cannot run as it would be shown becomes no revision.

use hitl_base::json::Limits;

use super::contents::Referents;
use super::error::{GateError, GateErrorKind};
use super::handle::Inner;
use super::prepare::required;
use crate::approval::{Decision, Patch};
use crate::arguments::{ArgumentError, patched};
use crate::audit::{AuditEvent, AuditRecord};
use crate::machine::{
    CallRecord, CallState, Edit, EditedRevision, Event, Refusal, StoreFacts, check_edit,
};
use crate::policy::Verdict;
use crate::store::{ApplyError, EventPayload};

impl Inner {
    /// Makes the next revision of a pending call, of the patch as it was typed; that of the
    /// decision is [without secrets](Self::without_secrets). Refused, it leaves the earlier one as
    /// it stands.
    pub(super) async fn edit(
        &self,
        decision: Decision,
        patch: Patch,
    ) -> Result<CallRecord, GateError> {
        let (tenant, id) = (decision.tenant.clone(), decision.request);
        let record = self.current(&tenant, id).await?;
        let facts =
            StoreFacts { now: self.store.now().await?, claimant_dead: false, decision_used: false };
        match check_edit(&record, &decision, facts) {
            Ok(true) => {
                // It was made before, and whoever made it may not have lived to audit it.
                self.note_edit(&record, &decision);
                return Ok(record);
            }
            Ok(false) => {}
            Err(refusal) => {
                if refusal == Refusal::Expired {
                    self.expire(&tenant, id).await?;
                }
                return Err(ApplyError::Rejected { refusal, current: Box::new(record) }.into());
            }
        }
        let (revised, enclosed) = self.revise(&record, &patch).await?;
        let event = Event::Edit(Box::new(Edit::new(decision.clone(), revised)));
        let record = self.apply(&tenant, id, event, enclosed).await?;
        self.note_edit(&record, &decision);
        Ok(record)
    }

    /// Audits an edit that is the last thing that happened to the call.
    fn note_edit(&self, record: &CallRecord, decision: &Decision) {
        let fresh = record.prior_revisions.last().is_some_and(|earlier| {
            earlier.edited.id == decision.id && earlier.edited.at == record.updated_at
        });
        if !fresh || !matches!(record.state, CallState::Pending | CallState::Approved) {
            return;
        }
        let mut entry = AuditRecord::new(AuditEvent::Edited, record, record.updated_at);
        entry.decision = Some(decision.id);
        entry.arguments = Some(record.request.arguments.clone());
        entry.assessment = Some(record.request.assessment.clone());
        let note = match record.state {
            CallState::Approved => "edited and approved",
            _ => "edited",
        };
        self.note_decider(entry, &decision.by, note.to_owned());
    }

    /// What comes of a patch, and its sealed arguments.
    async fn revise(
        &self,
        record: &CallRecord,
        patch: &Patch,
    ) -> Result<(EditedRevision, EventPayload), GateError> {
        let is_here = self.tools.contains_key(record.request.tool.as_str());
        let tool = if is_here { Some(self.same_tool(record)?) } else { None };
        let Some(snapshot) = self.stored_snapshot(record).await? else {
            let why = "the call's payload is gone; reject the call";
            return Err(GateError::new(GateErrorKind::Payload, why));
        };
        let Some(tool) = tool else {
            let (revised, next) = self.revise_elsewhere(record, &snapshot, patch).await?;
            let sealed = self.seal_next(record, &next, &Referents::default())?;
            return Ok((revised, EventPayload::payload(sealed)));
        };
        let text = patched(&snapshot, patch.as_str(), self.limits)?;
        let unlimited = Limits { depth: usize::MAX, bytes: usize::MAX };
        let next = tool.read(&text, unlimited)?.snapshot;
        if !next.has_the_secrets_of(&snapshot) {
            return Err(ArgumentError::other_secrets().into());
        }
        tool.read_back(&next)?;
        let referents = self.read_contents(&tool, &next).await?;
        let contents =
            self.show_contents((record.id(), &record.request.contents), &next, &referents).await;
        // What scorers said of the earlier revision still counts: they may only lower.
        let mut said = record.request.assessment.opinions_without_contents();
        said.extend(self.content_factor(&contents));
        let (assessment, routed) = self.judge(&tool, &next, &record.context, &said)?;
        self.note_policies(&routed.policies);
        if let Verdict::Deny(reason) = &routed.verdict {
            let why = format!(
                "with these arguments the call would be denied ({reason}); it stays as it was"
            );
            return Err(GateError::new(GateErrorKind::EditDenied, why));
        }
        let requirement = required(&tool, &routed, self.eyes(&tool, &record.context));
        let mut revised = self.revised(record, (&tool, &next), (assessment, routed), requirement);
        revised.contents = contents;
        revised.links = self.links_in(&revised.arguments, &next).await;
        let sealed = self.seal_next(record, &next, &referents)?;
        Ok((revised, EventPayload::payload(sealed)))
    }
}
