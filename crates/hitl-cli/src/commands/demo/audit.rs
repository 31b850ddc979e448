//! Somebody edits the log.

use std::fs;
use std::path::Path;

use hitl_core::ToolConfig;
use hitl_core::audit::{JsonlAudit, Verifier};

use super::bank::{Bank, EVERY_PAYMENT, Payment, gate};
use super::run::{failed, waits};
use super::scene::{Scene, Side};
use crate::args::SceneName;
use crate::commands::folder::TemporaryFolder;
use crate::exit::Failure;

/// The loss: the reader of the log blames the wrong person.
const LOSS: &str = "who approved it, and nobody notices";

pub(super) async fn scene() -> Result<Scene, Failure> {
    let folder = TemporaryFolder::new("demo")?;
    let payment = Payment::new("Initech", 9000);
    Ok(Scene {
        name: SceneName::Audit,
        title: "audit: somebody changes the log",
        story: format!("Mallory approves {payment}, and later writes Bob's name into the log."),
        without: without(&folder.file("plain.log"), &payment)?,
        with: with(&folder.file("audit.jsonl"), &payment).await?,
        stopped_by: "each record has the hash of the one before.",
        limit: "a log that is cut off, or rewritten as a whole, is found only with a checkpoint kept elsewhere.",
    })
}

/// Replaces a name in a file.
fn blame(path: &Path, from: &str, to: &str) -> Result<(), Failure> {
    Ok(fs::write(path, fs::read_to_string(path)?.replace(from, to))?)
}

/// A log of plain lines.
fn without(path: &Path, payment: &Payment) -> Result<Side, Failure> {
    fs::write(path, format!("agent asks to pay {payment}\nmallory approves\npaid {payment}\n"))?;
    blame(path, "mallory", "bob")?;
    let log = fs::read_to_string(path)?;
    let approver = log.lines().find_map(|line| line.strip_suffix(" approves"));
    let approver = approver.unwrap_or("nobody");
    let loss = (approver != "mallory").then(|| LOSS.to_owned());
    Ok(Side { steps: vec![format!("the log says: {approver} approved")], loss })
}

async fn with(path: &Path, payment: &Payment) -> Result<Side, Failure> {
    let audit = JsonlAudit::open(path).map_err(failed)?;
    let builder = gate(&Bank::default(), ToolConfig::DEFAULT, EVERY_PAYMENT)?.audit(audit);
    let gate = builder.build().await?;
    let ticket = waits(gate.submit_json("pay", &payment.json()?, "agent", "run", 0).await?)?;
    gate.decide(ticket.request().approve().by("mallory")).await?;
    ticket.wait().await?;
    gate.flush_audit().await?;
    drop((ticket, gate));
    let mut steps = vec![format!("before: {}", verify(path)?.1)];
    blame(path, "mallory", "bob")?;
    let (is_sound, verdict) = verify(path)?;
    steps.push(format!("after: {verdict}"));
    let loss = is_sound.then(|| LOSS.to_owned());
    Ok(Side { steps, loss })
}

/// Returns whether `hitl audit verify` would find the log sound, and what it would say.
fn verify(path: &Path) -> Result<(bool, String), Failure> {
    let report = Verifier::new().file(path)?.finish();
    let verdict = match report.findings.first() {
        None => format!("sound, {} records", report.records),
        Some(finding) => {
            format!("line {} is found: {}", finding.line.unwrap_or(0), finding.kind.name())
        }
    };
    Ok((report.is_sound(), verdict))
}
