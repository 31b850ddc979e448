//! Calls that are assigned to a reviewer, and reviewers who are away: attention is directed, and
//! nobody's rights change.

use crate::granting;
use crate::support;

use std::time::Duration;

use granting::waiting;
use hitl_base::Timestamp;
use hitl_base::clock::{Clock as _, ManualClock};
use hitl_core::gate::AbsenceSetter;
use hitl_core::machine::CallState;
use hitl_core::queue::shown_to;
use hitl_core::{
    CallRecord, GateErrorKind, MemoryStore, Principal, QueueQuery, Refusal, ReviewScope, Tenant,
};
use support::{Bench, bench, bench_with};

const DAY: Duration = Duration::from_secs(86_400);

fn themselves(who: &str) -> AbsenceSetter {
    AbsenceSetter::Themselves(who.into())
}

async fn listed(bench: &Bench, to: impl IntoIterator<Item = Principal>) -> Vec<u64> {
    let queue = bench.gate.scoped_to(ReviewScope::all_tenants()).queue();
    let page = queue.page(QueueQuery::pending().assigned(to)).await.unwrap();
    let mut found: Vec<_> = page.entries.iter().map(|call| call.key().position).collect();
    found.sort_unstable();
    found
}

#[tokio::test(start_paused = true)]
async fn an_assignment_is_audited_and_gives_nobody_a_right() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop", 5.0, 0).await;
    waiting(gate, "shop", 6.0, 1).await;
    let (tenant, bob) = (Tenant::default(), Principal::new("bob"));
    let done = gate.assign(&tenant, request.id, Some(bob.clone()), "alice").await.unwrap();
    assert!(done.notes.is_empty(), "{:?}", done.notes);
    let now = done.record.request();
    assert_eq!((now.revision, now.binding), (request.revision, request.binding));
    assert_eq!(listed(&bench, [bob.clone()]).await, [0]);
    assert_eq!(listed(&bench, [Principal::new(" BOB")]).await, [0], "in any spelling");
    assert_eq!(listed(&bench, [Principal::new("carol")]).await, [0_u64; 0]);
    assert_eq!(listed(&bench, []).await, [0, 1], "without a name nothing is left out");
    let all = bench.audit.records();
    let line = all.iter().find(|record| record.event.to_string() == "assigned").unwrap();
    assert_eq!((line.note.as_deref(), line.call), (Some("assigned to bob"), Some(request.id)));
    assert_eq!(line.by.as_ref().map(Principal::as_str), Some("alice"));
    // The requester still may not decide, and somebody else than bob still may.
    let refused = gate.decide(request.approve().by("ann")).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::FourEyes));
    let decided = gate.decide(request.approve().by("carol")).await.unwrap();
    assert_eq!(decided.state(), CallState::Approved);

    let refused = gate.assign(&tenant, request.id, Some(bob), "alice").await.unwrap_err();
    assert!(matches!(refused.refusal(), Some(Refusal::State { .. })), "{refused}");
    let other = waiting(gate, "shop", 7.0, 2).await;
    let requester = gate.assign(&tenant, other.id, Some("ann".into()), "alice").await.unwrap_err();
    assert_eq!(requester.refusal(), Some(Refusal::FourEyes));
}

/// A record that was written before there were assignments reads as assigned to nobody.
#[tokio::test(start_paused = true)]
async fn an_old_record_is_assigned_to_nobody() {
    let bench = bench().await;
    let request = waiting(&bench.gate, "shop", 5.0, 0).await;
    let tenant = Tenant::default();
    bench.gate.assign(&tenant, request.id, Some("bob".into()), "alice").await.unwrap();
    let record = bench.gate.unscoped().get(&tenant, request.id).await.unwrap().unwrap();
    let mut json = serde_json::to_value(&record).unwrap();
    assert!(json.as_object_mut().unwrap().remove("assigned").is_some());
    let old: CallRecord = serde_json::from_value(json).unwrap();
    assert!(old.assigned().is_none() && record.assigned().is_some());
}

#[tokio::test(start_paused = true)]
async fn who_is_away_is_stood_in_for_until_they_are_back_and_the_deputy_gains_no_right() {
    let clock = ManualClock::at(Timestamp::from_millis(1_780_000_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    let bench = bench_with(|builder| builder.store(store)).await;
    let (gate, tenant) = (&bench.gate, Tenant::default());
    let request = waiting(gate, "shop", 5.0, 0).await;
    let until = clock.now().saturating_add(DAY);
    // The requester of the call stands in for bob.
    gate.away("bob", until, Some("ann".into()), themselves("Bob")).await.unwrap();
    let done = gate.assign(&tenant, request.id, Some("bob".into()), "alice").await.unwrap();
    let note = format!("bob is away until {until}; ann stands in, and is shown it too");
    assert_eq!(done.notes, [note]);
    let ann = Principal::new("ann");
    let mine = shown_to(&ann, &gate.absences().await.unwrap());
    assert_eq!(listed(&bench, mine).await, [0]);
    let refused = gate.decide(request.approve().by("ann")).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::FourEyes), "the deputy has no right of theirs");

    clock.advance(DAY);
    assert!(gate.absences().await.unwrap().is_empty(), "it ends by itself");
    let until = clock.now().saturating_add(DAY);
    gate.away("bob", until, None, themselves("bob")).await.unwrap();
    assert_eq!(gate.back("BOB", themselves("bob")).await.unwrap().unwrap().who, "bob".into());
    assert_eq!(gate.back("bob", themselves("bob")).await.unwrap(), None);
    let all = bench.audit.records().into_iter();
    let notes: Vec<_> = all
        .filter(|record| record.event.to_string() == "absenceChanged")
        .map(|record| (record.subject.unwrap(), record.note.unwrap()))
        .collect();
    assert_eq!(notes.len(), 3);
    assert!(notes[0].1.ends_with("; ann stands in") && notes[2].1 == "back", "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn invariant_7_nobody_but_an_operator_sets_the_absence_of_somebody_else() {
    let bench = bench().await;
    let gate = &bench.gate;
    let until = gate.now().await.unwrap().saturating_add(DAY);
    let set = async |who: &str, until, deputy: Option<&str>, by| {
        gate.away(who, until, deputy.map(Principal::new), by).await
    };
    let error = set("bob", until, None, themselves("eve")).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Forbidden);
    let error = gate.back("bob", themselves("eve")).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Forbidden);
    assert!(gate.absences().await.unwrap().is_empty());
    set("bob", until, None, AbsenceSetter::Operator("eve".into())).await.unwrap();
    assert_eq!(gate.absences().await.unwrap()[0].by, Principal::new("eve"));
    for (until, deputy) in
        [(until, Some("bob")), (Timestamp::EPOCH, None), (until, Some("agent:x"))]
    {
        let error = set("bob", until, deputy, themselves("bob")).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::InvalidAbsence);
    }
}

#[tokio::test(start_paused = true)]
async fn absences_that_are_set_at_once_are_all_kept() {
    let bench = bench().await;
    let until = bench.gate.now().await.unwrap().saturating_add(DAY);
    let set = (0..20).map(|number| {
        let who = format!("ann{number}");
        bench.gate.away(who.clone(), until, None, themselves(&who))
    });
    futures::future::try_join_all(set).await.unwrap();
    assert_eq!(bench.gate.absences().await.unwrap().len(), 20);
}
