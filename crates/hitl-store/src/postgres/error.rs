//! Faults of the database, and the errors that callers act on.

use hitl_core::store::{StoreError, StoreErrorKind as Kind};
use tokio_postgres::error::{Severity, SqlState};

/// A fault below the contract, which does not know its database.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server refused, and nothing was written.
    Refused(Box<tokio_postgres::Error>),
    /// The connection broke, or the server went away, while a statement was in flight: it may have
    /// been carried out.
    Broken(Option<Box<tokio_postgres::Error>>),
    /// No connection can be had; nothing was sent.
    Unreachable(Option<Box<tokio_postgres::Error>>),
    /// The data that was read cannot have been written by hitl. Names the kind of data, never its
    /// content.
    Damaged(&'static str),
}

impl From<tokio_postgres::Error> for Fault {
    /// Converts the error of reading a row that arrived: a column has another type than the store
    /// gave it.
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl Fault {
    /// Converts the error of a statement that was sent.
    pub(super) fn from_statement(error: tokio_postgres::Error) -> Self {
        let refused = error.as_db_error().is_some_and(|said| {
            // A fatal error ends the connection, possibly after the commit it was waiting with.
            let ends = matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
            !ends && *said.code() != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
        });
        // There is no answer from the server: a parameter or column whose type differs from the
        // statement's is refused on this side, before the statement is sent.
        if refused
            || (!error.is_closed() && error.as_db_error().is_none() && io_kind(&error).is_none())
        {
            Self::Refused(Box::new(error))
        } else {
            Self::Broken(Some(Box::new(error)))
        }
    }

    /// Converts the error of an attempt to connect.
    pub(super) fn from_connect(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) if !is_passing(said.code()) => Self::Refused(Box::new(error)),
            None if is_misconfigured(&error) => Self::Refused(Box::new(error)),
            _ => Self::Unreachable(Some(Box::new(error))),
        }
    }

    /// Returns whether a retry may help, when nothing was written.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Unreachable(_) => true,
            Self::Refused(error) => error.code().is_some_and(is_passing),
            Self::Damaged(_) => false,
        }
    }

    /// Returns whether the row exists already.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Refused(e) if e.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }

    /// Returns the error that callers see.
    pub(super) fn at(self, place: &str) -> StoreError {
        match self {
            Self::Damaged(what) => StoreError::new(
                Kind::Corrupt,
                format!("{place} is damaged ({what}); restore it from a backup"),
            ),
            Self::Unreachable(None) | Self::Broken(None) => unreachable(place),
            Self::Unreachable(Some(error)) | Self::Broken(Some(error)) => {
                with_cause(unreachable(place), *error)
            }
            Self::Refused(error) => {
                let (kind, message) = explain(&error, place);
                with_cause(StoreError::new(kind, message), *error)
            }
        }
    }
}

/// Adds the cause, unless it is a message of the server: that may quote values, one of the
/// connection does not.
fn with_cause(wrapped: StoreError, error: tokio_postgres::Error) -> StoreError {
    if error.as_db_error().is_some() { wrapped } else { wrapped.with_source(error) }
}

fn io_kind(error: &tokio_postgres::Error) -> Option<std::io::ErrorKind> {
    let cause = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    Some(cause.kind())
}

/// Returns whether the configuration is wrong: a wrong password, certificate or URL stays wrong.
fn is_misconfigured(error: &tokio_postgres::Error) -> bool {
    match io_kind(error) {
        // TLS reports an untrusted certificate in this way.
        Some(kind) => kind == std::io::ErrorKind::InvalidData,
        None => !error.is_closed() && !error.to_string().contains("connecting to server"),
    }
}

/// Returns whether the state passes by itself: overload, restarts, conflicts with others.
fn is_passing(code: &SqlState) -> bool {
    let passing = ["08", "40", "53", "55", "57"];
    *code != SqlState::DISK_FULL && passing.contains(&&code.code()[..2])
}

fn explain(error: &tokio_postgres::Error, place: &str) -> (Kind, String) {
    let Some(code) = error.code() else {
        let hint = "check the URL, the certificate (sslmode, root_certificate) and the password";
        return (Kind::Other, format!("{place} cannot be used: {hint}; see the cause"));
    };
    let number = code.code();
    match number {
        "25006" => (Kind::ReadOnly, read_only_message(place)),
        "42501" => (
            Kind::ReadOnly,
            format!("{place}: this user may not do what hitl needs; make it own the schema"),
        ),
        "53100" => (
            Kind::Full,
            format!("the disk of {place} is full; nothing was written; free some space and retry"),
        ),
        "42P01" | "42703" | "42883" | "3F000" => (
            Kind::Corrupt,
            format!("{place} lacks a table, column or function of hitl's; restore it"),
        ),
        "3D000" => (Kind::Other, format!("{place} does not exist; create the database first")),
        _ if number.starts_with("28") => (
            Kind::Other,
            format!("{place} does not let this user in ({number}); check user and password"),
        ),
        _ if number.starts_with("XX") => {
            (Kind::Corrupt, format!("{place} is damaged ({number}); look at the server's log"))
        }
        _ if is_passing(code) => {
            (Kind::Unavailable, format!("{place} cannot take more just now ({number}); try again"))
        }
        _ => (
            Kind::Other,
            format!("{place} refuses a statement ({number}); look at the server's log"),
        ),
    }
}

/// Returns the error for a database that cannot be reached.
pub(super) fn unreachable(place: &str) -> StoreError {
    StoreError::new(
        Kind::Unavailable,
        format!("{place} cannot be reached, or does not answer; nothing was written; try again"),
    )
}

/// Returns the error for a write that may or may not have happened.
pub(super) fn ambiguous(place: &str) -> StoreError {
    StoreError::new(
        Kind::Ambiguous,
        format!("it is not known whether {place} took the write; read again first"),
    )
}

/// Returns the error for a server that takes no writes.
pub(super) fn read_only(place: &str) -> StoreError {
    StoreError::new(Kind::ReadOnly, read_only_message(place))
}

fn read_only_message(place: &str) -> String {
    format!("{place} is read-only: a standby, or set so; use the primary's address")
}

/// Returns the error for an executor whose lease is too old to claim anything.
pub(super) fn fenced(place: &str) -> StoreError {
    StoreError::new(
        Kind::Unavailable,
        format!(
            "the lease of this executor at {place} could not be renewed in time, so it claims \
             nothing; it goes on by itself once the database answers again"
        ),
    )
}

/// Returns the error for options that cannot work.
pub(super) fn unusable(message: impl Into<String>) -> StoreError {
    StoreError::new(Kind::Other, message)
}
