//! Keys that do not fit each other or the fn.

use hitl::{CallContext, hitl_tool};

/// Crossed thresholds, and hints that contradict each other.
#[hitl_tool(auto_threshold = 60, quick_threshold = 70, read_only, destructive)]
async fn crossed() {}

/// Crossed with a default.
#[hitl_tool(quick_threshold = 90)]
async fn quick_alone() {}

/// Crossed with the other default.
#[hitl_tool(auto_threshold = 50)]
async fn auto_alone() {}

/// Both.
#[hitl_tool(fallible, infallible)]
async fn both() -> Result<(), String> {
    Ok(())
}

/// Neither.
#[hitl_tool(fallible)]
async fn neither() {}

#[hitl_tool]
async fn undescribed() {}

///
#[hitl_tool]
async fn blank() {}

#[doc = include_str!("together.rs")]
#[hitl_tool]
async fn included() {}

/// Twice.
#[hitl_tool]
#[hitl_tool]
async fn twice() {}

/// Shows what it should not, or what there is not.
#[hitl_tool(describe = "Pay {ammount} to {nobody} with {pin} for {cx}, {} {amount:?}")]
async fn shows(#[hitl(context)] cx: &CallContext, amount: u64, #[hitl(sensitive)] pin: &str) {
    let _ = (cx, amount, pin);
}

/// Has no arguments to show.
#[hitl_tool(describe = "{what}")]
async fn has_none() {}

/// Opens.
#[hitl_tool(describe = "Pay {amount")]
async fn opens(amount: u64) -> u64 {
    amount
}

/// Closes.
#[hitl_tool(describe = "Pay amount}")]
async fn closes(amount: u64) -> u64 {
    amount
}

fn main() {
    let _: (Crossed, Shows, Opens) = (crossed(), shows(1, "a"), opens(1));
}
