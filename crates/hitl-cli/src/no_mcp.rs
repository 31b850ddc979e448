//! `hitl mcp` without the feature `mcp`: it says how to get it.

use clap::Args;

use crate::args::BackendArgs;
use crate::commands::Output;
use crate::exit::Failure;

/// The arguments of `mcp`, which are not read.
#[derive(Debug, Args)]
pub(crate) struct McpArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

#[expect(clippy::unused_async, reason = "the twin of the one that serves")]
pub(crate) async fn run(_: &BackendArgs, given: McpArgs, _: &Output) -> Result<(), Failure> {
    drop(given.rest);
    let why = "this `hitl` was built without the feature `mcp`; with it: `cargo install hitl-cli --features mcp`";
    Err(Failure::usage(why))
}
