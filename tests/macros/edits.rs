//! After an edit, and after a restart, the model still learns what ran: with calls in a file.
#![cfg(feature = "sqlite")]

use std::path::Path;

use hitl::Ticket;
use hitl::prelude::*;

/// Pays a refund.
#[hitl_tool(risk = "high", base_confidence = 50, four_eyes)]
async fn refund(order: String, amount: u32, #[hitl(sensitive)] card: String) -> String {
    format!("{amount} for {order} to {}", card.len())
}

async fn open(folder: &Path) -> Gate {
    let store = SqliteStore::open(folder.join("hitl.db")).await.unwrap();
    Gate::builder().tool::<Refund>().store(store).build().await.unwrap()
}

async fn submit(gate: &Gate, position: u64) -> Submission {
    let arguments = r#"{"order":"R-7","amount":900,"card":"4929-0001"}"#;
    gate.submit_json("refund", arguments, "agent", "run", position).await.unwrap()
}

async fn pending(gate: &Gate, position: u64) -> Ticket {
    match submit(gate, position).await {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("it needs a human, and yet: {done:?}"),
    }
}

#[tokio::test]
async fn what_a_reviewer_changed_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for (position, patches, told) in [
        (
            0,
            vec![r#"{"amount":500}"#],
            "A human reviewer changed this call before it ran: `amount` from 900 to 500. This is \
             what the tool gave:\n\"500 for R-7 to 9\"",
        ),
        (
            1,
            vec![r#"{"amount":500}"#, r#"{"amount":20,"order":"R-8"}"#],
            "A human reviewer changed this call before it ran: `order` from \"R-7\" to \
             \"R-8\"; `amount` from 900 to 20. This is what the tool gave:\n\"20 for R-8 to 9\"",
        ),
        (2, vec![r#"{"amount":500}"#, r#"{"amount":900}"#], "\"900 for R-7 to 9\""),
    ] {
        // Each step is in a gate of its own: the edits, the approval, and the model that asks
        // again.
        for patch in patches {
            let gate = open(folder.path()).await;
            let ticket = pending(&gate, position).await;
            gate.decide(ticket.request().edit(patch).by("alice")).await.unwrap();
        }
        let gate = open(folder.path()).await;
        let ticket = pending(&gate, position).await;
        gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        let ran = ticket.wait().await.unwrap();
        let again = submit(&open(folder.path()).await, position).await;
        let Submission::Done { outcome, .. } = again else { panic!("it ran: {again:?}") };
        assert_eq!(outcome, ran);
        assert_eq!(outcome.for_model().text, told);
    }
}
