//! Races on real threads: one winner, and every loser learns the outcome.

use std::sync::{Arc, Barrier};

use tokio::runtime::Handle;

use super::fixture::{
    Draft, approved, claim, claimed, failure, host, sealed, tenant, unknown_outcome,
};
use super::{Subject, refused};
use crate::ids::{ClaimToken, RequestId};
use crate::machine::{CallRecord, CallState, Event, ReconcileAnswer, Refusal, Resolution};
use crate::store::{ApplyError, EventPayload, SubmitResult};

/// The number of racers.
pub(super) const RACERS: usize = 32;

/// Starts one thread for each racer, all at the same moment.
pub(super) async fn race<T: Send + 'static>(
    s: &Subject,
    racer: impl Fn(usize, Arc<dyn crate::Store>) -> futures::future::BoxFuture<'static, T>
    + Send
    + Sync
    + 'static,
) -> Vec<T> {
    let (store, runtime) = (Arc::clone(&s.store), Handle::current());
    let run = move || {
        let start = Barrier::new(RACERS);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..RACERS)
                .map(|number| {
                    let (store, start, runtime, racer) = (&store, &start, &runtime, &racer);
                    scope.spawn(move || {
                        let racer = racer(number, Arc::clone(store));
                        start.wait();
                        runtime.block_on(racer)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    s.soon("the end of the race", tokio::task::spawn_blocking(run)).await.unwrap()
}

/// Races events against one another; returns the winner's record.
async fn race_events(s: &Subject, id: RequestId, events: Vec<Event>) -> CallRecord {
    assert_eq!(events.len(), RACERS);
    let before = s.get(id).await;
    let answers = race(s, move |number, store| {
        let event = events[number].clone();
        Box::pin(async move { store.apply(&tenant(), id, event, EventPayload::none()).await })
    })
    .await;
    one_winner(s, &before, answers).await
}

async fn one_winner(
    s: &Subject,
    before: &CallRecord,
    answers: Vec<Result<CallRecord, ApplyError>>,
) -> CallRecord {
    let (mut won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, RACERS - 1), "one winner");
    let winner = won.remove(0).unwrap();
    assert_eq!(winner.version, before.version + 1);
    for answer in lost {
        let (refusal, current) = refused(answer);
        assert!(matches!(refusal, Refusal::State { state, .. } if state == winner.state));
        assert_eq!(current, winner, "a loser is told who won");
    }
    assert_eq!(s.get(before.id()).await, winner);
    let history = s.store.history(0, 1000).await.unwrap().entries;
    let changes = history.iter().filter(|(_, entry)| entry.id == before.id());
    assert_eq!(changes.count() as u64, winner.version, "one entry for each change");
    winner
}

/// Approving, rejecting, cancelling and expiring race for a waiting call.
pub async fn invariant_4_one_decision_wins(s: Subject) {
    for round in 0..5 {
        let record = s.create(&Draft::new("run", round)).await;
        let request = &record.request;
        let events = (0..RACERS).map(|number| match number % 4 {
            0 => Event::Decide(request.approve().by("alice")),
            1 => Event::Decide(request.reject("no").by("bob")),
            2 => Event::Decide(request.abort("stop").by("carol")),
            _ => host("enough"),
        });
        // An approved call can still be withdrawn: let only approvals win over cancellations.
        let events: Vec<_> = if round % 2 == 0 {
            events.filter(|event| !matches!(event, Event::Cancel { .. })).collect()
        } else {
            events.filter(|event| !is_approval(event)).collect()
        };
        let events = events.into_iter().cycle().take(RACERS).map(renamed).collect();
        race_events(&s, record.id(), events).await;
    }
}

fn is_approval(event: &Event) -> bool {
    matches!(event, Event::Decide(decision) if decision.answer == crate::approval::DecisionKind::Approve)
}

/// Returns the same event under a new id, so that it is no replay.
fn renamed(event: Event) -> Event {
    match event {
        Event::Decide(mut decision) => {
            decision.id = crate::ids::DecisionId::new();
            Event::Decide(decision)
        }
        other => other,
    }
}

/// At the very end of its time a call is either expired or withdrawn, once.
pub async fn invariant_11_one_end_wins(s: Subject) {
    for round in 0..5 {
        let record = approved(&s, &Draft::new("run", round)).await;
        s.pass(600);
        let events =
            (0..RACERS).map(|n| if n % 2 == 0 { Event::Expire } else { host("enough") }).collect();
        let winner = race_events(&s, record.id(), events).await;
        assert!(winner.state.is_terminal());
    }
}

/// Many executors race for the same call: one gets it.
pub async fn invariant_3_one_claim_wins(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    for round in 0..5 {
        let record = approved(&s, &Draft::new("run", round)).await;
        let tokens: Vec<_> = (0..RACERS).map(|_| ClaimToken::new()).collect();
        let events = tokens.iter().map(|token| claim(&record, *token, session)).collect();
        let winner = race_events(&s, record.id(), events).await;
        let holder = winner.claim.expect("it is claimed").token;
        assert_eq!(tokens.iter().filter(|token| **token == holder).count(), 1);
        assert_eq!(winner.attempts, 1);
    }
}

/// Admitting the same key many times starts it once; other content is never accepted.
pub async fn invariant_3_one_admission_wins(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let draft = Draft::new("run", 1);
    let drafts: Vec<_> =
        (0..RACERS).map(|_| draft.again().admitted(ClaimToken::new(), session)).collect();
    let answers = race(&s, move |number, store| {
        let call = drafts[number].call();
        Box::pin(async move { store.submit(call, sealed(b"x")).await.unwrap() })
    })
    .await;
    let kept = s.store.get_by_key(draft.key()).await.unwrap().expect("it is there");
    let mut created = 0;
    for answer in answers {
        match answer {
            SubmitResult::Created(record) => {
                created += 1;
                assert_eq!(record, kept);
            }
            SubmitResult::Existing(record) => assert_eq!(record, kept),
            other => {
                panic!("all had the same content, and yet: {other:?}")
            }
        }
    }
    assert_eq!(created, 1);
}

/// A late result races a human's resolution: one of them counts.
pub async fn invariant_11_a_late_result_races_a_human(s: Subject) {
    for round in 0..5 {
        let (record, token, _) = claimed(&s, &Draft::new("run", round)).await;
        let parked = s.apply(record.id(), Event::TimeOut { token }).await;
        let failure = failure("late");
        let resolution = Resolution::Failed { reason: "not booked".to_owned() };
        let resolve = Event::Resolve { version: parked.version, resolution, by: "olga".into() };
        let answers = race(&s, move |number, store| {
            let event = match number % 2 {
                0 => resolve.clone(),
                _ => Event::Fail { token, failure: failure.clone() },
            };
            let id = record.id();
            Box::pin(async move { store.apply(&tenant(), id, event, EventPayload::none()).await })
        })
        .await;
        let kept = s.get(parked.id()).await;
        assert_eq!((kept.state, kept.version), (CallState::Failed, parked.version + 1));
        for answer in answers {
            match answer {
                // The late result's replays are all successes.
                Ok(won) => assert_eq!(won, kept),
                lost => assert_eq!(refused(lost).1, kept),
            }
        }
    }
}

/// The tool's own reconcile races a human's resolution: one of them counts.
pub async fn invariant_4_a_reconcile_races_a_human(s: Subject) {
    for round in 0..6 {
        let (parked, _) = unknown_outcome(&s, &Draft::new("run", round)).await;
        let answer = match round % 2 {
            0 => ReconcileAnswer::Executed,
            _ => ReconcileAnswer::NotExecuted { most: 3 },
        };
        let reconcile = Event::Reconcile { version: parked.version, answer };
        let resolution = Resolution::Failed { reason: "not booked".to_owned() };
        let resolve = Event::Resolve { version: parked.version, resolution, by: "olga".into() };
        let id = parked.id();
        let answers = race(&s, move |number, store| {
            let event = if number % 2 == 0 { resolve.clone() } else { reconcile.clone() };
            Box::pin(async move { store.apply(&tenant(), id, event, EventPayload::none()).await })
        })
        .await;
        let kept = s.get(id).await;
        assert_eq!(kept.version, parked.version + 1);
        let mut won = 0;
        for answer in answers {
            match answer {
                Ok(record) => {
                    won += 1;
                    assert_eq!(record, kept);
                }
                lost => assert_eq!(refused(lost).1, kept),
            }
        }
        assert_eq!(won, 1);
    }
}

/// One decision, sent many times at once, counts once and succeeds for everybody.
pub async fn invariant_4_a_replayed_decision_is_one_decision(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let decision = Event::Decide(record.request.approve().by("alice"));
    let id = record.id();
    let answers = race(&s, move |_, store| {
        let event = decision.clone();
        Box::pin(
            async move { store.apply(&tenant(), id, event, EventPayload::none()).await.unwrap() },
        )
    })
    .await;
    let kept = s.get(id).await;
    assert_eq!(kept.version, 2);
    assert!(answers.iter().all(|answer| *answer == kept));
}
