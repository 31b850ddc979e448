//! Checks whether a grant that was given by breaking the glass covers a call now, each time that a
//! call would run on it: the envelope is the one of the gate that runs the call.

use crate::arguments::Snapshot;
use crate::call::ToolFacts;
use crate::confidence::Assessment;
use crate::gate::break_glass::envelopes::{KnownTool, envelopes_of, own_tool};
use crate::gate::break_glass::register;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::stored_text::parse_snapshot;
use crate::grant::{GrantKind, GrantRecord, GrantUse, GrantedCall, NotCovered, OutsideEnvelope};
use crate::ids::GrantId;
use crate::machine::CallRecord;
use crate::store::GrantQuery;

/// The number of grants read at a time.
const PAGE: usize = 100;

/// The reason why such a grant does not cover a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::gate) enum NotInEmergency {
    #[error("{0}")]
    Outside(#[from] OutsideEnvelope),
    #[error("{0}")]
    Call(#[from] NotCovered),
    /// The call itself is one that no broken glass covers.
    #[error("the call names a file of the gate, or repeats an effect")]
    Never,
}

/// A grant that covers a call, and what the call draws on it.
pub(in crate::gate) struct CoveringGrant {
    pub(in crate::gate) grant: GrantRecord,
    pub(in crate::gate) drawn: GrantUse,
}

/// Finds a grant, other than those that were tried, on which a new call runs without the people who
/// would be asked.
pub(in crate::gate) async fn find_in_emergency(
    core: &GateCore,
    prepared: &PreparedCall,
    tried: &[GrantId],
) -> Result<Option<CoveringGrant>, GateError> {
    let (request, context) = (&prepared.record.request, &prepared.record.context);
    if !prepared.may_break_glass() || envelopes_of(core, &request.tool).is_empty() {
        return Ok(None);
    }
    let store = core.calls.store();
    let tool = own_tool(core, prepared.tool.facts());
    let mut page =
        GrantQuery::live().tool(&*request.tool).principal(request.principal.clone()).limit(PAGE);
    loop {
        let grants = store.grants(&context.tenant, page.clone()).await?;
        let Some(last) = grants.last().map(GrantRecord::id) else { return Ok(None) };
        let more = grants.len() == PAGE;
        let may = |grant: &GrantRecord| {
            grant.grant.kind() == GrantKind::BreakGlass
                && !tried.contains(&grant.id())
                && prepared.record.takes_a_grant(&grant.grant).is_ok()
        };
        for grant in grants.into_iter().filter(may) {
            let drawn = match draw_of(core, &grant, &prepared.record, &prepared.snapshot, &tool)
                .await?
            {
                Ok(drawn) => drawn,
                Err(why) => {
                    tracing::warn!(target: "hitl", grant = %grant.id(), %why, "a broken glass does not cover a call");
                    continue;
                }
            };
            if grant.draw(&drawn, store.now().await?).is_ok() {
                return Ok(Some(CoveringGrant { grant, drawn }));
            }
        }
        if !more {
            return Ok(None);
        }
        page = page.after(last);
    }
}

/// Returns the reason why the grant that a stored call would run on, given by breaking the glass,
/// does not cover it any more; `None` if it does. `assessment` is the present one.
pub(in crate::gate) async fn obstacle(
    core: &GateCore,
    record: &CallRecord,
    drawn: GrantUse,
    snapshot: &Snapshot,
    facts: &ToolFacts,
    assessment: &Assessment,
) -> Result<Option<NotInEmergency>, GateError> {
    if record.request.repeats.is_some() || assessment.names_own_file() {
        return Ok(Some(NotInEmergency::Never));
    }
    let tenant = &record.key().tenant;
    let Some(grant) = core.calls.store().grant(tenant, drawn.grant).await? else {
        return Ok(Some(OutsideEnvelope::NotInForce.into()));
    };
    let tool = own_tool(core, facts);
    Ok(match draw_of(core, &grant, record, snapshot, &tool).await? {
        Ok(now) if now == drawn => None,
        Ok(_) => Some(NotCovered::Sum.into()),
        Err(why) => Some(why),
    })
}

/// Returns what a call draws on a grant that was given by breaking the glass, if an envelope of
/// this gate covers it and it is in force.
pub(in crate::gate) async fn draw_of(
    core: &GateCore,
    grant: &GrantRecord,
    record: &CallRecord,
    snapshot: &Snapshot,
    tool: &KnownTool,
) -> Result<Result<GrantUse, NotInEmergency>, GateError> {
    let store = core.calls.store();
    if !register::is_open(&**store, grant.id()).await? {
        return Ok(Err(OutsideEnvelope::NotInForce.into()));
    }
    let now = store.now().await?;
    let arguments = parse_snapshot(snapshot)?;
    let call = GrantedCall {
        tool: &record.request.tool,
        fingerprint: record.request.fingerprint,
        context: &record.context,
        run: &record.request.key.run,
        content: record.current_content(),
        arguments: &arguments,
        inert: &[],
        risky: true,
    };
    let currencies = call.currencies();
    if let Err(why) = covering_envelope(grant, tool, &currencies, now) {
        return Ok(Err(why.into()));
    }
    Ok(grant.grant.covers_in_emergency(&call, &tool.amounts).map_err(Into::into))
}

/// Checks whether one of a tool's envelopes covers a grant. The reason is that of the first one.
pub(in crate::gate) fn covering_envelope(
    grant: &GrantRecord,
    tool: &KnownTool,
    currencies: &[String],
    now: hitl_base::Timestamp,
) -> Result<(), OutsideEnvelope> {
    let mut first = None;
    for envelope in &tool.envelopes {
        match envelope.covers(grant, tool.in_emergency(currencies), now) {
            Ok(()) => return Ok(()),
            Err(why) => {
                first.get_or_insert(why);
            }
        }
    }
    Err(first.unwrap_or(OutsideEnvelope::None))
}
