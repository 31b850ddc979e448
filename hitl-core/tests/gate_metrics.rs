//! The metrics that a gate emits through the `metrics` facade, seen by a recorder of the test's
//! own.
#![cfg(feature = "metrics")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use hitl_core::approval::ScriptedApprover;
use hitl_core::policy::{Rule, RuleConditions, RuleSet};
use hitl_core::{MemoryStore, Submission, Tenant};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use support::{Slow, ask, bench_with, note, pay};

/// The recorded metrics, by name and labels.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

struct Entry(String, Book);

impl Entry {
    fn write(&self, change: impl FnOnce(&mut Vec<f64>)) {
        change(self.1.0.lock().unwrap().entry(self.0.clone()).or_default());
    }
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
impl CounterFn for Entry {
    fn increment(&self, by: u64) {
        self.write(|values| match values.first_mut() {
            Some(sum) => *sum += by as f64,
            None => values.push(by as f64),
        });
    }

    fn absolute(&self, value: u64) {
        self.write(|values| *values = vec![value as f64]);
    }
}

impl GaugeFn for Entry {
    fn increment(&self, by: f64) {
        self.write(|values| values.push(by));
    }

    fn decrement(&self, by: f64) {
        self.write(|values| values.push(-by));
    }

    fn set(&self, value: f64) {
        self.write(|values| *values = vec![value]);
    }
}

impl HistogramFn for Entry {
    fn record(&self, value: f64) {
        self.write(|values| values.push(value));
    }
}

impl Book {
    fn entry(&self, key: &Key) -> Arc<Entry> {
        let mut labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        labels.sort();
        Arc::new(Entry(format!("{}{{{}}}", key.name(), labels.join(",")), self.clone()))
    }

    fn get(&self, name: &str) -> Vec<f64> {
        self.0.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

impl Recorder for Book {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.entry(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.entry(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.entry(key))
    }
}

#[tokio::test(start_paused = true)]
async fn calls_and_outcomes_are_counted_by_tool_level_and_outcome() {
    let book = Book::default();
    let _here = metrics::set_default_local_recorder(&book);
    let deny = Rule::deny("no").when(RuleConditions::tool("note").principal("eve"));
    let policy = RuleSet::builder("p", "1").rule(deny).build().unwrap();
    let b = bench_with(|g| g.approver(ScriptedApprover::approving("bob")).policy(policy)).await;
    for position in 0..3 {
        b.gate.call(note("a")).by("ann").key("r", position).await.unwrap();
        b.gate.call(note("a")).by("ann").key("r", position).await.unwrap();
    }
    assert!(b.gate.call(note("a")).by("eve").key("r", 9).await.is_err());
    b.gate.call(ask("a")).by("ann").key("q", 0).await.unwrap();

    assert_eq!(book.get("hitl_calls_total{tool=note,verdict=run}"), [3.0]);
    assert_eq!(book.get("hitl_calls_total{tool=note,verdict=deny}"), [1.0]);
    assert_eq!(book.get("hitl_calls_total{tool=ask,verdict=quick}"), [1.0]);
    assert_eq!(book.get("hitl_outcomes_total{level=auto,outcome=executed,tool=note}"), [3.0]);
    assert_eq!(book.get("hitl_outcomes_total{level=full,outcome=denied,tool=note}"), [1.0]);
    assert_eq!(book.get("hitl_outcomes_total{level=quick,outcome=executed,tool=ask}"), [1.0]);
    assert_eq!(book.get("hitl_decision_seconds{answer=approve,level=quick,tool=ask}").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn expired_unknown_rejected_and_withdrawn_calls_are_counted() {
    let book = Book::default();
    let _here = metrics::set_default_local_recorder(&book);
    let clock = ManualClock::at(Timestamp::now());
    let store = MemoryStore::with_clock(clock.clone());
    let b = bench_with(|g| g.store(store)).await;
    let mut tickets = Vec::new();
    for position in 0..3 {
        let submitted = b.gate.submit(pay("x", 1.0)).by("ann").key("r", position).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("it waits") };
        tickets.push(ticket);
    }
    b.gate.decide(tickets[0].request().reject("no").by("bob")).await.unwrap();
    tickets[1].cancel("not needed").await.unwrap();
    let outcome = |name: &str| {
        book.get(&format!("hitl_outcomes_total{{level=full,outcome={name},tool=pay}}"))
    };
    assert_eq!(outcome("rejected"), [1.0]);
    assert_eq!(outcome("cancelled"), [1.0]);
    let took = book.get("hitl_decision_seconds{answer=reject,level=full,tool=pay}");
    assert!(took.len() == 1 && took[0] >= 0.0, "{took:?}");

    // A body that does not return.
    let _held = b.world.hold();
    assert!(b.gate.call(Slow {}).by("ann").key("s", 0).await.is_err());
    assert_eq!(book.get("hitl_outcomes_total{level=auto,outcome=outcomeUnknown,tool=slow}"), [1.0]);

    b.gate.sample_metrics(&[Tenant::default()]).await.unwrap();
    assert_eq!(book.get("hitl_queue_depth{}"), [1.0]);
    assert_eq!(book.get("hitl_outcome_unknown{}"), [1.0]);
    assert_eq!(book.get("hitl_audit_debt{}"), [0.0]);
    assert_eq!(book.get("hitl_queue_overdue{}"), [0.0]);
    clock.advance(Duration::from_secs(601));
    b.gate.sample_metrics(&[Tenant::default()]).await.unwrap();
    assert_eq!(book.get("hitl_queue_overdue{}"), [1.0]);
    let ended = tickets[2].wait().await.unwrap();
    assert_eq!(ended, hitl_core::Outcome::Expired);
    assert_eq!(outcome("expired"), [1.0]);
    b.gate.sample_metrics(&[Tenant::default()]).await.unwrap();
    assert_eq!(book.get("hitl_queue_depth{}"), [0.0]);
}
