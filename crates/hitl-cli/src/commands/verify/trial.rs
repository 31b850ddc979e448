//! What is tried, and how a trial ended.

use std::fmt::Display;
use std::io;

use hitl_core::{BuildError, GateError, StoreError};
use serde::Serialize;

use crate::exit::Failure;

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "result")]
pub(super) enum Ended {
    /// The guarantee held, in a trial that could have failed.
    Passed {
        /// What happened without the guard: the proof that the trial can fail.
        control: String,
        /// What the guard did.
        guard: String,
    },
    /// The guarantee did not hold, or the trial could not show that it would have failed.
    Failed { why: String },
    /// The configuration has nothing to try it on. It does not count as passed.
    NotApplicable { why: String },
}

/// The result of a trial.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrialResult {
    /// The name, for programs.
    pub(super) name: &'static str,
    /// The guarantee in words.
    pub(super) guarantee: &'static str,
    #[serde(flatten)]
    pub(super) ended: Ended,
    pub(super) milliseconds: u64,
}

/// The proof of a trial in which the guarantee held.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) control: String,
    pub(super) guard: String,
}

impl Proof {
    pub(super) fn new(control: impl Into<String>, guard: impl Into<String>) -> Self {
        Self { control: control.into(), guard: guard.into() }
    }
}

/// Why a trial ended early.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(String),
    NotApplicable(String),
}

/// Ends the trial as failed unless the control shows that it could fail.
pub(super) fn control(shown: bool, what: impl Display) -> Result<(), Stop> {
    if shown {
        return Ok(());
    }
    Err(Stop::Failed(format!("the trial proves nothing: {what} was expected, and did not happen")))
}

/// Ends the trial as failed unless the guarantee held.
pub(super) fn guard(held: bool, what: impl Display) -> Result<(), Stop> {
    if held { Ok(()) } else { Err(Stop::Failed(what.to_string())) }
}

impl From<Result<Proof, Stop>> for Ended {
    fn from(result: Result<Proof, Stop>) -> Self {
        match result {
            Ok(Proof { control, guard }) => Self::Passed { control, guard },
            Err(Stop::Failed(why)) => Self::Failed { why },
            Err(Stop::NotApplicable(why)) => Self::NotApplicable { why },
        }
    }
}

/// A trial that could not be made is no passed one.
fn untried(error: impl Display) -> Stop {
    Stop::Failed(format!("it could not be tried: {error}"))
}

impl From<GateError> for Stop {
    fn from(error: GateError) -> Self {
        untried(error)
    }
}

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        untried(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        untried(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        untried(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        untried(failure.message)
    }
}
