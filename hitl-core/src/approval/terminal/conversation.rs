//! The question about one request, until a person has given one answer that the request allows.

use hitl_base::display::{clip, visible};

use super::reply::{Menu, Reply, confirms, question, read, second_question};
use super::tty::Dialog;
use crate::approval::ApprovalRequest;

/// The answer of a person about a request, or their wish to see more first.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: a surface handles each.
pub enum Answer {
    /// Run it. The second step that its [cautions](crate::approval::Caution) take was taken.
    Approve {
        /// The name of what is deleted, as it was typed; for deletions.
        confirm: Option<String>,
    },
    /// Change its arguments: see [`edit_arguments`](super::edit_arguments).
    Edit,
    /// Do not run it.
    Reject {
        /// The reason; empty only if the request requires none.
        reason: String,
    },
    /// Answer the model instead of running it.
    Respond {
        /// The answer.
        message: String,
    },
    /// Do not run it, and stop the run.
    Abort {
        /// The reason.
        reason: String,
    },
    /// Show everything, and ask again.
    Details,
    /// Show what is masked, and ask again.
    Uncover,
    /// Leave it undecided.
    Skip,
    /// Leave it undecided, and end the series. Only from [`Menu::Series`].
    Quit,
}

/// Asks about a request whose card is already shown, until the answer is clear and complete: a
/// rejection has its reason, a deletion its name, and a request with a caution its second step.
/// Returns `None` if the input has ended, which decides nothing.
///
/// Cancel safe: dropping the future withdraws the question.
pub async fn ask_answer(
    dialog: &mut Dialog,
    request: &ApprovalRequest,
    menu: Menu,
) -> Option<Answer> {
    loop {
        let line = dialog.ask(&question(request, menu)).await?;
        return Some(match read(&line, request, menu) {
            Reply::Approve => match confirm(dialog, request).await? {
                Confirmed::Yes(confirm) => Answer::Approve { confirm },
                Confirmed::No => continue,
            },
            Reply::Edit => Answer::Edit,
            Reply::Reject(Some(reason)) => Answer::Reject { reason },
            Reply::Reject(None) => {
                let needed = if request.requires_reason { Text::Needed } else { Text::Optional };
                Answer::Reject { reason: ask_text(dialog, "Reason", needed).await? }
            }
            Reply::Respond(Some(message)) => Answer::Respond { message },
            Reply::Respond(None) => {
                let message = ask_text(dialog, "Answer to the model", Text::Needed).await?;
                Answer::Respond { message }
            }
            Reply::Abort(Some(reason)) => Answer::Abort { reason },
            Reply::Abort(None) => {
                let why = "Reason to stop the run, and every call of it that waits";
                Answer::Abort { reason: ask_text(dialog, why, Text::Needed).await? }
            }
            Reply::Details => Answer::Details,
            Reply::Uncover => Answer::Uncover,
            Reply::Skip => Answer::Skip,
            Reply::Quit => Answer::Quit,
            Reply::Unclear => {
                dialog.show("  Type one of the letters, then Enter.\n");
                continue;
            }
        });
    }
}

/// The most characters of a name in a question. The card shows all of it.
const MAX_NAME: usize = 60;

/// The need for a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Needed,
    Optional,
}

/// Asks for a text, until there is one if it is needed.
async fn ask_text(dialog: &mut Dialog, what: &str, need: Text) -> Option<String> {
    let hint = if need == Text::Needed { "needed" } else { "Enter for none" };
    loop {
        let text = dialog.ask(&format!("  {what} ({hint}): ")).await?.trim().to_owned();
        if !text.is_empty() || need == Text::Optional {
            return Some(text);
        }
    }
}

/// The answer of a person who was asked to confirm an approval.
enum Confirmed {
    /// Has what was typed, for a deletion.
    Yes(Option<String>),
    No,
}

/// Asks for the second step of an approval: the name of what is deleted, or, where one key is too
/// little, a second one.
async fn confirm(dialog: &mut Dialog, request: &ApprovalRequest) -> Option<Confirmed> {
    if let Some(name) = request.confirmation() {
        let shown = clip(&visible(&name), MAX_NAME).into_owned();
        let question = format!("  To approve the deletion, type its name ({shown}): ");
        let typed = dialog.ask(&question).await?;
        if typed == name {
            return Some(Confirmed::Yes(Some(typed)));
        }
        dialog.show("  That is not its name; nothing was decided.\n");
        return Some(Confirmed::No);
    }
    let Some(question) = second_question(request) else { return Some(Confirmed::Yes(None)) };
    if confirms(&dialog.ask(&question).await?) {
        return Some(Confirmed::Yes(None));
    }
    dialog.show("  Nothing was decided.\n");
    Some(Confirmed::No)
}
