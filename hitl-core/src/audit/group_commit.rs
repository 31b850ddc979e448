//! One fsync for all callers that wait for it.
//!
//! A dedicated thread syncs the file. What is written while it syncs waits for the next sync,
//! so ten writers that arrive together cost two syncs, and none of them holds a lock meanwhile.
//!
//! Invariants:
//!
//! - A number is assigned under the lock of the file's writer, so everything written before has a
//!   smaller one.
//! - A sync that begins after a number was assigned covers it: the thread reads the highest number
//!   before it syncs.
//! - A failed sync is final. The operating system reports the error once, so a later sync of the
//!   same file proves nothing: everything that was not synced before has failed, and everything
//!   after it fails too.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use hitl_base::sync::lock;
use tokio::sync::watch;

use super::{AuditError, ChainHead};

/// The syncs of one file and of those that follow it after rotation.
#[derive(Debug, Default)]
pub(super) struct GroupCommit {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wanted: Condvar,
    progress: watch::Sender<Progress>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The highest number that was assigned.
    wanted: u64,
    progress: Progress,
    /// The file to sync. A file that was rotated away was synced by then.
    file: Option<Arc<File>>,
    closed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Everything up to this number is on the disk.
    synced: u64,
    failed: bool,
}

impl Progress {
    /// Returns whether the number is on the disk; `None` while that is not known.
    fn outcome(self, number: u64) -> Option<bool> {
        match (self.synced >= number, self.failed) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

impl GroupCommit {
    /// Requests a sync of what was written to the file so far. The caller holds the lock of the
    /// file's writer.
    pub(super) fn request(&self, file: &Arc<File>) -> PendingSync {
        let mut state = self.shared.lock();
        state.wanted += 1;
        state.file = Some(Arc::clone(file));
        let number = state.wanted;
        drop(state);
        if self.is_running() {
            self.shared.wanted.notify_one();
        } else {
            self.shared.sync_up_to(number, file);
        }
        PendingSync { shared: Arc::clone(&self.shared), number }
    }

    /// Returns the last sync that was requested.
    pub(super) fn requested(&self) -> PendingSync {
        let number = self.shared.lock().wanted;
        PendingSync { shared: Arc::clone(&self.shared), number }
    }

    /// Records that a sync of the same file failed elsewhere.
    pub(super) fn fail(&self) {
        self.shared.move_on(|progress| progress.failed = true);
    }

    /// Returns whether a sync has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.shared.lock().progress.failed
    }

    /// Starts the thread if there is none. Returns whether it runs; if not, callers sync for
    /// themselves.
    fn is_running(&self) -> bool {
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let name = "hitl-audit-sync".to_owned();
            *thread = std::thread::Builder::new().name(name).spawn(move || shared.run()).ok();
        }
        thread.is_some()
    }
}

impl Drop for GroupCommit {
    /// Ends the thread once it has synced what was requested: then the file is free.
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wanted.notify_one();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _panicked = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn run(&self) {
        let _guard = FailOnPanic(self);
        while let Some((number, file)) = self.next() {
            self.sync_up_to(number, &file);
        }
    }

    /// Waits for something to sync. Returns `None` when nothing is left and nothing will come.
    fn next(&self) -> Option<(u64, Arc<File>)> {
        let mut state = self.lock();
        loop {
            let has_work = state.wanted > state.progress.synced && !state.progress.failed;
            match &state.file {
                Some(file) if has_work => return Some((state.wanted, Arc::clone(file))),
                // A file that nobody waits for is not kept open.
                _ => state.file = None,
            }
            if state.closed {
                return None;
            }
            state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn sync_up_to(&self, number: u64, file: &File) {
        let synced = file.sync_data();
        // The waiters are woken before the log event: its subscriber is the host's code, and may
        // panic or hang.
        self.move_on(|progress| match synced {
            Ok(()) if !progress.failed => progress.synced = progress.synced.max(number),
            Ok(()) => {}
            Err(_) => progress.failed = true,
        });
        if let Err(error) = &synced {
            tracing::error!(%error, "the audit file cannot be synced; nothing more is written to it");
        }
    }

    fn move_on(&self, change: impl FnOnce(&mut Progress)) {
        let mut state = self.lock();
        change(&mut state.progress);
        self.progress.send_replace(state.progress);
        drop(state);
        self.moved.notify_all();
    }
}

/// Fails all syncs if the thread that does them panics: otherwise their waiters would hang.
struct FailOnPanic<'s>(&'s Shared);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.move_on(|progress| progress.failed = true);
        }
    }
}

/// A sync that was requested.
#[derive(Debug)]
pub(super) struct PendingSync {
    shared: Arc<Shared>,
    number: u64,
}

impl PendingSync {
    /// Waits for the sync on this thread.
    pub(super) fn wait(self) -> Result<(), AuditError> {
        let mut state = self.shared.lock();
        loop {
            if let Some(done) = state.progress.outcome(self.number) {
                return of_outcome(done);
            }
            state = self.shared.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the sync.
    ///
    /// Cancel safety: dropping the future changes nothing.
    pub(super) async fn done(self) -> Result<(), AuditError> {
        let mut progress = self.shared.progress.subscribe();
        let known = progress.wait_for(|progress| progress.outcome(self.number).is_some()).await;
        // The sender lives as long as `self`.
        of_outcome(known.ok().and_then(|progress| progress.outcome(self.number)).unwrap_or(false))
    }
}

fn of_outcome(done: bool) -> Result<(), AuditError> {
    if done {
        return Ok(());
    }
    let cause = io::Error::other("a sync failed");
    Err(AuditError::new("cannot sync the audit file; open it again").with_source(cause))
}

/// A record that a sink has accepted, in its order: it is kept once this completes.
///
/// To find out whether the record is kept, call [`wait`](Self::wait) or [`done`](Self::done).
#[derive(Debug)]
#[must_use = "the record is not known to be kept until this is done"]
pub struct Commit {
    place: Option<ChainHead>,
    sync: Option<PendingSync>,
}

impl Commit {
    /// Creates the commit of a record that is already kept, at this place of its chain, if there is
    /// one.
    pub fn kept(place: Option<ChainHead>) -> Self {
        Self { place, sync: None }
    }

    pub(super) fn after(place: ChainHead, sync: Option<PendingSync>) -> Self {
        Self { place: Some(place), sync }
    }

    /// Waits on this thread until the record is kept, and returns its place.
    pub fn wait(self) -> Result<Option<ChainHead>, AuditError> {
        self.sync.map_or(Ok(()), PendingSync::wait)?;
        Ok(self.place)
    }

    /// Waits until the record is kept, and returns its place.
    ///
    /// Cancel safety: dropping the future leaves the record where it is; nobody learns whether it
    /// is kept.
    pub async fn done(self) -> Result<Option<ChainHead>, AuditError> {
        if let Some(sync) = self.sync {
            sync.done().await?;
        }
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_panic_of_the_thread_fails_what_waits_and_what_comes() {
        let shared = Arc::<Shared>::default();
        let waiting = PendingSync { shared: Arc::clone(&shared), number: 1 };
        let later = PendingSync { shared: Arc::clone(&shared), number: 2 };
        let thread = std::thread::spawn(move || {
            let _guard = FailOnPanic(&shared);
            std::panic::panic_any("a subscriber panicked");
        });
        assert!(waiting.wait().is_err());
        assert!(thread.join().is_err());
        assert!(later.wait().is_err());
    }

    #[tokio::test]
    async fn who_comes_together_is_synced_together_and_each_hears_of_it() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let commits = GroupCommit::default();
        let mut syncs = Vec::new();
        for _ in 0..20 {
            (&*file).write_all(b"line\n").unwrap();
            syncs.push(commits.request(&file));
        }
        let last = syncs.pop().unwrap();
        last.done().await.unwrap();
        // Numbers ascend, so once the last sync is done, nobody waits any more.
        for sync in syncs {
            sync.wait().unwrap();
        }
        assert!(!commits.has_failed());
    }

    #[tokio::test]
    async fn invariant_5_a_failed_sync_is_final() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let commits = GroupCommit::default();
        commits.request(&file).wait().unwrap();
        commits.fail();
        assert!(commits.has_failed());
        assert!(commits.request(&file).wait().is_err());
        assert!(commits.request(&file).done().await.is_err());
    }

    #[test]
    fn the_file_is_free_once_the_commits_are_gone() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let commits = GroupCommit::default();
        let sync = commits.request(&file);
        drop(commits);
        sync.wait().unwrap();
        assert_eq!(Arc::strong_count(&file), 1);
    }
}
