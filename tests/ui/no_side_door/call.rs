//! Calling the fn makes a call, which is not the result, and waits for nothing.

use hitl::{Tool, hitl_tool};

/// Pays.
#[hitl_tool]
async fn pay(amount: u64) -> u64 {
    amount
}

async fn around() {
    let paid: u64 = pay(1);
    let paid: u64 = pay(1).await;
    let paid = Pay::run(pay(1)).await;
}

/// A recursive call is a call too.
#[hitl_tool]
async fn again(n: u64) -> u64 {
    again(n - 1).await
}

fn main() {}
