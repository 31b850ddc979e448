//! A process that is killed while it runs a call.

use std::time::Duration;

use hitl_core::{CallState, Outcome, Submission};

use super::super::lab::{Lab, submit};
use super::super::trial::{Proof, Stop, control, guard};
use super::super::victim::{self, Fate};

/// How often, and how long after each other, it is looked whether a killed process counts as dead:
/// a database waits until its lease is over.
const LOOKS: u32 = 60;
const BETWEEN: Duration = Duration::from_millis(250);

pub(super) async fn killed(lab: &Lab, db: Option<&str>) -> Result<Proof, Stop> {
    victim::run(&lab.scratch, db, "spared", Fate::Spared)?;
    let gate = victim::gate(&lab.scratch, || Ok(())).await?;
    let spared = submit(&gate, "spared", 0).await?;
    let executed = matches!(spared, Submission::Done { outcome: Outcome::Executed(_), .. });
    control(executed, "an executed call of a process that was not killed")?;
    control(victim::runs(&lab.scratch)? == 1, "one run in the process that was not killed")?;

    victim::run(&lab.scratch, db, "killed", Fate::Killed)?;
    control(victim::runs(&lab.scratch)? == 2, "a run in the process that was killed")?;
    for _ in 0..LOOKS {
        gate.recover().await?;
        match submit(&gate, "killed", 0).await? {
            Submission::Done { outcome: Outcome::OutcomeUnknown(_), .. } => {
                let runs = victim::runs(&lab.scratch)? - 1;
                guard(runs == 1, format!("the call of the killed process ran {runs} times"))?;
                return Ok(Proof::new(
                    "the call of a process that was not killed was executed",
                    "that of the killed one has an unknown outcome, and was not run again",
                ));
            }
            Submission::Done { outcome, .. } => {
                return Err(Stop::Failed(format!("it ended as {outcome:?}, and nobody knows how")));
            }
            // Its session still counts as alive.
            Submission::Pending(ticket) => {
                let record = gate.unscoped().get_by_key(&ticket.request().key).await?;
                let state = record.map(|record| record.state());
                guard(
                    state == Some(CallState::Claimed),
                    format!("the call of the killed process is {state:?}"),
                )?;
            }
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Err(Stop::Failed("the killed process still counts as alive".to_owned()))
}
