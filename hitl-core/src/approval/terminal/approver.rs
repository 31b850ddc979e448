//! An approver that asks the person at the terminal.

use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::Timestamp;
use hitl_base::display::{fold, visible};

use super::card::{card, preview};
use super::edit::{Edited, edit};
use super::reply::{Reply, question, read};
use super::tty::{Dialog, Terminal};
use crate::approval::{ApprovalRequest, Approver, DetailLevel, MaskSupport, Review};
use crate::call::Principal;
use crate::gate::{MaskSelection, ReviewAccess};

/// An approver that asks the person at the terminal, in whose name the host has started this
/// process.
///
/// It shows the request on standard error and reads the answer from standard input. It offers what
/// the request allows: `a` approves, `e` edits the arguments, `r` rejects, `m` answers the model
/// instead, and `x` stops the run. `?` shows everything, `u` uncovers what redaction masks (the
/// audit records it), and `s` leaves the request to the next approver or the queue. Enter alone
/// decides nothing. To approve a deletion, its name has to be typed.
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
        show(dialog, &format!("\n{}", card(request, Timestamp::now(), ink)));
        loop {
            let line = dialog.ask(&question(request)).await?;
            let draft = match read(&line, request) {
                Reply::Approve => match confirm(dialog, request).await? {
                    Confirmed::Yes => request.approve(),
                    Confirmed::No => continue,
                },
                Reply::Edit => match edit(dialog, request, access, &self.principal).await? {
                    Edited::Patch(patch, Some(preview)) => request.edit(patch).previewed(&preview),
                    Edited::Patch(patch, None) => request.edit(patch),
                    Edited::Nothing => continue,
                },
                Reply::Reject(Some(reason)) => request.reject(reason),
                Reply::Reject(None) => {
                    let needed =
                        if request.requires_reason { Text::Needed } else { Text::Optional };
                    request.reject(ask_text(dialog, "Reason", needed).await?)
                }
                Reply::Respond(Some(message)) => request.respond(message),
                Reply::Respond(None) => {
                    request.respond(ask_text(dialog, "Answer to the model", Text::Needed).await?)
                }
                Reply::Abort(Some(reason)) => request.abort(reason),
                Reply::Abort(None) => {
                    let why = "Reason to stop the run, and every call of it that waits";
                    request.abort(ask_text(dialog, why, Text::Needed).await?)
                }
                Reply::Details => {
                    show(dialog, &preview(request, Timestamp::now(), ink));
                    continue;
                }
                Reply::Uncover => {
                    self.uncover(dialog, access).await;
                    continue;
                }
                Reply::Skip => return Some(Review::NoAnswer),
                Reply::Unclear => {
                    dialog.show("  Type one of the letters, then Enter.\n");
                    continue;
                }
            };
            return Some(Review::Decided(draft.by(self.principal.clone())));
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
                show(dialog, &format!("\n{text}"));
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

/// The minimum width of a terminal: lines are wrapped here, so that the terminal wraps none.
const COLUMNS: usize = 80;

/// Shows a card on lines of its own.
pub(super) fn show(dialog: &Dialog, text: &str) {
    dialog.show(&fold(text, COLUMNS));
}

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
    Yes,
    No,
}

/// Asks for the name of what is deleted, if the request is a deletion.
async fn confirm(dialog: &mut Dialog, request: &ApprovalRequest) -> Option<Confirmed> {
    let Some(name) = request.confirmation() else { return Some(Confirmed::Yes) };
    let question = format!("  To approve the deletion, type its name ({name}): ");
    if dialog.ask(&question).await? == name {
        return Some(Confirmed::Yes);
    }
    dialog.show("  That is not its name; nothing was decided.\n");
    Some(Confirmed::No)
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
