//! Nobody but a gate has a permit.

use hitl::call::Permit;
use hitl::{RunContext, Tool, hitl_tool};

/// Pays.
#[hitl_tool]
async fn pay(amount: u64) -> u64 {
    amount
}

fn issued(cx: RunContext) {
    let _ = Pay::run(Permit::issue(pay(1), cx));
}

fn used_twice(permit: Permit<Pay>) {
    let _ = Pay::run(permit);
    let _ = Pay::run(permit);
}

fn copied(permit: Permit<Pay>) {
    let _ = Pay::run(permit.clone());
}

fn of_another<T>(permit: Permit<T>) {
    let _ = Pay::run(permit);
}

fn main() {}
