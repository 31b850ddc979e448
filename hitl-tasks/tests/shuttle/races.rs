//! The races.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use shuttle::future::{block_on, spawn, yield_now};

use crate::sync::{Mutex, lock};
use crate::*;

/// All races, by name.
pub(crate) const RACES: &[(&str, fn())] = &[
    ("invariant_11_cancel_races_start_and_finish", invariant_11_cancel_races_start_and_finish),
    (
        "invariant_11_time_outs_race_finish_and_cancel",
        invariant_11_time_outs_race_finish_and_cancel,
    ),
    (
        "invariant_12_waits_race_the_end_and_are_dropped",
        invariant_12_waits_race_the_end_and_are_dropped,
    ),
    (
        "slots_race_off_the_clock_keys_and_cancellation",
        slots_race_off_the_clock_keys_and_cancellation,
    ),
    ("groups_race_their_siblings", groups_race_their_siblings),
    (
        "invariant_11_shutdown_and_a_dropped_manager_race_everything",
        invariant_11_shutdown_and_a_dropped_manager_race_everything,
    ),
    ("blocking_bodies_race_cancellation", blocking_bodies_race_cancellation),
    ("one_idempotency_key_is_one_task", one_idempotency_key_is_one_task),
];

const ROUNDS: usize = 1_500;
const LONG: Duration = Duration::from_secs(3_600);

#[derive(Clone, Default)]
struct Events(Arc<std::sync::Mutex<Vec<TaskEvent>>>);

impl ProgressEmitter for Events {
    fn emit(&self, event: &TaskEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Events {
    fn assert_one_end(&self, id: TaskId) {
        let events = self.0.lock().unwrap();
        let of_task: Vec<_> = events.iter().filter(|event| event.task.id() == id).collect();
        assert_eq!(of_task.iter().filter(|event| event.is_end()).count(), 1, "{of_task:#?}");
        assert!(of_task.last().unwrap().is_end(), "{of_task:#?}");
        assert!(of_task.iter().enumerate().all(|(n, event)| event.seq == n as u64));
    }
}

fn manager(slots: usize) -> (TaskManager, Events) {
    let events = Events::default();
    let builder = TaskManager::builder().max_concurrent(slots).emitter(events.clone());
    (builder.build().unwrap(), events)
}

async fn yields(_: StepContext) -> Result<u32, String> {
    yield_now().await;
    Ok(7)
}

fn task() -> Task<u32> {
    Task::new("t").step(TaskStep::new("s", yields))
}

fn explore(race: impl Fn() + Send + Sync + 'static) {
    let mut config = shuttle::Config::new();
    // Shuttle's default is too small for futures of an unoptimised build.
    config.stack_size = 1 << 20;
    let scheduler = shuttle::scheduler::RandomScheduler::new(ROUNDS);
    shuttle::Runner::new(scheduler, config).run(race);
}

/// Asserts that every task has one end, and every slot is back.
fn balanced(manager: &TaskManager, events: &Events, ids: &[TaskId]) {
    for id in ids {
        events.assert_one_end(*id);
    }
    assert_eq!((manager.running(), manager.queued(), manager.tasks().len()), (0, 0, 0));
}

fn invariant_11_cancel_races_start_and_finish() {
    // With one slot the second task is mostly queued, with two it mostly runs.
    explore(|| cancel_races(1));
    explore(|| cancel_races(2));
}

fn cancel_races(slots: usize) {
    block_on(async {
        let (manager, events) = manager(slots);
        let handles = [manager.submit(task()).unwrap(), manager.submit(task()).unwrap()];
        let ids = [handles[0].id(), handles[1].id()];
        let accepted = Arc::new(Mutex::new(0));
        let cancels: Vec<_> = (0..2)
            .map(|_| {
                let (manager, accepted) = (manager.clone(), Arc::clone(&accepted));
                spawn(async move {
                    if manager.cancel(ids[1], "race") {
                        *lock(&accepted) += 1;
                    }
                })
            })
            .collect();
        assert_eq!(handles[0].wait().await.unwrap(), 7);
        let second = handles[1].wait().await;
        for cancel in cancels {
            cancel.await.unwrap();
        }
        assert_eq!(*lock(&accepted), usize::from(second.is_err()));
        balanced(&manager, &events, &ids);
    });
}

fn invariant_11_time_outs_race_finish_and_cancel() {
    explore(|| {
        block_on(async {
            let (manager, events) = manager(1);
            let step = TaskStep::new("s", yields).timeout(LONG).retry(Retry::times(1));
            let timed = manager.submit(Task::new("t").step(step).timeout(LONG)).unwrap();
            let queued = manager.submit(task().queue_timeout(LONG)).unwrap();
            let canceller = manager.clone();
            let id = timed.id();
            let cancel = spawn(async move { canceller.cancel(id, "race") });
            let ended = timed.wait().await;
            let cancelled = cancel.await.unwrap();
            let was = ended.is_err_and(|error| error.kind() == TaskErrorKind::Cancelled);
            assert_eq!(cancelled, was);
            drop(queued.wait().await);
            balanced(&manager, &events, &[timed.id(), queued.id()]);
        });
    });
}

fn invariant_12_waits_race_the_end_and_are_dropped() {
    explore(|| {
        block_on(async {
            let (manager, events) = manager(1);
            let handle = Arc::new(manager.submit(task()).unwrap());
            let waits: Vec<_> = (0..2)
                .map(|_| {
                    let handle = Arc::clone(&handle);
                    spawn(async move { handle.wait().await.is_ok() })
                })
                .collect();
            // A watcher that is dropped after its first read.
            let mut watcher = handle.watcher();
            let _ = watcher.changed().now_or_never();
            let id = handle.id();
            drop(handle);
            let mut taken = 0;
            for wait in waits {
                taken += usize::from(wait.await.unwrap());
            }
            assert_eq!((taken, watcher.wait().await), (1, TaskState::Completed));
            while watcher.changed().await {}
            balanced(&manager, &events, &[id]);
        });
    });
}

fn slots_race_off_the_clock_keys_and_cancellation() {
    explore(|| {
        block_on(async {
            let (manager, events) = manager(2);
            let away = |cx: StepContext| async move {
                cx.off_clock(yield_now()).await;
                yield_now().await;
                Ok::<_, String>(1)
            };
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let task = Task::new("t").step(TaskStep::new("a", away)).key("k");
                    manager.submit(task).unwrap()
                })
                .collect();
            let ids: Vec<_> = tasks.iter().map(TaskHandle::id).collect();
            let (canceller, id) = (manager.clone(), ids[1]);
            let cancel = spawn(async move { canceller.cancel(id, "race") });
            for task in &tasks {
                drop(task.wait().await);
            }
            cancel.await.unwrap();
            balanced(&manager, &events, &ids);
        });
    });
}

fn groups_race_their_siblings() {
    explore(|| {
        block_on(async {
            let (manager, events) = manager(1);
            let away = |cx: StepContext, _: u32| async move {
                cx.off_clock(yield_now()).await;
                Ok::<_, String>(())
            };
            let fails = |_: StepContext, _: u32| async {
                yield_now().await;
                Err::<(), _>("no")
            };
            let good = TaskStep::new("a", away);
            let task = task().parallel((good, TaskStep::new("b", away), TaskStep::new("c", fails)));
            let handle = manager.submit(task).unwrap();
            let other = manager.submit(self::task()).unwrap();
            assert_eq!(handle.wait().await.unwrap_err().failed_step(), Some(3));
            assert_eq!(other.wait().await.unwrap(), 7);
            balanced(&manager, &events, &[handle.id(), other.id()]);
        });
    });
}

fn invariant_11_shutdown_and_a_dropped_manager_race_everything() {
    explore(|| {
        block_on(async {
            let (manager, events) = manager(1);
            let undo = |_: StepContext, _: u32| async {
                yield_now().await;
                Ok::<_, String>(())
            };
            let undone = TaskStep::new("s", yields).undo(undo);
            let last = |_: StepContext, _: u32| async {
                yield_now().await;
                Ok::<_, String>(())
            };
            let one =
                manager.submit(Task::new("t").step(undone).step(TaskStep::new("l", last))).unwrap();
            let two = manager.submit(task()).unwrap();
            let late = {
                let manager = manager.clone();
                spawn(async move { manager.submit(task()).ok().map(TaskHandle::detach) })
            };
            manager.0.0.close();
            crate::schedule::scheduler::Scheduler::cancel_all(&manager.0.0, "the end");
            let late = late.await.unwrap();
            let ids: Vec<_> =
                [Some(one.id()), Some(two.id()), late].into_iter().flatten().collect();
            drop(manager);
            drop((one.wait().await, two.wait().await));
            let watcher = one.watcher();
            assert!(watcher.state().is_terminal());
            for id in &ids[..2] {
                events.assert_one_end(*id);
            }
        });
    });
}

fn blocking_bodies_race_cancellation() {
    explore(|| {
        block_on(async {
            let (manager, events) = manager(1);
            let body = |cx: StepContext, n: u32| {
                shuttle::thread::yield_now();
                if cx.is_cancelled() { Err("stopped") } else { Ok(n) }
            };
            let handle = manager.submit(task().step(TaskStep::blocking("b", body))).unwrap();
            let (canceller, id) = (manager.clone(), handle.id());
            let cancel = spawn(async move { canceller.cancel(id, "race") });
            let ended = handle.wait().await;
            assert_eq!(cancel.await.unwrap(), ended.is_err());
            balanced(&manager, &events, &[id]);
        });
    });
}

fn one_idempotency_key_is_one_task() {
    explore(|| {
        block_on(async {
            let (manager, events) = manager(1);
            let submits: Vec<_> = (0..3)
                .map(|_| {
                    let manager = manager.clone();
                    spawn(async move {
                        let handle = manager.submit(task().idempotency_key("k")).unwrap();
                        (handle.id(), handle.wait_cloned().await.unwrap())
                    })
                })
                .collect();
            let mut ids = Vec::new();
            for submit in submits {
                let (id, output) = submit.await.unwrap();
                assert_eq!(output, 7);
                ids.push(id);
            }
            assert!(ids.windows(2).all(|two| two[0] == two[1]), "{ids:?}");
            balanced(&manager, &events, &ids[..1]);
        });
    });
}
