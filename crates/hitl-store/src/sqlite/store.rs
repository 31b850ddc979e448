//! The store, and its operations beyond the contract.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use hitl_core::store::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use super::backup::{self, BackupFault};
use super::error::{Fault, file_error, stopped};
use super::metadata;
use super::query;
use super::shared::Shared;

/// A store that keeps calls in one SQLite file. Cheap to clone; clones share the file.
///
/// `Ok` means durable: on a disk that honours fsync, an acknowledged change survives `kill -9` and
/// a power loss. Several processes on one machine may open the same file, which must lie on a local
/// disk; each sees the others' changes.
///
/// Four things lie beside the file and belong to it: SQLite's own `-wal` and `-shm`, the key
/// `<file>.key` that arguments and results are sealed under (keep a copy of it apart from the
/// file's backups), `<file>.head`, by which an older copy of the file is detected, and
/// `<file>.sessions/`, the locks by which a dead executor is distinguished from a living one
/// (nothing in these two needs a backup).
///
/// An older copy that replaces the file begins a new [epoch](Self::epoch) when it is opened: calls
/// that waited or were approved in it are asked about again, because they may have run since. The
/// same happens to a file that is moved without its `.head`.
///
/// Every future of a store may be dropped: the operation then happens entirely or not at all.
/// Dropping the last clone ends its sessions and its threads, which may take as long as the current
/// commit.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) shared: Arc<Shared>,
}

impl From<Shared> for SqliteStore {
    fn from(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }
}

impl SqliteStore {
    /// Returns the absolute path of the file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Copies the file to `to`, where no file may exist yet, while the store stays in use.
    ///
    /// The copy contains everything that was acknowledged before the call, as one snapshot. It is
    /// marked as a backup: opening it begins a new [epoch](Self::epoch), in which everything that
    /// was pending or approved is asked again, and everything that was running has an unknown
    /// outcome. The host's key is not in it; keep that elsewhere.
    ///
    /// Dropping the future does not stop the copy.
    ///
    /// # Errors
    ///
    /// Fails if a file exists at `to` already, or cannot be written there, or the store's file
    /// cannot be read. After an error there is no new file at `to`.
    pub async fn back_up(&self, to: impl AsRef<Path> + Send) -> Result<(), StoreError> {
        let to = std::path::absolute(to.as_ref()).map_err(|e| file_error(to.as_ref(), e))?;
        let (from, target) = (Arc::clone(&self.shared.path), to.clone());
        let (reply, done) = oneshot::channel();
        // The copy takes as long as reading the file, so it runs on a thread of its own.
        let thread = std::thread::Builder::new().name("hitl-backup".to_owned());
        let work = move || {
            // The caller may have gone; the copy is made all the same.
            let _ = reply.send(backup::back_up(&from, &target));
        };
        thread.spawn(work).map_err(|error| file_error(&to, error))?;
        let done = done.await.map_err(|_| stopped(&self.shared.path))?;
        done.map_err(|fault| match fault {
            BackupFault::Store(fault) => fault.at(&self.shared.path),
            BackupFault::Io(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let message = format!("{} is there already; name a new file", to.display());
                StoreError::new(StoreErrorKind::Other, message)
            }
            BackupFault::Io(error) => file_error(&to, error),
        })
    }

    /// Returns how often the file was restored, counted from 1.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub async fn epoch(&self) -> Result<u64, StoreError> {
        let read = |on: &rusqlite::Connection| {
            let text = metadata::get(on, "epoch")?.ok_or(Fault::Damaged("its epoch"))?;
            text.parse().map_err(|_| Fault::Damaged("its epoch"))
        };
        self.shared.read(read).await
    }

    /// Checks the whole file, which takes as long as reading it.
    ///
    /// # Errors
    ///
    /// Fails with the kind [`Corrupt`](StoreErrorKind::Corrupt) if the file is damaged.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.shared.read(query::check).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
