//! Keys: all mistakes of one attribute are reported in one build.

use hitl::hitl_tool;

/// Pays.
#[hitl_tool(
    rsik = "high",
    risk_level = "high",
    auto = 90,
    colour = "red",
    requires_reason = true,
    read_only = false,
    expires,
    timeout =,
    idempotent,
    idempotent,
    "contract",
    approval_type: "contract",
    destructive open_world,
)]
async fn pay(amount: u64) -> u64 {
    amount
}

fn main() {
    // The items are there all the same, or this would be more errors.
    let _: Pay = pay(1);
}
