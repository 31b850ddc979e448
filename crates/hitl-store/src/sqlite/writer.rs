//! The one thread that writes: it commits the operations of many callers together.
//!
//! # Invariants
//!
//! - An answer is given only after the `COMMIT` of the transaction that it was read or written in:
//!   what one operation of a group sees of another is never answered before both are durable.
//! - Operations of a group do not affect each other: when one fails after it has written something,
//!   or a fault aborts the whole transaction, each is repeated in a transaction of its own. (A
//!   savepoint for each would work too, but would copy every page that an operation touches.)
//! - A `COMMIT` that certainly failed (locked, disk full) is an error and nothing was written. One
//!   that may have happened is resolved by the next transaction: the file is opened again and the
//!   group is performed again, which finds what the first attempt wrote. Only if that fails too is
//!   the answer [`Ambiguous`](hitl_core::StoreErrorKind::Ambiguous).
//! - A single operation is never delayed. After a group of several, the thread waits for as many as
//!   came last time, for a fraction of a commit, because their callers are about to come back. The
//!   transaction is open by then, and each is performed as it arrives: while callers prepare their
//!   next operation, the thread performs those of others.

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
use tokio::sync::Semaphore;

use super::acknowledge::{AckThread, CommittedGroup, PendingAcks};
use super::error::{Fault, ambiguous, stopped};
use super::head::{Head, HeadFile};
use super::operation::{HistoryLine, Operation, QueuedOperation, WriteContext};
use super::watch::LocalChanges;
use crate::failpoint::reach;

/// The most operations that wait or run; further callers wait for their turn.
const MAX_QUEUED: usize = 1024;
/// The most operations in one transaction.
const GROUP: usize = 256;
/// The time for which operations are added to a transaction.
const GROUP_TIME: Duration = Duration::from_millis(20);
/// The longest time to wait for a group.
const GATHER_TIME: Duration = Duration::from_millis(1);

/// The function that opens the connection for writing. Called again after a failure.
pub(super) type Connect = Box<dyn Fn() -> Result<Connection, Fault> + Send>;

/// Sends operations to the thread. Dropping it ends the thread after its current group.
pub(super) struct Writer {
    queue: Option<Sender<QueuedOperation>>,
    backpressure: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
    pending: Arc<PendingAcks>,
    path: Arc<Path>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(thread: WriterThread) -> std::io::Result<Self> {
        let (queue, operations) = channel();
        let (path, pending) = (Arc::clone(&thread.path), thread.acks.pending());
        let name = std::thread::Builder::new().name("hitl-write".to_owned());
        let handle = name.spawn(move || thread.run(&operations))?;
        let backpressure = Arc::new(Semaphore::new(MAX_QUEUED));
        Ok(Self { queue: Some(queue), backpressure, thread: Some(handle), pending, path })
    }

    /// Queues an operation. Its answer comes through the operation's own channel.
    pub(super) async fn send(&self, operation: impl Operation + 'static) -> Result<(), StoreError> {
        let gone = |()| stopped(&self.path);
        let turn = Arc::clone(&self.backpressure).acquire_owned().await.map_err(|_| gone(()))?;
        let queue = self.queue.as_ref().ok_or_else(|| gone(()))?;
        queue.send(QueuedOperation::new(operation, turn)).map_err(|_| gone(()))?;
        self.pending.ack_some();
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

/// The state that the thread owns.
pub(super) struct WriterThread {
    pub(super) connection: Option<Connection>,
    pub(super) connect: Connect,
    pub(super) context: WriteContext,
    pub(super) hub: ChangeNotifier,
    pub(super) acks: AckThread,
    pub(super) own: LocalChanges,
    /// The file's epoch, which does not change while the file is open, and its head.
    pub(super) head: (u64, HeadFile),
    pub(super) path: Arc<Path>,
    pub(super) commit: Commit,
}

/// The function that commits a transaction: a seam for tests of commits that fail.
pub(super) type Commit = Box<dyn FnMut(&Connection) -> rusqlite::Result<()> + Send>;

/// Returns the function that commits.
pub(super) fn commit() -> Commit {
    Box::new(|connection| connection.execute_batch("COMMIT"))
}

/// The end of the transaction of a group.
enum Attempt {
    /// The transaction was committed and added these lines.
    Committed(Vec<HistoryLine>),
    /// Nothing was written, and a retry would not help now.
    Refused(Fault),
    /// Nothing was written, because of one of the operations.
    Lost(Fault),
    /// The transaction may have been committed.
    Unclear,
}

impl WriterThread {
    fn run(mut self, operations: &Receiver<QueuedOperation>) {
        let mut carried = VecDeque::new();
        let (mut last, mut cost) = (1, Duration::ZERO);
        loop {
            let mut group: VecDeque<QueuedOperation> = std::mem::take(&mut carried);
            if group.is_empty() {
                let Some(first) = self.next_operation(operations) else { return };
                group.push_back(first);
            }
            self.acks.hand_over();
            let mut collector = GroupCollector {
                operations,
                taken: group.len(),
                expected: last,
                wait_budget: (cost / 4).min(GATHER_TIME),
            };
            group.extend(std::iter::from_fn(|| collector.try_next()));
            group.retain(|queued| !queued.operation.is_abandoned());
            let (start, wait_budget) = (Instant::now(), collector.wait_budget);
            carried = self.commit_group(group, Some(&mut collector));
            last = collector.taken;
            let waited = wait_budget.saturating_sub(collector.wait_budget);
            cost = start.elapsed().saturating_sub(waited);
        }
    }

    /// Returns the next operation. Until it arrives, acknowledges committed operations. `None` if
    /// no more will come.
    fn next_operation(&self, operations: &Receiver<QueuedOperation>) -> Option<QueuedOperation> {
        let pending = self.acks.pending();
        loop {
            match operations.try_recv() {
                Ok(queued) => return Some(queued),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if pending.ack_next() => {}
                Err(TryRecvError::Empty) => return operations.recv().ok(),
            }
        }
    }

    /// Performs and acknowledges a group, and operations that join it. Returns those that the time
    /// did not suffice for.
    fn commit_group(
        &mut self,
        mut group: VecDeque<QueuedOperation>,
        collector: Option<&mut GroupCollector<'_>>,
    ) -> VecDeque<QueuedOperation> {
        if group.is_empty() {
            return group;
        }
        let mut failed = Vec::new();
        let (attempt, mut rest) = self.attempt(&mut group, &mut failed, collector);
        match attempt {
            Attempt::Committed(written) => self.acknowledge_group(group, failed, written),
            Attempt::Lost(fault) | Attempt::Refused(fault) if group.len() + failed.len() == 1 => {
                if let Some(queued) = all(group, failed).next() {
                    // The only operation gets the error with its cause.
                    queued.operation.fail(fault.at(&self.path));
                }
            }
            Attempt::Refused(fault) => {
                let error = fault.at(&self.path);
                for queued in all(group, failed) {
                    queued.operation.fail(StoreError::new(error.kind(), error.to_string()));
                }
            }
            Attempt::Lost(_) => {
                for queued in all(group, failed) {
                    self.commit_group(VecDeque::from([queued]), None);
                }
            }
            Attempt::Unclear => {
                let mut again = self.repeat_unclear(group, failed);
                again.append(&mut rest);
                rest = again;
            }
        }
        rest
    }

    /// Resolves a commit that may have happened: opens the file again and performs the group again.
    /// Returns the operations that the time did not suffice for, whose outcome is not known yet.
    fn repeat_unclear(
        &mut self,
        mut group: VecDeque<QueuedOperation>,
        failed: Vec<(QueuedOperation, Fault)>,
    ) -> VecDeque<QueuedOperation> {
        tracing::warn!("a commit failed half-way; the store reads again what was written");
        self.connection = None;
        let mut failed_now = Vec::new();
        let (attempt, rest) = self.attempt(&mut group, &mut failed_now, None);
        failed_now.extend(failed);
        match attempt {
            Attempt::Committed(written) => {
                // The lines of the first attempt are not among those of the second: hint at
                // everything.
                self.acknowledge_group(group, failed_now, written);
                self.hub.notify_all();
                rest
            }
            Attempt::Lost(_) | Attempt::Refused(_) | Attempt::Unclear => {
                self.connection = None;
                group.extend(rest);
                for queued in all(group, failed_now) {
                    queued.operation.fail(ambiguous(&self.path));
                }
                self.hub.notify_all();
                VecDeque::new()
            }
        }
    }

    fn acknowledge_group(
        &mut self,
        group: VecDeque<QueuedOperation>,
        failed: Vec<(QueuedOperation, Fault)>,
        written: Vec<HistoryLine>,
    ) {
        if let (Some(first), Some(last)) = (written.first(), written.last()) {
            self.own.add(first.seq, last.seq);
            let (epoch, head) = &mut self.head;
            head.note(Head { epoch: *epoch, seq: last.seq });
        }
        self.acks.add(CommittedGroup { group, failed, written });
    }

    /// Performs one transaction, of the group and of operations that arrive while it is open.
    /// Operations that fail move from `group` to `failed`; those that the time did not suffice for
    /// are returned.
    fn attempt(
        &mut self,
        group: &mut VecDeque<QueuedOperation>,
        failed: &mut Vec<(QueuedOperation, Fault)>,
        mut collector: Option<&mut GroupCollector<'_>>,
    ) -> (Attempt, VecDeque<QueuedOperation>) {
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
        let mut next = || collector.as_mut().and_then(|collector| collector.next());
        while let Some(mut queued) = group.pop_front().or_else(&mut next) {
            let before = connection.total_changes();
            match queued.operation.perform(connection, &self.context, &mut written) {
                Ok(()) => done.push_back(queued),
                Err(fault) if is_untouched(connection, before) => failed.push((queued, fault)),
                Err(fault) => {
                    done.push_back(queued);
                    done.append(group);
                    *group = done;
                    let undone =
                        connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
                    if !undone {
                        // Closing the connection rolls the transaction back.
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
        // Rolls back an open transaction; after a commit that succeeded, there is none.
        let undone = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
        if fault.is_certain() && undone {
            (Attempt::Lost(fault), rest)
        } else {
            self.connection = None;
            (Attempt::Unclear, rest)
        }
    }
}

/// Returns the operations that were performed and those that failed.
fn all(
    group: VecDeque<QueuedOperation>,
    failed: Vec<(QueuedOperation, Fault)>,
) -> impl Iterator<Item = QueuedOperation> {
    group.into_iter().chain(failed.into_iter().map(|(queued, _)| queued))
}

/// Returns whether the transaction is still open, and nothing was written in it since
/// `total_changes` was `changes`.
fn is_untouched(connection: &Connection, changes: u64) -> bool {
    !connection.is_autocommit() && connection.total_changes() == changes
}

/// Collects the operations of a group.
// Pays 13 % of the time of "SQLite Auto call, claimed durably, 64 callers" (cargo xtask bench
// sqlite), beside taking what waits when the transaction begins.
struct GroupCollector<'a> {
    operations: &'a Receiver<QueuedOperation>,
    /// The number of operations in the group.
    taken: usize,
    /// The number of operations in the last group.
    expected: usize,
    /// The remaining time to wait for them.
    wait_budget: Duration,
}

impl GroupCollector<'_> {
    /// Returns an operation that is waiting already.
    fn try_next(&mut self) -> Option<QueuedOperation> {
        if self.taken >= GROUP {
            return None;
        }
        let queued = self.operations.try_recv().ok()?;
        self.taken += 1;
        Some(queued)
    }

    /// Returns the next operation whose caller still waits.
    fn next(&mut self) -> Option<QueuedOperation> {
        loop {
            let queued = self.try_next().or_else(|| self.wait_for_next())?;
            if !queued.operation.is_abandoned() {
                return Some(queued);
            }
        }
    }

    /// Waits while fewer operations have arrived than last time.
    fn wait_for_next(&mut self) -> Option<QueuedOperation> {
        if self.taken >= self.expected.min(GROUP) || self.wait_budget.is_zero() {
            return None;
        }
        let start = Instant::now();
        let queued = self.operations.recv_timeout(self.wait_budget).ok();
        self.wait_budget = self.wait_budget.saturating_sub(start.elapsed());
        self.taken += usize::from(queued.is_some());
        queued
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
