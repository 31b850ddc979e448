//! Faults of the file, and the errors that callers act on.

use std::io;
use std::path::Path;

use hitl_base::clock::ClockJump;
use hitl_core::store::{StoreError, StoreErrorKind as Kind};
use rusqlite::ErrorCode;

/// A fault below the contract, which has no path yet.
#[derive(Debug)]
pub(super) enum Fault {
    /// An error that SQLite returned.
    Sqlite(rusqlite::Error),
    /// The data that was read cannot have been written by hitl. Names the kind of data, never its
    /// content.
    Damaged(&'static str),
    /// The new call belongs to a run that is behind the watermark.
    RunForgotten,
    /// The machine's clock has jumped far ahead.
    Clock(ClockJump),
    /// Data was erased, and the log that may still contain it could not be emptied.
    LogInUse,
    /// The outcome of a commit is unknown, and others have written since: it can no longer be found
    /// out.
    Ambiguous,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<ClockJump> for Fault {
    fn from(jump: ClockJump) -> Self {
        Self::Clock(jump)
    }
}

impl Fault {
    /// Returns whether the write certainly did not happen, although `COMMIT` failed.
    pub(super) fn is_certain(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull)
        )
    }

    /// Returns the error that callers see.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let file = path.display();
        match self {
            Self::Damaged(what) => StoreError::new(
                Kind::Corrupt,
                format!("{file} is damaged ({what}); stop its users and restore it from a backup"),
            ),
            Self::RunForgotten => StoreError::run_forgotten(),
            Self::Clock(jump) => jump.into(),
            Self::LogInUse => StoreError::new(
                Kind::Unavailable,
                format!(
                    "it was erased from {file}, and the log beside it ({file}-wal) still has it, \
                     because somebody reads from there; erase once more when they are done"
                ),
            ),
            Self::Ambiguous => ambiguous(path),
            Self::Sqlite(error) => {
                let (kind, message) = explain(&error, path);
                let wrapped = StoreError::new(kind, message);
                // Other errors of the wrapper quote the values that they could not convert.
                let quotes_nothing = matches!(error, rusqlite::Error::SqliteFailure(..));
                if quotes_nothing { wrapped.with_source(error) } else { wrapped }
            }
        }
    }
}

fn explain(error: &rusqlite::Error, path: &Path) -> (Kind, String) {
    let file = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Kind::Unavailable,
            format!("{file} is locked by another process; try again, or end that process"),
        ),
        Some(ErrorCode::ReadOnly) => (Kind::ReadOnly, read_only_message(path)),
        Some(ErrorCode::DiskFull) => (
            Kind::Full,
            format!("the disk of {file} is full; nothing was written; free some space and retry"),
        ),
        Some(ErrorCode::NotADatabase) => (
            Kind::Corrupt,
            format!("{file} is no database, or is damaged; restore it, or choose another path"),
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            Kind::Corrupt,
            format!("{file} is damaged; stop its users and restore it from a backup"),
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => (
            Kind::ReadOnly,
            format!(
                "{file} or the files beside it (-wal, -shm) cannot be opened; this process must be \
                 allowed to write the file and its folder"
            ),
        ),
        Some(ErrorCode::SystemIoFailure) => (
            Kind::Unavailable,
            format!("the disk of {file} fails; look at the system's log, then open it again"),
        ),
        _ => (Kind::Other, format!("{file} cannot be used as it should; see the cause")),
    }
}

/// Returns the error for a write that may or may not have happened.
pub(super) fn ambiguous(path: &Path) -> StoreError {
    StoreError::new(
        Kind::Ambiguous,
        format!("it is not known whether {} took the write; read again first", path.display()),
    )
}

/// Returns the error for a store whose threads have ended.
pub(super) fn stopped(path: &Path) -> StoreError {
    StoreError::new(
        Kind::Unavailable,
        format!("the store at {} has stopped; open it again", path.display()),
    )
}

/// Returns the error for a file that can be read, but not written.
pub(super) fn read_only(path: &Path) -> StoreError {
    StoreError::new(Kind::ReadOnly, read_only_message(path))
}

fn read_only_message(path: &Path) -> String {
    format!(
        "{} cannot be written; check its permissions, its folder's, and whether the disk is \
         mounted read-only",
        path.display()
    )
}

/// Returns the error for a file beside the database that cannot be used.
pub(super) fn file_error(path: &Path, error: io::Error) -> StoreError {
    let file = path.display();
    let (kind, message) = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (Kind::ReadOnly, read_only_message(path))
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Kind::Full, format!("the disk of {file} is full; free some space and retry"))
        }
        io::ErrorKind::NotFound => {
            (Kind::Other, format!("the folder of {file} does not exist; create it first"))
        }
        _ => (Kind::Other, format!("{file} cannot be used; see the cause")),
    };
    StoreError::new(kind, message).with_source(error)
}
