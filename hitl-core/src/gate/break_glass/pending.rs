//! Calls that already wait run on a broken glass.

use std::sync::Arc;

use crate::approval::Choice;
use crate::gate::break_glass::coverage::draw_of;
use crate::gate::break_glass::envelopes::KnownTool;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::review::grant_pending::approve_by_grant;
use crate::gate::review::grant_pending::route_now;
use crate::grant::{GrantRecord, GrantUse};
use crate::machine::CallRecord;
use crate::policy::Verdict;
use crate::queue::{QueueOrder, QueueQuery, ReviewScope};

/// Approves the waiting calls that a grant covers which was just given by breaking the glass, the
/// oldest first, as far as its uses reach.
pub(in crate::gate) async fn run_pending(
    core: &Arc<GateCore>,
    grant: &GrantRecord,
    tool: &KnownTool,
) -> Result<Vec<CallRecord>, GateError> {
    let of = &grant.grant;
    let scope = ReviewScope::tenant(of.tenant.clone());
    let queue = Gate { core: Arc::clone(core) }.scoped_to(scope).queue();
    let query = QueueQuery::pending()
        .tool(&*of.tool)
        .principal(of.principal.clone())
        .order(QueueOrder::Created);
    let (mut left, mut next, mut allowed) = (grant.clone(), Some(query), Vec::new());
    while let Some(this) = next.take() {
        let page = queue.page(this.clone()).await?;
        next = page.next.map(|after| this.after(after));
        for record in page.entries {
            let drawn = match draw_of_waiting(core, grant, &record, tool).await {
                Ok(Some(drawn)) => drawn,
                Ok(None) => continue,
                // A call that cannot be read is asked about.
                Err(error) => {
                    tracing::debug!(call = %record.id(), %error, "a broken glass does not reach it");
                    continue;
                }
            };
            let Ok(after) = left.draw(&drawn, core.calls.store().now().await?) else {
                return Ok(allowed);
            };
            if let Some(record) = approve_by_grant(core, &record, grant, drawn).await? {
                left = after;
                allowed.push(record);
            }
        }
    }
    Ok(allowed)
}

/// Returns what a waiting call would draw on a grant. `None` if the grant does not cover it.
async fn draw_of_waiting(
    core: &GateCore,
    grant: &GrantRecord,
    record: &CallRecord,
    tool: &KnownTool,
) -> Result<Option<GrantUse>, GateError> {
    let request = &record.request;
    let never = request.repeats.is_some()
        || !request.has_sound_preview()
        || !request.choices.contains(&Choice::Approve)
        || request.assessment.names_own_file()
        || record.attempts > 0
        || record.restored;
    if never || record.takes_a_grant(&grant.grant).is_err() {
        return Ok(None);
    }
    let Some(snapshot) = stored_snapshot(core, record).await? else { return Ok(None) };
    let denied = route_now(core, record, &snapshot)?
        .is_some_and(|routed| matches!(routed.verdict, Verdict::Deny(_)));
    if denied {
        return Ok(None);
    }
    Ok(draw_of(core, grant, record, &snapshot, tool).await?.ok())
}
