//! The part of a dialog in which a person edits arguments: they are changed in the person's editor
//! or line by line, checked by the gate, and shown again before anything is sent.

use hitl_base::display::visible;
use hitl_base::json::{difference, parse_json, pretty};
use hitl_base::{Json, JsonText, Timestamp};

use super::approver::show;
use super::assignment::assign;
use super::card::preview;
use super::reply::{EditCheck, EditReply, edit_question, read_edit};
use super::tty::Dialog;
use crate::approval::{ApprovalRequest, ArgumentChange};
use crate::call::Principal;
use crate::gate::{EditPreview, ReviewAccess};
use crate::machine::CallState;

/// The result of editing.
pub(super) enum Edited {
    /// The merge patch to send, and what the person was shown of its result.
    Patch(String, Option<Box<EditPreview>>),
    /// Nothing is sent: the request is asked about as it is.
    Nothing,
}

/// A text that a person has edited, and the arguments that it says.
enum Draft {
    Arguments(Json),
    /// It is not JSON, for this reason. It is kept, so that the person can correct it.
    Broken(String, String),
}

/// Lets a person edit the arguments of a request. Returns `None` if the input has ended.
pub(super) async fn edit(
    dialog: &mut Dialog,
    request: &ApprovalRequest,
    access: Option<&ReviewAccess>,
    by: &Principal,
) -> Option<Edited> {
    let Ok(before) = request.arguments.tree() else {
        dialog.show("  These arguments cannot be edited here.\n");
        return Some(Edited::Nothing);
    };
    let mut text = pretty(&before);
    loop {
        let draft = take_draft(dialog, &before, &text).await?;
        let (check, patch, preview) = match draft {
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
                        let (check, preview) =
                            check(dialog, (&before, &after), &patch, access, by).await;
                        (check, patch, preview)
                    }
                    Err(null) => {
                        dialog.show(&format!("  Not possible: {null}.\n"));
                        (EditCheck::Refused, String::new(), None)
                    }
                }
            }
        };
        loop {
            let line = dialog.ask(&edit_question(check)).await?;
            match read_edit(&line, check) {
                EditReply::Send => {
                    return Some(Edited::Patch(patch, preview.map(Box::new)));
                }
                EditReply::EditAgain => break,
                EditReply::Details => details(dialog, preview.as_ref()),
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

/// Checks an edit with the gate, and shows its changes, or why it is refused.
async fn check(
    dialog: &Dialog,
    (before, after): (&Json, &Json),
    patch: &str,
    access: Option<&ReviewAccess>,
    by: &Principal,
) -> (EditCheck, Option<EditPreview>) {
    let Some(access) = access else {
        // Without a gate, what was typed is shown; the gate checks it when it is sent.
        let changes = ArgumentChange::between(&JsonText::from(before), &JsonText::from(after));
        show_changes(dialog, &changes);
        return (EditCheck::Approves, None);
    };
    match access.preview_edit(by.clone(), patch).await {
        Ok(preview) => {
            show_changes(dialog, &preview.changes);
            let check = match preview.state {
                CallState::Approved => EditCheck::Approves,
                _ => EditCheck::Waits,
            };
            (check, Some(preview))
        }
        Err(error) => {
            show(dialog, &format!("  Not possible: {}\n", visible(&error.to_string())));
            (EditCheck::Refused, None)
        }
    }
}

fn show_changes(dialog: &Dialog, changes: &[ArgumentChange]) {
    let lines: Vec<String> =
        changes.iter().map(|change| format!("              {change}\n")).collect();
    show(dialog, &format!("  changes\n{}", lines.concat()));
}

/// Shows the whole request that results.
fn details(dialog: &Dialog, edited: Option<&EditPreview>) {
    match edited {
        Some(edited) => show(dialog, &preview(&edited.request, Timestamp::now(), dialog.ink())),
        None => dialog.show("  The changes are all that is known here.\n"),
    }
}
