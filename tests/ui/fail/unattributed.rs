//! Somebody asks for a call.

use hitl::prelude::*;
use hitl::grant::GrantTerms;
use hitl::{ApprovalRequest, GateInTask as _};

/// Pays.
#[hitl_tool]
async fn pay(amount: u64) -> u64 {
    amount
}

async fn unattributed(gate: Gate, cx: StepContext) {
    gate.call(pay(1)).await;
    gate.submit(pay(1)).await;
    gate.call_in(&cx, pay(1)).await;
    let _ = gate.call(pay(1)).key("run", 1).await;
    let _ = gate.submit(pay(1)).key("run", 1).await;
    let _ = gate.call(pay(1)).max_wait(std::time::Duration::from_secs(1)).await;
    gate.submit_all("run").call(0, pay(1)).await;
}

async fn unsigned(gate: Gate, request: ApprovalRequest) {
    let _ = gate.decide(request.approve()).await;
    let _ = gate.decide(request.reject("no").may_ask_again()).await;
    let _ = gate.preview_grant(request.grant(GrantTerms::exactly())).await;
}

fn main() {}
