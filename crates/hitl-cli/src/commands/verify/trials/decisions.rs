//! What a decision counts for, and whose.

use hitl_core::{CallRecord, CallState, GateError};

use super::super::lab::{Lab, REQUESTER, REVIEWER, Witness, submit};
use super::super::trial::{Proof, Stop, control, guard};

pub(super) async fn bound(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let (gate, same) = lab.pending("bound", &witness).await?;
    lab.approve(&gate, &same).await?;
    same.wait().await?;
    let seen = same.request().arguments.as_str().to_owned();
    control(witness.last() == Some(seen), "a run with the arguments that were shown")?;

    let ticket = lab.waits(submit(&gate, "bound", 1).await?)?;
    let shown = ticket.request().clone();
    // The requester's own edit changes the call, and approves nothing.
    let edit = shown.edit(r#"{"amount": 7}"#).by(REQUESTER);
    let changed = gate.decide(edit).await?;
    control(changed.state() == CallState::Pending, "a changed call that waits")?;
    let late = gate.decide(shown.approve().by(REVIEWER)).await;
    guard(late.is_err(), "a decision on what was shown was taken for a changed call")?;
    guard(witness.runs() == 1, "a changed call ran on a decision about what it was before")?;
    gate.decide(changed.request().approve().by(REVIEWER)).await?;
    ticket.wait().await?;
    let ran = witness.last().unwrap_or_default();
    guard(ran.contains('7'), format!("the call ran with {ran}, and 7 was approved"))?;
    Ok(Proof::new(
        "a decision on an unchanged call was taken, and ran what was shown",
        "after an edit the former decision was refused, and the new one ran the new arguments",
    ))
}

pub(super) async fn one_wins(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let (gate, alone) = lab.pending("one", &witness).await?;
    lab.approve(&gate, &alone).await?;
    let other = lab.asking(&lab.open().await?, &witness).await?;
    let ticket = lab.waits(submit(&gate, "one", 1).await?)?;
    let request = ticket.request();
    let (yes, no) = tokio::join!(
        gate.decide(request.approve().by(REVIEWER)),
        other.decide(request.reject("no").by("hitl-verify-other")),
    );
    let taken = usize::from(yes.is_ok()) + usize::from(no.is_ok());
    guard(taken == 1, format!("{taken} of two opposite decisions were taken"))?;
    let record = gate.unscoped().get_by_key(&request.key).await?;
    let state = record.map(|record| record.state());
    let won = if yes.is_ok() { CallState::Approved } else { CallState::Rejected };
    guard(
        state == Some(won),
        format!("the winner's decision is not the one that is kept: {state:?}"),
    )?;
    let loser = yes.err().or(no.err());
    let learned = loser.as_ref().and_then(GateError::current).map(CallRecord::state);
    guard(learned == Some(won), "the loser did not learn how the call was decided")?;
    Ok(Proof::new(
        "a decision without a rival was taken",
        "of an approval and a rejection at once, one was taken, and the other one learned it",
    ))
}

pub(super) async fn replay(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let (gate, ticket) = lab.pending("replay", &witness).await?;
    let again = lab.waits(submit(&gate, "replay", 0).await?)?;
    guard(again.request().id == ticket.request().id, "the same call, sent twice, became two")?;
    let decision = ticket.request().approve().by(REVIEWER);
    let first = gate.decide(decision.clone()).await;
    let refused = first.as_ref().err().is_some_and(|error| error.refusal().is_some());
    if refused && lab.rules.is_some() {
        let why = "the rule file lets nobody approve the call that is tried";
        return Err(Stop::NotApplicable(why.to_owned()));
    }
    first?;
    guard(gate.decide(decision.clone()).await.is_ok(), "a decision, sent twice, was refused")?;
    ticket.wait().await?;
    again.wait().await?;
    let other = gate.decide(ticket.request().approve().by(REVIEWER)).await;
    control(other.is_err(), "a refusal of a second, different decision")?;
    let runs = witness.runs();
    guard(runs == 1, format!("a call that was sent and approved twice ran {runs} times"))?;
    Ok(Proof::new(
        "a second decision with an id of its own was refused",
        "the same one was confirmed, and the call ran once",
    ))
}

pub(super) async fn self_approval(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let (gate, ticket) = lab.pending("self", &witness).await?;
    let own = gate.decide(ticket.request().approve().by(REQUESTER)).await;
    let before = witness.runs();
    if own.is_err() {
        lab.approve(&gate, &ticket).await?;
        ticket.wait().await?;
    }
    guard(own.is_err(), "the requester approved their own call, which needs a full review")?;
    control(witness.runs() == 1, "a run after another person's approval")?;
    guard(before == 0, "the call ran before anybody else approved it")?;
    Ok(Proof::new("another person's approval was taken", "the requester's was refused"))
}
