//! The glass was broken, a call ran because of that, or it is whole again.

use std::fmt;

use hitl_base::display::{clip, visible};

use super::decide_hint::DecideHint;
use crate::audit::AuditEvent;
use crate::call::Principal;
use crate::grant::GrantRecord;
use crate::ids::{GrantId, RequestId};
use crate::machine::CallRecord;

/// The most characters of a text in a line.
const TEXT: usize = 160;

/// The events of a broken glass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakGlassEvent {
    /// A person broke it.
    Opened,
    /// A call runs because of it.
    Used,
    /// The grant that was given ended: it was revoked or used up, or its time is over.
    Ended,
}

/// The glass was broken, a call runs because of that, or what was given has ended. It may be
/// displayed, sent and logged.
#[derive(Clone, Debug)]
pub struct BreakGlassNotice {
    event: BreakGlassEvent,
    grant: GrantId,
    tool: String,
    call: Option<RequestId>,
    by: Option<Principal>,
    line: String,
}

/// A call that runs because the glass was broken.
pub(in crate::gate) struct GlassUse<'c> {
    record: &'c CallRecord,
    grant: GrantId,
    why: Option<String>,
}

impl<'c> GlassUse<'c> {
    pub(in crate::gate) fn new(
        record: &'c CallRecord,
        grant: GrantId,
        why: Option<String>,
    ) -> Self {
        Self { record, grant, why }
    }
}

impl BreakGlassNotice {
    /// Says that it was broken, or, with the `end` in words, that it is whole again.
    pub(in crate::gate) fn about(
        event: AuditEvent,
        record: &GrantRecord,
        end: Option<&str>,
        hint: &DecideHint,
    ) -> Self {
        let grant = &record.grant;
        let (tool, by) = (shown(&grant.tool), shown(grant.by.as_str()));
        let (event, line) = if event == AuditEvent::BreakGlassEnded {
            let how = shown(end.unwrap_or_default());
            let line = format!(
                "BREAK-GLASS ended: what {by} gave for `{tool}` (grant {}): {how}",
                grant.id
            );
            (BreakGlassEvent::Ended, line)
        } else {
            let why = grant.break_glass.as_ref().map_or("", |glass| &glass.reason);
            let until = grant.until.map(|until| until.to_string()).unwrap_or_default();
            let line = format!(
                "BREAK-GLASS: {by} lets `{tool}` run without the people who would be asked, for \
                 {}, until {until}, at most {} times, because: {}. {}",
                shown(grant.principal.as_str()),
                grant.uses.unwrap_or_default(),
                shown(why),
                how_to_revoke(grant.id, hint),
            );
            (BreakGlassEvent::Opened, line)
        };
        let (by, tool) = (Some(grant.by.clone()), grant.tool.clone());
        Self { event, grant: grant.id, tool, call: None, by, line }
    }

    /// Says that a call runs because it was broken.
    pub(in crate::gate) fn of_use(used: &GlassUse<'_>, hint: &DecideHint) -> Self {
        let (request, grant) = (&used.record.request, used.grant);
        let why = used.why.as_deref().unwrap_or("runs under break-glass");
        let line = format!(
            "BREAK-GLASS used: call {} of `{}` {}. {}",
            request.id,
            shown(&request.tool),
            shown(why),
            how_to_revoke(grant, hint),
        );
        let (call, tool) = (Some(request.id), request.tool.clone());
        Self { event: BreakGlassEvent::Used, grant, tool, call, by: None, line }
    }

    /// Returns what happened.
    pub fn event(&self) -> BreakGlassEvent {
        self.event
    }

    /// Returns the grant that was given.
    pub fn grant(&self) -> GrantId {
        self.grant
    }

    /// Returns the tool.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// Returns the call that runs, if one does.
    pub fn call(&self) -> Option<RequestId> {
        self.call
    }

    /// Returns the person who broke it; `None` in the notice of a use.
    pub fn by(&self) -> Option<&Principal> {
        self.by.as_ref()
    }
}

impl fmt::Display for BreakGlassNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

fn how_to_revoke(grant: GrantId, hint: &DecideHint) -> String {
    hint.revoke_command(grant).map_or_else(
        || format!("Revoke it with `Gate::revoke_grant`: grant {grant}"),
        |command| format!("Revoke it: {command}"),
    )
}

fn shown(text: &str) -> String {
    visible(&clip(text, TEXT)).into_owned()
}
