//! Events through the gate: in order, from the position where a reader stopped, and never blocking.

use crate::support;

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _, pin_mut};
use hitl_core::gate::{Events, GateEvent};
use hitl_core::{CallContext, Gate, ReviewScope, Submission};
use support::{bench, note, pay};

async fn submit(gate: &Gate, tenant: &str, position: u64) {
    let cx = CallContext::new("ann").tenant(tenant);
    let submitted = gate.submit(pay("shop", 1.0)).by(cx).key("run", position).await.unwrap();
    assert!(matches!(submitted, Submission::Pending(_)));
}

async fn number(events: &mut Events) -> u64 {
    match events.next().await.unwrap() {
        GateEvent::Changed { number, .. } => number,
        other => panic!("a change, and yet: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_goes_on_where_it_stopped() {
    let bench = bench().await;
    for position in 0..5 {
        submit(&bench.gate, "default", position).await;
    }
    let mut events = bench.gate.scoped_to(ReviewScope::tenant("default")).events(0);
    assert_eq!([number(&mut events).await, number(&mut events).await], [1, 2]);
    let kept = events.position();
    drop(events);
    let mut again = bench.gate.scoped_to(ReviewScope::tenant("default")).events(kept);
    for expected in 3..=5 {
        assert_eq!(number(&mut again).await, expected);
    }
    assert!(again.next().now_or_never().is_none(), "nothing more has happened");
    submit(&bench.gate, "default", 9).await;
    assert_eq!(number(&mut again).await, 6);
    let stream = again.into_stream();
    pin_mut!(stream);
    submit(&bench.gate, "default", 10).await;
    let next = stream.next().await.unwrap().unwrap();
    assert!(matches!(next, GateEvent::Changed { number: 7, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_reader_hears_of_its_tenants_only() {
    let bench = bench().await;
    let mut acme = bench.gate.scoped_to(ReviewScope::tenant("acme")).events(0);
    let mut all = bench.gate.scoped_to(ReviewScope::all_tenants()).events(0);
    for (position, tenant) in (0..).zip(["other", "acme", "acm", "acme"]) {
        submit(&bench.gate, tenant, position).await;
    }
    assert_eq!([number(&mut acme).await, number(&mut acme).await], [2, 4]);
    assert!(acme.next().now_or_never().is_none());
    for expected in 1..=4 {
        assert_eq!(number(&mut all).await, expected);
    }
    // Events outside its scope are skipped.
    submit(&bench.gate, "other", 9).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), acme.next()).await.is_err());
    assert_eq!(acme.position(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_nothing() {
    let bench = bench().await;
    let mut events = bench.gate.scoped_to(ReviewScope::tenant("default")).events(0);
    for position in 0..50 {
        let _given_up = tokio::time::timeout(Duration::from_millis(1), events.next()).await;
        submit(&bench.gate, "default", position).await;
        assert_eq!(number(&mut events).await, position + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_13_a_slow_reader_holds_little_slows_nobody_and_is_told_what_it_missed() {
    let bench = bench().await;
    let mut slow = bench.gate.scoped_to(ReviewScope::tenant("default")).events(0);
    assert!(slow.next().now_or_never().is_none());
    let mut early = bench.gate.scoped_to(ReviewScope::tenant("default")).events(0);
    // An Auto call is two changes; the memory store keeps ten thousand.
    for position in 0..5_100 {
        let by = bench.gate.submit(note("x")).by("ann");
        let _done = by.key("run", position).await.unwrap();
        if position == 0 {
            assert_eq!(number(&mut early).await, 1);
        }
    }
    assert_eq!(slow.next().await.unwrap(), GateEvent::Gap { after: 0 });
    let first = number(&mut slow).await;
    assert_eq!(first, 201, "what is still kept follows the gap");
    for expected in first + 1..=10_200 {
        assert_eq!(number(&mut slow).await, expected, "and then nothing is missing");
    }
    // Another reader had read ahead as far as its buffer holds.
    assert_eq!(number(&mut early).await, 2);
}
