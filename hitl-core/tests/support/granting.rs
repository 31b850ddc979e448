//! Waiting calls, grants given on them, and checks whether similar calls run.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(unreachable_pub, reason = "shared by the test files")]

use hitl_core::grant::{GrantError, GrantTerms};
use hitl_core::machine::CallState;
use hitl_core::{
    ApprovalRequest, CallKey, Gate, GateErrorKind, GrantRecord, Outcome, Submission, Verdict,
};

use crate::support::{self, pay};

pub fn key(position: u64) -> CallKey {
    CallKey::new("run", position)
}

/// Returns a waiting call, as its reviewer sees it.
pub async fn waiting(gate: &Gate, to: &str, amount: f64, position: u64) -> ApprovalRequest {
    let submitted = gate.submit(pay(to, amount)).by("ann").key("run", position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits for a human") };
    ticket.request().clone()
}

pub async fn state(gate: &Gate, position: u64) -> CallState {
    gate.unscoped().get_by_key(&key(position)).await.unwrap().unwrap().state()
}

pub async fn permit(gate: &Gate, request: &ApprovalRequest, terms: GrantTerms) -> GrantRecord {
    let preview = gate.preview_grant(request.grant(terms).by("alice")).await.unwrap();
    gate.save_grant(preview).await.unwrap().record
}

pub async fn refused(gate: &Gate, request: &ApprovalRequest, terms: GrantTerms) -> GrantError {
    let error = gate.preview_grant(request.grant(terms).by("alice")).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::NotGranted);
    error.grant().unwrap().clone()
}

/// Returns whether a payment runs without anybody being asked.
pub async fn runs(gate: &Gate, to: &str, amount: f64, position: u64) -> bool {
    match gate.submit(pay(to, amount)).by("ann").key("run", position).await.unwrap() {
        Submission::Done { outcome: Outcome::Executed(_), receipt } => {
            assert_eq!(receipt.verdict, Verdict::Run);
            true
        }
        Submission::Pending(_) => false,
        other @ Submission::Done { .. } => panic!("{other:?}"),
    }
}

pub async fn runs_again(gate: &Gate, to: &str, amount: f64, position: u64) -> bool {
    let submitted = gate.submit(pay(to, amount)).by("ann").key("run", position).await.unwrap();
    match submitted {
        Submission::Done { outcome, .. } => matches!(outcome, Outcome::Executed(_)),
        Submission::Pending(ticket) => {
            matches!(ticket.wait().await.unwrap(), Outcome::Executed(_))
        }
    }
}

/// Checks that the caller, coming back for its approved call, finds that it is asked about again.
pub async fn waits_again(gate: &Gate, call: support::Pay) {
    let submitted = gate.submit(call).by("ann").key("run", 0).await.unwrap();
    assert!(matches!(submitted, Submission::Pending(_)), "somebody must decide: {submitted:?}");
}
