//! Tombstones: the rest of a call that was erased.
//!
//! Every field is named here, so that none can be added without deciding how an erasure treats it.

use std::sync::Arc;

use hitl_base::JsonText;

use super::{CallRecord, EndReason, RetryOf};
use crate::approval::ApprovalRequest;
use crate::call::{BindingDigest, CallContext, Principal};
use crate::confidence::Assessment;

impl CallRecord {
    /// Returns the record without the call's data: no arguments, no texts, no person, and no digest
    /// but the one that refuses the key to other content. The rest records how the call ended.
    ///
    /// Only a call that has ended may be erased; the store ensures that.
    #[must_use]
    pub fn tombstone(&self) -> Self {
        let Self {
            schema,
            version,
            state,
            request,
            context: _,
            canonical: _,
            content,
            owner: _,
            attached: _,
            decision: _,
            votes: _,
            prior_revisions: _,
            // Digests from which easily guessed content could be recovered.
            edited_content: _,
            reread: _,
            sealed,
            escalations: _,
            circumstances: _,
            claim: _,
            claimable_from: _,
            intent: _,
            approval_window_ms,
            attempts,
            without_effect,
            over_since: _,
            reconciled,
            end_reason: _,
            grant_use: _,
            retry_of,
            batch,
            unread,
            erased: _,
            restored,
            assigned: _,
            // Its outcome can no longer be delivered.
            attachable: _,
            updated_at,
        } = self;
        // Ids and keys that lead to other tombstones.
        let retry_of = retry_of.as_deref().map(|retry| {
            Box::new(RetryOf {
                call: retry.call,
                first: retry.first.clone(),
                attempts: retry.attempts,
                approved_by: None,
            })
        });
        Self {
            schema: *schema,
            version: *version,
            state: *state,
            request: Arc::new(request.tombstone()),
            context: CallContext::new(nobody()).tenant(request.key.tenant.clone()),
            canonical: None,
            content: *content,
            owner: None,
            attached: false,
            decision: None,
            votes: Vec::new(),
            prior_revisions: Vec::new(),
            edited_content: None,
            reread: None,
            sealed: *sealed,
            escalations: Vec::new(),
            circumstances: None,
            claim: None,
            claimable_from: None,
            intent: None,
            approval_window_ms: *approval_window_ms,
            attempts: *attempts,
            without_effect: *without_effect,
            over_since: None,
            reconciled: *reconciled,
            end_reason: Some(EndReason::Reason("what was kept of this call was erased".to_owned())),
            grant_use: None,
            retry_of,
            batch: batch.clone(),
            unread: *unread,
            erased: true,
            restored: *restored,
            assigned: None,
            attachable: false,
            updated_at: *updated_at,
        }
    }
}

impl ApprovalRequest {
    /// Returns the request of an erased call: its key, its tool and its times.
    fn tombstone(&self) -> Self {
        let Self {
            id,
            key,
            revision,
            binding: _,
            binding_version,
            tool,
            fingerprint,
            build,
            title: _,
            description: _,
            arguments: _,
            masks: _,
            more_masks: _,
            contents: _,
            preview: _,
            stated_reason: _,
            conversation_url: _,
            tool_call_id: _,
            links: _,
            effect: _,
            repeats: _,
            earlier: _,
            uncovering,
            principal: _,
            agent: _,
            approval_type: _,
            risk,
            hints,
            level,
            quorum,
            channels,
            assessment,
            thresholds,
            reasons: _,
            priority,
            created_at,
            due_at,
            expires_at,
            choices: _,
            requires_reason,
            grace_ms,
            approve_label: _,
            reject_label: _,
        } = self;
        let Assessment { confidence, base, factors: _ } = assessment;
        Self {
            id: *id,
            key: key.clone(),
            revision: *revision,
            binding: BindingDigest::ERASED,
            binding_version: *binding_version,
            tool: tool.clone(),
            fingerprint: *fingerprint,
            build: build.clone(),
            title: String::new(),
            description: String::new(),
            arguments: JsonText::null(),
            masks: Vec::new(),
            more_masks: 0,
            contents: Vec::new(),
            preview: None,
            stated_reason: None,
            conversation_url: None,
            tool_call_id: None,
            links: Vec::new(),
            effect: None,
            repeats: None,
            earlier: None,
            uncovering: *uncovering,
            principal: nobody(),
            agent: None,
            approval_type: String::new(),
            risk: *risk,
            hints: *hints,
            level: *level,
            quorum: quorum.clone(),
            channels: channels.clone(),
            assessment: Assessment { confidence: *confidence, base: *base, factors: Vec::new() },
            thresholds: *thresholds,
            reasons: Vec::new(),
            priority: *priority,
            created_at: *created_at,
            due_at: *due_at,
            expires_at: *expires_at,
            choices: Vec::new(),
            requires_reason: *requires_reason,
            grace_ms: *grace_ms,
            approve_label: String::new(),
            reject_label: String::new(),
        }
    }
}

fn nobody() -> Principal {
    Principal::new("")
}
