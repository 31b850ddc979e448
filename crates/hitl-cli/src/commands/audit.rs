//! `hitl audit verify`: checks that an audit log is unchanged.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use hitl_base::display::visible;
use hitl_core::audit::{Checkpoint, PublicKey, Report, Verifier};

use super::Output;
use crate::args::BackendArgs;
use crate::backend::Backend;
use crate::exit::{Exit, Failure};

pub(super) async fn run(
    backend: &BackendArgs,
    files: &[PathBuf],
    checkpoints: &[PathBuf],
    trust: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let mut verifier = Verifier::new();
    for path in checkpoints {
        let text = fs::read(path).map_err(|error| Failure::file(path, &error))?;
        let checkpoint: Checkpoint = serde_json::from_slice(&text).map_err(|_| {
            Failure::new(Exit::Failed, format!("{}: this is no checkpoint", path.display()))
        })?;
        verifier = verifier.checkpoint(checkpoint);
    }
    for key in trust {
        let key = PublicKey::from_hex(key);
        let key = key.ok_or_else(|| Failure::usage("--trust takes 64 hexadecimal digits"))?;
        verifier = verifier.trust(key);
    }
    let source = match backend.db {
        Some(_) => match Backend::open(backend, None).await? {
            Backend::Store(store) => Some(store),
            Backend::Console(_) => None,
        },
        None => None,
    };
    if source.is_some() {
        verifier = verifier.for_store();
    }
    for path in files {
        let checked = if path.is_dir() { verifier.folder(path) } else { verifier.file(path) };
        verifier = checked.map_err(|error| Failure::file(path, &error))?;
    }
    let report = match source {
        Some(source) => {
            let tenants = source.tenants().await?;
            verifier.finish_with_store(source.store.as_ref(), &tenants).await?
        }
        None => verifier.finish(),
    };
    output.print_folded(&report, || text(&report, !checkpoints.is_empty()))?;
    if report.is_sound() { Ok(()) } else { Err(Failure::new(Exit::Found, "")) }
}

fn text(report: &Report, has_checkpoint: bool) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for finding in &report.findings {
        let _ = writeln!(out, "{}", visible(&finding.to_string()));
    }
    let (records, chains) = (report.records, report.heads.len());
    let verdict = match report.findings.len() {
        0 => "sound".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    };
    let erased = match (report.erased, report.erased_calls.len()) {
        (0, _) => String::new(),
        (lines, calls) => {
            format!(", {lines} of them erased, about {}", counted((calls as u64, "call")))
        }
    };
    let [records, chains] = [(records, "record"), (chains as u64, "chain")].map(counted);
    let _ = writeln!(out, "{verdict}: {records} in {chains}{erased}");
    if report.erased > 0 && !has_checkpoint {
        out.push_str(
            "without a checkpoint, erased lines cannot be verified: anybody who can write the file could have \
             removed them\n",
        );
    }
    out
}

/// Returns a number of things, like `1 chain`.
fn counted((number, thing): (u64, &str)) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
