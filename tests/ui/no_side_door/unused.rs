//! A call that nobody gives to a gate is reported.

#![deny(unused_must_use)]

use hitl::hitl_tool;

/// Pays.
#[hitl_tool]
async fn pay(amount: u64) -> u64 {
    amount
}

fn main() {
    pay(1);
}
