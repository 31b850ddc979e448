//! Who may run: slots, the queue for them, and the register of living tasks.
//!
//! Invariants:
//! - At most `max_concurrent` [`Slot`]s exist. A slot is given back by dropping it, so exactly once,
//!   on whatever path its holder ends.
//! - Tasks that come back from [`off_clock`](crate::StepContext::off_clock) go before tasks that
//!   have not started; among either, who came first.
//! - A task is in the register from its submission until its state is terminal and its steps are
//!   dropped.
//!
//! No lock is held while anything is started, emitted or dropped, and only one thread starts things
//! at a time: what is started may end at once (on a runtime that shuts down) and give its slot back
//! from there, and with ten thousand queued tasks that must not become ten thousand nested calls.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_base::{Clock, Redactor};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use crate::driver::{Run, drive};
use crate::record::{Record, Stopped};
use crate::step::Node;
use crate::sync::{drop_quietly, lock};
use crate::task::Plan;
use crate::{ProgressEmitter, SubmitError, TaskId};

pub(crate) struct Settings {
    pub(crate) max_concurrent: usize,
    pub(crate) max_queued: usize,
    pub(crate) grace: Duration,
    pub(crate) emitter: Option<Box<dyn ProgressEmitter>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) redactor: Redactor,
}

pub(crate) struct Scheduler {
    pub(crate) settings: Settings,
    state: Mutex<State>,
    idle: Notify,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// Slots that exist.
    busy: usize,
    next_ticket: u64,
    queue: BTreeMap<u64, Job>,
    returning: VecDeque<oneshot::Sender<Slot>>,
    living: HashMap<TaskId, Arc<Record>>,
    /// Somebody is starting things, and will look again before it stops.
    starting: bool,
}

/// A task that has not started.
pub(crate) struct Job {
    record: Arc<Record>,
    nodes: Box<[Box<dyn Node>]>,
    timeout: Option<Duration>,
    runtime: Handle,
}

/// The right to run. Dropping it gives it to the next one.
pub(crate) struct Slot(Arc<Scheduler>);

impl Drop for Slot {
    fn drop(&mut self) {
        Scheduler::start_what_may(&self.0, 1);
    }
}

enum Next {
    Return(oneshot::Sender<Slot>),
    Start(Job),
}

impl Scheduler {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self { settings, state: Mutex::default(), idle: Notify::new() })
    }

    /// Accepts a task and starts it when it may.
    pub(crate) fn submit(
        this: &Arc<Self>,
        plan: Plan,
        runtime: Handle,
    ) -> Result<Arc<Record>, SubmitError> {
        let record = Arc::new(Record::new(plan.info, Arc::clone(this)));
        let job =
            Job { record: Arc::clone(&record), nodes: plan.nodes, timeout: plan.timeout, runtime };
        let started = this.accept(job)?;
        record.flush();
        if let Some(job) = started {
            job.start(Slot(Arc::clone(this)));
        }
        Ok(record)
    }

    /// Takes a task into the queue; or hands it back, with a slot counted for it, when it may start
    /// at once.
    fn accept(&self, job: Job) -> Result<Option<Job>, SubmitError> {
        let mut state = lock(&self.state);
        let id = job.record.id();
        if state.closed {
            return Err(SubmitError::Closed);
        }
        let at_once = state.busy < self.settings.max_concurrent
            && state.queue.is_empty()
            && state.returning.is_empty();
        let waiting = state.queue.len();
        match state.living.entry(id) {
            Entry::Occupied(_) => return Err(SubmitError::Duplicate(id)),
            Entry::Vacant(_) if !at_once && waiting >= self.settings.max_queued => {
                return Err(SubmitError::Full { waiting });
            }
            Entry::Vacant(place) => {
                place.insert(Arc::clone(&job.record));
            }
        }
        if at_once {
            state.busy += 1;
            return Ok(Some(job));
        }
        state.next_ticket += 1;
        let ticket = state.next_ticket;
        job.record.ticket.store(ticket, Ordering::Release);
        state.queue.insert(ticket, job);
        Ok(None)
    }

    /// Gives slots back, and starts whatever there are free slots for.
    fn start_what_may(this: &Arc<Self>, mut given_back: usize) {
        loop {
            let next = {
                let mut state = lock(&this.state);
                state.busy -= std::mem::take(&mut given_back);
                if state.starting {
                    return;
                }
                let next = state.next(this.settings.max_concurrent);
                state.starting = next.is_some();
                next
            };
            let Some(next) = next else { return };
            let slot = Slot(Arc::clone(this));
            match next {
                Next::Return(to) => drop(to.send(slot)),
                Next::Start(job) => job.start(slot),
            }
            lock(&this.state).starting = false;
        }
    }

    /// Waits for a slot to come back with. Cancel-safe: a slot that is granted to a dropped future
    /// goes to the next one.
    pub(crate) async fn slot(this: &Arc<Self>) -> Slot {
        loop {
            let (to, granted) = oneshot::channel();
            lock(&this.state).returning.push_back(to);
            Self::start_what_may(this, 0);
            if let Ok(slot) = granted.await {
                return slot;
            }
        }
    }

    /// Stops a task. Whether this call is what stops it.
    pub(crate) fn cancel(&self, record: &Arc<Record>, reason: Option<&str>) -> bool {
        match record.stop(reason) {
            Stopped::TooLate => false,
            Stopped::Asked => true,
            Stopped::AtOnce => {
                let ticket = record.ticket.load(Ordering::Acquire);
                let job = lock(&self.state).queue.remove(&ticket);
                // Not in the queue: it has a slot and is about to begin, or is on its way there. Then
                // its driver tidies up, and nobody is told before the slot is free.
                if let Some(job) = job {
                    drop_quietly(job);
                    self.forget(record);
                    record.announce();
                }
                true
            }
        }
    }

    /// Takes an ended task out of the register.
    pub(crate) fn forget(&self, record: &Arc<Record>) {
        let mut state = lock(&self.state);
        // Its id may have been submitted again meanwhile.
        let removed = match state.living.entry(record.id()) {
            Entry::Occupied(held) if Arc::ptr_eq(held.get(), record) => Some(held.remove()),
            _ => None,
        };
        let idle = state.living.is_empty();
        drop(state);
        drop(removed);
        if idle {
            self.idle.notify_waiters();
        }
    }

    /// Takes no more tasks.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
    }

    /// Stops every living task.
    pub(crate) fn cancel_all(&self, reason: &str) {
        for record in self.living() {
            self.cancel(&record, Some(reason));
        }
    }

    /// Every living task, in no order.
    pub(crate) fn living(&self) -> Vec<Arc<Record>> {
        lock(&self.state).living.values().cloned().collect()
    }

    pub(crate) fn find(&self, id: TaskId) -> Option<Arc<Record>> {
        lock(&self.state).living.get(&id).cloned()
    }

    pub(crate) fn load(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.busy, state.queue.len())
    }

    /// Waits until no task lives. Cancel-safe.
    pub(crate) async fn idle(&self) {
        loop {
            let mut idle = std::pin::pin!(self.idle.notified());
            idle.as_mut().enable();
            if lock(&self.state).living.is_empty() {
                return;
            }
            idle.await;
        }
    }
}

impl State {
    /// Who is next, with a slot counted for it.
    fn next(&mut self, max_concurrent: usize) -> Option<Next> {
        if self.busy >= max_concurrent {
            return None;
        }
        let next = loop {
            match self.returning.pop_front() {
                // Stopped while it waited.
                Some(to) if to.is_closed() => {}
                Some(to) => break Next::Return(to),
                None => break Next::Start(self.queue.pop_first()?.1),
            }
        };
        self.busy += 1;
        Some(next)
    }
}

impl Job {
    fn start(self, slot: Slot) {
        let Self { record, nodes, timeout, runtime } = self;
        runtime.spawn(drive(Run::new(record, nodes, timeout, slot)));
    }
}
