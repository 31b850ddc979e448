//! The queue is reviewed at the end, and approved calls run.

use hitl::Timestamp;
use hitl::approval::DetailLevel;
use hitl::approval::terminal::{Dialog, Style, card, preview};
use hitl::display::{clip, visible};
use hitl::gate::MaskSelection;
use hitl::store::PageRequest;
use hitl::{ApprovalRequest, CallRecord, CallState, Decision, Gate, GateError, Tenant};

use crate::args::Decide;
use crate::interrupt::Interrupt;
use crate::report;
use crate::screen::Screen;

/// The name under which this process decides: set by the host, never by the model.
pub(crate) const REVIEWER: &str = "reviewer";
/// The reason that `--decide reject` gives.
pub(crate) const REASON: &str = "rejected by --decide reject";

/// The reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reviewer {
    /// The person at the terminal.
    Person,
    /// The rule of `--decide`.
    Rule(Decide),
}

/// Decides the pending calls, then runs the approved ones.
pub(crate) async fn review(
    gate: &Gate,
    screen: &Screen,
    by: Reviewer,
    interrupt: &Interrupt,
) -> Result<(), GateError> {
    let queue = pending(gate).await?;
    if queue.is_empty() || by == Reviewer::Rule(Decide::Leave) {
        return Ok(());
    }
    screen.line("");
    screen.line(screen.paint(Style::Strong, &format!("{} calls wait for a review", queue.len())));
    let approved = match by {
        Reviewer::Person => ask(gate, screen, queue, interrupt).await?,
        Reviewer::Rule(rule) => apply(gate, screen, queue, rule).await?,
    };
    for request in approved {
        // An approved call that has not begun runs when it is submitted again.
        if interrupt.has_happened() {
            break;
        }
        run(gate, screen, &request).await?;
    }
    Ok(())
}

/// Returns all pending calls, in the order of their creation.
async fn pending(gate: &Gate) -> Result<Vec<CallRecord>, GateError> {
    let (tenant, mut queue) = (Tenant::default(), Vec::<CallRecord>::new());
    loop {
        let mut page = PageRequest::new(&[CallState::Pending]).limit(1000);
        if let Some(last) = queue.last() {
            page = page.after(last.id());
        }
        let more = gate.unscoped().list(&tenant, page).await?;
        if more.is_empty() {
            return Ok(queue);
        }
        queue.extend(more);
    }
}

async fn apply(
    gate: &Gate,
    screen: &Screen,
    queue: Vec<CallRecord>,
    rule: Decide,
) -> Result<Vec<ApprovalRequest>, GateError> {
    let mut approved = Vec::new();
    for request in queue.into_iter().map(CallRecord::into_request) {
        match rule {
            Decide::Approve => {
                if decide(gate, screen, request.approve().by(REVIEWER)).await? {
                    approved.push(request);
                }
            }
            Decide::Reject => {
                if decide(gate, screen, request.reject(REASON).by(REVIEWER)).await? {
                    screen.line(format!("rejected  {}", shown(&request)));
                }
            }
            Decide::Leave => {}
        }
    }
    Ok(approved)
}

async fn ask(
    gate: &Gate,
    screen: &Screen,
    queue: Vec<CallRecord>,
    interrupt: &Interrupt,
) -> Result<Vec<ApprovalRequest>, GateError> {
    let mut approved = Vec::new();
    let Some(mut dialog) = screen.terminal().open().await else { return Ok(approved) };
    let total = queue.len();
    for (at, request) in queue.into_iter().map(CallRecord::into_request).enumerate() {
        let what = card(&request, Timestamp::now(), dialog.ink());
        dialog.show(&format!("\n{} of {total}  {what}", at + 1));
        let wish = tokio::select! {
            wish = wish(gate, &mut dialog, &request) => wish,
            () = interrupt.happened() => Wish::Quit,
        };
        match wish {
            Wish::Approve => {
                if decide(gate, screen, request.approve().by(REVIEWER)).await? {
                    approved.push(request);
                }
            }
            Wish::Reject(reason) => {
                decide(gate, screen, request.reject(reason).by(REVIEWER)).await?;
            }
            Wish::Skip => {}
            Wish::Quit => break,
        }
    }
    Ok(approved)
}

enum Wish {
    Approve,
    Reject(String),
    Skip,
    Quit,
}

async fn wish(gate: &Gate, dialog: &mut Dialog, request: &ApprovalRequest) -> Wish {
    let masked = request.needs_uncovering();
    let question = format!(
        "  [a] {}   [r] {}   [?] Details   {}[s] Skip   [q] Quit > ",
        visible(&request.approve_label),
        visible(&request.reject_label),
        if masked { "[u] Uncover   " } else { "" }
    );
    loop {
        let Some(line) = dialog.ask(&question).await else { return Wish::Quit };
        match line.trim() {
            "a" => return Wish::Approve,
            "r" => {
                let Some(reason) = dialog.ask("  Reason: ").await else { return Wish::Quit };
                if !reason.trim().is_empty() || !request.requires_reason {
                    return Wish::Reject(reason);
                }
                dialog.show("  This one needs a reason.\n");
            }
            "?" => dialog.show(&preview(request, Timestamp::now(), dialog.ink())),
            "u" if masked => match gate.uncover(request, REVIEWER, MaskSelection::All).await {
                Ok(uncovered) => {
                    let rendered = uncovered.render(Timestamp::now(), DetailLevel::Full);
                    dialog.show(&rendered.to_text());
                }
                Err(error) => dialog.show(&format!("  Not uncovered: {error}\n")),
            },
            "s" => return Wish::Skip,
            "q" => return Wish::Quit,
            _ => dialog.show("  Type one of the letters, then Enter.\n"),
        }
    }
}

/// Returns whether the decision was accepted. Another reviewer may have been first; then their
/// decision counts.
async fn decide(gate: &Gate, screen: &Screen, decision: Decision) -> Result<bool, GateError> {
    match gate.decide(decision).await {
        Ok(_) => Ok(true),
        Err(error) if error.current().is_some() => {
            screen.line(format!("not taken: {error}"));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Runs one approved call. If it can no longer run, that is printed, and the others continue.
async fn run(gate: &Gate, screen: &Screen, request: &ApprovalRequest) -> Result<(), GateError> {
    match gate.adopt(&request.key.tenant, request.id).await {
        Ok(outcome) => {
            screen.line(format!("{}  {}", shown(request), report::outcome(screen, &outcome)));
            Ok(())
        }
        Err(error) if error.store().is_none() => {
            screen.line(format!("{}  → not run: {error}", shown(request)));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn shown(request: &ApprovalRequest) -> String {
    let place = format!("{} {}", request.key.run.as_str(), request.key.position);
    format!("{:<21} {}", visible(&clip(&place, 48)), visible(&request.title))
}
