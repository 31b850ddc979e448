//! The one thread that writes: it commits the operations of many callers together.
//!
//! # What holds
//!
//! - An answer is given only after the `COMMIT` of the transaction that it was read or written in:
//!   what one operation of a group sees of another is never told before both are durable.
//! - Operations of a group do not hurt each other: when one fails after it has written something,
//!   or a fault takes the whole transaction away, each is done again in a transaction of its own.
//!   (A savepoint for each would do too, and would copy every page that an operation touches.)
//! - A `COMMIT` that certainly failed (locked, disk full) is an error and nothing was written. One
//!   that may have happened is settled by the next transaction: the file is opened again and the
//!   group is performed again, which finds what the first attempt wrote. Only if that fails too is
//!   the answer [`Ambiguous`](hitl_core::StoreErrorKind::Ambiguous).
//! - One operation alone is never delayed. After a group of several, as many are waited for as came
//!   last time, for a fraction of a commit, because their callers are about to come back. The
//!   transaction is open by then, and each is performed as it comes: what a caller works out before
//!   it asks, it works out while the thread is at the operations of others.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hitl_core::StoreError;
use hitl_core::store::ChangeNotifier;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answers::{Answers, Committed, Untold};
use super::error::{Fault, ambiguous, stopped};
use super::head::{Head, HeadFile};
use super::operation::{Operation, World, Written};
use super::watch::OwnChanges;
use crate::failpoint::reach;

/// The most operations that wait or run; further callers wait for their turn.
const WAITING: usize = 1024;
/// The most operations in one transaction.
const GROUP: usize = 256;
/// How long a transaction is added to.
const GROUP_TIME: Duration = Duration::from_millis(20);
/// The longest that a group is waited for.
const GATHER_TIME: Duration = Duration::from_millis(1);

/// Makes the connection that writes. Called again after a failure.
pub(super) type Connect = Box<dyn Fn() -> Result<Connection, Fault> + Send>;

/// Sends operations to the thread. Dropping it ends the thread after the group it is at.
pub(super) struct Writer {
    queue: Option<Sender<Waiting>>,
    turns: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
    untold: Arc<Untold>,
    path: Arc<Path>,
}

/// An operation, until its author knows what came of it.
pub(super) struct Waiting {
    pub(super) operation: Box<dyn Operation>,
    /// Its place among those that wait, given up with it.
    _turn: OwnedSemaphorePermit,
}

impl Waiting {
    /// The operation waits, and holds this place.
    pub(super) fn new(operation: impl Operation + 'static, turn: OwnedSemaphorePermit) -> Self {
        Self { operation: Box::new(operation), _turn: turn }
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(thread: WriterThread) -> std::io::Result<Self> {
        let (queue, operations) = channel();
        let (path, untold) = (Arc::clone(&thread.path), thread.answers.untold());
        let name = std::thread::Builder::new().name("hitl-write".to_owned());
        let handle = name.spawn(move || thread.run(&operations))?;
        let turns = Arc::new(Semaphore::new(WAITING));
        Ok(Self { queue: Some(queue), turns, thread: Some(handle), untold, path })
    }

    /// Hands an operation over. Its answer comes through its own channel.
    pub(super) async fn send(&self, operation: impl Operation + 'static) -> Result<(), StoreError> {
        let gone = |()| stopped(&self.path);
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| gone(()))?;
        let queue = self.queue.as_ref().ok_or_else(|| gone(()))?;
        queue.send(Waiting::new(operation, turn)).map_err(|_| gone(()))?;
        self.untold.help();
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// What the thread owns.
pub(super) struct WriterThread {
    pub(super) connection: Option<Connection>,
    pub(super) connect: Connect,
    pub(super) world: World,
    pub(super) hub: ChangeNotifier,
    pub(super) answers: Answers,
    pub(super) own: OwnChanges,
    /// The file's epoch does not change while it is open.
    pub(super) head: (u64, HeadFile),
    pub(super) path: Arc<Path>,
    pub(super) commit: Commit,
}

/// How a transaction is committed: a seam for tests of commits that fail.
pub(super) type Commit = Box<dyn FnMut(&Connection) -> rusqlite::Result<()> + Send>;

/// Commits.
pub(super) fn commit() -> Commit {
    Box::new(|connection| connection.execute_batch("COMMIT"))
}

/// How the transaction of a group ended.
enum Attempt {
    /// Committed: these lines were added.
    Committed(Vec<Written>),
    /// Nothing was written, and nothing would be now.
    Refused(Fault),
    /// Nothing was written, because of one of the operations.
    Lost(Fault),
    /// It may have been written.
    Unclear,
}

impl WriterThread {
    fn run(mut self, operations: &Receiver<Waiting>) {
        let mut carried = VecDeque::new();
        let (mut last, mut cost) = (1, Duration::ZERO);
        loop {
            let mut group: VecDeque<Waiting> = std::mem::take(&mut carried);
            if group.is_empty() {
                let Some(first) = self.telling_until_one_comes(operations) else { return };
                group.push_back(first);
            }
            self.answers.hand_over();
            let mut coming = Coming {
                operations,
                taken: group.len(),
                expected: last,
                patience: (cost / 4).min(GATHER_TIME),
            };
            group.extend(std::iter::from_fn(|| coming.at_once()));
            group.retain(|waiting| !waiting.operation.is_abandoned());
            let (start, patience) = (Instant::now(), coming.patience);
            carried = self.settle(group, Some(&mut coming));
            last = coming.taken;
            let waited = patience.saturating_sub(coming.patience);
            cost = start.elapsed().saturating_sub(waited);
        }
    }

    /// The next operation; until it comes, there is time to tell callers that theirs is committed.
    /// Nothing when none will come.
    fn telling_until_one_comes(&self, operations: &Receiver<Waiting>) -> Option<Waiting> {
        let untold = self.answers.untold();
        loop {
            match operations.try_recv() {
                Ok(waiting) => return Some(waiting),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if untold.tell_next() => {}
                Err(TryRecvError::Empty) => return operations.recv().ok(),
            }
        }
    }

    /// Performs and answers a group, and whoever comes to it. Returns what its time did not suffice
    /// for.
    fn settle(
        &mut self,
        mut group: VecDeque<Waiting>,
        coming: Option<&mut Coming<'_>>,
    ) -> VecDeque<Waiting> {
        if group.is_empty() {
            return group;
        }
        let mut failed = Vec::new();
        let (attempt, mut rest) = self.attempt(&mut group, &mut failed, coming);
        match attempt {
            Attempt::Committed(written) => self.answer(group, failed, written),
            Attempt::Lost(fault) | Attempt::Refused(fault) if group.len() + failed.len() == 1 => {
                if let Some(waiting) = all(group, failed).next() {
                    // The only one: it gets the error with its cause.
                    waiting.operation.fail(fault.at(&self.path));
                }
            }
            Attempt::Refused(fault) => {
                let error = fault.at(&self.path);
                for waiting in all(group, failed) {
                    waiting.operation.fail(StoreError::new(error.kind(), error.to_string()));
                }
            }
            Attempt::Lost(_) => {
                for waiting in all(group, failed) {
                    self.settle(VecDeque::from([waiting]), None);
                }
            }
            Attempt::Unclear => {
                let mut again = self.settle_unclear(group, failed);
                again.append(&mut rest);
                rest = again;
            }
        }
        rest
    }

    /// After a commit that may have happened: opens the file again and performs the group again.
    /// Returns what its time did not suffice for: nothing is known of that yet.
    fn settle_unclear(
        &mut self,
        mut group: VecDeque<Waiting>,
        failed: Vec<(Waiting, Fault)>,
    ) -> VecDeque<Waiting> {
        tracing::warn!("a commit failed half-way; the store reads again what was written");
        self.connection = None;
        let mut failed_now = Vec::new();
        let (attempt, rest) = self.attempt(&mut group, &mut failed_now, None);
        failed_now.extend(failed);
        match attempt {
            Attempt::Committed(written) => {
                // Lines of the first attempt are not among those of the second: hint at everything.
                self.answer(group, failed_now, written);
                self.hub.notify_all();
                rest
            }
            Attempt::Lost(_) | Attempt::Refused(_) | Attempt::Unclear => {
                self.connection = None;
                group.extend(rest);
                for waiting in all(group, failed_now) {
                    waiting.operation.fail(ambiguous(&self.path));
                }
                self.hub.notify_all();
                VecDeque::new()
            }
        }
    }

    fn answer(
        &mut self,
        group: VecDeque<Waiting>,
        failed: Vec<(Waiting, Fault)>,
        written: Vec<Written>,
    ) {
        if let (Some(first), Some(last)) = (written.first(), written.last()) {
            self.own.add(first.seq, last.seq);
            let (epoch, head) = &mut self.head;
            head.note(Head { epoch: *epoch, seq: last.seq });
        }
        self.answers.add(Committed { group, failed, written });
    }

    /// One transaction, of the group and of what comes while it is open. Operations that fail move
    /// from `group` to `failed`; those that the time did not suffice for are returned.
    fn attempt(
        &mut self,
        group: &mut VecDeque<Waiting>,
        failed: &mut Vec<(Waiting, Fault)>,
        mut coming: Option<&mut Coming<'_>>,
    ) -> (Attempt, VecDeque<Waiting>) {
        let connection = match self.connection.take().map_or_else(|| (self.connect)(), Ok) {
            Ok(connection) => self.connection.insert(connection),
            Err(fault) => return (Attempt::Refused(fault), VecDeque::new()),
        };
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            return (Attempt::Refused(error.into()), VecDeque::new());
        }
        reach("after-begin");
        let deadline = Instant::now() + GROUP_TIME;
        let mut written = Vec::new();
        let mut done = VecDeque::with_capacity(group.len());
        let mut next = || coming.as_mut().and_then(|coming| coming.next());
        while let Some(mut waiting) = group.pop_front().or_else(&mut next) {
            let before = connection.total_changes();
            match waiting.operation.perform(connection, &self.world, &mut written) {
                Ok(()) => done.push_back(waiting),
                Err(fault) if is_untouched(connection, before) => failed.push((waiting, fault)),
                Err(fault) => {
                    done.push_back(waiting);
                    done.append(group);
                    *group = done;
                    let undone =
                        connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
                    if !undone {
                        // Closing it ends what it has begun.
                        self.connection = None;
                    }
                    return (Attempt::Lost(fault), VecDeque::new());
                }
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        let rest = std::mem::replace(group, done);
        reach("before-commit");
        let Err(error) = (self.commit)(connection) else {
            reach("after-commit");
            return (Attempt::Committed(written), rest);
        };
        let fault = Fault::from(error);
        // Ends what is still open; after a commit that went through, there is nothing to end.
        let undone = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
        if fault.is_certain() && undone {
            (Attempt::Lost(fault), rest)
        } else {
            self.connection = None;
            (Attempt::Unclear, rest)
        }
    }
}

/// Those that were performed and those that failed.
fn all(group: VecDeque<Waiting>, failed: Vec<(Waiting, Fault)>) -> impl Iterator<Item = Waiting> {
    group.into_iter().chain(failed.into_iter().map(|(waiting, _)| waiting))
}

/// Whether the transaction stands, and nothing was written in it since there were so many changes.
fn is_untouched(connection: &Connection, changes: u64) -> bool {
    !connection.is_autocommit() && connection.total_changes() == changes
}

/// What comes to a group.
struct Coming<'a> {
    operations: &'a Receiver<Waiting>,
    /// How many are in the group.
    taken: usize,
    /// How many came last time.
    expected: usize,
    /// For how long one may still wait for them.
    patience: Duration,
}

impl Coming<'_> {
    /// What waits already.
    fn at_once(&mut self) -> Option<Waiting> {
        if self.taken >= GROUP {
            return None;
        }
        let waiting = self.operations.try_recv().ok()?;
        self.taken += 1;
        Some(waiting)
    }

    /// The next one that somebody still waits for.
    fn next(&mut self) -> Option<Waiting> {
        loop {
            let waiting = self.at_once().or_else(|| self.awaited())?;
            if !waiting.operation.is_abandoned() {
                return Some(waiting);
            }
        }
    }

    /// Waits while fewer have come than last time.
    fn awaited(&mut self) -> Option<Waiting> {
        if self.taken >= self.expected.min(GROUP) || self.patience.is_zero() {
            return None;
        }
        let start = Instant::now();
        let waiting = self.operations.recv_timeout(self.patience).ok();
        self.patience = self.patience.saturating_sub(start.elapsed());
        self.taken += usize::from(waiting.is_some());
        waiting
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
