//! Slots, the queue for them, and the register of tasks that have not ended.
//!
//! Invariants:
//!
//! - The [`Queue`] counts the slots. A [`Slot`] is given back by dropping it, so exactly once on
//!   every path on which its holder ends.
//! - A task is in the register from its submission until its state is terminal and its steps are
//!   dropped.
//! - The thread that takes a task out of the queue starts or ends it.
//!
//! No lock is held while anything is started, emitted or dropped, and only one thread starts tasks
//! at a time: a task may end at once (on a runtime that shuts down) and give its slot back from
//! there, and with ten thousand queued tasks that must not become ten thousand nested calls.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::define::plan::{Plan, PlanItem};
use crate::error::SubmitError;
use crate::id::TaskId;
use crate::one_or_many::OneOrMany;
use crate::panic::drop_quietly;
use crate::schedule::idempotency::{CachedTask, IdempotencyCache};
use crate::schedule::queue::{
    Enqueued, Job, Key, Limits, Micros, Next, Queue, QueueOptions, Resuming, micros,
};
use crate::schedule::timer::{TimerOwner, run_timer};
use crate::schedule::wait_graph::{WaitEdge, WaitGraph};
use crate::state::environment::Environment;
use crate::state::record::Record;
use crate::state::termination::{StopCause, StopOutcome};
use crate::sync::{Mutex, MutexGuard, Runtime, lock};

pub(crate) struct Scheduler {
    environment: Arc<Environment>,
    launch: Launch,
    /// The time zero of the queue.
    origin: Instant,
    state: Mutex<State>,
    idle: Notify,
    /// Wakes the timer, which has to wait for another time.
    timer_changed: Arc<Notify>,
}

/// Starts a task that has got its slot. A parameter, so that the scheduler does not depend on the
/// driver.
pub(crate) type Launch = fn(&Arc<Scheduler>, QueuedTask, Slot);

struct State {
    closed: bool,
    queue: Queue<QueuedTask, ResumingTask>,
    living: HashMap<TaskId, Arc<Record>>,
    idempotent: IdempotencyCache<Record>,
    /// The steps that wait for tasks of this manager.
    waits: WaitGraph,
    /// True while [`wait_idle`](Scheduler::wait_idle) waits.
    idle_awaited: bool,
    /// True while a thread is starting tasks. That thread checks the queue again before it stops.
    starting: bool,
    /// The time that the timer waits for, while there is one.
    timer: Option<Micros>,
    /// The runtime of the timer.
    runtime: Option<Runtime>,
}

/// A task that has not started.
pub(crate) struct QueuedTask {
    pub(crate) record: Arc<Record>,
    pub(crate) items: OneOrMany<PlanItem>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) runtime: Runtime,
}

impl Job for QueuedTask {
    fn queue_options(&self) -> Option<&QueueOptions> {
        self.record.info().queue_options()
    }
}

/// A task that waits to resume.
struct ResumingTask(oneshot::Sender<Slot>);

impl Resuming for ResumingTask {
    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// The right to run. Dropping it passes it to the next task.
pub(crate) struct Slot {
    /// `None` once it has been given back.
    scheduler: Option<Arc<Scheduler>>,
    key: Option<Key>,
}

impl Slot {
    fn new(scheduler: &Arc<Scheduler>, key: Option<Key>) -> Self {
        Self { scheduler: Some(Arc::clone(scheduler)), key }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(scheduler) = self.scheduler.take() {
            let mut state = lock(&scheduler.state);
            state.queue.release(self.key.as_ref());
            Scheduler::start_next(&scheduler, state);
        }
    }
}

/// The number of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskCounts {
    /// Tasks that hold a slot.
    pub(crate) running: usize,
    /// Tasks that have not started.
    pub(crate) queued: usize,
}

/// The outcome of a submission.
pub(crate) enum Accepted {
    New(Arc<Record>),
    /// A task with the same idempotency key.
    Cached(CachedTask<Record>),
}

impl Scheduler {
    pub(crate) fn new(
        environment: Environment,
        limits: Limits,
        idempotency_ttl: Duration,
        launch: Launch,
    ) -> Arc<Self> {
        Arc::new(Self {
            environment: Arc::new(environment),
            launch,
            origin: Instant::now(),
            state: Mutex::new(State {
                closed: false,
                queue: Queue::new(limits),
                living: HashMap::default(),
                idempotent: IdempotencyCache::new(micros(idempotency_ttl)),
                waits: WaitGraph::default(),
                idle_awaited: false,
                starting: false,
                timer: None,
                runtime: None,
            }),
            idle: Notify::new(),
            timer_changed: Arc::new(Notify::new()),
        })
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    fn now(&self) -> Micros {
        micros(self.origin.elapsed())
    }

    /// Accepts a task, and starts it if it may start.
    pub(crate) fn submit(
        this: &Arc<Self>,
        plan: Plan,
        output: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
        runtime: Runtime,
    ) -> Result<Accepted, SubmitError> {
        let key = plan.info.idempotency_key();
        let record = Arc::new(Record::new(plan.info, Arc::clone(&this.environment)));
        let job = QueuedTask {
            record: Arc::clone(&record),
            items: plan.items,
            timeout: plan.timeout,
            runtime,
        };
        let (enqueued, look, old) = {
            let mut state = lock(&this.state);
            let mut old = Vec::new();
            if let Some(key) = &key {
                let (known, pruned) = state.idempotent.get(key, this.now());
                old = pruned;
                if let Some(known) = known {
                    drop(state);
                    let same = known.record.info().has_same_definition(record.info());
                    drop_quietly((job, old));
                    return if same {
                        Ok(Accepted::Cached(known))
                    } else {
                        Err(SubmitError::KeyTaken { key: Arc::clone(&key.key) })
                    };
                }
            }
            let enqueued = this.accept(&mut state, job);
            if let (Some(key), Ok(_)) = (key, &enqueued) {
                let known = CachedTask { record: Arc::clone(&record), output: output() };
                state.idempotent.insert(key, known);
            }
            let look = state.queue.has_free_slot() || state.queue.has_timers();
            (enqueued, look, old)
        };
        drop_quietly(old);
        let enqueued = enqueued.map_err(|(job, error)| {
            drop_quietly(job);
            error
        })?;
        record.flush();
        match enqueued {
            Enqueued::Immediate(job) => Self::start(this, job),
            // To set the timer, or because the task waits only for its key or the rate.
            Enqueued::Waiting(_) if look => Self::start_ready(this),
            Enqueued::Waiting(_) => {}
        }
        Ok(Accepted::New(record))
    }

    /// Adds a task to the register and the queue. Returns it, with its slot counted, if it may
    /// start at once.
    fn accept(
        &self,
        state: &mut MutexGuard<'_, State>,
        job: QueuedTask,
    ) -> Result<Enqueued<QueuedTask>, (QueuedTask, SubmitError)> {
        let state = &mut **state;
        let id = job.record.id();
        if state.closed {
            return Err((job, SubmitError::Closed));
        }
        let Entry::Vacant(place) = state.living.entry(id) else {
            return Err((job, SubmitError::Duplicate(id)));
        };
        let now = if state.queue.needs_clock(job.queue_options()) { self.now() } else { 0 };
        let record = Arc::clone(&job.record);
        let runtime = job.queue_options().is_some().then(|| job.runtime.clone());
        let enqueued = state
            .queue
            .enqueue(job, now)
            .map_err(|(job, _)| (job, SubmitError::Full { waiting: state.queue.waiting() }))?;
        if let Enqueued::Waiting(place) = &enqueued {
            record.set_queue_position(*place);
            if runtime.is_some() || (state.runtime.is_none() && state.queue.has_timers()) {
                state.runtime = runtime.or_else(Runtime::current);
            }
        }
        place.insert(record);
        Ok(enqueued)
    }

    /// Starts tasks while slots are free.
    pub(crate) fn start_ready(this: &Arc<Self>) {
        Self::start_next(this, lock(&this.state));
    }

    fn start_next<'a>(this: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        if state.starting {
            return;
        }
        while let Some(next) = state.queue.next(|| this.now()) {
            state.starting = true;
            drop(state);
            match next {
                Next::Resume(ResumingTask(to), key) => drop(to.send(Slot::new(this, key))),
                Next::Start(job) => Self::start(this, job),
            }
            state = lock(&this.state);
            state.starting = false;
        }
        Self::set_timer(this, state);
    }

    fn start(this: &Arc<Self>, task: QueuedTask) {
        let key = task.queue_options().and_then(|queue_options| queue_options.key.clone());
        let slot = Slot::new(this, key);
        (this.launch)(this, task, slot);
    }

    fn set_timer(this: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if !state.queue.has_timers() {
            return;
        }
        let Some(at) = state.queue.next_wakeup(this.now()) else { return };
        match state.timer {
            Some(set) if set <= at => {}
            Some(_) => this.timer_changed.notify_one(),
            None => {
                let Some(runtime) = state.runtime.clone() else { return };
                state.timer = Some(at);
                drop(state);
                // A runtime that shuts down may drop it right here, so not under the lock.
                runtime.spawn(run_timer(Arc::downgrade(this)));
            }
        }
    }

    /// Waits for a slot in which a task resumes. Cancel-safe: a slot that is granted to a dropped
    /// future goes to the next task.
    pub(crate) async fn acquire_slot(this: &Arc<Self>, record: &Record) -> Slot {
        /// Marks the task as waiting for a slot while it lives.
        struct Wanting<'a>(&'a Record);
        impl Drop for Wanting<'_> {
            fn drop(&mut self) {
                self.0.want_slot(false);
            }
        }
        let key = record.info().shared_key();
        let wanting = Wanting(record);
        loop {
            let (to, granted) = oneshot::channel();
            wanting.0.want_slot(true);
            lock(&this.state).queue.requeue(ResumingTask(to), key.clone());
            Self::start_ready(this);
            // The holders of the slots may be waiting for this task.
            this.break_deadlock();
            if let Ok(slot) = granted.await {
                return slot;
            }
        }
    }

    pub(crate) fn add_wait(&self, wait: WaitEdge) -> u64 {
        lock(&self.state).waits.add(wait)
    }

    pub(crate) fn remove_wait(&self, number: u64) -> Option<WaitEdge> {
        lock(&self.state).waits.remove(number)
    }

    /// Ends a wait that would never end by itself.
    pub(crate) fn break_deadlock(&self) {
        let refusal = {
            let State { waits, queue, .. } = &mut *lock(&self.state);
            if waits.is_empty() { None } else { waits.find_deadlock(queue) }
        };
        if let Some(refusal) = refusal {
            refusal.refuse();
        }
    }

    /// Stops a task. Returns whether this call is what stops it.
    pub(crate) fn cancel(
        this: &Arc<Self>,
        record: &Arc<Record>,
        cause: StopCause,
        reason: Option<&str>,
    ) -> bool {
        match record.stop(cause, reason) {
            StopOutcome::TooLate => false,
            StopOutcome::Requested => true,
            StopOutcome::Immediate => {
                let place = record.queue_position();
                let (job, timer_changed) = {
                    let mut state = lock(&this.state);
                    (
                        state.queue.remove(place, record.info().queue_options()),
                        state.timer.is_some(),
                    )
                };
                if timer_changed {
                    this.timer_changed.notify_one();
                }
                // Otherwise it has a slot and is about to begin. Then its driver cleans up, and
                // waiters are notified only once the slot is free.
                if let Some(job) = job {
                    drop_quietly(job);
                    Self::remove(this, record, None);
                    record.notify_finished();
                }
                true
            }
        }
    }

    /// Removes an ended task from the register, and passes its slot, if it has one, to the next
    /// task.
    pub(crate) fn remove(this: &Arc<Self>, record: &Arc<Record>, mut slot: Option<Slot>) {
        let key = record.info().idempotency_key();
        let mut state = lock(&this.state);
        // A new task may have been submitted with this id meanwhile.
        let removed = match state.living.entry(record.id()) {
            Entry::Occupied(held) if Arc::ptr_eq(held.get(), record) => Some(held.remove()),
            _ => None,
        };
        let old = key.map(|key| state.idempotent.mark_ended(key, record, this.now()));
        let idle = state.living.is_empty() && std::mem::take(&mut state.idle_awaited);
        if let Some(slot) = &mut slot {
            slot.scheduler = None;
            state.queue.release(slot.key.as_ref());
            Self::start_next(this, state);
        } else {
            drop(state);
        }
        drop(removed);
        if let Some(old) = old {
            drop_quietly(old);
        }
        if idle {
            this.idle.notify_waiters();
        }
    }

    /// Refuses new tasks.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
    }

    /// Stops every task, because the host shuts down.
    pub(crate) fn cancel_all(this: &Arc<Self>, reason: &str) {
        for record in this.living() {
            Self::cancel(this, &record, StopCause::HostShutdown, Some(reason));
        }
    }

    /// Returns every task that has not ended, in no order.
    pub(crate) fn living(&self) -> Vec<Arc<Record>> {
        lock(&self.state).living.values().cloned().collect()
    }

    pub(crate) fn find(&self, id: TaskId) -> Option<Arc<Record>> {
        lock(&self.state).living.get(&id).cloned()
    }

    /// Returns the number of tasks that run and that wait.
    pub(crate) fn counts(&self) -> TaskCounts {
        let state = lock(&self.state);
        TaskCounts { running: state.queue.busy(), queued: state.queue.waiting() }
    }

    /// Waits until every task has ended. Cancel-safe.
    pub(crate) async fn wait_idle(&self) {
        loop {
            let mut idle = std::pin::pin!(self.idle.notified());
            idle.as_mut().enable();
            {
                let mut state = lock(&self.state);
                if state.living.is_empty() {
                    return;
                }
                state.idle_awaited = true;
            }
            idle.await;
        }
    }
}

impl TimerOwner for Scheduler {
    /// Expires the tasks that waited too long, and starts those that are due.
    fn on_timer(this: &Arc<Self>) -> Option<Micros> {
        loop {
            let Some(job) = lock(&this.state).queue.pop_expired(this.now()) else { break };
            let record = Arc::clone(&job.record);
            drop_quietly(job);
            record.expire();
            Self::remove(this, &record, None);
            record.notify_finished();
        }
        Self::start_ready(this);
        let mut state = lock(&this.state);
        state.timer = state.queue.next_wakeup(this.now());
        state.timer
    }

    fn clear_timer(&self) {
        lock(&self.state).timer = None;
    }

    fn instant(&self, at: Micros) -> Option<Instant> {
        self.origin.checked_add(Duration::from_micros(u64::try_from(at).ok()?))
    }

    fn timer_changed(&self) -> &Arc<Notify> {
        &self.timer_changed
    }
}
