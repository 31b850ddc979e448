//! The state that the clones of a store share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::clock::ForwardClock;
use hitl_core::HostKeys;
use hitl_core::store::{ChangeNotifier, StoreAddress, StoreError};

use super::custom_write::CustomWrite;
use super::error::{Fault, ambiguous, file_error};
use super::operation::WriteContext;
use super::reader::Readers;
use super::session::Sessions;
use super::watch::Watcher;
use super::writer::Writer;
use crate::record_cache::RecordCache;

/// The state that clones share.
///
/// Fields are dropped in this order: the readers go before the writer, so that the writer's
/// connection is the last to close and takes the log with it.
pub(super) struct Shared {
    pub(super) watcher: Watcher,
    pub(super) readers: Readers,
    pub(super) writer: Writer,
    /// The cached records, each with the call's number.
    pub(super) record_cache: RecordCache<i64>,
    pub(super) clock: Arc<ForwardClock>,
    pub(super) sessions: Sessions,
    pub(super) hub: ChangeNotifier,
    pub(super) keys: HostKeys,
    pub(super) path: Arc<Path>,
    pub(super) address: StoreAddress,
    /// The time for which an operation waits for others that hold the file.
    pub(super) busy_timeout: Duration,
}

impl Shared {
    /// Runs a read.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(read).await
    }

    /// Performs a write, together with those of others.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&rusqlite::Connection, &WriteContext) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (work, answer) = CustomWrite::new(work);
        self.writer.send(work).await?;
        answer.await.map_err(|_| ambiguous(&self.path))?
    }

    /// Returns the number of live sessions of others that seal under another key.
    pub(super) async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        let (sessions, path) = (self.sessions.clone(), Arc::clone(&self.path));
        let own = self.keys.current().id();
        let others = self.read(move |_| Ok(sessions.under_other_keys(own))).await?;
        others.map_err(|error| file_error(&path, error))
    }
}
