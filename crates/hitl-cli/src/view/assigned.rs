//! To whom a call is assigned, and who is away.

use std::fmt::Write as _;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_wire::assignment::{AbsenceList, AssignedCall, AssignmentSummary};

use super::{CallLine, state_line};

/// The most characters of a name.
const WORD: usize = 40;

/// Renders to whom a call is assigned: `ann`, or `ann, away until ..: bob`.
pub(crate) fn assignment_text(assigned: &AssignmentSummary) -> String {
    let to = word(assigned.to.as_str());
    let Some(away) = &assigned.away else { return to };
    let deputy = away.deputy.as_ref().map(|deputy| format!(": {}", word(deputy.as_str())));
    format!("{to}, away until {}{}", away.until, deputy.unwrap_or_default())
}

/// Renders a call that was assigned, and what to know about it.
pub(crate) fn assigned_text(done: &AssignedCall, now: Timestamp) -> String {
    let mut out = state_line(&CallLine::from(done.call.clone()), now);
    out.push('\n');
    // Writing to a String cannot fail.
    let _ = match &done.call.assigned {
        Some(assigned) => writeln!(out, "assigned to {}", assignment_text(assigned)),
        None => writeln!(out, "assigned to nobody"),
    };
    for note in &done.notes {
        let _ = writeln!(out, "note: {}", visible(note));
    }
    out
}

/// Renders who is away.
pub(crate) fn absences_text(list: &AbsenceList) -> String {
    if list.away.is_empty() {
        return "Nobody is away.\n".to_owned();
    }
    list.away.iter().fold(String::new(), |mut out, absence| {
        let deputy = absence.deputy.as_ref();
        let deputy = deputy.map(|deputy| format!("; {} stands in", word(deputy.as_str())));
        let (who, until) = (word(absence.who.as_str()), absence.until);
        let _ = writeln!(out, "{who} is away until {until}{}", deputy.unwrap_or_default());
        out
    })
}

fn word(text: &str) -> String {
    visible(&clip(text, WORD)).into_owned()
}
