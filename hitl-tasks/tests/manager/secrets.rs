//! Every output of a task, with secrets in its input.

use crate::support;

use std::fmt::{Debug, Display, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex};

use hitl_base::Sensitive;
use hitl_tasks::*;
use serde::Serialize;
use support::{Events, S, settle};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The text that is planted wherever a task outputs a text: a secret by its name, one by its shape,
/// one in JSON.
const SAID: &str = concat!(
    r#"asked with password=hunter2hunter2, Bearer abcdefgh12345678 and {"apiKey":"k3y-of-the-house"}; "#,
    "db at postgres://app:s3cr3t-pw@db/x"
);

/// None of these may appear anywhere.
const PLANTED: &[&str] =
    &["hunter2hunter2", "abcdefgh12345678", "k3y-of-the-house", "s3cr3t-pw", "97315-pin"];

/// The texts that were examined.
#[derive(Default)]
struct Walk(Vec<(String, String)>);

impl Walk {
    fn text(&mut self, place: &str, text: impl Into<String>) {
        self.0.push((place.to_owned(), text.into()));
    }

    fn debug(&mut self, place: &str, value: &impl Debug) {
        self.text(place, format!("{value:?} {value:#?}"));
    }

    fn json(&mut self, place: &str, value: &impl Serialize) {
        self.text(place, serde_json::to_string(value).unwrap());
    }

    fn error(&mut self, place: &str, error: &(dyn std::error::Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.text(place, format!("{error} {error:?} {error:#}"));
            next = error.source();
        }
    }

    /// Asserts that no planted text appears anywhere, and that each place shows that something was
    /// masked.
    #[track_caller]
    fn assert_clean(&self, least: usize) {
        assert!(self.0.len() >= least, "only {} places were looked at", self.0.len());
        for (place, text) in &self.0 {
            for planted in PLANTED {
                assert!(!text.contains(planted), "{planted} at {place}: {text}");
            }
        }
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A collector of the output of `tracing` on this thread.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<String>>);

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut told = self.0.lock().unwrap();
        write!(told, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Told {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An error whose cause contains the text too.
struct Refused;

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused: {SAID}")
    }
}

fn named<I: Clone + Send + 'static, O: Send + 'static>(
    what: &str,
    body: impl Fn(StepContext) -> Result<O, Refused> + Send + Sync + Clone + 'static,
) -> TaskStep<I, O> {
    TaskStep::new(format!("{what} {SAID}"), move |cx: StepContext, _: I| {
        let body = body.clone();
        async move { body(cx) }
    })
}

/// Collects everything that is visible of a task that has ended.
async fn look<T: Debug + Send + 'static>(walk: &mut Walk, manager: &TaskManager, task: Task<T>) {
    walk.debug("a task before it is submitted", &task);
    let handle = manager.submit(task).unwrap();
    let watcher = handle.watcher();
    walk.debug("handle", &handle);
    walk.debug("progress while it waits", &handle.progress());
    walk.json("progress while it waits, as JSON", &handle.progress());
    match handle.wait().await {
        Ok(output) => walk.debug("output", &output),
        Err(error) => {
            walk.error("error", &error);
            walk.debug("what was undone", &error.undo_results());
            walk.text("undo errors", format!("{:?}", error.undo_results()));
        }
    }
    walk.debug("watcher", &watcher);
    walk.debug("progress", &watcher.progress());
    walk.json("progress as JSON", &watcher.progress());
}

#[tokio::test(start_paused = true)]
async fn invariant_8_no_way_out_of_a_task_shows_a_secret() {
    let told = Told::default();
    let _listening = tracing::subscriber::set_default(told.clone());
    let (events, log, dashboard) = (Events::default(), EventLog::new(1_000), Dashboard::new());
    let (broadcast, channel, out) =
        (Broadcast::new(1_000), CoalescingChannel::new(), Shared::default());
    let (mut subscription, mut inbox) = (broadcast.subscribe(), channel.inbox(100));
    let lines = Arc::new(JsonLines::new(out.clone()).unwrap());
    let journal = MemoryJournal::new();
    let manager = TaskManager::builder()
        .emitter(events.clone())
        .emitter(log.clone())
        .emitter(dashboard.clone())
        .emitter(broadcast.clone())
        .emitter(channel.clone())
        .emitter(Arc::clone(&lines))
        .emitter(TracingEmitter)
        .journal(journal.clone())
        .build()
        .unwrap();
    let mut walk = Walk::default();
    let name = |what: &str| format!("{what} {SAID}");

    // Messages and a typed secret as the output.
    let says = named("says", |cx: StepContext| {
        cx.message(SAID);
        Ok(Sensitive::new("97315-pin".to_owned()))
    });
    look(&mut walk, &manager, Task::new(name("complete")).step(says)).await;
    // An error, after an attempt; completed steps are undone, and that fails too.
    let done = named("done", |_| Ok("x".to_owned()))
        .undo(|_: StepContext, _: String| async { Err::<(), _>(format!("stuck: {SAID}")) });
    let fails = named("fails", |_| Err::<(), _>(Refused)).retry(Retry::times(1).delay(S));
    look(&mut walk, &manager, Task::new(name("fail")).step(done).step(fails)).await;
    // A panic.
    let panics = named("panics", |cx: StepContext| {
        walked(&cx);
        assert!(cx.attempt() > 1, "while {SAID}");
        Ok(())
    });
    look(&mut walk, &manager, Task::new(name("panic")).step(panics)).await;
    // Cancelled, with a reason; and journaled.
    let waits = TaskStep::new(name("waits"), |cx: StepContext, ()| async move {
        cx.message(SAID);
        std::future::pending::<Result<(), String>>().await
    })
    .durable();
    let handle = manager.submit(Task::new(name("cancel")).step(waits).journaled()).unwrap();
    settle().await;
    walk.json("the manager's tasks", &manager.tasks());
    assert!(handle.cancel(SAID));
    let error = handle.wait().await.unwrap_err();
    walk.error("cancelled", &error);
    // A task that is refused.
    let bad = TaskStep::new(name("weightless"), support::ok).weight(0);
    let refused = manager.submit(Task::new(name("refused")).step(bad)).unwrap_err();
    walk.error("refused", &refused);
    // A task that a shutdown leaves running.
    let for_ever = TaskStep::new(name("waits for ever"), support::for_ever);
    let _left = manager.submit(Task::new(name("left")).step(for_ever)).unwrap();
    settle().await;
    walk.debug("manager", &manager);
    walk.debug("shutdown", &manager.shutdown(Shutdown::cancel(S)).await);

    for event in events.all() {
        walk.debug("event", &event);
        walk.json("event as JSON", &event);
        walk.debug("its task", &event.task);
    }
    let mut reader = log.read(None);
    for _ in events.all() {
        walk.debug("event log", &reader.next().await);
    }
    walk.json("dashboard", &dashboard.snapshot());
    walk.debug("dashboard", &dashboard.snapshot());
    for _ in events.all() {
        walk.debug("broadcast", &subscription.recv().await);
    }
    while let Some(update) = inbox.try_recv() {
        walk.debug("channel", &update);
    }
    lines.flush();
    walk.text("JSON lines", String::from_utf8(out.0.lock().unwrap().clone()).unwrap());
    let spoken = told.0.lock().unwrap().clone();
    assert!(spoken.contains("panics") && spoken.contains("[redacted]"), "{spoken}");
    walk.text("tracing", spoken);
    walk.debug("journal", &journal);
    walk.debug("emitters", &(&log, &dashboard, &broadcast, &channel, &inbox, &*lines));
    walk.assert_clean(150);
}

/// Asserts that a step's context, seen from inside the body, reveals no secret.
fn walked(cx: &StepContext) {
    let mut walk = Walk::default();
    walk.debug("context", cx);
    walk.text("the names it tells", format!("{} {}", cx.task_name(), cx.step_name()));
    walk.assert_clean(2);
}
