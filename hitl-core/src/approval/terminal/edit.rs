//! The part of a dialog in which a person edits arguments: they are changed in the person's editor
//! or line by line, checked by the gate, and shown again before anything is sent.

use hitl_base::display::visible;
use hitl_base::json::{difference, parse_json, pretty};
use hitl_base::{Json, JsonText, Timestamp};

use super::assignment::assign;
use super::card;
use super::color::ColorMode;
use super::reply::{EditCheck, EditReply, edit_question, read_edit};
use super::tty::Dialog;
use crate::approval::{ApprovalRequest, ArgumentChange};
use crate::gate::EditPreview;
use crate::machine::CallState;

/// The result of editing.
#[derive(Clone, Debug)]
// Exhaustive: a surface handles each.
pub enum Edited {
    /// The person sends this edit.
    Patch {
        /// The JSON merge patch.
        patch: String,
        /// The result that they were shown, if a gate has checked it here: name it in the
        /// decision ([`previewed`](crate::approval::DecisionDraft::previewed)).
        preview: Option<Box<EditPreview>>,
    },
    /// Nothing is sent: the request is asked about as it is.
    Nothing,
}

/// An edit that was checked where the call is, and what it leads to.
#[derive(Clone, Debug)]
pub struct CheckedEdit {
    changes: Vec<String>,
    state: CallState,
    details: Option<String>,
    preview: Option<Box<EditPreview>>,
}

impl CheckedEdit {
    /// Describes an edit by its changes, one a line and safe to show, and by the state that the
    /// call would have: approved, or pending if somebody still has to approve it.
    pub fn new(changes: Vec<String>, state: CallState) -> Self {
        Self { changes, state, details: None, preview: None }
    }

    /// Adds the card that the call would have, as text that is safe to show.
    #[must_use]
    pub fn with_details(mut self, card: String) -> Self {
        self.details = Some(card);
        self
    }

    /// Describes an edit that a gate has checked at `now`.
    pub fn previewed(preview: EditPreview, now: Timestamp, ink: ColorMode) -> Self {
        let changes = preview.changes.iter().map(ToString::to_string).collect();
        let details = card::preview(&preview.request, now, ink);
        let new = Self::new(changes, preview.state).with_details(details);
        Self { preview: Some(Box::new(preview)), ..new }
    }

    /// Describes an edit that nobody has checked: it is checked when it is sent.
    fn unchecked(before: &Json, after: &Json) -> Self {
        let changes = ArgumentChange::between(&JsonText::from(before), &JsonText::from(after));
        let changes = changes.iter().map(ToString::to_string).collect();
        Self::new(changes, CallState::Approved)
    }
}

/// The verdict on an edit, of the place where its call is.
#[derive(Clone, Debug)]
// Exhaustive: every caller answers one of these.
pub enum EditVerdict {
    /// It has this result.
    Checked(Box<CheckedEdit>),
    /// It is refused, for this reason.
    Refused(String),
    /// It is checked only when it is sent.
    Unchecked,
}

/// A text that a person has edited, and the arguments that it says.
enum Draft {
    Arguments(Json),
    /// It is not JSON, for this reason. It is kept, so that the person can correct it.
    Broken(String, String),
}

/// Lets a person edit the arguments of a request, in their editor or line by line. `check` gets
/// each edit as a JSON merge patch, and its result is shown before anything is sent. Returns `None`
/// if the input has ended.
///
/// Cancel safe: dropping the future withdraws the question.
pub async fn edit_arguments<F: Future<Output = EditVerdict>>(
    dialog: &mut Dialog,
    request: &ApprovalRequest,
    check: impl Fn(String) -> F,
) -> Option<Edited> {
    let Ok(before) = request.arguments.tree() else {
        dialog.show("  These arguments cannot be edited here.\n");
        return Some(Edited::Nothing);
    };
    let mut text = pretty(&before);
    loop {
        let draft = take_draft(dialog, &before, &text).await?;
        let (offered, patch, checked) = match draft {
            Draft::Broken(broken, why) => {
                dialog.show(&format!("  This is not JSON: {}\n", visible(&why)));
                text = broken;
                (EditCheck::Refused, String::new(), None)
            }
            Draft::Arguments(after) => {
                text = pretty(&after);
                match difference(&before, &after) {
                    Ok(None) => {
                        dialog.show("  Nothing was changed.\n");
                        return Some(Edited::Nothing);
                    }
                    Ok(Some(patch)) => {
                        let patch = patch.to_text();
                        let result = match check(patch.clone()).await {
                            EditVerdict::Checked(checked) => Ok(checked),
                            EditVerdict::Refused(why) => Err(why),
                            EditVerdict::Unchecked => {
                                Ok(Box::new(CheckedEdit::unchecked(&before, &after)))
                            }
                        };
                        let (offered, checked) = show_result(dialog, result);
                        (offered, patch, checked)
                    }
                    Err(null) => {
                        dialog.show(&format!("  Not possible: {null}.\n"));
                        (EditCheck::Refused, String::new(), None)
                    }
                }
            }
        };
        loop {
            let line = dialog.ask(&edit_question(offered)).await?;
            match read_edit(&line, offered) {
                EditReply::Send => {
                    let preview = checked.and_then(|checked| checked.preview);
                    return Some(Edited::Patch { patch, preview });
                }
                EditReply::EditAgain => break,
                EditReply::Details => show_details(dialog, checked.as_deref()),
                EditReply::Back => return Some(Edited::Nothing),
                EditReply::Unclear => dialog.show("  Type one of the letters, then Enter.\n"),
            }
        }
    }
}

/// Takes the edited arguments: from the person's editor if they have one and it works, or line by
/// line.
async fn take_draft(dialog: &mut Dialog, before: &Json, text: &str) -> Option<Draft> {
    match dialog.edit(text).await {
        Some(Ok(saved)) => {
            return Some(match parse_json(&saved) {
                Ok(arguments) => Draft::Arguments(arguments),
                Err(error) => Draft::Broken(saved, error.reason()),
            });
        }
        Some(Err(error)) => {
            dialog.show(&format!("  No change: {}.\n", visible(&error.to_string())));
        }
        None => {}
    }
    let mut arguments = parse_json(text).unwrap_or_else(|_| before.clone());
    dialog.show("  Type name=value for each change, like amount=500; then Enter alone.\n");
    loop {
        let line = dialog.ask("  change > ").await?;
        if line.trim().is_empty() {
            return Some(Draft::Arguments(arguments));
        }
        match assign(&arguments, &line) {
            Ok(changed) => arguments = changed,
            Err(why) => dialog.show(&format!("  {why}\n")),
        }
    }
}

/// Shows the changes of an edit, or why it is refused; returns what is offered then.
fn show_result(
    dialog: &Dialog,
    result: Result<Box<CheckedEdit>, String>,
) -> (EditCheck, Option<Box<CheckedEdit>>) {
    match result {
        Ok(checked) => {
            let lines: Vec<String> =
                checked.changes.iter().map(|change| format!("              {change}\n")).collect();
            dialog.show_folded(&format!("  changes\n{}", lines.concat()));
            let offered = match checked.state {
                CallState::Approved => EditCheck::Approves,
                _ => EditCheck::Waits,
            };
            (offered, Some(checked))
        }
        Err(why) => {
            dialog.show_folded(&format!("  Not possible: {}\n", visible(&why)));
            (EditCheck::Refused, None)
        }
    }
}

/// Shows the whole request that results.
fn show_details(dialog: &Dialog, checked: Option<&CheckedEdit>) {
    match checked.and_then(|checked| checked.details.as_deref()) {
        Some(details) => dialog.show_folded(details),
        None => dialog.show("  The changes are all that is known here.\n"),
    }
}
