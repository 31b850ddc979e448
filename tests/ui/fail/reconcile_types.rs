//! Fns whose types do not fit the tool.

use hitl::call::Reconciliation;
use hitl::hitl_tool;

/// Not there.
#[hitl_tool(reconcile = nowhere)]
async fn missing(a: String) -> Result<u64, String> {
    a.parse().map_err(|_| a)
}

/// Not async.
#[hitl_tool(reconcile = at_once)]
async fn blocking(a: String) -> Result<u64, String> {
    a.parse().map_err(|_| a)
}

fn at_once(_: String) -> Reconciliation<u64> {
    Reconciliation::Unknown
}

/// Too few parameters.
#[hitl_tool(reconcile = of_nothing)]
async fn fewer(a: String) -> Result<u64, String> {
    a.parse().map_err(|_| a)
}

async fn of_nothing() -> Reconciliation<u64> {
    Reconciliation::Unknown
}

/// Another parameter.
#[hitl_tool(reconcile = of_another)]
async fn other(a: String) -> Result<u64, String> {
    a.parse().map_err(|_| a)
}

async fn of_another(_: u64) -> Reconciliation<u64> {
    Reconciliation::Unknown
}

/// The output alone.
#[hitl_tool(reconcile = gives_output)]
async fn output(a: String) -> Result<u64, String> {
    a.parse().map_err(|_| a)
}

async fn gives_output(_: String) -> Result<u64, String> {
    Ok(7)
}

/// Another output.
#[hitl_tool(reconcile = gives_another)]
async fn another(a: String) -> Result<u64, String> {
    a.parse().map_err(|_| a)
}

async fn gives_another(_: String) -> Reconciliation<bool> {
    Reconciliation::Executed(true)
}

fn main() {}
