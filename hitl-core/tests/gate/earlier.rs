//! The calls of a run before the one that somebody looks at.

use crate::support::{ask, bench};

use hitl_core::{
    CallContext, CallKey, CallRecord, CallState, Gate, GateErrorKind, ReviewScope, Submission,
    Tenant,
};

async fn submitted(
    gate: &Gate,
    text: &str,
    cx: CallContext,
    run: &str,
    position: u64,
) -> CallRecord {
    let submitted = gate.submit(ask(text)).by(cx).key(run, position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it needs a human") };
    let (tenant, id) = (ticket.request().key.tenant.clone(), ticket.request().id);
    gate.unscoped().get(&tenant, id).await.unwrap().unwrap()
}

fn places(records: &[CallRecord]) -> Vec<u64> {
    records.iter().map(|record| record.key().position).collect()
}

#[tokio::test]
async fn the_newest_calls_of_the_run_are_listed_with_their_present_state() {
    let bench = bench().await;
    let gate = &bench.gate;
    let ann = || CallContext::new("ann");
    let mut all = Vec::new();
    for position in 0..12 {
        all.push(submitted(gate, "a", ann(), "run", position).await);
    }
    submitted(gate, "a", ann(), "another", 20).await;
    submitted(gate, "a", ann().tenant("acme"), "run", 21).await;
    let delegated = submitted(gate, "a", ann().parent("run"), "child", 22).await;
    let last = submitted(gate, "a", ann(), "run", 23).await;
    submitted(gate, "a", ann(), "run", 24).await;
    gate.decide(all[11].request().reject("no").by("bob")).await.unwrap();
    let seen = gate.scoped_to(ReviewScope::tenant(Tenant::default()));
    let found = seen.earlier_calls(&last, 3).await.unwrap();
    assert_eq!((places(&found.newest), found.more), (vec![22, 11, 10], 10));
    // Read now, and not when it was asked about.
    assert_eq!(found.newest[1].state(), CallState::Rejected);
    // A delegated call has the calls of its root before it.
    let found = seen.earlier_calls(&delegated, 2).await.unwrap();
    assert_eq!((places(&found.newest), found.more), (vec![11, 10], 10));
    let found = seen.earlier_calls(&all[0], 3).await.unwrap();
    assert_eq!((found.newest.len(), found.more, found.too_many), (0, 0, false));
    let found = seen.earlier_calls(&all[2], 5).await.unwrap();
    assert_eq!((places(&found.newest), found.more), (vec![1, 0], 0));
}

#[tokio::test]
async fn invariant_7_earlier_calls_are_shown_to_nobody_of_another_tenant() {
    let bench = bench().await;
    let gate = &bench.gate;
    let ann = || CallContext::new("ann").tenant("acme");
    submitted(gate, "a", ann(), "run", 0).await;
    let call = submitted(gate, "b", ann(), "run", 1).await;
    let other = gate.scoped_to(ReviewScope::tenant("other"));
    let refused = other.earlier_calls(&call, 5).await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::Forbidden);
    let own = gate.scoped_to(ReviewScope::tenant("acme")).earlier_calls(&call, 5).await.unwrap();
    assert_eq!(places(&own.newest), [0]);
}

#[tokio::test]
async fn invariant_13_a_run_of_thousands_is_counted_and_not_listed() {
    let bench = bench().await;
    let gate = &bench.gate;
    let mut last = None;
    for position in 0..1_101 {
        last = Some(submitted(gate, "a", CallContext::new("ann"), "run", position).await);
    }
    let seen = gate.scoped_to(ReviewScope::tenant(Tenant::default()));
    let found = seen.earlier_calls(&last.unwrap(), 5).await.unwrap();
    assert_eq!((found.newest.len(), found.more, found.too_many), (0, 1_000, true));
    let early = gate.unscoped().get_by_key(&CallKey::new("run", 999)).await.unwrap().unwrap();
    let found = seen.earlier_calls(&early, 2).await.unwrap();
    assert_eq!((places(&found.newest), found.more), (vec![998, 997], 997));
}
