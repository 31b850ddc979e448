//! The record of a call to which nothing has happened yet.

use std::sync::Arc;

use super::record::RECORD_SCHEMA;
use super::{CallRecord, CallState};
use crate::approval::ApprovalRequest;
use crate::call::{CallContext, ContentDigest};

impl CallRecord {
    /// Creates the first record of a call.
    pub(crate) fn new(
        request: ApprovalRequest,
        cx: CallContext,
        content: ContentDigest,
        state: CallState,
    ) -> Self {
        Self {
            schema: RECORD_SCHEMA,
            version: 1,
            state,
            updated_at: request.created_at,
            request: Arc::new(request),
            context: cx,
            canonical: None,
            content,
            owner: None,
            attached: false,
            intent: None,
            decision: None,
            votes: Vec::new(),
            prior_revisions: Vec::new(),
            edited_content: None,
            reread: None,
            sealed: None,
            unread: false,
            escalations: Vec::new(),
            circumstances: None,
            claim: None,
            claimable_from: None,
            approval_window_ms: 0,
            attempts: 0,
            without_effect: 0,
            over_since: None,
            reconciled: false,
            end_reason: None,
            grant_use: None,
            batch: None,
            retry_of: None,
            erased: false,
            restored: false,
            assigned: None,
            attachable: false,
        }
    }
}
