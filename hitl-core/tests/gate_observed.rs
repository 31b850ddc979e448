//! The spans and events that a gate emits through `tracing`: one collector for the whole process;
//! tests find their calls by run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::Duration;

use hitl_core::approval::ScriptedApprover;
use hitl_core::{CallContext, CallError, Submission};
use support::{Slow, ask, bench, bench_with, note, pay};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

/// A recorded span.
#[derive(Clone, Debug)]
struct Seen {
    meta: &'static Metadata<'static>,
    parent: Option<u64>,
    fields: BTreeMap<String, String>,
    closed: bool,
}

static SPANS: Mutex<BTreeMap<u64, Seen>> = Mutex::new(BTreeMap::new());
/// The text of every event, and its span.
static EVENTS: Mutex<Vec<(Option<u64>, String)>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

struct Collector;

struct Fields<'f>(&'f mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

fn top() -> Option<u64> {
    ENTERED.with_borrow(|entered| entered.last().copied())
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = NEXT.fetch_add(1, Ordering::SeqCst);
        let parent = if span.is_contextual() { top() } else { span.parent().map(Id::into_u64) };
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let seen = Seen { meta: span.metadata(), parent, fields, closed: false };
        SPANS.lock().unwrap().insert(id, seen);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if let Some(seen) = SPANS.lock().unwrap().get_mut(&span.into_u64()) {
            values.record(&mut Fields(&mut seen.fields));
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        EVENTS.lock().unwrap().push((top(), format!("{fields:?}")));
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let left = entered.pop();
            assert_eq!(left, Some(span.into_u64()), "spans are left in their order");
        });
    }

    fn try_close(&self, span: Id) -> bool {
        if let Some(seen) = SPANS.lock().unwrap().get_mut(&span.into_u64()) {
            seen.closed = true;
        }
        true
    }

    fn current_span(&self) -> Current {
        let Some(id) = top() else { return Current::none() };
        let meta = SPANS.lock().unwrap().get(&id).map(|seen| seen.meta);
        meta.map_or_else(Current::none, |meta| Current::new(Id::from_u64(id), meta))
    }
}

fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Collector).unwrap());
}

/// Returns the spans of one run: calls, and the spans inside them.
fn spans_of(run: &str) -> Vec<(u64, Seen)> {
    let spans = SPANS.lock().unwrap();
    let belongs = |mut id: u64| loop {
        let seen = &spans[&id];
        if seen.fields.get("run").is_some_and(|of| of == run) {
            return true;
        }
        match seen.parent {
            Some(parent) => id = parent,
            None => return false,
        }
    };
    spans.iter().filter(|(id, _)| belongs(**id)).map(|(id, seen)| (*id, seen.clone())).collect()
}

fn named(run: &str, name: &str) -> Vec<Seen> {
    let spans = spans_of(run).into_iter().map(|(_, seen)| seen);
    spans.filter(|seen| seen.meta.name() == name).collect()
}

fn field<'s>(seen: &'s Seen, name: &str) -> &'s str {
    seen.fields.get(name).map_or("", String::as_str)
}

#[tokio::test]
async fn a_call_that_runs_at_once_is_a_call_and_a_run() {
    collect();
    let b = bench().await;
    b.gate.call(note("a")).by(CallContext::new("ann").tenant("acme")).key("auto", 3).await.unwrap();
    let call = &named("auto", "hitl.call")[0];
    for (name, value) in [
        ("tool", "note"),
        ("tenant", "acme"),
        ("position", "3"),
        ("risk", "low"),
        ("verdict", "run"),
        ("level", "auto"),
        ("confidence", "90"),
        ("reattached", "false"),
        ("outcome", "executed"),
    ] {
        assert_eq!(field(call, name), value, "{name} {call:?}");
    }
    let run = &named("auto", "hitl.run")[0];
    assert_eq!((field(run, "outcome"), field(run, "attempt")), ("executed", "1"));
    assert_eq!(field(run, "call"), field(call, "call"));
    assert!(call.closed && run.closed);
    assert!(named("auto", "hitl.review").is_empty());
    // Submitting the same key again is the same call, and runs nothing.
    b.gate.call(note("a")).by(CallContext::new("ann").tenant("acme")).key("auto", 3).await.unwrap();
    let again = &named("auto", "hitl.call")[1];
    assert_eq!((field(again, "reattached"), field(again, "outcome")), ("true", "executed"));
    assert_eq!(named("auto", "hitl.run").len(), 1);
}

#[tokio::test]
async fn a_review_and_the_run_after_it_are_inside_the_call() {
    collect();
    let b = bench_with(|g| g.approver(ScriptedApprover::approving("bob"))).await;
    b.gate.call(ask("a")).by("ann").key("quick", 0).await.unwrap();
    let spans = spans_of("quick");
    let (call_id, call) = spans.iter().find(|(_, seen)| seen.meta.name() == "hitl.call").unwrap();
    assert_eq!((field(call, "verdict"), field(call, "outcome")), ("quick", "executed"));
    for inside in ["hitl.review", "hitl.run"] {
        let seen = &named("quick", inside)[0];
        assert_eq!(seen.parent, Some(*call_id), "{inside}");
        assert_eq!(field(seen, "call"), field(call, "call"));
    }
    assert_eq!(field(&named("quick", "hitl.review")[0], "outcome"), "approved");
}

#[tokio::test]
async fn a_submission_and_its_wait_are_two_spans_of_one_call() {
    collect();
    let b = bench().await;
    let Submission::Pending(ticket) =
        b.gate.submit(pay("x", 1.0)).by("ann").key("full", 0).await.unwrap()
    else {
        panic!("it waits")
    };
    b.gate.decide(ticket.request().reject("no").by("bob")).await.unwrap();
    ticket.wait().await.unwrap();
    let calls = named("full", "hitl.call");
    assert_eq!((field(&calls[0], "outcome"), field(&calls[1], "outcome")), ("pending", "rejected"));
    assert_eq!(field(&calls[0], "call"), field(&calls[1], "call"));
    // A key that is taken: an error, by its kind.
    assert!(b.gate.submit(pay("y", 1.0)).by("ann").key("full", 0).await.is_err());
    assert_eq!(field(&named("full", "hitl.call")[2], "error"), "KeyConflict");
}

#[tokio::test]
async fn calls_that_take_turns_keep_their_own_spans() {
    collect();
    let b = bench().await;
    let gate = b.world.hold();
    let call = |run: &'static str| {
        let bench = &b;
        async move { bench.gate.call(note(run)).by("ann").key(run, 0).await.unwrap() }
    };
    let both = async { tokio::join!(call("turn-a"), call("turn-b")) };
    let release = async {
        b.world.started().await;
        gate.add_permits(2);
    };
    tokio::join!(both, release);
    for run in ["turn-a", "turn-b"] {
        let (calls, runs) = (named(run, "hitl.call"), named(run, "hitl.run"));
        assert_eq!((calls.len(), runs.len()), (1, 1));
        assert_eq!(field(&calls[0], "call"), field(&runs[0], "call"));
        assert_eq!(field(&calls[0], "outcome"), "executed");
    }
    assert!(top().is_none(), "no span is left entered");
}

#[tokio::test]
async fn a_call_that_waits_is_one_event_without_its_title() {
    collect();
    let b = bench().await;
    let submit = async || b.gate.submit(pay("Kurt", 1.0)).by("ann").key("noticed", 0).await;
    let Submission::Pending(ticket) = submit().await.unwrap() else { panic!("it waits") };
    drop(submit().await.unwrap());
    let id = ticket.request().id.to_string();
    let events = EVENTS.lock().unwrap();
    let mut about = events.iter().filter(|(_, event)| event.contains("waits for a decision"));
    let (span, event) = about.find(|(_, event)| event.contains(&id)).unwrap();
    assert!(about.all(|(_, event)| !event.contains(&id)), "once");
    for part in ["\"tool\": \"pay\"", "\"level\": \"full\"", "\"revision\": \"1\"", "Gate::decide"]
    {
        assert!(event.contains(part), "{part} {event}");
    }
    assert!(!event.contains("Kurt"), "it has no words of the model: {event}");
    let call = &named("noticed", "hitl.call")[0];
    assert_eq!(field(call, "call"), id);
    assert!(span.is_some(), "it is inside the call");
    let warned = events.iter().any(|(_, event)| event.contains("has no approver"));
    assert!(warned, "the advice about the settings is an event too");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_runs_out_of_its_time_says_so_and_how_it_ended_later() {
    collect();
    let b = bench().await;
    let held = b.world.hold();
    let result = b.gate.call(Slow {}).by("ann").key("late", 0).await;
    assert!(matches!(result, Err(CallError::Unknown { .. })));
    assert_eq!(field(&named("late", "hitl.call")[0], "outcome"), "outcomeUnknown");
    held.add_permits(1);
    support::until("the late result is there", async || {
        field(&named("late", "hitl.run")[0], "late") == "executed"
    })
    .await;
    assert_eq!(field(&named("late", "hitl.run")[0], "outcome"), "outcomeUnknown");
}

#[tokio::test(start_paused = true)]
async fn invariant_8_no_secret_reaches_a_span_or_an_event() {
    collect();
    let approver = ScriptedApprover::approving("bob");
    let b = bench_with(|g| {
        g.approver(approver).signal(|_: &hitl_core::CallView<'_>| {
            Some(hitl_core::Factor::points("known", 20, "the pin is 9731-secret"))
        })
    })
    .await;
    // A run with a badly chosen name.
    let run = "sk-live-51H8xZqR2eZvKYlo2CabcdEFGH";
    for (to, position) in [("x", 0), ("nobody", 1), ("panic", 2)] {
        let _ = b.gate.call(pay(to, 5.0)).by("ann").key(run, position).await;
    }
    let denied = b
        .gate
        .call_json("pay", r#"{"to": "x", "amount": "9731-secret", "pin": 5}"#, "ann", "bad", 0)
        .await;
    assert!(denied.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(b.world.ran(), 3);
    let mut seen = String::new();
    for span in SPANS.lock().unwrap().values() {
        write!(seen, "{:?} ", span.fields).unwrap();
    }
    for (_, event) in EVENTS.lock().unwrap().iter() {
        write!(seen, "{event} ").unwrap();
    }
    assert!(seen.contains("\"tool\": \"pay\""), "{seen}");
    for secret in ["9731", "sk-live-51H8x"] {
        assert!(
            !seen.contains(secret),
            "{}",
            seen.split(secret)
                .next()
                .unwrap()
                .chars()
                .rev()
                .take(200)
                .collect::<String>()
                .chars()
                .rev()
                .collect::<String>()
        );
    }
}
