//! Expiry, by a clock that the trial sets.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;

use super::super::lab::{ASKS, Lab, REVIEWER, Witness, builder, submit};
use super::super::trial::{Proof, Stop, control, guard};

/// How long the call of the trial waits.
const WAITS: Duration = Duration::from_secs(60);

pub(super) async fn expiry(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let clock = ManualClock::at(Timestamp::now());
    let store = (lab.wrap)(lab.scratch.open_at(Arc::new(clock.clone())).await?);
    let gate = lab.build(builder(&store, ASKS.expires(WAITS), &witness)?).await?;
    let [early, late, approved] = [0, 1, 2].map(|at| submit(&gate, "expiry", at));
    let early = lab.waits(early.await?)?;
    let late = lab.waits(late.await?)?;
    let approved = lab.waits(approved.await?)?;
    lab.approve(&gate, &early).await?;
    early.wait().await?;
    control(witness.runs() == 1, "a run of the same call, approved before it expired")?;
    lab.approve(&gate, &approved).await?;
    clock.advance(WAITS + WAITS);
    let decided = gate.decide(late.request().approve().by(REVIEWER)).await;
    guard(decided.is_err(), "a call that had expired was approved")?;
    let ended = approved.wait().await?;
    guard(
        witness.runs() == 1,
        format!("a call ran that was approved in time and had expired since: {ended:?}"),
    )?;
    Ok(Proof::new(
        "approved in time, the call ran",
        "after its time it was not approved, and one that had been approved did not run",
    ))
}
