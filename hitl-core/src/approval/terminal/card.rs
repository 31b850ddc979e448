//! A request as text for a terminal. Pure: the same request at the same time is the same text.

use std::fmt::Write as _;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};

use super::arguments::{Extent, write_arguments};
use super::ink::{Ink, Style};
use crate::approval::ApprovalRequest;
use crate::call::Risk;

/// Where the values of the card begin.
const COLUMN: usize = 14;
/// Cells of the confidence bar.
const CELLS: u8 = 20;
/// What a card shows of the arguments.
const SHORT: Extent = Extent { value: 160, items: 12 };
/// What a preview shows of them.
const LONG: Extent = Extent { value: 4_000, items: 200 };

/// What a person is shown before they decide: what would happen, who asks, how sure the gate is and
/// why it asks. Long arguments are clipped, and the clipping says so; [`preview`] shows more.
///
/// What the model wrote is labelled as such and shown visibly: it cannot move the cursor, hide, or
/// pass for a line of the card.
pub fn card(request: &ApprovalRequest, now: Timestamp, ink: Ink) -> String {
    let mut out = String::with_capacity(1024);
    head(&mut out, request, ink);
    confidence(&mut out, request, ink);
    for reason in &request.because {
        row(&mut out, "raised by", &visible(&clip(reason, 300)));
    }
    let asked = format!(
        "{}, in {}, call {}",
        visible(&clip(request.principal.as_str(), 80)),
        visible(&clip(request.key.run.as_str(), 80)),
        request.key.position
    );
    row(&mut out, "asked by", &asked);
    let due = format!(
        "{}, due {}, expires {}",
        priority(request),
        away(request.due_at, now),
        away(request.expires_at, now)
    );
    row(&mut out, "priority", &due);
    arguments(&mut out, request, SHORT, ink);
    out
}

/// Exactly what would run, and what a decision names: the whole arguments (very long values still
/// clipped, and said so), and the digests.
pub fn preview(request: &ApprovalRequest, ink: Ink) -> String {
    let mut out = String::with_capacity(2048);
    row(&mut out, "tool", &ink.paint(Style::Strong, &visible(&request.tool)));
    for line in request.description.lines().filter(|line| !line.trim().is_empty()) {
        row(&mut out, "", &visible(&clip(line, 300)));
    }
    row(&mut out, "request", &format!("{} revision {}", request.id, request.revision));
    row(&mut out, "binding", &request.binding.to_string());
    row(&mut out, "key", &visible(&request.key.to_string()));
    arguments(&mut out, request, LONG, ink);
    out
}

fn head(out: &mut String, request: &ApprovalRequest, ink: Ink) {
    let title = visible(&request.title).into_owned();
    let asks = format!("{} approval", request.level);
    let _ =
        writeln!(out, "{}  {}", ink.paint(Style::Warning, &asks), ink.paint(Style::Strong, &title));
    let first = request.description.lines().next().unwrap_or_default();
    let tool = format!("{}: {}", visible(&request.tool), visible(&clip(first, 200)));
    row(out, "tool", &tool);
    let mut risk = ink.paint(risk_style(request.risk), &request.risk.to_string()).into_owned();
    risk.push_str(" · ");
    risk.push_str(&visible(&request.approval_type));
    let hints = request.hints;
    for (says, word) in [
        (hints.destructive, "destructive"),
        (hints.read_only, "changes nothing"),
        (hints.idempotent, "harmless to repeat"),
        (hints.open_world, "reaches other systems"),
    ] {
        if says {
            let _ = write!(risk, " · {word}");
        }
    }
    row(out, "risk", &risk);
}

fn confidence(out: &mut String, request: &ApprovalRequest, ink: Ink) {
    let (score, at) = (request.assessment.confidence, request.thresholds);
    let line = format!(
        "{} {score} of 100 (auto from {}, quick from {})",
        bar(score, at.quick, at.auto),
        at.auto,
        at.quick
    );
    row(out, "confidence", &line);
    row(out, "", &format!("{:>4} base", request.assessment.base));
    for factor in &request.assessment.factors {
        let name = visible(&factor.name).into_owned();
        let why = visible(&clip(&factor.reasoning, 200)).into_owned();
        let mut line = match factor.level {
            Some(level) => format!("needs {level} {name}: {why}"),
            None => format!("{:>+4} {name}: {why}", factor.adjustment),
        };
        if factor.adjustment < 0 || factor.level.is_some() {
            line = ink.paint(Style::Warning, &line).into_owned();
        }
        row(out, "", &line);
    }
}

fn arguments(out: &mut String, request: &ApprovalRequest, extent: Extent, ink: Ink) {
    let label = ink.paint(Style::Faint, "(written by the model; secrets masked)").into_owned();
    row(out, "arguments", &label);
    match request.arguments.tree() {
        Ok(tree) => write_arguments(out, &tree, COLUMN, extent),
        Err(_) => row(out, "", "cannot be shown; do not approve"),
    }
}

fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "  {label:<width$}{text}", width = COLUMN - 2);
}

/// Filled up to the score, with a mark at either threshold.
fn bar(score: u8, quick: u8, auto: u8) -> String {
    let cell = |points: u8| points.min(100) / (100 / CELLS);
    let mut out = String::from("[");
    for at in 0..CELLS {
        let mark = at > 0 && (at == cell(quick) || at == cell(auto));
        if mark {
            out.push('|');
        }
        out.push(if at < cell(score) { '#' } else { '.' });
    }
    out.push(']');
    out
}

fn risk_style(risk: Risk) -> Style {
    match risk {
        Risk::Low => Style::Good,
        Risk::Medium => Style::Warning,
        Risk::High | Risk::Critical => Style::Bad,
    }
}

fn priority(request: &ApprovalRequest) -> String {
    request.priority.to_string()
}

/// How far away a time is, in its two largest units.
fn away(then: Timestamp, now: Timestamp) -> String {
    let ahead = then.since(now);
    if ahead.is_zero() {
        return "now".to_owned();
    }
    if ahead > Duration::from_secs(100 * 365 * 86_400) {
        return "never".to_owned();
    }
    let seconds = ahead.as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, length) in units {
        if rest >= length && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / length));
        }
        rest %= length;
    }
    if parts.is_empty() { "in less than 1 s".to_owned() } else { format!("in {}", parts.join(" ")) }
}
