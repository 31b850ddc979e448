//! `hitl mcp`: MCP servers behind a gate.
//!
//! | file | what is there |
//! |---|---|
//! | `args` | the options, on the command line or in a file |
//! | `plan` | checks the options against one another: pure |
//! | `places` | where the store and the pins are if nobody says so: pure |
//! | `run_slot` | the run of this gateway, which survives its process |
//! | `gate` | the store, and the gate with the tools |
//! | `console` | the reviewers' page beside the gateway |
//! | `run` | starts and stops the gateway |
//! | `pins` | lists, compares and approves the definitions of tools |
//! | `install` | wraps the servers in a client's configuration |

mod args;
mod console;
mod gate;
mod install;
mod pins;
mod places;
mod plan;
mod run;
mod run_slot;

use crate::args::BackendArgs;
use crate::commands::Output;
use crate::exit::Failure;
pub(crate) use args::McpArgs;
use args::{McpCommand, McpOptions};

/// Runs `hitl mcp`, or one of its commands.
pub(crate) async fn run(
    backend: &BackendArgs,
    arguments: McpArgs,
    output: &Output,
) -> Result<(), Failure> {
    let McpArgs { command, config, options, server } = arguments;
    let file = config.as_deref().map(McpOptions::read).transpose()?;
    let options = options.or(file.unwrap_or_default());
    match command {
        Some(McpCommand::Pins { command }) => pins::run(backend, &options, command, output).await,
        Some(McpCommand::Install(wanted)) => install::install(&wanted, output),
        Some(McpCommand::Uninstall(wanted)) => install::uninstall(&wanted, output),
        None => run::run(backend, options, config, server).await,
    }
}
