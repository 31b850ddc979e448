//! An approver that asks the person at the terminal.

use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::Timestamp;
use hitl_base::display::{fold, visible};

use super::card::{card, preview};
use super::reply::{Reply, question, read};
use super::tty::{Dialog, Terminal};
use crate::approval::{ApprovalRequest, Approver, DetailLevel, MaskSupport, Review};
use crate::call::Principal;
use crate::gate::{MaskSelection, Uncoverer};

/// An approver that asks the person at the terminal, in whose name the host has started this
/// process.
///
/// It shows the request on standard error and reads the answer from standard input: `a` approves,
/// `r` rejects and asks for a reason, `?` shows everything, `u` uncovers what redaction masks (the
/// audit records it), `s` leaves it to the next approver or the queue. Enter alone decides nothing.
/// Without a terminal, or at the end of the input, the result is [`Review::NoAnswer`] at once.
/// Several questions are asked one after the other; a question that is withdrawn (by a time-out or
/// a decision elsewhere) does not consume the answer to the next one.
///
/// ```
/// use std::time::Duration;
/// use hitl_core::approval::{ApproverExt as _, TerminalApprover};
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
        uncover: Option<&Uncoverer>,
    ) -> Option<Review> {
        let ink = dialog.ink();
        show(dialog, &format!("\n{}", card(request, Timestamp::now(), ink)));
        loop {
            let line = dialog.ask(&question(request)).await?;
            match read(&line, request) {
                Reply::Approve => {
                    return Some(Review::Decided(request.approve().by(self.principal.clone())));
                }
                Reply::Reject(reason) => {
                    let reason = match reason {
                        Some(reason) => reason,
                        None => ask_reason(dialog, request).await?,
                    };
                    return Some(Review::Decided(
                        request.reject(reason).by(self.principal.clone()),
                    ));
                }
                Reply::Details => show(dialog, &preview(request, Timestamp::now(), ink)),
                Reply::Uncover => self.uncover(dialog, uncover).await,
                Reply::Skip => return Some(Review::NoAnswer),
                Reply::Unclear => dialog.show("  Type one of the letters, then Enter.\n"),
            }
        }
    }
}

impl TerminalApprover {
    /// Shows the request with its masks uncovered, or why that is not possible.
    async fn uncover(&self, dialog: &mut Dialog, uncover: Option<&Uncoverer>) {
        let Some(uncover) = uncover else {
            return dialog.show("  It cannot be uncovered here.\n");
        };
        match uncover.places(self.principal.clone(), MaskSelection::All).await {
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

    async fn ask(&self, request: &ApprovalRequest, uncover: Option<&Uncoverer>) -> Review {
        // A request that cannot be shown here is decided elsewhere.
        if uncover.is_none() && request.needs_uncovering() {
            return Review::NoAnswer;
        }
        let Some(mut dialog) = self.terminal.open().await else { return Review::NoAnswer };
        self.converse(&mut dialog, request, uncover).await.unwrap_or(Review::NoAnswer)
    }
}

/// The minimum width of a terminal: lines are wrapped here, so that the terminal wraps none.
const COLUMNS: usize = 80;

/// Shows a card on lines of its own.
fn show(dialog: &mut Dialog, text: &str) {
    dialog.show(&fold(text, COLUMNS));
}

/// Asks until there is a reason, if one is needed.
async fn ask_reason(dialog: &mut Dialog, request: &ApprovalRequest) -> Option<String> {
    let question =
        if request.requires_reason { "  Reason (needed): " } else { "  Reason (Enter for none): " };
    loop {
        let reason = dialog.ask(question).await?.trim().to_owned();
        if !reason.is_empty() || !request.requires_reason {
            return Some(reason);
        }
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
        uncover: &'a Uncoverer,
    ) -> BoxFuture<'a, Review> {
        self.ask(request, Some(uncover)).boxed()
    }
}

impl fmt::Debug for TerminalApprover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TerminalApprover({})", self.principal)
    }
}
