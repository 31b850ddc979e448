//! The command: runs scenes, prints them, and fails if one did not show what it should.

use std::fmt::{Display, Write as _};

use hitl_core::{Submission, Ticket};
use serde::Serialize;

use super::scene::Scene;
use super::{amount, audit, crash, payee, rule};
use crate::args::{DemoArgs, SceneName};
use crate::commands::Output;
use crate::exit::{Exit, Failure};
use crate::view::Screen;

const ALL: [SceneName; 5] =
    [SceneName::Amount, SceneName::Crash, SceneName::Payee, SceneName::Rule, SceneName::Audit];

/// All scenes, as JSON.
#[derive(Debug, Serialize)]
struct DemoReport {
    scenes: Vec<Scene>,
}

pub(in crate::commands) async fn run(wanted: DemoArgs, output: &Output) -> Result<(), Failure> {
    if let (Some(folder), Some(side)) = (&wanted.victim, wanted.side) {
        return crash::die(folder, side).await;
    }
    let names = wanted.scene.map_or_else(|| ALL.to_vec(), |name| vec![name]);
    let mut scenes = Vec::new();
    for name in names {
        scenes.push(scene(name).await?);
    }
    let report = DemoReport { scenes };
    output.print(&report, || text(&report, output.screen))?;
    match report.scenes.iter().find_map(Scene::fault) {
        Some(fault) => Err(failed(fault)),
        None => Ok(()),
    }
}

async fn scene(name: SceneName) -> Result<Scene, Failure> {
    match name {
        SceneName::Amount => amount::scene().await,
        SceneName::Crash => crash::scene().await,
        SceneName::Payee => payee::scene().await,
        SceneName::Rule => rule::scene().await,
        SceneName::Audit => audit::scene().await,
    }
}

fn text(report: &DemoReport, screen: Screen) -> String {
    let texts: Vec<String> = report.scenes.iter().map(|scene| scene.text(screen)).collect();
    let mut out = texts.join("\n");
    if texts.len() > 1 {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n`hitl demo crash` shows one of them, and --json prints JSON.");
    }
    out
}

/// Returns the ticket of a call that waits for a person.
pub(super) fn waits(submission: Submission) -> Result<Ticket, Failure> {
    match submission {
        Submission::Pending(ticket) => Ok(ticket),
        Submission::Done { outcome, .. } => {
            Err(failed(format!("a call ended that should wait: {outcome:?}")))
        }
    }
}

/// Returns the failure of a step of the demo.
pub(super) fn failed(error: impl Display) -> Failure {
    Failure::new(Exit::Failed, format!("demo: {error}"))
}
