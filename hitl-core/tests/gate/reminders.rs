//! Caps and reminders, through the gate.

use crate::support;

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use hitl_core::machine::CallState;
use hitl_core::queue::{DueStage, due, reminders};
use hitl_core::store::suite::{Draft, start_clock};
use hitl_core::{
    CallContext, CallRecord, Gate, GateBuilder, GateError, GateErrorKind, MemoryStore, Queue,
    ReviewScope, Submission,
};
use proptest::prelude::*;
use support::{World, note, pay, tools};

async fn gate(caps: impl FnOnce(GateBuilder) -> GateBuilder) -> (Gate, ManualClock) {
    let clock = start_clock();
    let store = MemoryStore::with_clock(clock.clone());
    let builder = tools(Gate::builder()).state(World::default()).store(store);
    (caps(builder).build().await.unwrap(), clock)
}

async fn call(gate: &Gate, who: &str, position: u64) -> Result<Submission, GateError> {
    let by = gate.submit(pay("shop", 1.0)).by(CallContext::new(who));
    by.key(format!("run of {who}"), position).await
}

#[tokio::test]
async fn invariant_13_a_full_queue_takes_no_more_and_says_which_cap_it_is() {
    let (gate, _) =
        gate(|builder| builder.max_pending_per_principal(2).max_pending_per_tenant(3)).await;
    let first = call(&gate, "ann", 0).await.unwrap();
    let _second = call(&gate, "ann", 1).await.unwrap();
    let error = call(&gate, "ann", 2).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::QueueFull);
    assert!(error.to_string().contains("2 calls of this principal"), "{error}");
    let _third = call(&gate, "bob", 0).await.unwrap();
    let error = call(&gate, "bob", 1).await.unwrap_err();
    assert!(error.to_string().contains("3 calls of this tenant"), "{error}");
    // A call that runs at once is not refused, and a waiting one is found again.
    let auto = gate.submit(note("runs")).by("ann").key("auto", 1).await.unwrap();
    assert!(matches!(auto, Submission::Done { .. }));
    assert!(call(&gate, "ann", 1).await.unwrap().receipt().reattached);
    let Submission::Pending(ticket) = first else { panic!("it waits") };
    ticket.cancel("enough").await.unwrap();
    let _room_again = call(&gate, "bob", 1).await.unwrap();
}

async fn all(queue: &Queue, since: Timestamp) -> (Vec<(u64, DueStage)>, Timestamp) {
    let mut reader = queue.reminders(since).await.unwrap();
    let mut found = Vec::new();
    while let Some(reminder) = reader.next().await.unwrap() {
        found.push((reminder.record.key().position, reminder.reach));
    }
    (found, reader.until())
}

#[tokio::test]
async fn each_reminder_comes_at_least_once_and_what_was_decided_has_none() {
    // Of high risk: due in four hours, and it expires after ten minutes unless it is decided.
    let (gate, clock) = gate(|builder| builder).await;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for position in 0..250 {
        let _waits = call(&gate, "ann", position).await.unwrap();
    }
    let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
    let (found, kept) = all(&queue, Timestamp::EPOCH).await;
    assert_eq!(found, []);
    clock.advance(minutes(120));
    let decided = gate
        .unscoped()
        .get_by_key(&hitl_core::CallKey::new("run of ann", 7))
        .await
        .unwrap()
        .unwrap();
    gate.cancel(&decided, "host", "enough").await.unwrap();
    let (found, later) = all(&queue, kept).await;
    assert_eq!(found.len(), 249);
    assert!(found.iter().all(|(position, reach)| *position != 7 && *reach == DueStage::Half));
    // If the position was not stored, the reminder is returned again; otherwise it is not.
    assert_eq!(all(&queue, kept).await.0.len(), 249);
    assert_eq!(all(&queue, later).await.0, []);
    clock.advance(minutes(120));
    let (found, _) = all(&queue, later).await;
    assert!(found.iter().all(|(_, reach)| *reach == DueStage::Overdue) && found.len() == 249);
    assert_eq!(all(&gate.scoped_to(ReviewScope::tenant("acme")).queue(), kept).await.0, []);
}

fn record(created: i64, due_in: u64) -> CallRecord {
    let draft = Draft::new("run", 1).due_in(Duration::from_millis(due_in));
    draft.call().stamped(Timestamp::from_millis(created))
}

#[test]
fn a_call_is_due_by_its_own_time() {
    let at = Timestamp::from_millis;
    let record = record(1000, 1000);
    let expected = [
        (1499, None),
        (1500, Some(DueStage::Half)),
        (1899, Some(DueStage::Half)),
        (1900, Some(DueStage::Near)),
    ];
    for (now, reach) in expected {
        assert_eq!(due(&record, at(now)), reach, "{now}");
    }
    assert_eq!(due(&record, at(1999)), Some(DueStage::Near));
    assert_eq!(due(&record, at(2000)), Some(DueStage::Overdue));
    let mut ended = serde_json::to_value(&record).unwrap();
    ended["state"] = serde_json::to_value(CallState::Approved).unwrap();
    let ended = serde_json::from_value(ended).unwrap();
    assert_eq!(due(&ended, at(9000)), None);
}

proptest! {
    /// However rarely and at whatever moments reminders are read: the latest stage of a call is
    /// always returned, and nothing is returned twice.
    #[test]
    fn looking_from_time_to_time_misses_nothing(
        due_in in 1_u64..10_000,
        steps in prop::collection::vec(0_i64..3_000, 1..20),
    ) {
        let record = record(5000, due_in);
        let (mut since, mut told) = (Timestamp::EPOCH, Vec::new());
        for step in steps {
            let until = since.saturating_add(Duration::from_millis(step.unsigned_abs()));
            let until = until.max(Timestamp::from_millis(5000));
            told.extend(reminders(&record, since, until).map(|reminder| reminder.reach));
            prop_assert_eq!(told.last().copied(), due(&record, until));
            since = until;
        }
        prop_assert!(told.is_sorted_by(|earlier, later| earlier < later));
    }
}
