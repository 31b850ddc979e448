//! The lines under a list while the glass is broken.

use hitl_base::display::{clip, visible};
use hitl_wire::GrantSummary;

use super::CommandHint;
use crate::args::short_id;

/// The most characters of a text in a line.
const TEXT: usize = 120;

/// Renders who broke the glass, why, until when, how often it was used, and how it is ended.
pub(crate) fn broken_glass_line(grant: &GrantSummary, hint: &CommandHint) -> String {
    let text = |text: &str| visible(&clip(text, TEXT)).into_owned();
    let id = short_id(&grant.id);
    let until = grant.until.map(|until| format!(", until {until}")).unwrap_or_default();
    let uses = grant.uses.map(|uses| format!(" of {uses}")).unwrap_or_default();
    let why = grant.break_glass.as_ref().map_or("", |glass| &glass.reason);
    format!(
        "BREAK-GLASS is in force: {} lets {} run for {}{until}, {}{uses} used, because: {}. \
         To end it: {}",
        text(grant.by.as_str()),
        text(&grant.tool),
        text(grant.principal.as_str()),
        grant.used,
        text(why),
        hint.inline(&["revoke", &id, "--reason", "REASON"]),
    )
}
