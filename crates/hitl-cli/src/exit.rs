//! Exit codes, and the errors that lead to them.

use std::io;
use std::process::ExitCode;

use hitl_core::grant::GrantError;
use hitl_core::{BuildError, GateError, GateErrorKind, Refusal, StoreError};
use hitl_tasks::JournalError;

/// The exit code of the program. Scripts rely on these numbers; `hitl --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed: the store, a file, the database or the console.
    Failed = 1,
    /// The command line is wrong or incomplete.
    Usage = 2,
    /// No such call, grant or file.
    NotFound = 3,
    /// Conflict: already decided, changed since it was shown, or expired.
    Conflict = 4,
    /// Not allowed: the answer, the person or the terms; or the prompt was answered with no.
    Refused = 5,
    /// A check found a problem: the audit is not sound, the policy is wrong, `doctor` found a
    /// problem, or a guarantee does not hold.
    Found = 6,
    /// Done, but the audit log did not take it, or part of it could not be erased.
    Unaudited = 7,
}

/// The exit codes in `hitl --help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed: the store, a file, the database or the console; nothing was
     decided, unless the message says that this is unknown
  2  usage: the command line is wrong or incomplete
  3  not found: no such call, grant or file
  4  conflict: already decided, changed since it was shown, or expired
  5  not allowed: the answer, the person or the terms of a grant; or the prompt
     was answered with no
  6  check failed: the audit is not sound, the policy is wrong, `doctor` found a
     problem, or a guarantee does not hold
  7  done, but the audit log did not take it, or part of it could not be erased

What you have seen:
  --binding  names what a call would do and who asks for it. It changes when the
             question changes. To approve a call, name it.
  revision   is the number of that question, from 1. It needs no option.
  --version  counts every change of a call's record, also those that leave the
             question as it is. To resolve an unknown outcome, name it.
`hitl show` prints all three.

Output: on a terminal, text fits its width (COLUMNS makes it narrower) and has
colours (not with NO_COLOR, CLICOLOR=0 or TERM=dumb; always with
CLICOLOR_FORCE=1). Elsewhere lines are whole and plain. Tables and cards are for
people and may change. With --json, `queue`, `grants`, `tasks` and `watch` print
one JSON document a line; all others print one document. Fields are only ever
added, and are the same over a store and over a console. A flag beats an
environment variable, also one for another kind of place: --url with HITL_DB set
asks the console.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The failure of a command: an exit code and a message.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Creates the failure for a file that could not be read.
    pub(crate) fn file(path: &std::path::Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Failed,
        };
        Self::new(exit, format!("{}: {error}", path.display()))
    }
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        let exit = match (error.kind(), error.refusal()) {
            (_, Some(refusal)) => exit_of_refusal(refusal),
            (GateErrorKind::NotFound, _) => Exit::NotFound,
            (GateErrorKind::ToolChanged, _) => Exit::Conflict,
            (GateErrorKind::NotGranted, _) if error.grant() == Some(&GrantError::Stale) => {
                Exit::Conflict
            }
            (
                GateErrorKind::Forbidden
                | GateErrorKind::EditDenied
                | GateErrorKind::NotGranted
                | GateErrorKind::NotUncovered
                | GateErrorKind::NotErased
                | GateErrorKind::NotFrozen,
                _,
            ) => Exit::Refused,
            (GateErrorKind::InvalidQuery, _) => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

/// Returns `Conflict` if a new look at the call may help, and `Refused` if not.
fn exit_of_refusal(refusal: Refusal) -> Exit {
    match refusal {
        Refusal::State { .. }
        | Refusal::Stale
        | Refusal::OtherResult
        | Refusal::Expired
        | Refusal::AlreadyVoted
        | Refusal::GraceOver
        | Refusal::Alive => Exit::Conflict,
        _ => Exit::Refused,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            // `hitl queue | head`: the reader has what it wants.
            return Self::new(Exit::Done, "");
        }
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_core::CallState;

    #[test]
    fn the_help_lists_every_code() {
        for exit in [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::NotFound,
            Exit::Conflict,
            Exit::Refused,
            Exit::Found,
            Exit::Unaudited,
        ] {
            let number = exit as u8;
            assert!(EXIT_CODES.contains(&format!("\n  {number}  ")), "{exit:?}");
        }
    }

    #[test]
    fn what_looking_again_cannot_help_is_refused() {
        let gone = Refusal::State { state: CallState::Rejected, event: "decide" };
        for changed in
            [gone, Refusal::Stale, Refusal::OtherResult, Refusal::Expired, Refusal::AlreadyVoted]
        {
            assert_eq!(exit_of_refusal(changed), Exit::Conflict, "{changed:?}");
        }
        for refused in [Refusal::NotAllowed, Refusal::NotEntitled, Refusal::FourEyes] {
            assert_eq!(exit_of_refusal(refused), Exit::Refused, "{refused:?}");
        }
    }
}
