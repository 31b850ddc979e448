//! Fns that cannot say how an attempt ended.

use hitl::call::Reconciliation;
use hitl::{hitl_tool, hitl_tools};

/// Keys that do not fit.
#[hitl_tool(reconcile)]
async fn nothing(a: String) {
    drop(a);
}

/// Keys that do not fit.
#[hitl_tool(reconcile = "found")]
async fn text(a: String) {
    drop(a);
}

/// Keys that do not fit.
#[hitl_tool(reconcile = |a| a)]
async fn closure(a: String) {
    drop(a);
}

/// Keys that do not fit.
#[hitl_tool(read_only, reconcile = found)]
async fn reads(a: String) {
    drop(a);
}

/// Keys that do not fit.
#[hitl_tool(attempts = 2)]
async fn once(a: String) {
    drop(a);
}

struct Desk;

#[hitl_tools]
impl Desk {
    /// Its own name.
    #[hitl_tool(reconcile = Self::found)]
    async fn own(&self, a: String) {
        drop(a);
    }
}

async fn found(_: String) -> Reconciliation<()> {
    Reconciliation::Unknown
}

fn main() {}
