//! Somebody asks for a call.

use hitl::prelude::*;
use hitl::GateInTask as _;

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
}

fn main() {}
