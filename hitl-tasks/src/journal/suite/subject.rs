//! The subject of a check, and helpers that many checks use.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::{Epoch, Journal, JournalErrorKind, TaskId, TaskState};

/// The timeout of anything that has to happen: far beyond the needs of a healthy journal.
const PATIENCE: Duration = Duration::from_secs(30);

/// An empty journal under test.
pub struct Subject {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Kept alive as long as the journal: its folder, its server.
    keep: Option<Box<dyn Any + Send + Sync>>,
}

impl Subject {
    /// Creates a subject from an empty journal.
    pub fn new(journal: impl Journal) -> Self {
        Self { journal: Arc::new(journal), keep: None }
    }

    /// Keeps something alive as long as the journal.
    #[must_use]
    pub fn keep(mut self, what: impl Any + Send + Sync) -> Self {
        self.keep = Some(Box::new(what));
        self
    }

    /// Claims a task, which must succeed.
    pub async fn claim(&self, task: TaskId) -> Epoch {
        self.journal.claim(task).await.expect("claim")
    }

    /// Appends an entry, which must succeed.
    pub async fn append(&self, task: TaskId, epoch: Epoch, entry: &str) {
        self.journal.append(task, epoch, entry.into()).await.expect("append");
    }

    /// Ends a task, which must succeed.
    pub async fn end(&self, task: TaskId, epoch: Epoch, entry: &str, state: TaskState) {
        self.journal.end(task, epoch, entry.into(), state).await.expect("end");
    }

    /// Appends an entry, which must be fenced and write nothing.
    pub async fn refuse(&self, task: TaskId, epoch: Epoch) {
        let before = self.load(task).await;
        let refused = self.journal.append(task, epoch, b"\"not kept\"".to_vec()).await;
        let error = refused.expect_err("it must be fenced");
        assert_eq!(error.kind(), JournalErrorKind::Fenced, "{error}");
        assert_eq!(self.load(task).await, before, "a fenced append writes nothing");
    }

    /// Returns every entry, as text.
    pub async fn load(&self, task: TaskId) -> Vec<String> {
        let entries = self.journal.load(task).await.expect("load");
        entries.into_iter().map(|entry| String::from_utf8(entry).expect("UTF-8")).collect()
    }

    /// Waits for something that must happen.
    pub async fn soon<T>(&self, what: &str, event: impl Future<Output = T>) -> T {
        let Ok(value) = tokio::time::timeout(PATIENCE, event).await else {
            panic!("{what} did not happen within {PATIENCE:?}")
        };
        value
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("keeps", &self.keep.is_some()).finish_non_exhaustive()
    }
}
