//! `hitl`: pending calls, shown and decided in a terminal or by a script.
//!
//! | folder or file | what is there |
//! |---|---|
//! | `args` | the command line and its help |
//! | `backend/` | where the calls are: a store and a gate over it, or a console |
//! | `commands/` | one file for each command |
//! | `view/` | tables and JSON: pure |
//! | `person/` | whether a person is there, and how that is known |
//! | `mcp/` | MCP servers behind a gate: `hitl mcp` |
//! | `serve/` | the reviewers' page over a store: `hitl console` |
//! | `seen_check` | checks that an approver has seen what they approve: pure |
//! | `exit` | exit codes, and which error has which |

mod args;
mod backend;
mod commands;
mod exit;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(not(feature = "mcp"))]
#[path = "no_mcp.rs"]
mod mcp;
mod person;
mod seen_check;
#[cfg(feature = "serve")]
mod serve;
#[cfg(not(feature = "serve"))]
#[path = "no_serve.rs"]
mod serve;
mod view;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;

use args::parse;
use exit::{Exit, Failure};
use view::{Screen, message};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match parse(&words, Screen::output().width()) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error).into(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(cli)),
        Err(error) => Err(Failure::from(error)),
    };
    match done {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            say(&failure.message);
            failure.exit.into()
        }
    }
}

/// Prints help that was asked for, or what is wrong with the command line.
fn refuse(error: &clap::Error) -> Exit {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_help {
        // A reader that has closed the stream does not want it.
        let _ = error.print();
    } else {
        let text = error.render().to_string();
        say(text.strip_prefix("error: ").unwrap_or(&text));
    }
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// Prints a message on standard error.
fn say(text: &str) {
    let text = message(text, Screen::messages());
    let _ = std::io::stderr().write_all(text.as_bytes());
}
