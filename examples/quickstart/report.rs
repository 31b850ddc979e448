//! Calls, outcomes and counts, in readable form.

use std::fmt::Write as _;
use std::path::Path;

use hitl::approval::terminal::Style;
use hitl::display::{clip, shell_word, visible};
use hitl::gate::Receipt;
use hitl::{CallKey, Outcome, Verdict};

use crate::screen::Screen;
use crate::tally::Summary;

/// Prints one call as it was routed: level, confidence, the factors, and its state.
pub(crate) fn routed(screen: &Screen, receipt: &Receipt, standing: &str) {
    let (level, style) = match &receipt.verdict {
        Verdict::Run => ("auto".to_owned(), Style::Faint),
        Verdict::Ask(level) => (level.to_string(), Style::Warning),
        Verdict::Deny(_) => ("denied".to_owned(), Style::Bad),
    };
    let assessment = &receipt.assessment;
    screen.line(format!(
        "{} {} {:>3}  {}  {standing}{}",
        place(&receipt.key),
        screen.paint(style, &format!("{level:<6}")),
        assessment.confidence,
        visible(&receipt.title),
        if receipt.reattached { " (found again)" } else { "" },
    ));
    if !assessment.factors.is_empty() {
        let mut sum = format!("{} base", assessment.base);
        for factor in &assessment.factors {
            let (name, why) = (visible(&factor.name), visible(&factor.reasoning));
            // Writing to a String cannot fail.
            let _ = write!(sum, ", {:+} {name} ({why})", factor.adjustment);
        }
        note(screen, &sum);
    }
    for reason in &receipt.reasons {
        note(screen, &format!("raised: {}", visible(reason)));
    }
}

/// Prints a call that the gate refused before it had a verdict.
pub(crate) fn refused(screen: &Screen, key: &CallKey, tool: &str, why: &str) {
    let level = screen.paint(Style::Bad, "denied");
    let tool = visible(&clip(tool, 64)).into_owned();
    screen.line(format!("{} {level}   -  {tool}  {}", place(key), visible(&clip(why, 300))));
}

/// Describes the end of a call in a few words.
pub(crate) fn outcome(screen: &Screen, outcome: &Outcome) -> String {
    let (style, text) = match outcome {
        Outcome::Executed(_) => (Style::Good, "executed".to_owned()),
        Outcome::Failed(failure) => (Style::Bad, format!("failed: {}", failure.message)),
        Outcome::Rejected { reason: Some(reason) } => (Style::Bad, format!("rejected: {reason}")),
        Outcome::Rejected { reason: None } => (Style::Bad, "rejected".to_owned()),
        Outcome::Responded { message } => (Style::Warning, format!("answered: {message}")),
        Outcome::Expired => (Style::Bad, "expired".to_owned()),
        Outcome::Cancelled { reason } => (Style::Bad, format!("cancelled: {reason}")),
        Outcome::Aborted { reason } => (Style::Bad, format!("the run was stopped: {reason}")),
        Outcome::Denied { reason } => (Style::Bad, format!("denied: {reason}")),
        Outcome::OutcomeUnknown(_) => {
            (Style::Bad, "was started, and how it ended is not known".to_owned())
        }
        _ => (Style::Warning, "over".to_owned()),
    };
    format!("→ {}", screen.paint(style, &visible(&clip(&text, 200))))
}

/// Prints the summary.
pub(crate) fn summary(screen: &Screen, summary: &Summary) {
    let Summary { calls, auto, quick, full, denied, .. } = summary;
    screen.line("");
    screen.line(screen.paint(Style::Strong, &format!("{calls} calls")));
    screen.line(format!("  routed  {auto} auto, {quick} quick, {full} full, {denied} denied"));
    let states = [
        (summary.executed, "executed"),
        (summary.failed, "failed"),
        (summary.rejected, "rejected"),
        (summary.pending, "pending"),
        (summary.unknown, "unknown"),
        (summary.cancelled, "cancelled"),
        (summary.expired, "expired"),
        (*denied, "denied"),
    ];
    let states = states.iter().filter(|(count, _)| *count > 0);
    let states: Vec<String> = states.map(|(count, name)| format!("{count} {name}")).collect();
    if !states.is_empty() {
        screen.line(format!("  now     {}", states.join(", ")));
    }
    if summary.reattached > 0 {
        screen.line(format!("  found   {} again, and started none twice", summary.reattached));
    }
    if summary.mistakes > 0 {
        screen.line(format!(
            "  of the {} calls that were mistakes, {} ran without a human",
            summary.mistakes, summary.mistakes_unseen
        ));
    }
    if summary.unknown > 0 {
        let why = "a process ended while it ran them; a human must look and settle them";
        screen.line(format!("  {} with an unknown outcome: {why}", summary.unknown));
    }
}

/// Returns the commands that come next, as a shell takes them: the same queue with the program
/// `hitl`.
pub(crate) fn next_steps(summary: &Summary, db: &Path, audit: &Path) -> String {
    let word = |path: &Path| shell_word(&path.display().to_string()).into_owned();
    let mut out = String::from(
        "\nnext, with the program hitl (cargo install --git https://github.com/hitl-rs/hitl hitl-cli):\n",
    );
    let mut add = |command: &str, what: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {command:<38} # {what}");
    };
    add(&format!("export HITL_DB={}", word(db)), "the queue of this example");
    if summary.pending > 0 {
        add("hitl queue", "what waits, the most urgent first");
        add("hitl approve ID", "shows one call, and asks you");
    } else {
        add("hitl queue --state executed", "what has run");
    }
    if summary.unknown > 0 {
        add("hitl queue --state outcomeUnknown", "calls that you settle: hitl resolve ID");
    }
    add("hitl stats", "rates, and times to a decision");
    add(&format!("hitl audit verify {}", word(audit)), "nobody has changed the log");
    out.trim_end().to_owned()
}

pub(crate) fn note(screen: &Screen, text: &str) {
    screen.line(screen.paint(Style::Faint, &format!("{:22}{text}", "")));
}

fn place(key: &CallKey) -> String {
    format!("{:<18} {:>2}", visible(&clip(key.run.as_str(), 40)), key.position)
}
