//! The result that an edit would have. Nothing is stored, and nobody else is asked.

use std::sync::Arc;

use crate::approval::{
    ApprovalRequest, ArgumentChange, Decision, DecisionChannel, DecisionKind, EditResult, Patch,
    ReviewerIdentity,
};
use crate::call::{BindingDigest, Tenant};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::review::edit::apply_patch;
use crate::ids::{DecisionId, RequestId};
use crate::machine::{
    self, CallRecord, CallState, Edit, Event, Refusal, StoreFacts, Transition, check_edit,
};
use crate::store::ApplyError;

/// The result that an edit would have, for the person who makes it: shown before it is sent.
/// Redacted like the request itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EditPreview {
    /// The arguments that would change.
    pub changes: Vec<ArgumentChange>,
    /// The request that the call would have: its next revision.
    pub request: Arc<ApprovalRequest>,
    /// The state that the call would have: approved if the edit also counts as the last approval
    /// that the call needs, and otherwise pending.
    pub state: CallState,
}

impl EditPreview {
    /// Returns the result that was shown, for a decision that counts for nothing else.
    pub(crate) fn result(&self) -> EditResult {
        EditResult::new(self.request.binding, self.state)
    }
}

impl Gate {
    /// Checks an edit of a request, as [`decide`](Self::decide) would, and returns its result. It
    /// stores nothing, so the edit may still be refused later: if the call changes meanwhile, or if
    /// its tool does. Send the edit with
    /// [`previewed`](crate::approval::DecisionDraft::previewed), so that it has this result or
    /// none.
    ///
    /// # Errors
    ///
    /// Those of [`decide`](Self::decide): the call has changed or was decided, the person may not
    /// edit it, or the arguments do not fit the tool.
    ///
    /// Cancel safe.
    pub async fn preview_edit(
        &self,
        request: &ApprovalRequest,
        patch: impl Into<String>,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<EditPreview, GateError> {
        let shown = ShownRevision::of(request);
        preview_edit(&self.core, &shown, Patch::new(patch), by.into()).await
    }
}

/// The revision of a request that a person was shown.
#[derive(Clone)]
pub(in crate::gate) struct ShownRevision {
    pub(in crate::gate) tenant: Tenant,
    pub(in crate::gate) id: RequestId,
    pub(in crate::gate) revision: u32,
    pub(in crate::gate) binding: BindingDigest,
}

impl ShownRevision {
    pub(in crate::gate) fn of(request: &ApprovalRequest) -> Self {
        Self {
            tenant: request.key.tenant.clone(),
            id: request.id,
            revision: request.revision,
            binding: request.binding,
        }
    }
}

pub(in crate::gate) async fn preview_edit(
    core: &GateCore,
    shown: &ShownRevision,
    patch: Patch,
    by: ReviewerIdentity,
) -> Result<EditPreview, GateError> {
    let ShownRevision { tenant, id, revision, binding } = shown.clone();
    let answer = DecisionKind::Edit { patch: patch.clone() };
    let (decision, previewed) = (DecisionId::new(), None);
    let decision = Decision {
        id: decision,
        tenant,
        request: id,
        revision,
        binding,
        answer,
        by,
        channel: DecisionChannel::HOST,
        previewed,
    };
    let mut decision = core.identities.identify_author(decision, &core.calls).await?;
    let record = core.calls.current(&decision.tenant, id).await?;
    // The channel is checked when the edit is made; here it is one that may approve.
    decision.channel = record.request.an_approving_channel();
    let now = core.calls.store().now().await?;
    let facts = StoreFacts { now, claimant_dead: false, decision_used: false, frozen: false };
    check_edit(&record, &decision, facts).map_err(|refusal| refused(refusal, &record))?;
    let revision = apply_patch(core, &record, &patch).await?.revision;
    let event = Event::Edit(Box::new(Edit::new(decision, revision)));
    let next = match machine::apply(&record, &event, facts) {
        Ok(Transition::Changed(next)) => next,
        Ok(_) => return Err(refused(Refusal::Unchanged, &record)),
        Err(refusal) => return Err(refused(refusal, &record)),
    };
    let changes = ArgumentChange::between(&record.request.arguments, &next.request.arguments);
    Ok(EditPreview { changes, request: Arc::clone(&next.request), state: next.state })
}

fn refused(refusal: Refusal, record: &CallRecord) -> GateError {
    ApplyError::Rejected { refusal, current: Box::new(record.clone()) }.into()
}
