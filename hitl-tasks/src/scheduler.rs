//! Who may run: slots, the queue for them, and the register of living tasks.
//!
//! Invariants:
//! - The [`Queue`] counts the slots; a [`Slot`] is given back by dropping it, so exactly once, on
//!   whatever path its holder ends.
//! - A task is in the register from its submission until its state is terminal and its steps are
//!   dropped.
//! - Whoever takes a job out of the queue ends or starts it.
//!
//! No lock is held while anything is started, emitted or dropped, and only one thread starts things
//! at a time: what is started may end at once (on a runtime that shuts down) and give its slot back
//! from there, and with ten thousand queued tasks that must not become ten thousand nested calls.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::{Clock, Redactor};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::deadlock::{Slots, Waits};
use crate::driver::{Run, drive};
use crate::few::Few;
use crate::hashing::Keyed;
use crate::journal::Journal;
use crate::outcomes::{Known, Name, Outcomes};
use crate::queue::{Back, Came, Job as _, Key, Limits, Micros, Next, Queue, Wish, micros};
use crate::record::{Record, Stopped, Stopper};
use crate::step::Unit;
use crate::sync::{Mutex, MutexGuard, Runtime, drop_quietly, lock};
use crate::task::Plan;
use crate::timings::Timings;
use crate::{ProgressEmitter, SubmitError, TaskId};

pub(crate) struct Settings {
    pub(crate) grace: Duration,
    pub(crate) undo_limit: Duration,
    pub(crate) emitter: Option<Box<dyn ProgressEmitter>>,
    pub(crate) journal: Option<Box<dyn Journal>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) redactor: Redactor,
}

pub(crate) struct Scheduler {
    pub(crate) settings: Settings,
    pub(crate) timings: Timings,
    /// When the queue's time began.
    origin: Instant,
    state: Mutex<State>,
    idle: Notify,
    /// Wakes the alarm: it has to look at other times.
    pub(crate) retimed: Arc<Notify>,
}

struct State {
    closed: bool,
    queue: Queue<Job, Returning>,
    living: HashMap<TaskId, Arc<Record>, Keyed>,
    outcomes: Outcomes<Record>,
    /// Steps that wait for other tasks here.
    waits: Waits,
    /// Somebody waits until no task lives.
    awaited: bool,
    /// Somebody is starting things, and will look again before it stops.
    starting: bool,
    /// What the alarm waits for, while there is one.
    alarm: Option<Micros>,
    /// Where an alarm can run.
    runtime: Option<Runtime>,
}

/// A task that has not started.
pub(crate) struct Job {
    record: Arc<Record>,
    units: Few<Unit>,
    timeout: Option<Duration>,
    runtime: Runtime,
}

impl crate::queue::Job for Job {
    fn wish(&self) -> Option<&Wish> {
        self.record.info().wish()
    }
}

/// A task that wants a slot again.
struct Returning(oneshot::Sender<Slot>);

impl Back for Returning {
    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// The right to run. Dropping it gives it to the next one.
pub(crate) struct Slot {
    /// Nobody once it has been given back.
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
            state.queue.give_back(self.key.as_ref());
            Scheduler::start_next(&scheduler, state);
        }
    }
}

/// How many slots are out.
pub(crate) struct SlotCounts<'a>(&'a Queue<Job, Returning>);

impl Slots for SlotCounts<'_> {
    fn slots(&self) -> (usize, usize) {
        self.0.slots()
    }

    fn slots_of(&self, key: &Key) -> (usize, usize) {
        self.0.slots_of(key)
    }
}

/// What became of a submission.
pub(crate) enum Accepted {
    New(Arc<Record>),
    /// The idempotency key is known.
    Known(Known<Record>),
}

impl Scheduler {
    pub(crate) fn new(settings: Settings, limits: Limits, keep: Duration) -> Arc<Self> {
        Arc::new(Self {
            settings,
            timings: Timings::default(),
            origin: Instant::now(),
            state: Mutex::new(State {
                closed: false,
                queue: Queue::new(limits),
                living: HashMap::default(),
                outcomes: Outcomes::new(micros(keep)),
                waits: Waits::default(),
                awaited: false,
                starting: false,
                alarm: None,
                runtime: None,
            }),
            idle: Notify::new(),
            retimed: Arc::new(Notify::new()),
        })
    }

    pub(crate) fn now(&self) -> Micros {
        micros(self.origin.elapsed())
    }

    /// That time, by tokio's clock; `None` for one that never comes.
    pub(crate) fn instant(&self, at: Micros) -> Option<Instant> {
        self.origin.checked_add(Duration::from_micros(u64::try_from(at).ok()?))
    }

    /// Accepts a task and starts it when it may.
    pub(crate) fn submit(
        this: &Arc<Self>,
        plan: Plan,
        output: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
        runtime: Runtime,
    ) -> Result<Accepted, SubmitError> {
        let name = plan.info.idempotency_name();
        let record = Arc::new(Record::new(plan.info, Arc::clone(this)));
        let job =
            Job { record: Arc::clone(&record), units: plan.units, timeout: plan.timeout, runtime };
        let (came, look, old) = {
            let mut state = lock(&this.state);
            let mut old = Vec::new();
            if let Some(name) = &name {
                let (known, pruned) = state.outcomes.find(name, this.now());
                old = pruned;
                if let Some(known) = known {
                    drop(state);
                    let same = known.record.info().looks_like(record.info());
                    drop_quietly((job, old));
                    return if same {
                        Ok(Accepted::Known(known))
                    } else {
                        Err(SubmitError::KeyTaken { key: Arc::clone(&name.1) })
                    };
                }
            }
            let came = this.accept(&mut state, job);
            if let (Some(name), Ok(_)) = (name, &came) {
                let known = Known { record: Arc::clone(&record), output: output() };
                state.outcomes.add(name, known);
            }
            let look = state.queue.may_start() || state.queue.has_times();
            (came, look, old)
        };
        drop_quietly(old);
        let came = came.map_err(|(job, error)| {
            drop_quietly(job);
            error
        })?;
        record.flush();
        match came {
            Came::AtOnce(job) => job.start(this),
            // To set the alarm, or because only its key or the rate is what it waits for.
            Came::Waits(_) if look => Self::start_what_may(this),
            Came::Waits(_) => {}
        }
        Ok(Accepted::New(record))
    }

    /// Takes a task into the register and the queue; or hands it back, with a slot counted for it,
    /// when it may start at once.
    fn accept(
        &self,
        state: &mut MutexGuard<'_, State>,
        job: Job,
    ) -> Result<Came<Job>, (Job, SubmitError)> {
        let state = &mut **state;
        let id = job.record.id();
        if state.closed {
            return Err((job, SubmitError::Closed));
        }
        let Entry::Vacant(place) = state.living.entry(id) else {
            return Err((job, SubmitError::Duplicate(id)));
        };
        let now = if state.queue.needs_time(job.wish()) { self.now() } else { 0 };
        let record = Arc::clone(&job.record);
        let runtime = job.wish().is_some().then(|| job.runtime.clone());
        let came = state
            .queue
            .come(job, now)
            .map_err(|(job, _)| (job, SubmitError::Full { waiting: state.queue.waiting() }))?;
        if let Came::Waits(place) = &came {
            record.set_place(*place);
            if runtime.is_some() || (state.runtime.is_none() && state.queue.has_times()) {
                state.runtime = runtime.or_else(Runtime::current);
            }
        }
        place.insert(record);
        Ok(came)
    }

    /// Starts whatever there are free slots for.
    pub(crate) fn start_what_may(this: &Arc<Self>) {
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
                Next::Return(Returning(to), key) => drop(to.send(Slot::new(this, key))),
                Next::Start(job) => job.start(this),
            }
            state = lock(&this.state);
            state.starting = false;
        }
        Self::set_alarm(this, state);
    }

    fn set_alarm(this: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if !state.queue.has_times() {
            return;
        }
        let Some(at) = state.queue.look_again(this.now()) else { return };
        match state.alarm {
            Some(set) if set <= at => {}
            Some(_) => this.retimed.notify_one(),
            None => {
                let Some(runtime) = state.runtime.clone() else { return };
                state.alarm = Some(at);
                drop(state);
                // It may be dropped right here, by a runtime that shuts down; never under the lock.
                runtime.spawn(crate::alarm::watch_the_clock(Arc::downgrade(this)));
            }
        }
    }

    /// The alarm went off: ends whoever waited too long, and starts whose time has come. When to
    /// look again.
    pub(crate) fn on_time(this: &Arc<Self>) -> Option<Micros> {
        loop {
            let Some(job) = lock(&this.state).queue.given_up(this.now()) else { break };
            let record = Arc::clone(&job.record);
            drop_quietly(job);
            record.give_up();
            Self::leave(this, &record, None);
            record.announce();
        }
        Self::start_what_may(this);
        let mut state = lock(&this.state);
        state.alarm = state.queue.look_again(this.now());
        state.alarm
    }

    /// The alarm is gone.
    pub(crate) fn no_alarm(&self) {
        lock(&self.state).alarm = None;
    }

    /// Waits for a slot for a task to come back with. Cancel-safe: a slot that is granted to a
    /// dropped future goes to the next one.
    pub(crate) async fn slot(record: &Record) -> Slot {
        /// Says that the task wants one, for as long as it does.
        struct Wanting<'a>(&'a Record);
        impl Drop for Wanting<'_> {
            fn drop(&mut self) {
                self.0.want_slot(false);
            }
        }
        let (this, key) = (record.scheduler(), record.info().key_shared());
        let wanting = Wanting(record);
        loop {
            let (to, granted) = oneshot::channel();
            wanting.0.want_slot(true);
            lock(&this.state).queue.come_back(Returning(to), key.clone());
            Self::start_what_may(this);
            // Whoever holds the slots may be waiting for this very task.
            this.refuse_endless_wait();
            if let Ok(slot) = granted.await {
                return slot;
            }
        }
    }

    /// What steps wait for, and the slots.
    pub(crate) fn with_waits<R>(&self, look: impl FnOnce(&mut Waits, &SlotCounts<'_>) -> R) -> R {
        let State { waits, queue, .. } = &mut *lock(&self.state);
        look(waits, &SlotCounts(queue))
    }

    /// Stops a task. Whether this call is what stops it.
    pub(crate) fn cancel(
        &self,
        record: &Arc<Record>,
        stopper: Stopper,
        reason: Option<&str>,
    ) -> bool {
        match record.stop(stopper, reason) {
            Stopped::TooLate => false,
            Stopped::Asked => true,
            Stopped::AtOnce => {
                let place = record.place();
                let (job, retimed) = {
                    let mut state = lock(&self.state);
                    (state.queue.leave(place, record.info().wish()), state.alarm.is_some())
                };
                if retimed {
                    self.retimed.notify_one();
                }
                // Not in the queue: it has a slot and is about to begin, or is on its way there.
                // Then its driver tidies up, and nobody is told before the slot is free.
                if let Some(job) = job {
                    drop_quietly(job);
                    Self::leave(record.scheduler(), record, None);
                    record.announce();
                }
                true
            }
        }
    }

    /// An ended task leaves: it is taken out of the register, and its slot, if it has one, goes to
    /// the next one.
    pub(crate) fn leave(this: &Arc<Self>, record: &Arc<Record>, mut slot: Option<Slot>) {
        let name: Option<Name> = record.info().idempotency_name();
        let mut state = lock(&this.state);
        // Its id may have been submitted again meanwhile.
        let removed = match state.living.entry(record.id()) {
            Entry::Occupied(held) if Arc::ptr_eq(held.get(), record) => Some(held.remove()),
            _ => None,
        };
        let old = name.map(|name| state.outcomes.ended(name, record, this.now()));
        let idle = state.living.is_empty() && std::mem::take(&mut state.awaited);
        if let Some(slot) = &mut slot {
            slot.scheduler = None;
            state.queue.give_back(slot.key.as_ref());
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

    /// Takes no more tasks.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
    }

    /// Stops every living task, because the host goes away.
    pub(crate) fn cancel_all(&self, reason: &str) {
        for record in self.living() {
            self.cancel(&record, Stopper::Host, Some(reason));
        }
    }

    /// Every living task, in no order.
    pub(crate) fn living(&self) -> Vec<Arc<Record>> {
        lock(&self.state).living.values().cloned().collect()
    }

    pub(crate) fn find(&self, id: TaskId) -> Option<Arc<Record>> {
        lock(&self.state).living.get(&id).cloned()
    }

    /// Slots that are out; tasks that have not started.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.queue.busy(), state.queue.waiting())
    }

    /// Waits until no task lives. Cancel-safe.
    pub(crate) async fn idle(&self) {
        loop {
            let mut idle = std::pin::pin!(self.idle.notified());
            idle.as_mut().enable();
            {
                let mut state = lock(&self.state);
                if state.living.is_empty() {
                    return;
                }
                state.awaited = true;
            }
            idle.await;
        }
    }
}

impl Job {
    fn start(self, scheduler: &Arc<Scheduler>) {
        let key = self.wish().and_then(|wish| wish.key.clone());
        let Self { record, units, timeout, runtime } = self;
        let slot = Slot::new(scheduler, key);
        let run = Run::new(record, units, timeout, slot);
        runtime.spawn(drive(run));
    }
}
