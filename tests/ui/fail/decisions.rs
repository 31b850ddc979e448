//! Who decides, and how: values that are none, and keys that need another.

use hitl::prelude::*;

/// Nobody could say no.
#[hitl_tool(decisions = ["approve", "edit"])]
async fn yes_only() {}

/// Not a decision.
#[hitl_tool(decisions = ["approve", "perhaps"])]
async fn perhaps() {}

/// Not a list.
#[hitl_tool(decisions = "approve")]
async fn no_list() {}

/// Nobody in it.
#[hitl_tool(stages = ["0 of finance"])]
async fn nobody() {}

/// Less than once.
#[hitl_tool(idempotent, attempts = 0)]
async fn never() {}

/// Tried twice, although twice is not once.
#[hitl_tool(attempts = 2)]
async fn twice() {}

/// For how long?
#[hitl_tool(escalate_to = "board")]
async fn for_how_long() {}

/// A reason for what cannot be.
#[hitl_tool(requires_reason, decisions = ["approve", "abort"])]
async fn reason() {}

fn main() {}
