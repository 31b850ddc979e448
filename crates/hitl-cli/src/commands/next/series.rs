//! The loop of `hitl next`: shows a call, asks, decides exactly what was shown, and goes to the
//! next.

use hitl_base::Timestamp;
use hitl_base::display::visible;
use hitl_core::EditPreview;
use hitl_core::approval::terminal::{
    Answer, Dialog, Edited, Menu, Terminal, ask_answer, edit_arguments,
};

use super::super::Output;
use super::super::decide::Reply;
use super::desk::{Desk, Shown, Wanted};
use super::tally::{End, Step, Tally};
use crate::args::{BackendArgs, NextArgs};
use crate::backend::Backend;
use crate::exit::{Exit, Failure};
use crate::view::{CallLine, card_text, state_line};

pub(in crate::commands) async fn run(
    backend: &BackendArgs,
    wanted: NextArgs,
    output: &Output,
) -> Result<(), Failure> {
    let terminal = Terminal::new();
    if !terminal.is_attended() {
        return Err(Failure::usage(
            "`next` asks a person at a terminal; a script uses `queue --json`, and `approve ID \
             --binding DIGITS`",
        ));
    }
    let source = Backend::open(backend, wanted.who.audit.as_deref()).await?;
    let NextArgs { filter, order, who } = wanted;
    let mut desk = Desk::open(&source, backend, who, Wanted { filter, order }).await?;
    let gone = || Failure::usage("there is no terminal to ask at");
    let mut dialog = terminal.open().await.ok_or_else(gone)?;
    let mut tally = Tally::default();
    let ended = series(&mut desk, &mut dialog, &mut tally).await;
    tally.end(*ended.as_ref().unwrap_or(&End::Failed));
    output.print(&tally, || tally.text())?;
    ended.map(drop)
}

/// Asks about one call after the other. What was done is in the tally, also if it fails.
async fn series(
    desk: &mut Desk<'_>,
    dialog: &mut Dialog,
    tally: &mut Tally,
) -> Result<End, Failure> {
    loop {
        let Some(mut shown) = desk.next(tally.passed()).await? else {
            return Ok(End::NothingLeft);
        };
        let (id, binding) = (shown.card.request.id, shown.card.request.binding);
        let left = visit(desk, dialog, &mut shown).await;
        desk.leave();
        match left? {
            Left::Decided(step, line) => {
                dialog.show_folded(&format!("  {}\n", state_line(&line, Timestamp::now())));
                tally.decided(step, *line);
            }
            Left::Undecided(step) => tally.count(step),
            Left::Quit => return Ok(End::Quit),
        }
        tally.pass(id, binding);
        // What is no longer audited is no longer decided.
        desk.check_audited()?;
    }
}

/// How a person left a call.
enum Left {
    Decided(Step, Box<CallLine>),
    /// Nothing was decided here.
    Undecided(Step),
    Quit,
}

/// Shows a call, and asks until it is decided or left.
async fn visit(
    desk: &mut Desk<'_>,
    dialog: &mut Dialog,
    shown: &mut Shown,
) -> Result<Left, Failure> {
    desk.record_shown(shown).await?;
    let text = card_text(&shown.card, desk.screen());
    dialog.show_folded(&format!("\n{text}\n"));
    loop {
        let Some(answer) = ask_answer(dialog, &shown.card.request, Menu::Series).await else {
            return Ok(Left::Quit);
        };
        let mut preview = None;
        let reply = match answer {
            Answer::Approve { confirm } => Reply::Approve { confirm },
            Answer::Edit => match edit(desk, dialog, shown).await? {
                EditEnd::Send(patch, checked) => {
                    preview = checked;
                    Reply::Edit { patch: Some(patch) }
                }
                EditEnd::Back => continue,
                EditEnd::Ended => return Ok(Left::Quit),
            },
            Answer::Reject { reason } => Reply::Reject { reason, may_ask_again: false },
            Answer::Respond { message } => Reply::Respond { message },
            Answer::Abort { reason } => Reply::Abort { reason },
            Answer::Details => {
                dialog.show_folded(&format!("\n{text}\n"));
                continue;
            }
            Answer::Uncover => {
                match desk.uncover(shown).await {
                    Ok(text) => dialog.show_folded(&format!("\n{text}\n")),
                    Err(failure) => say(dialog, "not uncovered", &failure),
                }
                continue;
            }
            Answer::Skip => return Ok(Left::Undecided(Step::Skipped)),
            Answer::Quit => return Ok(Left::Quit),
        };
        let step = Step::of(&reply);
        match desk.decide(shown, reply, preview).await {
            Ok(line) => return Ok(Left::Decided(step, Box::new(line))),
            Err(failure) => match failure.exit {
                Exit::Conflict | Exit::NotFound => {
                    say(dialog, "nothing was decided here", &failure);
                    if let Some(line) = desk.ended(shown).await {
                        dialog.show_folded(&format!("  {}\n", state_line(&line, Timestamp::now())));
                    }
                    return Ok(Left::Undecided(Step::Overtaken));
                }
                // The person, or their words, were refused: another answer may be right.
                Exit::Refused | Exit::Usage => say(dialog, "not decided", &failure),
                _ => return Err(failure),
            },
        }
    }
}

/// The end of an edit.
enum EditEnd {
    /// Has the patch, and what the person was shown of its result.
    Send(String, Option<Box<EditPreview>>),
    Back,
    /// The input has ended.
    Ended,
}

async fn edit(
    desk: &mut Desk<'_>,
    dialog: &mut Dialog,
    shown: &mut Shown,
) -> Result<EditEnd, Failure> {
    match desk.begin_edit(shown).await {
        Ok(()) => {}
        Err(failure) if failure.exit == Exit::Refused => {
            say(dialog, "not edited", &failure);
            return Ok(EditEnd::Back);
        }
        Err(failure) => return Err(failure),
    }
    let ink = dialog.ink();
    let (desk, shown) = (&*desk, &*shown);
    let check = |patch| desk.check_edit(shown, patch, ink);
    Ok(match edit_arguments(dialog, &shown.card.request, check).await {
        Some(Edited::Patch { patch, preview }) => EditEnd::Send(patch, preview),
        Some(Edited::Nothing) => EditEnd::Back,
        None => EditEnd::Ended,
    })
}

/// Shows why something was not done.
fn say(dialog: &Dialog, what: &str, failure: &Failure) {
    dialog.show_folded(&format!("  {what}: {}\n", visible(&failure.message)));
}
