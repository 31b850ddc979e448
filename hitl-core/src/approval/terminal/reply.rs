//! The meaning of a typed line. Pure.

use crate::approval::{ApprovalRequest, Choice};

/// A person's reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Approve,
    /// Has the reason, if it was typed on the same line.
    Reject(Option<String>),
    /// Show everything.
    Details,
    /// Show what is masked.
    Uncover,
    /// Leave it to the next approver.
    Skip,
    /// Ask again. An empty line is unclear too: Enter alone never decides anything.
    Unclear,
}

/// Parses a line. Only the answers that the request allows are recognized.
pub(super) fn read(line: &str, request: &ApprovalRequest) -> Reply {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let may = |choice| request.choices.contains(&choice);
    match word.to_ascii_lowercase().as_str() {
        "a" | "approve" | "y" | "yes" if rest.is_empty() && may(Choice::Approve) => Reply::Approve,
        "r" | "reject" | "n" | "no" if may(Choice::Reject) => {
            Reply::Reject(Some(rest.to_owned()).filter(|reason| !reason.is_empty()))
        }
        "?" | "d" | "details" if rest.is_empty() => Reply::Details,
        "u" | "uncover" if rest.is_empty() && request.needs_uncovering() => Reply::Uncover,
        "s" | "skip" if rest.is_empty() => Reply::Skip,
        _ => Reply::Unclear,
    }
}

/// Returns the prompt.
pub(super) fn question(request: &ApprovalRequest) -> String {
    use hitl_base::display::visible;
    let mut parts = Vec::new();
    if request.choices.contains(&Choice::Approve) {
        parts.push(format!("[a] {}", visible(&request.approve_label)));
    }
    if request.choices.contains(&Choice::Reject) {
        parts.push(format!("[r] {}", visible(&request.reject_label)));
    }
    if request.needs_uncovering() {
        parts.push(format!("[u] Uncover ({} masked)", request.undeclared_masks()));
    }
    parts.push("[?] Details".to_owned());
    parts.push("[s] Skip".to_owned());
    format!("  {} > ", parts.join("   "))
}
