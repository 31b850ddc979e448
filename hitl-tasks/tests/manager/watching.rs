//! Readers that reconnect, slow subscribers, dashboards, estimates.

use crate::support;

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use hitl_tasks::*;
use support::{MS, S, for_ever, ok, settle, spend};

fn quick() -> Task<&'static str> {
    Task::new("quick").step(TaskStep::new("s", ok))
}

/// Returns a task that reports a hundred messages, without a pause.
fn chatty() -> Task<()> {
    Task::new("chatty").step(TaskStep::new("s", |cx: StepContext| async move {
        for percent in 1..=100 {
            cx.progress(f64::from(percent) / 100.0);
        }
        Ok::<_, String>(())
    }))
}

fn manager(emitter: impl ProgressEmitter) -> TaskManager {
    TaskManager::builder().max_concurrent(100).emitter(emitter).build().unwrap()
}

async fn read(reader: &mut LogReader) -> Option<(LogPosition, TaskEvent)> {
    match reader.next().await? {
        LogItem::Event(position, event) => Some((position, event)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_goes_on_where_it_stopped() {
    let log = EventLog::new(1_000);
    let manager = manager(log.clone());
    let one = manager.submit(quick()).unwrap();
    let two = manager.submit(quick().tenant("acme")).unwrap();
    one.wait().await.unwrap();
    two.wait().await.unwrap();
    let mut reader = log.read(None);
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(read(&mut reader).await.unwrap());
    }
    for (position, _) in &all[..9] {
        let mut again = log.read(Some(position.to_string().parse().unwrap()));
        let (next, _) = read(&mut again).await.unwrap();
        let before = all.iter().position(|(p, _)| p == position).unwrap();
        assert_eq!(next, all[before + 1].0);
    }
    // The events of one task, to its end; of one tenant, and of no other.
    let mut of_one = log.read_task(one.id(), None);
    let mut seqs = Vec::new();
    while let Some((_, event)) = read(&mut of_one).await {
        assert_eq!(event.task.id(), one.id());
        seqs.push(event.seq);
    }
    assert_eq!(seqs, [0, 1, 2, 3, 4]);
    let mut of_acme = log.read(None).for_tenant("acme");
    for _ in 0..5 {
        assert_eq!(read(&mut of_acme).await.unwrap().1.task.id(), two.id());
    }
    // Later events arrive, also after an abandoned wait.
    assert!(tokio::time::timeout(S, reader.next()).await.is_err());
    let (three, event) =
        tokio::join!(async { manager.submit(quick()).unwrap() }, read(&mut reader));
    assert_eq!(event.unwrap().1.task.id(), three.id());
}

#[tokio::test(start_paused = true)]
async fn invariant_13_the_history_is_bounded_and_gaps_are_marked() {
    let log = EventLog::new(5);
    let manager = manager(log.clone());
    manager.submit(quick()).unwrap().wait().await.unwrap();
    let mut slow = log.read(None);
    let (first, _) = read(&mut slow).await.unwrap();
    for _ in 0..3 {
        manager.submit(quick()).unwrap().wait().await.unwrap();
    }
    for mut reader in [slow, log.read(Some(first))] {
        assert!(matches!(reader.next().await, Some(LogItem::Gap)));
        for seq in 0..5 {
            assert_eq!(read(&mut reader).await.unwrap().1.seq, seq);
        }
    }
    // A position of another log, as after a restart, begins with a gap too.
    let (elsewhere, _) = {
        let other = EventLog::new(5);
        let manager = self::manager(other.clone());
        manager.submit(quick()).unwrap().wait().await.unwrap();
        read(&mut other.read(None)).await.unwrap()
    };
    let mut reader = log.read(Some(elsewhere));
    assert!(matches!(reader.next().await, Some(LogItem::Gap)));
    for nonsense in ["", "7", "x-1", "1-", "5f0c9a1e-42-1"] {
        assert!(nonsense.parse::<LogPosition>().is_err(), "{nonsense}");
    }
}

fn taken(inbox: &mut Inbox) -> (Vec<TaskEvent>, u64) {
    let (mut events, mut missed) = (Vec::new(), 0);
    while let Some(update) = inbox.try_recv() {
        match update {
            BroadcastItem::Event(event) => events.push(event),
            BroadcastItem::Missed(n) => missed += n,
            _ => {}
        }
    }
    (events, missed)
}

#[tokio::test(start_paused = true)]
async fn a_slow_inbox_gets_the_newest_state_and_every_end() {
    let channel = CoalescingChannel::new();
    let (mut fast, mut slow) = (channel.inbox(1_000), channel.inbox(3));
    drop(channel.inbox(1));
    let manager = manager(channel);
    let mut ids = Vec::new();
    for _ in 0..50 {
        let handle = manager.submit(chatty()).unwrap();
        ids.push(handle.id());
        let body = |cx: StepContext| async move {
            cx.progress(0.5);
            for_ever(cx).await
        };
        drop(handle.wait().await);
        let running = manager.submit(Task::new("r").step(TaskStep::new("s", body))).unwrap();
        settle().await;
        if ids.len() == 1 {
            let (all, missed) = taken(&mut fast);
            assert_eq!((all.len(), missed), (105 + 4, 0), "who keeps up gets everything");
        }
        ids.push(running.detach());
    }
    let (events, missed) = taken(&mut slow);
    assert_eq!(missed, 0);
    assert!(events.len() <= 3 + ids.len(), "{}", events.len());
    for (number, id) in ids.iter().enumerate() {
        let mut of_task = events.iter().filter(|event| event.task.id() == *id);
        let newest = of_task.next_back().unwrap();
        if number % 2 == 0 {
            assert!(newest.is_end(), "{newest:?}");
        } else {
            assert!(
                matches!(newest.kind, TaskEventKind::Progress { percent: 50, .. }),
                "{newest:?}"
            );
        }
    }
    // Once the manager is gone: the ends of its tasks, and then nothing.
    drop(manager);
    let mut ends = 0;
    while let Some(update) = slow.recv().await {
        ends += usize::from(matches!(update, BroadcastItem::Event(event) if event.is_end()));
    }
    assert_eq!(ends, 50);
}

#[tokio::test(start_paused = true)]
async fn invariant_13_an_inbox_that_nobody_empties_is_bounded_and_says_what_it_lost() {
    let channel = CoalescingChannel::new();
    let mut inbox = channel.inbox(1);
    let manager = manager(channel);
    for _ in 0..100 {
        manager.submit(quick()).unwrap().wait().await.unwrap();
    }
    let (events, missed) = taken(&mut inbox);
    assert_eq!((events.len(), missed), (64, 36));
    assert!(events.iter().all(TaskEvent::is_end));
}

#[tokio::test(start_paused = true)]
async fn estimates_go_by_how_long_the_steps_took_before() {
    let clock = ManualClock::at(Timestamp::from_millis(0));
    let manager = TaskManager::builder().clock(clock.clone()).build().unwrap();
    let task = || {
        let step = |name: &'static str, seconds: u64| {
            let clock = clock.clone();
            TaskStep::new(name, move |_: StepContext, (): ()| {
                let clock = clock.clone();
                async move {
                    spend(S).await;
                    clock.advance(Duration::from_secs(seconds));
                    Ok::<_, String>(())
                }
            })
        };
        Task::new("t").step(step("a", 10)).step(step("b", 90))
    };
    manager.submit(task()).unwrap().wait().await.unwrap();
    let handle = manager.submit(task()).unwrap();
    spend(S / 2).await;
    assert_eq!(handle.progress().estimated_completion_ms, Some(100_000));
    spend(S).await;
    assert_eq!(handle.progress().estimated_completion_ms, Some(90_000));
    clock.advance(Duration::from_secs(30));
    assert_eq!(handle.progress().estimated_completion_ms, Some(60_000));
    clock.advance(Duration::from_secs(300));
    assert_eq!(handle.progress().estimated_completion_ms, Some(0), "never below nothing");
    handle.wait().await.unwrap();
    assert_eq!(handle.progress().estimated_completion_ms, None);
}

#[tokio::test(start_paused = true)]
async fn known_fault_the_ten_task_limit_never_drops_a_running_task_silently() {
    let clock = ManualClock::at(Timestamp::from_millis(0));
    let dashboard = Dashboard::with_clock(clock.clone());
    let manager = TaskManager::builder()
        .max_concurrent(100)
        .clock(clock.clone())
        .emitter(dashboard.clone())
        .build()
        .unwrap();
    for _ in 0..12 {
        manager.submit(quick()).unwrap().wait().await.unwrap();
    }
    let shown = dashboard.snapshot();
    assert_eq!((shown.tasks.len(), shown.hidden), (10, 0));
    let mut running = Vec::new();
    for count in 1..=12_usize {
        let task = Task::new("long").step(TaskStep::new("s", for_ever));
        running.push(manager.submit(task).unwrap());
        settle().await;
        let shown = dashboard.snapshot();
        let living = shown.tasks.iter().filter(|task| task.status == Status::Running).count();
        assert_eq!((living, shown.tasks.len()), (count.min(10), 10), "finished ones leave first");
        assert_eq!(shown.hidden, count.saturating_sub(10));
    }
    for handle in &running {
        handle.cancel("enough");
        assert!(handle.wait().await.is_err());
    }
    let json = serde_json::to_value(dashboard.snapshot()).unwrap();
    assert_eq!((&json["v"], &json["hidden"]), (&1.into(), &0.into()));
    assert_eq!(json["tasks"][0]["status"], "cancelled");
    assert_eq!(json["tasks"][0]["error"], "Task was cancelled");
    assert_eq!(json["tasks"][0]["totalSteps"], 1);
    clock.advance(Duration::from_secs(299));
    assert_eq!(dashboard.snapshot().tasks.len(), 10);
    clock.advance(Duration::from_secs(1));
    assert!(dashboard.snapshot().tasks.is_empty(), "five minutes");
}

#[tokio::test(start_paused = true)]
async fn known_fault_a_burst_of_updates_does_not_starve_the_dashboard() {
    let dashboard = Dashboard::new();
    let manager = manager(dashboard.clone());
    let mut updates = dashboard.updates(100 * MS);
    assert!(updates.next().await.tasks.is_empty());
    let body = |cx: StepContext| async move {
        for n in 1..=1_000_u32 {
            cx.message(n.to_string());
            spend(10 * MS).await;
        }
        Ok::<_, String>(())
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    let mut seen = 0;
    let end = loop {
        let snapshot = updates.next().await;
        seen += 1;
        if snapshot.tasks[0].status == Status::Completed {
            break snapshot;
        }
    };
    assert!((95..=105).contains(&seen), "{seen} in ten seconds");
    assert_eq!(end.tasks[0].percent(), 100);
    handle.wait().await.unwrap();
    assert!(tokio::time::timeout(S, updates.next()).await.is_err(), "nothing changes any more");
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_shows_what_the_task_says_of_itself() {
    let dashboard = Dashboard::new();
    let manager = manager(FanOut::new().with(TracingEmitter).with(dashboard.clone()));
    let task = Task::new("t").parallel((
        TaskStep::new("a", |cx: StepContext, (): ()| ok(cx)),
        TaskStep::new("b", |cx: StepContext, (): ()| async move {
            cx.progress(0.5);
            cx.message("half");
            spend(S).await;
            Ok::<_, String>(())
        })
        .weight(3),
    ));
    let handle = manager.submit(task).unwrap();
    settle().await;
    let shown = dashboard.snapshot().tasks.remove(0);
    let own = handle.progress();
    assert_eq!((shown.percent(), shown.message.as_deref()), (63, Some("half")));
    assert_eq!((shown.percent(), &shown.steps), (own.percent(), &own.steps));
    handle.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_a_task_whose_end_lies_behind_it_ends() {
    let log = EventLog::new(6);
    let manager = manager(log.clone());
    let one = manager.submit(quick()).unwrap();
    one.wait().await.unwrap();
    let mut reader = log.read(None);
    let mut last = None;
    for _ in 0..5 {
        last = read(&mut reader).await;
    }
    let (position, event) = last.unwrap();
    assert!(event.is_end());
    // A reader that reconnects after it has read the end.
    assert!(log.read_task(one.id(), Some(position)).next().await.is_none());
    // The end is no longer kept: a gap, and nothing more.
    manager.submit(quick()).unwrap().wait().await.unwrap();
    manager.submit(quick()).unwrap().wait().await.unwrap();
    let mut late = log.read_task(one.id(), None);
    assert!(matches!(late.next().await, Some(LogItem::Gap)));
    assert!(late.next().await.is_none() && late.next().await.is_none());
    // The task is unknown.
    let mut unknown = log.read_task(TaskId::new(), Some(position));
    while let Some(said) = unknown.next().await {
        assert!(matches!(said, LogItem::Gap));
    }
    // A reader waits for the end of a live task.
    let endless = manager.submit(Task::new("long").step(TaskStep::new("s", for_ever))).unwrap();
    settle().await;
    let mut living = log.read_task(endless.id(), None);
    let waited = tokio::time::timeout(S, async { while living.next().await.is_some() {} }).await;
    assert!(waited.is_err());
    endless.cancel("enough");
    assert!(living.next().await.is_some());
    assert!(living.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_position_from_before_a_restart_begins_with_a_gap_and_never_with_silence() {
    let (journal, id) = (MemoryJournal::new(), TaskId::new());
    let task = |fails: bool| {
        let body = move |_: StepContext| async move {
            if fails { std::future::pending().await } else { Ok::<_, String>(()) }
        };
        Task::new("t").id(id).step(TaskStep::new("s", body).durable()).journaled()
    };
    let before = EventLog::new(100);
    let first = TaskManager::builder().journal(journal.clone()).emitter(before.clone());
    let first = first.build().unwrap();
    first.submit(task(true)).unwrap().detach();
    settle().await;
    let (position, event) = read(&mut before.read_task(id, None)).await.unwrap();
    assert_eq!(event.seq, 0);
    drop(first);
    let after = EventLog::new(100);
    let second = TaskManager::builder().journal(journal).emitter(after.clone()).build().unwrap();
    second.submit(task(false)).unwrap().wait().await.unwrap();
    // The browser sends back a position of the former log; the new log counts from 1 again.
    let position = Some(position.to_string().parse().unwrap());
    let mut reader = after.read_task(id, position);
    assert!(matches!(reader.next().await, Some(LogItem::Gap)));
    let (_, event) = read(&mut reader).await.unwrap();
    assert_eq!((event.seq, event.kind.name()), (0, "submitted"));
    assert!(matches!(after.read(position).next().await, Some(LogItem::Gap)));
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_estimates_as_the_task_itself_does() {
    let clock = ManualClock::at(Timestamp::from_millis(0));
    let dashboard = Dashboard::with_clock(clock.clone());
    let manager =
        TaskManager::builder().clock(clock.clone()).emitter(dashboard.clone()).build().unwrap();
    let task = || {
        let clock = clock.clone();
        let body = move |cx: StepContext| {
            let clock = clock.clone();
            async move {
                cx.progress(0.25);
                spend(S).await;
                clock.advance(40 * S);
                cx.off_clock(spend(S)).await;
                spend(S).await;
                Ok::<_, String>(())
            }
        };
        Task::new("t").step(TaskStep::new("s", body))
    };
    let mut seen = 0;
    for _ in 0..2 {
        let handle = manager.submit(task()).unwrap();
        for _ in 0..6 {
            spend(S / 2).await;
            let own = handle.progress().estimated_completion_ms;
            let shown = dashboard.snapshot().tasks.remove(0).estimated_completion_ms;
            assert_eq!(shown, own);
            seen += usize::from(own.is_some());
        }
        handle.wait().await.unwrap();
    }
    assert!(seen > 6, "only {seen} estimates");
    let task = dashboard.snapshot().tasks.remove(0);
    assert_eq!((task.estimated_completion_ms, task.percent()), (None, 100));
}
