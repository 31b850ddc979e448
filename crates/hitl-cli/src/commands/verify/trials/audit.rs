//! The audit's chain.

use std::sync::Arc;

use hitl_core::audit::{AuditSink, JsonlAudit, Verifier};
use hitl_store::SqliteAudit;

use super::super::lab::{ASKS, Lab, Witness, builder, submit};
use super::super::trial::{Proof, Stop, control, guard};
use crate::args::AuditKind;

/// The audit log of a trial.
enum Log {
    Jsonl(std::path::PathBuf),
    Sqlite(Arc<SqliteAudit>),
}

impl Log {
    /// Returns the records as text, one a line.
    fn text(&self) -> Result<String, Stop> {
        match self {
            Self::Jsonl(path) => Ok(std::fs::read_to_string(path)?),
            Self::Sqlite(audit) => {
                let mut text = Vec::new();
                audit.export(&mut text).map_err(|error| Stop::Failed(error.to_string()))?;
                String::from_utf8(text).map_err(|error| Stop::Failed(error.to_string()))
            }
        }
    }
}

pub(super) async fn tampering(lab: &Lab) -> Result<Proof, Stop> {
    let failed = |error: hitl_core::audit::AuditError| Stop::Failed(error.to_string());
    let (log, sink): (Log, Arc<dyn AuditSink>) = match lab.audit_kind {
        AuditKind::Jsonl => {
            let path = lab.scratch.file("audit.jsonl");
            (Log::Jsonl(path.clone()), Arc::new(JsonlAudit::open(path).map_err(failed)?))
        }
        AuditKind::Sqlite => {
            let path = lab.scratch.file("audit.db");
            let audit = Arc::new(SqliteAudit::open(path).map_err(failed)?);
            (Log::Sqlite(Arc::clone(&audit)), audit)
        }
    };
    let builder = builder(&lab.open().await?, ASKS, &Witness::default())?.audit(sink);
    let gate = lab.build(builder).await?;
    let ticket = lab.waits(submit(&gate, "tampering", 0).await?)?;
    lab.approve(&gate, &ticket).await?;
    ticket.wait().await?;
    gate.flush_audit().await?;
    let text = log.text()?;
    control(text.contains(super::super::lab::REVIEWER), "the reviewer in the log")?;
    control(is_sound(&text)?, "a sound log as it was written")?;
    let lines: Vec<&str> = text.lines().collect();
    let blamed = text.replacen(super::super::lab::REVIEWER, "somebody-else", 1);
    guard(
        !is_sound(&blamed)?,
        "another reviewer was written into the log, and it counts as sound",
    )?;
    let middle = lines.len() / 2;
    let without: Vec<&str> = [&lines[..middle], &lines[middle + 1..]].concat();
    guard(!is_sound(&joined(&without))?, "a record was removed, and the log counts as sound")?;
    let mut moved = lines.clone();
    moved.swap(middle - 1, middle);
    guard(!is_sound(&joined(&moved))?, "two records were swapped, and the log counts as sound")?;
    Ok(Proof::new(
        format!("as it was written, the log of {} records is sound", lines.len()),
        "a changed, a removed and a moved record were each found",
    ))
}

fn joined(lines: &[&str]) -> String {
    lines.join("\n") + "\n"
}

fn is_sound(text: &str) -> Result<bool, Stop> {
    Ok(Verifier::new().chain("audit", text.as_bytes())?.finish().is_sound())
}
