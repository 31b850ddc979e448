//! All features at once, on several threads: the counts balance in every case.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hitl_tasks::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use support::{Events, MS, spend, watched};

/// The behaviour of a step of a random task.
#[derive(Clone, Copy, Debug)]
enum Does {
    Return,
    Fail,
    Panic,
    Yield,
    Spend(u64),
    OffClock(u64),
    Listen,
    Report,
}

/// An action on a random task.
#[derive(Clone, Copy, Debug)]
enum Done {
    Cancel,
    DropHandle,
    Wait,
    GiveUpWaiting,
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        Just(Does::Return),
        Just(Does::Fail),
        Just(Does::Panic),
        Just(Does::Yield),
        (0..20_u64).prop_map(Does::Spend),
        (0..20_u64).prop_map(Does::OffClock),
        Just(Does::Listen),
        Just(Does::Report),
    ]
}

fn done() -> impl Strategy<Value = Done> {
    prop_oneof![
        Just(Done::Cancel),
        Just(Done::DropHandle),
        Just(Done::Wait),
        Just(Done::GiveUpWaiting)
    ]
}

#[derive(Clone, Debug)]
struct Plan {
    steps: Vec<(Does, Option<u64>, u32)>,
    timeout: Option<u64>,
    /// Members of a group after the steps: the behaviour of each, and the duration of its undo.
    group: Vec<(Does, u64)>,
    key: Option<u8>,
    start_after: u64,
    queue_timeout: Option<u64>,
    then: Done,
    after: u64,
}

fn plan() -> impl Strategy<Value = Plan> {
    let step = (does(), proptest::option::of(1..15_u64), 0..3_u32);
    let steps = proptest::collection::vec(step, 0..4);
    let group = proptest::collection::vec((does(), 0..5_u64), 0..4);
    let queue = (
        proptest::option::of(0..3_u8),
        prop_oneof![3 => Just(0), 1 => 0..20_u64],
        proptest::option::of(1..60_u64),
    );
    (steps, proptest::option::of(1..40_u64), group, queue, done(), 0..30_u64).prop_map(
        |(steps, timeout, group, (key, start_after, queue_timeout), then, after)| Plan {
            steps,
            timeout,
            group,
            key,
            start_after,
            queue_timeout,
            then,
            after,
        },
    )
}

async fn act(does: Does, cx: StepContext) -> Result<(), String> {
    match does {
        Does::Return => {}
        Does::Fail => return Err("no".to_owned()),
        Does::Panic => panic!("no"),
        Does::Yield => tokio::task::yield_now().await,
        Does::Spend(millis) => spend(MS * u32::try_from(millis).unwrap()).await,
        Does::OffClock(millis) => {
            cx.off_clock(spend(MS * u32::try_from(millis).unwrap())).await;
        }
        Does::Listen => cx.cancelled().await,
        Does::Report => {
            for percent in 0..100 {
                cx.progress(f64::from(percent) / 100.0);
                cx.message(percent.to_string());
            }
        }
    }
    Ok(())
}

fn millis(millis: u64) -> std::time::Duration {
    MS * u32::try_from(millis).unwrap()
}

/// Adds an undo that takes some time, and sometimes fails.
fn undoable(step: TaskStep<(), ()>, takes: u64) -> TaskStep<(), ()> {
    step.undo(move |_: StepContext, (): ()| async move {
        spend(millis(takes)).await;
        if takes == 3 { Err("cannot") } else { Ok(()) }
    })
}

fn task(plan: &Plan) -> Task<()> {
    let mut task = Task::new("random").start_after(millis(plan.start_after));
    if let Some(key) = plan.key {
        task = task.key(key.to_string());
        task = task.priority(if key == 0 { Priority::High } else { Priority::Low });
    }
    if let Some(limit) = plan.queue_timeout {
        task = task.queue_timeout(millis(limit));
    }
    for (does, timeout, retries) in plan.steps.clone() {
        let mut step = TaskStep::new("s", move |cx: StepContext, (): ()| act(does, cx))
            .retry(Retry::times(retries).delay(MS));
        if let Some(millis) = timeout {
            step = step.timeout(MS * u32::try_from(millis).unwrap());
        }
        task = task.step(undoable(step, u64::from(retries)));
    }
    let members = plan.group.iter().copied().map(|(does, takes)| {
        undoable(TaskStep::new("m", move |cx: StepContext, (): ()| act(does, cx)), takes)
    });
    let task = task
        .parallel(members.collect::<Vec<_>>())
        .step(TaskStep::new("end", |_: StepContext, _: Vec<()>| async { Ok::<_, String>(()) }));
    match plan.timeout {
        Some(millis) => task.timeout(MS * u32::try_from(millis).unwrap()),
        // Without a timeout, `Listen` would wait forever.
        None => task.timeout(MS * 200),
    }
}

async fn carry_out(manager: &TaskManager, plan: Plan) -> TaskWatcher {
    let handle = manager.submit(task(&plan)).unwrap();
    let watcher = handle.watcher();
    spend(MS * u32::try_from(plan.after).unwrap()).await;
    match plan.then {
        Done::Cancel => {
            handle.cancel("enough");
        }
        Done::DropHandle => drop(handle),
        Done::Wait => drop(handle.wait().await),
        Done::GiveUpWaiting => drop(handle.wait_for(MS).await),
    }
    watcher
}

/// Runs everything and checks that the counts balance.
async fn balance(plans: Vec<Plan>, slots: usize, end: Option<Shutdown>) {
    let (manager, events) = watched(|b| b.max_concurrent(slots).cancel_grace_period(MS * 5));
    let count = plans.len();
    let mut running = Vec::new();
    for plan in plans {
        let manager = manager.clone();
        running.push(tokio::spawn(async move { carry_out(&manager, plan).await }));
    }
    let mut watchers = Vec::new();
    for one in running {
        watchers.push(one.await.unwrap());
    }
    if let Some(end) = end {
        let report = manager.shutdown(end).await;
        assert!(report.still_running.is_empty(), "{report:?}");
    }
    for watcher in &watchers {
        assert!(watcher.wait().await.is_terminal());
        events.assert_one_end(watcher.id());
        check_end(&events, watcher);
    }
    assert!(events.most_at_once() <= slots);
    assert_eq!((manager.running(), manager.queued(), manager.tasks().len()), (0, 0, 0));
    assert_eq!(events.all().iter().filter(|event| event.is_end()).count(), count);
}

fn check_end(events: &Events, watcher: &TaskWatcher) {
    let last = events.of(watcher.id()).pop().unwrap();
    let TaskEventKind::Ended { state, error, .. } = last.kind else { panic!("{last:?}") };
    assert_eq!(state, watcher.state());
    let progress = watcher.progress();
    assert_eq!((progress.error, progress.status), (error, state.status()));
    assert!(progress.steps.iter().all(|step| step.status != Status::Running));
    assert_eq!(watcher.error().is_none(), state == TaskState::Completed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn invariant_11_any_course_of_events_leaves_one_end_and_no_slot_taken(
        plans in proptest::collection::vec(plan(), 1..12),
        slots in 1..4_usize,
        drain in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let end = if drain { Shutdown::drain(MS * 100_000) } else { Shutdown::cancel(MS * 1_000) };
        runtime.block_on(balance(plans, slots, Some(end)));
    }
}

#[test]
fn invariant_11_on_several_threads_too() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let mut random = proptest::test_runner::TestRunner::deterministic();
    for round in 0..8_usize {
        let plans: Vec<_> =
            (0..60).map(|_| plan().new_tree(&mut random).unwrap().current()).collect();
        runtime.block_on(async {
            tokio::spawn(balance(plans, 1 + round % 5, None)).await.unwrap();
        });
    }
}

#[test]
fn invariant_11_many_cancel_one_task_and_one_of_them_does() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let (manager, events) = watched(|b| b.max_concurrent(2));
    runtime.block_on(async {
        for _ in 0..300 {
            let yields = |_: StepContext| async {
                tokio::task::yield_now().await;
                Ok::<_, String>(())
            };
            let task = Task::new("t").step(TaskStep::new("s", yields));
            let handle = Arc::new(manager.submit(task).unwrap());
            let accepted = Arc::new(AtomicUsize::new(0));
            let cancels: Vec<_> = (0..4)
                .map(|_| {
                    let (handle, accepted) = (Arc::clone(&handle), Arc::clone(&accepted));
                    tokio::spawn(async move {
                        if handle.cancel("race") {
                            accepted.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            let result = handle.wait().await;
            for cancel in cancels {
                cancel.await.unwrap();
            }
            let accepted = accepted.load(Ordering::SeqCst);
            assert_eq!(accepted, usize::from(result.is_err()), "{result:?}");
            events.assert_one_end(handle.id());
        }
    });
    assert_eq!((manager.running(), manager.queued()), (0, 0));
}
