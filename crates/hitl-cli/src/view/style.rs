//! The styles of words, by their meaning. A colour is never the only sign: the word says the same.

use hitl_base::Timestamp;
use hitl_core::approval::terminal::Style;
use hitl_core::{ApprovalLevel, CallState, Priority};

/// Returns the style of a level of approval.
pub(crate) fn level_style(level: ApprovalLevel) -> Style {
    match level {
        ApprovalLevel::Full => Style::Warning,
        _ => Style::Plain,
    }
}

/// Returns the style of a priority.
pub(crate) fn priority_style(priority: Priority) -> Style {
    match priority {
        Priority::Urgent => Style::Bad,
        Priority::High => Style::Warning,
        Priority::Medium => Style::Plain,
    }
}

/// Returns the style of a call's state: good if it ran, bad if it failed or was stopped by
/// somebody, a warning if a person has to look.
pub(crate) fn state_style(state: CallState) -> Style {
    match state {
        CallState::Executed => Style::Good,
        CallState::Failed | CallState::Rejected | CallState::Denied => Style::Bad,
        CallState::OutcomeUnknown => Style::Warning,
        CallState::Expired | CallState::Cancelled => Style::Faint,
        _ => Style::Plain,
    }
}

/// Returns the style of a due time.
pub(crate) fn due_style(at: Timestamp, now: Timestamp) -> Style {
    if at < now { Style::Bad } else { Style::Plain }
}
