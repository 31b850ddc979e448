//! More time for a call that nobody could decide yet.

use std::sync::Arc;
use std::time::Duration;

use super::decision::check_reviewer;
use super::guards::guard;
use super::{CallRecord, Refusal, StoreFacts};
use crate::approval::ReviewerIdentity;
use crate::call::BindingDigest;

/// The most times that an approval takes its time, from the submission on.
const MAX_WINDOWS: u32 = 10;

/// Gives a call the whole time of an approval again, from now on. The question stays the same, so a
/// decision on what was shown before still counts.
pub(super) fn extend(
    next: &mut CallRecord,
    by: &ReviewerIdentity,
    shown: (u32, BindingDigest),
    facts: StoreFacts,
) -> Result<(), Refusal> {
    check_reviewer(next, by, shown, facts)?;
    let window = Duration::from_millis(next.approval_window_ms);
    let request = &next.request;
    let until = facts.now.saturating_add(window);
    let longest = request.created_at.saturating_add(window.saturating_mul(MAX_WINDOWS));
    guard(until > request.expires_at && until <= longest, Refusal::NoMoreTime)?;
    let request = Arc::make_mut(&mut next.request);
    let more = until.saturating_duration_since(request.expires_at);
    request.due_at = request.due_at.saturating_add(more).min(until);
    request.expires_at = until;
    Ok(())
}
