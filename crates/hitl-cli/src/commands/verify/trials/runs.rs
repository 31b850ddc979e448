//! What runs, and how often.

use hitl_core::Outcome;
use tokio::task::JoinSet;

use super::super::lab::{Lab, Witness, drive, submit};
use super::super::trial::{Proof, Stop, control, guard};

/// The number of executors that race, each with a handle of its own.
const RACERS: usize = 6;

pub(super) async fn nothing_unapproved(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let (gate, ticket) = lab.pending("unapproved", &witness).await?;
    // Another executor that looks for work finds none either.
    let other = lab.asking(&lab.open().await?, &witness).await?;
    other.recover().await?;
    let unapproved = witness.runs();
    lab.approve(&gate, &ticket).await?;
    ticket.wait().await?;
    control(witness.runs() > unapproved, "a run of the same call after its approval")?;
    guard(unapproved == 0, format!("a call that waits has run {unapproved} times"))?;
    Ok(Proof::new("once approved, the call ran", "while it waited, it did not"))
}

pub(super) async fn at_most_once(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let (gate, first) = lab.pending("once", &witness).await?;
    let second = lab.waits(submit(&gate, "once", 1).await?)?;
    for ticket in [&first, &second] {
        lab.approve(&gate, ticket).await?;
        ticket.wait().await?;
    }
    control(witness.runs() == 2, "one run of each of two approved calls")?;
    let raced = lab.waits(submit(&gate, "once", 2).await?)?;
    lab.approve(&gate, &raced).await?;
    let mut racers = JoinSet::new();
    for _ in 0..RACERS {
        let gate = lab.asking(&lab.open().await?, &witness).await?;
        racers.spawn(async move { drive(&gate, "once", 2).await });
    }
    let mut executed = 0;
    while let Some(ended) = racers.join_next().await {
        let outcome =
            ended.map_err(|error| Stop::Failed(format!("an executor died: {error}")))??;
        executed += usize::from(matches!(outcome, Outcome::Executed(_)));
    }
    let runs = witness.runs() - 2;
    guard(runs == 1, format!("{RACERS} executors ran one approved call {runs} times"))?;
    guard(executed == RACERS, format!("{executed} of {RACERS} executors learned its result"))?;
    Ok(Proof::new(
        "two approved calls ran twice",
        format!("{RACERS} executors that raced for one ran it once, and all learned its result"),
    ))
}
