//! `hitl`: pending calls, shown and decided in a terminal or by a script.
//!
//! | folder or file | what is there |
//! |---|---|
//! | `args` | the command line and its help |
//! | `backend/` | where the calls are: a store and a gate over it, or a console |
//! | `commands/` | one file for each command |
//! | `view/` | tables and JSON: pure |
//! | `person/` | whether a person is there, and how that is known |
//! | `serve/` | the reviewers' page over a store: `hitl console` |
//! | `seen_check` | checks that an approver has seen what they approve: pure |
//! | `exit` | exit codes, and which error has which |

mod args;
mod backend;
mod commands;
mod exit;
mod person;
mod seen_check;
#[cfg(feature = "serve")]
mod serve;
#[cfg(not(feature = "serve"))]
#[path = "no_serve.rs"]
mod serve;
mod view;

use std::io::Write as _;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::{Cli, command_line};
use exit::{Exit, Failure};

fn main() -> ExitCode {
    let parsed = command_line().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help that was requested is no error.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            // A reader that has closed the stream does not want it.
            let _ = error.print();
            return code.into();
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(cli)),
        Err(error) => Err(Failure::from(error)),
    };
    match done {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            if !failure.message.is_empty() {
                let _ = writeln!(std::io::stderr(), "hitl: {}", failure.message);
            }
            failure.exit.into()
        }
    }
}
