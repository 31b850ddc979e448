//! After an edit, and after a restart, the model still learns what ran: with calls in a file.
#![cfg(feature = "sqlite")]

use std::path::Path;

use hitl::prelude::*;

/// Pays a refund.
#[hitl_tool(risk = "high", base_confidence = 50)]
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

#[tokio::test]
async fn what_a_reviewer_changed_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for (position, patches, said) in [
        (0, vec![r#"{"amount":500}"#], "`amount` from 900 to 500. This is what the tool gave:\n"),
        (1, vec![r#"{"amount":500}"#, r#"{"amount":900}"#], ""),
    ] {
        // Each step is another process: the edit, the run, and the model that asks again.
        for patch in patches {
            let gate = open(folder.path()).await;
            let Submission::Pending(ticket) = submit(&gate, position).await else { break };
            gate.decide(ticket.request().edit(patch).by("alice")).await.unwrap();
        }
        let ran = match submit(&open(folder.path()).await, position).await {
            Submission::Done { outcome, .. } => outcome,
            Submission::Pending(ticket) => ticket.wait().await.unwrap(),
        };
        let again = submit(&open(folder.path()).await, position).await;
        let Submission::Done { outcome, .. } = again else { panic!("it ran: {again:?}") };
        assert_eq!(outcome, ran);
        let told = outcome.for_model().text;
        assert!(told.contains(said), "{told}");
        assert!(!told.contains("4929"), "{told}");
    }
}
