//! Runs the host's own code on separate threads, each call with a deadline.
//!
//! A signal or a policy is a synchronous function that the host wrote, and an async one may block
//! as well. On the caller's thread, code that hangs would hang the caller, and with it a worker of
//! the runtime, forever. Here the caller waits until the deadline and continues with [`NoAnswer`],
//! which the gate treats as the strict answer.
//!
//! A thread cannot be stopped from outside, so code that hangs keeps its thread. Each piece of code
//! may keep [`MAX_STUCK`] of them; while it does, it is not called again and counts as having given
//! no answer. So a gate keeps at most `MAX_STUCK` threads for each piece that hangs, besides those
//! of callers that wait: one for each of a synchronous piece, and [`MAX_POLLED`] of an async one.
//!
//! The deadline of synchronous code is real time. A test may pause the runtime's clock, and a
//! paused clock would skip the deadline while the thread is still at work.

use crate::panic::{catch, catch_async};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{Either, select};
use hitl_base::sync::lock;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// The number of threads that one hanging piece of host code may keep.
pub(crate) const MAX_STUCK: usize = 4;
/// The number of calls of one piece of async code that are polled concurrently; further ones wait
/// for their turn, which counts against their deadline.
const MAX_POLLED: usize = 64;
/// The number of threads that wait for the next call.
const MAX_IDLE: usize = 8;

/// The reason why host code gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The code had not answered at its deadline.
    Late,
    /// The code panicked.
    Panicked,
    /// The code still hangs from earlier calls, or no thread was available.
    NotAsked,
}

/// Work for a thread, and the channel for sending that thread its next job. The channel is in the
/// job and not in the thread, so that a thread whose gate is gone has no sender left to wait for.
struct Job {
    work: Box<dyn FnOnce() + Send>,
    again: Sender<Job>,
}

/// The threads of one gate. They end when the gate is gone, except those that host code keeps.
pub(crate) struct HostThreads {
    runtime: Handle,
    idle: Mutex<Vec<Sender<Job>>>,
}

impl HostThreads {
    /// Creates an empty set of threads; the code that runs on them may use `runtime`.
    pub(crate) fn new(runtime: Handle) -> Arc<Self> {
        Arc::new(Self { runtime, idle: Mutex::default() })
    }

    /// Sends `job` to a thread. Returns `false` if no thread is available.
    fn start(self: &Arc<Self>, mut work: Box<dyn FnOnce() + Send>) -> bool {
        let idle = lock(&self.idle).pop();
        if let Some(thread) = idle {
            match thread.send(Job { work, again: thread.clone() }) {
                Ok(()) => return true,
                Err(unsent) => work = unsent.0.work,
            }
        }
        let (to, from) = channel();
        let (threads, runtime) = (Arc::downgrade(self), self.runtime.clone());
        let thread = move || {
            let _entered = runtime.enter();
            run_jobs(&threads, &from);
        };
        let named = std::thread::Builder::new().name("hitl-host-code".to_owned());
        named.spawn(thread).is_ok() && to.send(Job { work, again: to.clone() }).is_ok()
    }
}

/// Runs jobs until no sender is left.
fn run_jobs(threads: &Weak<HostThreads>, jobs: &Receiver<Job>) {
    while let Ok(Job { work, again }) = jobs.recv() {
        work();
        let Some(threads) = threads.upgrade() else { return };
        let mut idle = lock(&threads.idle);
        if idle.len() >= MAX_IDLE {
            return;
        }
        idle.push(again);
    }
}

/// The limits of one piece of host code.
#[derive(Clone)]
pub(crate) struct HostCode {
    threads: Arc<HostThreads>,
    deadline: Duration,
    stuck: Arc<AtomicUsize>,
    turns: Arc<Semaphore>,
}

/// The state of one call: it runs, has ended, or was given up by its caller.
const RUNNING: u8 = 0;
const ENDED: u8 = 1;
const GIVEN_UP: u8 = 2;

/// The state of one call of host code, shared by its caller and its thread.
#[derive(Clone)]
struct Progress {
    state: Arc<AtomicU8>,
    stuck: Arc<AtomicUsize>,
}

impl Progress {
    /// Records that the code has ended, and its thread is free.
    fn end(&self) {
        if self.state.swap(ENDED, Ordering::AcqRel) == GIVEN_UP {
            self.stuck.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Records that nobody waits any more. The code counts as stuck until it ends.
    fn give_up(&self) {
        if self.state.load(Ordering::Acquire) == ENDED {
            return;
        }
        // Counted first, so that code which ends at this moment is subtracted again.
        self.stuck.fetch_add(1, Ordering::AcqRel);
        if self.state.swap(GIVEN_UP, Ordering::AcqRel) == ENDED {
            self.stuck.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A guard that gives a call up if its caller is dropped before the answer.
struct Waiting(Progress);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl HostCode {
    /// Limits each call of a piece of code to this time.
    pub(crate) fn new(threads: &Arc<HostThreads>, deadline: Duration) -> Self {
        let turns = Arc::new(Semaphore::new(MAX_POLLED));
        Self { threads: Arc::clone(threads), deadline, stuck: Arc::default(), turns }
    }

    /// Runs `work` and waits for it, until the deadline at most. Blocks the thread meanwhile.
    pub(crate) fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NoAnswer> {
        let (to, from) = sync_channel(1);
        let _waiting = self.begin(work, move |answer| drop(to.send(answer)))?;
        match from.recv_timeout(self.deadline) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(NoAnswer::Panicked),
            Err(RecvTimeoutError::Timeout) => Err(NoAnswer::Late),
        }
    }

    /// Polls `work` and waits for it, until the deadline at most. On a multi-threaded runtime it is
    /// polled on a separate thread; on a single-threaded runtime it is polled here, because that
    /// runtime's clock may be paused, and a paused clock would not wait for another thread.
    ///
    /// Dropping the future drops `work`, as soon as it is not being polled.
    pub(crate) async fn run_later<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Result<R, NoAnswer> {
        let runtime = self.threads.runtime.clone();
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            let began = Instant::now();
            // Inside the block, so that a panic when `work` is dropped is caught too.
            let polling = async move { timeout(self.deadline, work).await };
            let polled = catch_async(polling).await;
            return match polled.map_err(drop) {
                Err(()) => Err(NoAnswer::Panicked),
                // It may have blocked the thread, so that the timer could not fire.
                Ok(Ok(answer)) if began.elapsed() <= self.deadline => Ok(answer),
                Ok(_) => Err(NoAnswer::Late),
            };
        }
        let began = Instant::now();
        // Held until the answer arrives or is given up; code that still hangs then counts as stuck.
        let turn = timeout(self.deadline, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(_turn)) = turn else { return Err(NoAnswer::Late) };
        let (to, from) = oneshot::channel();
        let (alive, gone) = oneshot::channel::<()>();
        let polling = move || {
            let gone = pin!(gone);
            match runtime.block_on(select(pin!(work), gone)) {
                Either::Left((answer, _)) => Some(answer),
                Either::Right(_) => None,
            }
        };
        let waiting = self.begin(polling, move |answer| drop(to.send(answer)))?;
        let answer = timeout(self.deadline.saturating_sub(began.elapsed()), from).await;
        drop((alive, waiting));
        match answer {
            Err(_) => Err(NoAnswer::Late),
            Ok(Ok(Ok(Some(answer)))) => Ok(answer),
            Ok(Ok(Err(no_answer))) => Err(no_answer),
            Ok(Ok(Ok(None)) | Err(_)) => Err(NoAnswer::Panicked),
        }
    }

    /// Does what [`run_later`](Self::run_later) does, for `work` that is ready when it is first
    /// polled and may block meanwhile. Never polls it here; on a single-threaded runtime this
    /// blocks the thread until the deadline at most.
    pub(crate) async fn run_blocking<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Result<R, NoAnswer> {
        if self.threads.runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            return self.run(move || work.now_or_never())?.ok_or(NoAnswer::NotAsked);
        }
        self.run_later(work).await
    }

    /// Starts `work` on a thread, which passes the answer to `tell`.
    fn begin<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
        tell: impl FnOnce(Result<R, NoAnswer>) + Send + 'static,
    ) -> Result<Waiting, NoAnswer> {
        if self.stuck.load(Ordering::Acquire) >= MAX_STUCK {
            return Err(NoAnswer::NotAsked);
        }
        let progress =
            Progress { state: Arc::new(AtomicU8::new(RUNNING)), stuck: Arc::clone(&self.stuck) };
        let waiting = Waiting(progress.clone());
        let span = tracing::Span::current();
        let job = move || {
            let worked = catch(|| span.in_scope(work));
            // A panic's payload, and an answer that nobody receives, may panic when they are
            // dropped.
            let answer = worked.map_err(|_panicked| NoAnswer::Panicked);
            progress.end();
            let told = catch(|| tell(answer));
            let _ = told;
        };
        if self.threads.start(Box::new(job)) {
            Ok(waiting)
        } else {
            // No thread has the other half, so nothing is stuck.
            waiting.0.end();
            Err(NoAnswer::NotAsked)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn bounded(deadline: Duration) -> (tokio::runtime::Runtime, HostCode) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let code = HostCode::new(&HostThreads::new(runtime.handle().clone()), deadline);
        (runtime, code)
    }

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(5);

    #[test]
    fn an_answer_comes_back_and_its_thread_is_used_again() {
        let (_runtime, code) = bounded(LONG);
        let first = code.run(|| std::thread::current().id()).unwrap();
        // The thread puts itself back after it has answered.
        while code.threads.idle.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(code.run(|| std::thread::current().id()), Ok(first));
    }

    #[test]
    fn invariant_13_idle_threads_end_with_their_gate() {
        struct Ended(Sender<()>);
        impl Drop for Ended {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        thread_local! {
            static ENDED: std::cell::RefCell<Option<Ended>> = const { std::cell::RefCell::new(None) };
        }
        let (_runtime, code) = bounded(LONG);
        let (says, ended) = channel();
        code.run(move || ENDED.with(|at| *at.borrow_mut() = Some(Ended(says)))).unwrap();
        while code.threads.idle.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        drop(code);
        // The message arrives when the thread has ended, and not before.
        ended.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn a_panic_is_no_answer_and_the_next_call_is_asked() {
        let (_runtime, code) = bounded(LONG);
        assert_eq!(code.run(|| -> u8 { panic!("broken") }), Err(NoAnswer::Panicked));
        assert_eq!(code.run(|| 7), Ok(7));
    }

    #[test]
    fn code_that_hangs_is_late_then_not_asked_and_asked_again_once_it_has_ended() {
        let (_runtime, code) = bounded(SHORT);
        let gate = Arc::new(Barrier::new(MAX_STUCK + 1));
        for _ in 0..MAX_STUCK {
            let gate = Arc::clone(&gate);
            assert_eq!(code.run(move || gate.wait().is_leader()), Err(NoAnswer::Late));
        }
        let unasked = code.run(|| panic!("it must not be called"));
        assert_eq!(unasked, Err(NoAnswer::NotAsked));
        gate.wait();
        while code.stuck.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        let code = HostCode { deadline: LONG, ..code };
        assert_eq!(code.run(|| 7), Ok(7));
    }

    #[test]
    fn code_that_hangs_does_not_hold_the_runtime_that_it_runs_beside() {
        let (runtime, code) = bounded(SHORT);
        let (_held, hold) = channel::<()>();
        assert_eq!(code.run(move || hold.recv().is_ok()), Err(NoAnswer::Late));
        drop(runtime); // Returns, although the code still hangs.
    }
}
