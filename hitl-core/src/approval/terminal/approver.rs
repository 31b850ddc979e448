//! An approver that asks the person at the terminal.

use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::Timestamp;
use hitl_base::display::visible;

use super::card::{card, preview};
use super::conversation::{Answer, ask_answer};
use super::edit::{CheckedEdit, EditVerdict, Edited, edit_arguments};
use super::reply::Menu;
use super::tty::{Dialog, Terminal};
use crate::approval::{
    ApprovalRequest, Approver, DecisionChannel, DetailLevel, MaskSupport, Review,
};
use crate::call::Principal;
use crate::gate::{EarlierCalls, MaskSelection, ReviewAccess};

/// An approver that asks the person at the terminal, in whose name the host has started this
/// process.
///
/// It shows the request on standard error and reads the answer from standard input. It offers what
/// the request allows: `a` approves, `e` edits the arguments, `r` rejects, `m` answers the model
/// instead, and `x` stops the run. `?` shows everything, `u` uncovers what redaction masks (the
/// audit records it), and `s` leaves the request to the next approver or the queue. Enter alone
/// decides nothing. To approve a deletion, its name has to be typed; a request with a
/// [caution](crate::approval::Caution) takes a second key. Below the request are the calls of its
/// run before it.
///
/// Arguments are edited in the person's [`Editor`](super::Editor) as JSON, or, without one, line by
/// line as `name=value`. The gate checks them, and the changes are shown before they are sent.
///
/// Without a terminal, or at the end of the input, the result is [`Review::NoAnswer`] at once.
/// Where nothing is decided, a line on standard error names the call and the command that decides
/// it. Several questions are asked one after the other; a question that is withdrawn (by a time-out
/// or a decision elsewhere) does not consume the answer to the next one.
///
/// ```
/// use std::time::Duration;
/// use hitl::approval::{ApproverExt as _, TerminalApprover};
///
/// let approver = TerminalApprover::new("ann").timeout(Duration::from_secs(60));
/// # let _ = approver;
/// ```
#[derive(Clone)]
pub struct TerminalApprover {
    principal: Principal,
    terminal: Terminal,
}

impl TerminalApprover {
    /// Creates an approver that decides in the name of `principal`. The host vouches that the
    /// person at the terminal is this person.
    pub fn new(principal: impl Into<Principal>) -> Self {
        Self { principal: principal.into(), terminal: Terminal::new() }
    }

    /// Asks on this terminal, with the host's actions [around](Terminal::around) a question.
    #[must_use]
    pub fn on(mut self, terminal: Terminal) -> Self {
        self.terminal = terminal;
        self
    }

    async fn converse(
        &self,
        dialog: &mut Dialog,
        request: &ApprovalRequest,
        access: Option<&ReviewAccess>,
    ) -> Option<Review> {
        let ink = dialog.ink();
        dialog.show_folded(&format!("\n{}", card(request, Timestamp::now(), ink)));
        show_earlier(dialog, access).await;
        loop {
            let draft = match ask_answer(dialog, request, Menu::Single).await? {
                Answer::Approve { .. } => request.approve(),
                Answer::Edit => match self.edit(dialog, request, access).await? {
                    Edited::Patch { patch, preview: Some(preview) } => {
                        request.edit(patch).previewed(&preview)
                    }
                    Edited::Patch { patch, preview: None } => request.edit(patch),
                    Edited::Nothing => continue,
                },
                Answer::Reject { reason } => request.reject(reason),
                Answer::Respond { message } => request.respond(message),
                Answer::Abort { reason } => request.abort(reason),
                Answer::Details => {
                    dialog.show_folded(&preview(request, Timestamp::now(), ink));
                    continue;
                }
                Answer::Uncover => {
                    self.uncover(dialog, access).await;
                    continue;
                }
                Answer::Skip | Answer::Quit => return Some(Review::NoAnswer),
            };
            return Some(Review::Decided(
                draft.through(DecisionChannel::TERMINAL).by(self.principal.clone()),
            ));
        }
    }

    /// Lets the person edit the arguments; the gate checks each edit before it is sent.
    async fn edit(
        &self,
        dialog: &mut Dialog,
        request: &ApprovalRequest,
        access: Option<&ReviewAccess>,
    ) -> Option<Edited> {
        let ink = dialog.ink();
        let check = |patch: String| async move {
            let Some(access) = access else { return EditVerdict::Unchecked };
            match access.preview_edit(self.principal.clone(), patch).await {
                Ok(preview) => {
                    let checked = CheckedEdit::previewed(preview, Timestamp::now(), ink);
                    EditVerdict::Checked(Box::new(checked))
                }
                Err(error) => EditVerdict::Refused(error.to_string()),
            }
        };
        edit_arguments(dialog, request, check).await
    }
}

/// Shows the calls of the request's run before it, as they are now. A list that cannot be read says
/// so: it is no empty one.
async fn show_earlier(dialog: &Dialog, access: Option<&ReviewAccess>) {
    let Some(access) = access else { return };
    match access.earlier_calls(EarlierCalls::SHOWN).await {
        Ok(earlier) => {
            let text = earlier.to_text();
            if !text.is_empty() {
                dialog.show_folded(&format!("earlier in this run:\n{text}"));
            }
        }
        Err(error) => {
            let why = visible(&error.to_string()).into_owned();
            dialog.show_folded(&format!("earlier in this run: cannot be read: {why}\n"));
        }
    }
}

impl TerminalApprover {
    /// Shows the request with its masks uncovered, or why that is not possible.
    async fn uncover(&self, dialog: &mut Dialog, access: Option<&ReviewAccess>) {
        let Some(access) = access else {
            return dialog.show("  It cannot be uncovered here.\n");
        };
        match access.places(self.principal.clone(), MaskSelection::All).await {
            Ok(uncovered) => {
                let ink = dialog.ink();
                let rendered = uncovered.render(Timestamp::now(), DetailLevel::Full);
                let text = rendered.to_text_in(|tone, text| ink.paint(tone, text));
                dialog.show_folded(&format!("\n{text}"));
            }
            Err(error) => {
                dialog.show(&format!("  Not uncovered: {}\n", visible(&error.to_string())));
            }
        }
    }

    async fn ask(&self, request: &ApprovalRequest, access: Option<&ReviewAccess>) -> Review {
        let review = self.ask_here(request, access).await;
        if !matches!(review, Review::Decided(_)) {
            let how = how_to_decide(request, access);
            self.terminal.show(&format!("  not decided; it waits for a decision: {how}\n"));
        }
        review
    }

    async fn ask_here(&self, request: &ApprovalRequest, access: Option<&ReviewAccess>) -> Review {
        // A request that cannot be shown here is decided elsewhere.
        if access.is_none() && request.needs_uncovering() {
            return Review::NoAnswer;
        }
        let Some(mut dialog) = self.terminal.open().await else { return Review::NoAnswer };
        dialog.set_withdrawal_note(format!(
            "(the question was withdrawn; if the call still waits: {})",
            how_to_decide(request, access)
        ));
        self.converse(&mut dialog, request, access).await.unwrap_or(Review::NoAnswer)
    }
}

/// Returns how a request is decided elsewhere.
fn how_to_decide(request: &ApprovalRequest, access: Option<&ReviewAccess>) -> String {
    match access {
        Some(access) => access.how_to_decide(request),
        None => format!("hitl approve {}", request.id),
    }
}

impl Approver for TerminalApprover {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        self.ask(request, None).boxed()
    }

    fn mask_support(&self) -> MaskSupport {
        MaskSupport::Uncovers
    }

    fn review_with<'a>(
        &'a self,
        request: &'a ApprovalRequest,
        access: &'a ReviewAccess,
    ) -> BoxFuture<'a, Review> {
        self.ask(request, Some(access)).boxed()
    }
}

impl fmt::Debug for TerminalApprover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TerminalApprover({})", self.principal)
    }
}
