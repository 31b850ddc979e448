//! An amount changes after somebody approved it.

use std::collections::{HashMap, HashSet};

use hitl_core::{Submission, ToolConfig};

use super::bank::{Bank, EVERY_PAYMENT, Payment, gate};
use super::run::waits;
use super::scene::{Scene, Side};
use crate::args::SceneName;
use crate::exit::Failure;

pub(super) async fn scene() -> Result<Scene, Failure> {
    let (asked, changed) = (Payment::new("Initech", 120), Payment::new("Initech", 9000));
    Ok(Scene {
        name: SceneName::Amount,
        title: "amount: a payment changes after somebody approved it",
        story: format!("Bob approves \"{asked}\". The agent then makes it \"{changed}\"."),
        without: without(&asked, &changed),
        with: with(&asked, &changed).await?,
        stopped_by: "an approval names one call by a digest of its tool, arguments and requester.",
        limit: "if Bob approves 9000, 9000 are paid.",
    })
}

/// A loop that keeps the approval by the call's number, and the arguments elsewhere.
fn without(asked: &Payment, changed: &Payment) -> Side {
    let bank = Bank::default();
    let mut calls = HashMap::from([(0, asked.clone())]);
    let approved: HashSet<u64> = calls.keys().copied().collect();
    let mut steps = vec!["call 0 is approved".to_owned()];
    // The agent's turn.
    calls.insert(0, changed.clone());
    for (number, payment) in &calls {
        if approved.contains(number) {
            bank.pay(payment.clone());
        }
    }
    steps.push(bank.statement());
    Side { steps, loss: bank.loss(std::slice::from_ref(asked)) }
}

async fn with(asked: &Payment, changed: &Payment) -> Result<Side, Failure> {
    let bank = Bank::default();
    let gate = gate(&bank, ToolConfig::DEFAULT, EVERY_PAYMENT)?.build().await?;
    let ticket = waits(gate.submit_json("pay", &asked.json()?, "agent", "run", 0).await?)?;
    gate.decide(ticket.request().approve().by("bob")).await?;
    let mut steps = Vec::new();
    steps.push(match gate.submit_json("pay", &changed.json()?, "agent", "run", 0).await {
        Err(error) => format!("call 0 with {}: refused ({:?})", changed.amount, error.kind()),
        Ok(_) => format!("call 0 with {}: taken", changed.amount),
    });
    steps.push(match gate.submit_json("pay", &changed.json()?, "agent", "run", 1).await? {
        Submission::Pending(_) => format!("call 1 with {}: waits for a person", changed.amount),
        Submission::Done { .. } => format!("call 1 with {}: has ended", changed.amount),
    });
    ticket.wait().await?;
    steps.push(bank.statement());
    Ok(Side { steps, loss: bank.loss(std::slice::from_ref(asked)) })
}
