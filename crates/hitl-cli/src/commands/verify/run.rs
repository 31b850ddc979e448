//! The command: makes the trials in a scratch store, and reports them.

use std::fs;
use std::time::Instant;

use hitl_core::RuleSet;

use super::junit;
use super::lab::Lab;
use super::report::Report;
use super::scratch::{self, Scratch};
use super::trial::{Ended, TrialResult};
use super::trials::Trial;
use super::victim;
use crate::args::{BackendArgs, VerifyArgs};
use crate::commands::Output;
use crate::exit::{Exit, Failure};

pub(in crate::commands) async fn run(
    backend: &BackendArgs,
    wanted: &VerifyArgs,
    output: &Output,
) -> Result<(), Failure> {
    if backend.url.is_some() {
        let why = "the guarantees are tried where the store is: give --db instead of --url";
        return Err(Failure::usage(why));
    }
    if let Some(folder) = &wanted.victim {
        return victim::die(backend.db.as_deref(), folder).await;
    }
    if let Some(folder) = &wanted.search {
        return scratch::search(folder);
    }
    let rule_text = match &wanted.policy {
        Some(path) => Some(fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?),
        None => None,
    };
    let lab = Lab {
        scratch: Scratch::create(backend.db.as_deref()).await?,
        // A file that does not load fails its own trial, and is in force in no other.
        rules: rule_text.as_deref().and_then(|text| RuleSet::parse(text).ok()),
        rule_text,
        audit_kind: wanted.audit_kind,
        wrap: |store| store,
        settings: |gate| gate,
    };
    let report = Report::new(lab.scratch.description(), all(&lab, backend.db.as_deref()).await);
    lab.scratch.remove().await?;
    if let Some(path) = &wanted.junit {
        fs::write(path, junit::xml(&report)).map_err(|error| Failure::file(path, &error))?;
    }
    output.print(&report, || report.text())?;
    if report.holds() { Ok(()) } else { Err(Failure::new(Exit::Found, "")) }
}

/// Makes every trial, one after the other.
pub(super) async fn all(lab: &Lab, db: Option<&str>) -> Vec<TrialResult> {
    let mut results = Vec::new();
    for trial in Trial::ALL {
        results.push(one(trial, lab, db).await);
    }
    results
}

/// Makes one trial.
pub(super) async fn one(trial: Trial, lab: &Lab, db: Option<&str>) -> TrialResult {
    let began = Instant::now();
    let ended = Ended::from(trial.make(lab, db).await);
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    TrialResult { name: trial.name(), guarantee: trial.guarantee(), ended, milliseconds }
}
