//! The meaning of a typed line. Pure.

use hitl_base::display::visible;

use crate::approval::{ApprovalRequest, Choice};

/// A person's reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Approve,
    /// Change arguments.
    Edit,
    /// Has the reason, if it was typed on the same line.
    Reject(Option<String>),
    /// Has the answer to the model, if it was typed on the same line.
    Respond(Option<String>),
    /// Stop the run. Has the reason, if it was typed on the same line.
    Abort(Option<String>),
    /// Show everything.
    Details,
    /// Show what is masked.
    Uncover,
    /// Leave it to the next approver.
    Skip,
    /// Leave it, and end the series.
    Quit,
    /// Ask again. An empty line is unclear too: Enter alone never decides anything.
    Unclear,
}

/// The answers that are offered beside those that the request allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Menu {
    /// The question is about one request.
    Single,
    /// The request is one of several: `q` ends the series.
    Series,
}

/// Returns whether a request may be edited here. A deletion is not: what is deleted is confirmed by
/// its name, and another name is another call.
fn is_editable(request: &ApprovalRequest) -> bool {
    request.choices.contains(&Choice::Edit) && request.confirmation().is_none()
}

/// Parses a line. Only the answers that the request allows are recognized.
pub(super) fn read(line: &str, request: &ApprovalRequest, menu: Menu) -> Reply {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let may = |choice| request.choices.contains(&choice);
    let text = || Some(rest.to_owned()).filter(|text| !text.is_empty());
    match word.to_ascii_lowercase().as_str() {
        "a" | "approve" | "y" | "yes" if rest.is_empty() && may(Choice::Approve) => Reply::Approve,
        "e" | "edit" if rest.is_empty() && is_editable(request) => Reply::Edit,
        "r" | "reject" | "n" | "no" if may(Choice::Reject) => Reply::Reject(text()),
        "m" | "message" if may(Choice::Respond) => Reply::Respond(text()),
        "x" | "stop" if may(Choice::Abort) => Reply::Abort(text()),
        "?" | "d" | "details" if rest.is_empty() => Reply::Details,
        "u" | "uncover" if rest.is_empty() && request.needs_uncovering() => Reply::Uncover,
        "s" | "skip" if rest.is_empty() => Reply::Skip,
        "q" | "quit" if rest.is_empty() && menu == Menu::Series => Reply::Quit,
        _ => Reply::Unclear,
    }
}

/// Returns the prompt.
pub(super) fn question(request: &ApprovalRequest, menu: Menu) -> String {
    let may = |choice| request.choices.contains(&choice);
    let mut parts = Vec::new();
    if may(Choice::Approve) {
        parts.push(format!("[a] {}", visible(&request.approve_label)));
    }
    if is_editable(request) {
        parts.push("[e] Edit".to_owned());
    }
    if may(Choice::Reject) {
        parts.push(format!("[r] {}", visible(&request.reject_label)));
    }
    if may(Choice::Respond) {
        parts.push("[m] Answer the model instead".to_owned());
    }
    if may(Choice::Abort) {
        parts.push("[x] Stop the run".to_owned());
    }
    if request.needs_uncovering() {
        parts.push(format!("[u] Uncover ({} masked)", request.undeclared_masks()));
    }
    parts.push("[?] Details".to_owned());
    parts.push("[s] Skip".to_owned());
    if menu == Menu::Series {
        parts.push("[q] Quit".to_owned());
    }
    prompt(&parts)
}

/// Returns the second question about a request that one key is too little to approve; `None` if it
/// is enough.
pub(super) fn second_question(request: &ApprovalRequest) -> Option<String> {
    let cautions: Vec<String> = request.cautions().iter().map(ToString::to_string).collect();
    if cautions.is_empty() {
        return None;
    }
    let label = visible(&request.approve_label);
    let why = cautions.join("; ");
    Some(format!("  Check it again: {why}.\n  [y] {label}   anything else goes back > "))
}

/// Parses the line about the second question. Enter alone confirms nothing.
pub(super) fn confirms(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// The reply of a person who is shown their edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EditReply {
    Send,
    EditAgain,
    /// Show the whole request that results.
    Details,
    /// Back to the request as it is.
    Back,
    Unclear,
}

/// The result of checking an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EditCheck {
    /// It is also the approval of the call.
    Approves,
    /// Somebody has to approve the edited call.
    Waits,
    /// It was refused.
    Refused,
}

/// Parses a line about an edit.
pub(super) fn read_edit(line: &str, check: EditCheck) -> EditReply {
    match line.trim().to_ascii_lowercase().as_str() {
        "a" if check == EditCheck::Approves => EditReply::Send,
        "w" if check == EditCheck::Waits => EditReply::Send,
        "e" | "edit" => EditReply::EditAgain,
        "?" | "d" | "details" if check != EditCheck::Refused => EditReply::Details,
        "b" | "back" => EditReply::Back,
        _ => EditReply::Unclear,
    }
}

/// Returns the prompt about an edit.
pub(super) fn edit_question(check: EditCheck) -> String {
    let parts: &[&str] = match check {
        EditCheck::Approves => {
            &["[a] Approve with these changes", "[e] Edit again", "[?] Details", "[b] Back"]
        }
        EditCheck::Waits => &[
            "[w] Send; it then waits for an approval",
            "[e] Edit again",
            "[?] Details",
            "[b] Back",
        ],
        EditCheck::Refused => &["[e] Edit again", "[b] Back"],
    };
    prompt(parts)
}

/// The widest line of a prompt.
const COLUMNS: usize = 78;

/// Joins the choices of a prompt, on more lines if one is too short.
fn prompt(parts: &[impl AsRef<str>]) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for part in parts {
        let part = part.as_ref();
        let width = part.chars().count() + 3;
        if used == 0 || used + width > COLUMNS {
            out.push_str(if used == 0 { "  " } else { "\n  " });
            used = 2 + width - 3;
        } else {
            out.push_str("   ");
            used += width;
        }
        out.push_str(part);
    }
    out.push_str(" > ");
    out
}
