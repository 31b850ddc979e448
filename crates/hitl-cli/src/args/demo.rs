//! `hitl demo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Show only this loss.
    pub(crate) scene: Option<SceneName>,
    /// Be the process that is killed: pay, say so, and wait for the end.
    #[arg(long, hide = true, value_name = "FOLDER", requires = "side")]
    pub(crate) victim: Option<PathBuf>,
    /// The loop in which the victim pays.
    #[arg(long, hide = true, value_name = "SIDE")]
    pub(crate) side: Option<VictimSide>,
}

/// A loss that the demo shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SceneName {
    /// An amount changes after it was approved.
    Amount,
    /// A process dies after it has paid, and starts again.
    Crash,
    /// A document tells the agent whom to pay.
    Payee,
    /// Somebody widens the rule that allows a call.
    Rule,
    /// Somebody edits the log.
    Audit,
}

/// The loop in which a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VictimSide {
    /// A loop without a gate.
    Without,
    /// The gate.
    With,
}
