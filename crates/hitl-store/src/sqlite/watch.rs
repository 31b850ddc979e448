//! Finds the changes of other processes, while a waiter here waits for one.
//!
//! `PRAGMA data_version` on an idle connection tells, without touching the file's pages, whether
//! another connection has committed; then the history tells which calls changed. The thread sleeps
//! while nobody waits: a waiter wakes it, and since the thread cannot know what it missed, it first
//! hints at everything. Waiters subscribe before they read, so no change is missed in between.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use hitl_base::sync::lock;
use hitl_core::store::ChangeNotifier;
use rusqlite::Connection;

use super::error::Fault;
use super::metadata;
use super::query;
use crate::freeze::KEPT;

/// The interval at which the file is checked while a waiter waits.
const EVERY: Duration = Duration::from_millis(20);
/// The number of changes that are read at once.
const STRETCH: usize = 1000;

/// The ranges of the history that this store's own writer added, and hinted at itself.
#[derive(Clone, Debug, Default)]
pub(super) struct LocalChanges(Arc<Mutex<VecDeque<(i64, i64)>>>);

/// The most ranges remembered; a forgotten one costs a needless hint.
const REMEMBERED: usize = 1024;

impl LocalChanges {
    /// Records that the numbers `first` to `last` are this store's own.
    pub(super) fn add(&self, first: i64, last: i64) {
        let mut stretches = lock(&self.0);
        if stretches.len() == REMEMBERED {
            stretches.pop_front();
        }
        stretches.push_back((first, last));
    }

    fn contains(&self, seq: i64) -> bool {
        let stretches = lock(&self.0);
        stretches.iter().rev().any(|(first, last)| (*first..=*last).contains(&seq))
    }

    /// Forgets the ranges before `seq`.
    fn forget(&self, seq: i64) {
        let mut stretches = lock(&self.0);
        stretches.retain(|(_, last)| *last > seq);
    }
}

/// The thread that watches the file. Dropping it ends the thread.
pub(super) struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread.
    pub(super) fn start(
        connection: Connection,
        hub: ChangeNotifier,
        own: LocalChanges,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let name = std::thread::Builder::new().name("hitl-watch".to_owned());
        let thread = name.spawn(move || look(&connection, &hub, &own, &stopped))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Wakes the thread, for a waiter that has subscribed.
    pub(super) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

fn look(connection: &Connection, hub: &ChangeNotifier, own: &LocalChanges, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        if !hub.has_waiters() {
            std::thread::park();
            continue;
        }
        let watched = while_watched(connection, hub, own, stop);
        // After any error the waiters read for themselves, and get it.
        hub.notify_all();
        if watched.is_err() {
            std::thread::park_timeout(EVERY);
        }
    }
}

fn while_watched(
    connection: &Connection,
    hub: &ChangeNotifier,
    own: &LocalChanges,
    stop: &AtomicBool,
) -> Result<(), Fault> {
    let mut version = data_version(connection)?;
    let mut seen = query::last_change(connection)?;
    let mut freezes = metadata::get(connection, KEPT)?;
    hub.notify_all();
    while hub.has_waiters() && !stop.load(Ordering::Acquire) {
        std::thread::park_timeout(EVERY);
        let now = data_version(connection)?;
        if now == version {
            continue;
        }
        version = now;
        let freezes_now = metadata::get(connection, KEPT)?;
        if freezes_now != freezes {
            // A freeze is no change of a call: all that wait for the thaw check again.
            hub.notify_all();
            freezes = freezes_now;
        }
        loop {
            let changes = query::changes(connection, seen, STRETCH)?;
            for (seq, id) in &changes {
                if *seq != seen + 1 {
                    // The entries in between are no longer kept.
                    hub.notify_all();
                }
                seen = *seq;
                if !own.contains(*seq) {
                    hub.notify(*id);
                }
            }
            if changes.len() < STRETCH {
                break;
            }
        }
        own.forget(seen);
    }
    Ok(())
}

fn data_version(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}
