//! Values: what each key accepts.

use hitl::hitl_tool;

const HIGH: u8 = 90;

/// Pays.
#[hitl_tool(
    approval_type = "",
    risk = "severe",
    base_confidence = 101,
    auto_threshold = HIGH,
    quick_threshold = -1,
    expires = "10",
    timeout = "0s",
    approve_label = 5,
    reject_label = " ",
    describe = concat!("a", "b"),
    name = b"pay",
    crate = "my::hitl"
)]
async fn pay(amount: u64) -> u64 {
    amount
}

/// Pays back.
#[hitl_tool(
    risk = Risk::High,
    base_confidence = 50.0,
    auto_threshold = "90",
    quick_threshold = 1000,
    expires = 600,
    timeout = "1h30m",
    name = "pay back"
)]
async fn pay_back(amount: u64) -> u64 {
    amount
}

/// Waits.
#[hitl_tool(expires = "4000d", timeout = "5min", crate = 5)]
async fn wait() {}

fn main() {
    let _: (Pay, PayBack, Wait) = (pay(1), pay_back(1), wait());
}
