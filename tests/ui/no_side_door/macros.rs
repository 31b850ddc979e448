//! Not even a macro that is called in the body can call the body: it takes a permit.

use hitl::hitl_tool;

macro_rules! recurse {
    () => {
        __hitl_body(1).await
    };
}

/// Pays.
#[hitl_tool]
async fn pay(amount: u64) -> u64 {
    recurse!();
    amount
}

fn main() {}
