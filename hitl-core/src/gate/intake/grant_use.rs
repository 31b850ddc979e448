//! Finds a grant on which a new call runs without asking.

use crate::call::{Risk, ToolConfig};
use crate::gate::break_glass::coverage::find_in_emergency;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::stored_text::parse_snapshot;
use crate::grant::{GrantRecord, GrantUse, GrantedCall};
use crate::ids::GrantId;
use crate::store::GrantQuery;

/// The number of grants read at a time.
const PAGE: usize = 100;

/// A grant that covers a call, and what the call draws on it.
struct UsableGrant {
    grant: GrantRecord,
    drawn: GrantUse,
}

/// Lets a call run on a grant that covers it, other than those that were tried.
pub(in crate::gate) async fn try_grant(
    core: &GateCore,
    prepared: &mut PreparedCall,
    tried: &[GrantId],
) -> Result<(), GateError> {
    prepared.drop_grant();
    if !prepared.is_asked_about() {
        return Ok(());
    }
    // Boxed, so that the futures of calls that nobody is asked about stay small.
    if prepared.may_use_grant()
        && let Some(found) = Box::pin(find_grant(core, prepared, tried)).await?
    {
        prepared.use_grant(&found.grant, found.drawn);
        return Ok(());
    }
    match Box::pin(find_in_emergency(core, prepared, tried)).await {
        Ok(Some(found)) => prepared.use_grant(&found.grant, found.drawn),
        Ok(None) => {}
        // Then somebody is asked.
        Err(error) => {
            tracing::warn!(target: "hitl", %error, "it is not known whether the glass was broken");
        }
    }
    Ok(())
}

/// Finds a grant for a call that somebody would otherwise be asked about. Grants in `without` were
/// tried.
async fn find_grant(
    core: &GateCore,
    prepared: &PreparedCall,
    without: &[GrantId],
) -> Result<Option<UsableGrant>, GateError> {
    let store = core.calls.store();
    let (request, context) = (&prepared.record.request, &prepared.record.context);
    let mut page =
        GrantQuery::live().tool(&*request.tool).principal(request.principal.clone()).limit(PAGE);
    // Most tools have no grant at all; the arguments are parsed if there is one.
    let mut arguments = None;
    loop {
        let grants = store.grants(&context.tenant, page.clone()).await?;
        let Some(last) = grants.last().map(GrantRecord::id) else { return Ok(None) };
        let more = grants.len() == PAGE;
        let now = store.now().await?;
        for record in grants.into_iter().filter(|grant| !without.contains(&grant.id())) {
            let grant = &record.grant;
            if prepared.record.takes_a_grant(grant).is_err() {
                continue;
            }
            let arguments = match &arguments {
                Some(arguments) => arguments,
                None => arguments.insert(parse_snapshot(&prepared.snapshot)?),
            };
            let inert = prepared.tool.terms().arguments.inert();
            let call = GrantedCall {
                tool: &request.tool,
                fingerprint: request.fingerprint,
                context,
                run: &request.key.run,
                content: core.vault.recognize_digest_from(
                    prepared.record.content,
                    grant.content,
                    prepared.content(),
                ),
                arguments,
                inert: &inert,
                risky: is_risky(prepared.tool.config()),
            };
            let Ok(drawn) = grant.covers(&call) else { continue };
            if record.draw(&drawn, now).is_ok() {
                return Ok(Some(UsableGrant { grant: record, drawn }));
            }
        }
        if !more {
            return Ok(None);
        }
        page = page.after(last);
    }
}

/// Returns whether a grant on this tool needs a bound.
fn is_risky(config: &ToolConfig) -> bool {
    config.risk >= Risk::High || config.hints.destructive
}
