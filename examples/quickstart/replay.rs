//! The replay: every recorded call is submitted in its order, as its agent would.

use std::fmt;
use std::sync::Arc;

use hitl::gate::GateErrorKind;
use hitl::tasks::StepContext;
use hitl::{CallContext, CallState, Gate, GateError, Outcome, Submission};

use crate::airline::records::Records;
use crate::data::{self, Recorded};
use crate::report;
use crate::screen::Screen;
use crate::tally::Tally;

/// The runs that are replayed when no file is given.
const SHIPPED: &[u8] = include_bytes!("data/airline-calls.jsonl");

/// The data that the steps of the replay share.
pub(crate) struct Job {
    pub(crate) gate: Gate,
    pub(crate) screen: Screen,
    pub(crate) tally: Tally,
    pub(crate) data: Option<std::path::PathBuf>,
}

/// The reason why the replay ended early.
#[derive(Debug)]
pub(crate) struct Stopped(String);

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the calls to replay: the first step.
pub(crate) fn load(job: &Job) -> Result<Vec<Recorded>, Stopped> {
    let Some(path) = &job.data else {
        return data::read(SHIPPED).map_err(|bad| Stopped(format!("the shipped data: {bad}")));
    };
    let name = path.display();
    let file =
        std::fs::read(path).map_err(|error| Stopped(format!("cannot read {name}: {error}")))?;
    data::read(&file).map_err(|bad| Stopped(format!("{name}, {bad}")))
}

/// Submits one call after the other: the second step.
pub(crate) async fn submit_all(
    cx: StepContext,
    job: Arc<Job>,
    calls: Vec<Recorded>,
) -> Result<(), Stopped> {
    let total = calls.len();
    for (done, call) in calls.into_iter().enumerate() {
        // Checked between calls, so that the running one is finished.
        if cx.is_cancelled() {
            return Err(Stopped("stopped".to_owned()));
        }
        cx.message(call.key.run.as_str());
        submit(&job, call).await?;
        #[expect(clippy::cast_precision_loss, reason = "a share for a bar")]
        cx.progress((done + 1) as f64 / total as f64);
    }
    Ok(())
}

async fn submit(job: &Job, call: Recorded) -> Result<(), Stopped> {
    let mut context = CallContext::new("airline-agent");
    if let Some(said) = Records::shipped().conversation(&call.key) {
        context = context.because(&*said.agent);
    }
    let (run, position) = (call.key.run.clone(), call.key.position);
    let taken = job.gate.submit_json(&call.tool, &call.arguments, context, run, position).await;
    match taken {
        Ok(submission) => {
            let (standing, state) = match &submission {
                Submission::Done { outcome, .. } => {
                    (report::outcome(&job.screen, outcome), state_of(outcome))
                }
                Submission::Pending(_) => ("→ waits for a reviewer".to_owned(), CallState::Pending),
            };
            let receipt = submission.receipt();
            report::routed(&job.screen, receipt, &standing);
            job.tally.count(receipt, state, call.mistake);
            Ok(())
        }
        // The call itself is invalid: it is refused, and the agent may try another.
        Err(error) if is_the_calls_fault(&error) => {
            report::refused(&job.screen, &call.key, &call.tool, &error.to_string());
            job.tally.count_refused(call.key, call.mistake);
            Ok(())
        }
        // The gate cannot work; continuing would only repeat the error.
        Err(error) => Err(Stopped(format!("{}: {error}", call.key))),
    }
}

fn is_the_calls_fault(error: &GateError) -> bool {
    matches!(
        error.kind(),
        GateErrorKind::InvalidArguments | GateErrorKind::UnknownTool | GateErrorKind::KeyConflict
    )
}

fn state_of(outcome: &Outcome) -> CallState {
    match outcome {
        Outcome::Executed(_) => CallState::Executed,
        Outcome::Failed(_) => CallState::Failed,
        Outcome::Rejected { .. } => CallState::Rejected,
        Outcome::Responded { .. } => CallState::Responded,
        Outcome::Expired => CallState::Expired,
        Outcome::Cancelled { .. } | Outcome::Aborted { .. } => CallState::Cancelled,
        Outcome::Denied { .. } => CallState::Denied,
        // A call that has not ended is looked up at the end.
        _ => CallState::OutcomeUnknown,
    }
}
