//! Freezing and thawing: nothing starts between the two, in any gate over the store.

use crate::faulty::{Fault, Faulty};
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hitl_core::audit::AuditEvent;
use hitl_core::store::FREEZES;
use hitl_core::{
    CallContext, CallState, FreezeScope, Gate, GateErrorKind, MemoryStore, Outcome, Principal,
    ReviewerIdentity, Store as _, StoreErrorKind, Submission, Tenant, Ticket,
};
use support::{Bench, Flaky, World, bench, look, note, pay, tools, until};

async fn waiting(bench: &Bench) -> Ticket {
    let submitted = bench.gate.submit(pay("shop", 5.0)).by("ann").await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    ticket
}

async fn other_gate(bench: &Bench) -> Gate {
    let builder = tools(Gate::builder()).state(bench.world.clone()).store(bench.store.clone());
    builder.audit(bench.audit.clone()).build().await.unwrap()
}

fn events(bench: &Bench) -> Vec<AuditEvent> {
    let all = bench.audit.records().into_iter().map(|record| record.event);
    all.filter(|event| matches!(event, AuditEvent::Frozen | AuditEvent::Thawed)).collect()
}

#[tokio::test(start_paused = true)]
async fn invariant_5_nothing_starts_while_frozen_and_what_was_approved_starts_after_the_thaw() {
    let bench = bench().await;
    let other = other_gate(&bench).await;
    // The other gate has just read that nothing is frozen.
    other.call(look("before")).by("ann").await.unwrap();
    assert_eq!(bench.world.ran(), 1);
    let frozen = bench.gate.freeze(FreezeScope::All, "an incident", "eve").await.unwrap();
    assert_eq!((frozen.by.as_str(), frozen.reason.as_str()), ("eve", "an incident"));
    for gate in [&bench.gate, &other] {
        for started in [
            gate.call(look("x")).by("ann").await.map(drop).map_err(|e| e.to_string()),
            gate.call(look("x"))
                .by("ann")
                .key("reads", 0)
                .await
                .map(drop)
                .map_err(|e| e.to_string()),
            gate.call(note("x")).by("ann").await.map(drop).map_err(|e| e.to_string()),
        ] {
            let error = started.unwrap_err();
            assert!(error.contains("eve") && error.contains("an incident"), "{error}");
        }
        let error = gate.submit(note("x")).by("ann").key("run", 1).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::Frozen);
        assert_eq!(error.freeze(), Some(&frozen));
        let model = error.for_model();
        assert_eq!(model.status, "frozen");
        assert!(!model.text.contains("incident"), "{}", model.text);
    }
    assert_eq!(
        bench.gate.unscoped().get_by_key(&hitl_core::CallKey::new("run", 1)).await.unwrap(),
        None
    );

    // Calls are asked about and decided, and wait.
    let ticket = waiting(&bench).await;
    bench.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let serving = tokio::spawn(async move { other.serve().await });
    assert!(ticket.wait_for(Duration::from_secs(60)).await.unwrap().is_none());
    assert_eq!(bench.world.ran(), 1, "nothing has started");

    let outcome = tokio::spawn(async move { ticket.wait().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ended = bench.gate.thaw(&FreezeScope::All, "eve").await.unwrap();
    assert_eq!(ended, Some(frozen));
    assert!(matches!(outcome.await.unwrap().unwrap(), Outcome::Executed(_)));
    bench.gate.call(note("x")).by("ann").key("run", 1).await.unwrap();
    bench.gate.call(look("x")).by("ann").await.unwrap();
    assert_eq!(bench.world.ran(), 4);
    assert_eq!(events(&bench), [AuditEvent::Frozen, AuditEvent::Thawed]);
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn a_waiter_starts_its_call_at_once_when_it_is_thawed() {
    let bench = bench().await;
    let ticket = waiting(&bench).await;
    bench.gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
    bench.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let outcome = tokio::spawn(async move { ticket.wait().await });
    tokio::time::sleep(Duration::from_secs(7)).await;
    let before = tokio::time::Instant::now();
    bench.gate.thaw(&FreezeScope::All, "eve").await.unwrap();
    outcome.await.unwrap().unwrap();
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_runs_what_waited_after_the_thaw() {
    let bench = bench().await;
    let ticket = waiting(&bench).await;
    let id = ticket.request().id;
    let server = bench.gate.clone();
    let serving = tokio::spawn(async move { server.serve().await });
    bench.gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
    bench.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    drop(ticket);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.world.ran(), 0);
    let before = tokio::time::Instant::now();
    bench.gate.thaw(&FreezeScope::All, "eve").await.unwrap();
    let tenant = Tenant::default();
    until("the run", async || {
        let record = bench.gate.unscoped().get(&tenant, id).await.unwrap().unwrap();
        record.state() == CallState::Executed
    })
    .await;
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn an_approved_call_that_is_frozen_beyond_its_time_expires() {
    let clock = hitl_base::clock::ManualClock::at(hitl_base::Timestamp::from_millis(1_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    let build = tools(Gate::builder()).state(World::default()).store(store);
    let gate = build.build().await.unwrap();
    let Submission::Pending(ticket) = gate.submit(pay("shop", 5.0)).by("ann").await.unwrap() else {
        panic!("it waits")
    };
    gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
    gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    clock.advance(Duration::from_secs(601));
    assert_eq!(ticket.wait().await.unwrap(), Outcome::Expired);
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_waits_runs_after_the_thaw() {
    let bench = bench().await;
    bench.gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
    for read in [true, false] {
        let gate = bench.gate.clone();
        let submitted = tokio::spawn(async move {
            if read {
                gate.submit(look("x")).by("ann").wait_while_frozen().await
            } else {
                gate.submit(note("x")).by("ann").wait_while_frozen().await
            }
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!submitted.is_finished());
        bench.gate.thaw(&FreezeScope::All, "eve").await.unwrap();
        assert!(matches!(submitted.await.unwrap().unwrap(), Submission::Done { .. }));
        bench.gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_freeze_of_a_tenant_stops_its_calls_alone_and_is_that_tenants_reviewers_to_make() {
    let bench = bench().await;
    let theirs = || ReviewerIdentity::new("eve").tenant("acme");
    let refused = bench.gate.freeze(FreezeScope::All, "why", theirs()).await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::Forbidden);
    let other = FreezeScope::Tenant("other".into());
    let refused = bench.gate.freeze(other, "why", theirs()).await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::Forbidden);
    assert!(bench.gate.freezes().await.unwrap().is_empty());
    let scope = FreezeScope::Tenant("acme".into());
    bench.gate.freeze(scope.clone(), "why", theirs()).await.unwrap();
    let acme = || CallContext::new("ann").tenant("acme");
    bench.gate.call(look("x")).by(acme()).await.unwrap_err();
    bench.gate.call(note("x")).by(acme()).await.unwrap_err();
    bench.gate.call(look("x")).by("ann").await.unwrap();
    bench.gate.call(note("x")).by("ann").await.unwrap();
    assert_eq!(bench.world.ran(), 2);
    let stranger = ReviewerIdentity::new("eve").tenant("other");
    let refused = bench.gate.thaw(&scope, stranger).await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::Forbidden);
    assert!(bench.gate.thaw(&scope, theirs()).await.unwrap().is_some());
    bench.gate.call(look("x")).by(acme()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn invariant_5_only_a_human_thaws_and_only_if_it_is_audited() {
    let (world, audit) = (World::default(), Flaky::default());
    let build = tools(Gate::builder()).state(world.clone()).audit(audit.clone());
    let gate = build.build().await.unwrap();
    // A program that may decide may stop everything, and cannot let it start again.
    gate.freeze(FreezeScope::All, "why", Principal::agent("watchdog")).await.unwrap();
    for program in [Principal::agent("watchdog"), Principal::service("cron")] {
        let refused = gate.thaw(&FreezeScope::All, program).await.unwrap_err();
        assert_eq!(refused.kind(), GateErrorKind::Forbidden);
    }
    audit.fail_after(0);
    let refused = gate.thaw(&FreezeScope::All, "eve").await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::Audit);
    assert_eq!(gate.freezes().await.unwrap().len(), 1);
    gate.call(note("x")).by("ann").await.unwrap_err();
    audit.mend();
    gate.thaw(&FreezeScope::All, "eve").await.unwrap().unwrap();
    gate.call(note("x")).by("ann").await.unwrap();
    assert_eq!(world.ran(), 1);
    // A freeze holds even if it cannot be audited.
    audit.fail_after(0);
    gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
    assert_eq!((gate.freezes().await.unwrap().len(), gate.audit_debt()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_freeze_needs_a_reason_without_secrets() {
    let bench = bench().await;
    for reason in ["", " \n", &"x".repeat(1_001)] {
        let refused = bench.gate.freeze(FreezeScope::All, reason, "eve").await.unwrap_err();
        assert_eq!(refused.kind(), GateErrorKind::NotFrozen);
    }
    assert!(bench.gate.freezes().await.unwrap().is_empty());
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let reason = format!("it leaked {secret}");
    let frozen = bench.gate.freeze(FreezeScope::All, &reason, "eve").await.unwrap();
    let kept = bench.store.metadata(FREEZES).await.unwrap().unwrap();
    assert!(!frozen.reason.contains(secret) && !kept.contains(secret), "{kept}");
}

#[tokio::test(start_paused = true)]
async fn invariant_4_of_many_who_freeze_or_thaw_one_does() {
    let bench = bench().await;
    let other = other_gate(&bench).await;
    let freeze = |gate: Gate, who: u32| {
        tokio::spawn(async move {
            gate.freeze(FreezeScope::All, &format!("reason {who}"), format!("p{who}")).await
        })
    };
    let tasks: Vec<_> = (0..8)
        .map(|who| freeze(if who % 2 == 0 { bench.gate.clone() } else { other.clone() }, who))
        .collect();
    let mut said = Vec::new();
    for task in tasks {
        said.push(task.await.unwrap().unwrap());
    }
    assert!(said.iter().all(|freeze| *freeze == said[0]), "all learn of the one freeze");
    assert_eq!(events(&bench), [AuditEvent::Frozen]);
    let thaws: Vec<_> = (0..8)
        .map(|who| {
            let gate = if who % 2 == 0 { bench.gate.clone() } else { other.clone() };
            tokio::spawn(async move { gate.thaw(&FreezeScope::All, format!("p{who}")).await })
        })
        .collect();
    let mut ended = 0;
    for thaw in thaws {
        ended += usize::from(thaw.await.unwrap().unwrap().is_some());
    }
    assert_eq!(ended, 1);
    assert_eq!(bench.gate.thaw(&FreezeScope::All, "p9").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_gate_says_once_that_it_is_frozen() {
    let said = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hears = Arc::clone(&said);
    let bench = support::bench_with(|builder| {
        builder.on_notice(move |notice| hears.lock().unwrap().push(notice.to_string()))
    })
    .await;
    for round in 1..=2 {
        bench.gate.freeze(FreezeScope::All, "an\nincident", "eve").await.unwrap();
        for _ in 0..3 {
            bench.gate.call(note("x")).by("ann").await.unwrap_err();
            bench.gate.call(look("x")).by("ann").await.unwrap_err();
        }
        let lines = said.lock().unwrap().clone();
        let frozen: Vec<_> = lines.iter().filter(|line| line.contains("nothing starts")).collect();
        assert_eq!(frozen.len(), round, "{lines:?}");
        assert!(frozen[0].contains("eve") && !frozen[0].contains('\n'), "{frozen:?}");
        bench.gate.thaw(&FreezeScope::All, "eve").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_freeze_that_cannot_be_read_stops_everything() {
    let bench = bench().await;
    let ticket = waiting(&bench).await;
    bench.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    bench.store.compare_and_set_metadata(FREEZES, None, "?").await.unwrap();
    let error = bench.gate.freezes().await.unwrap_err();
    assert_eq!(error.store().map(hitl_core::StoreError::kind), Some(StoreErrorKind::Corrupt));
    bench.gate.call(look("x")).by("ann").await.unwrap_err();
    bench.gate.call(note("x")).by("ann").await.unwrap_err();
    bench.gate.thaw(&FreezeScope::All, "eve").await.unwrap_err();
    ticket.wait_for(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(bench.world.ran(), 0);
}

/// Each operation of the store fails, before and after it takes effect: a read that leaves no
/// record starts only if the store has said that nothing is frozen.
#[tokio::test(start_paused = true)]
async fn invariant_5_a_store_that_fails_starts_nothing_that_may_be_frozen() {
    for frozen in [false, true] {
        for fault in [Fault::Before, Fault::After] {
            for at in 0.. {
                let (world, memory) = (World::default(), MemoryStore::new());
                if frozen {
                    let gate = Gate::builder().store(memory.clone()).build().await.unwrap();
                    gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
                }
                let count = Arc::new(AtomicUsize::new(0));
                let (inner, counted) = (memory, Arc::clone(&count));
                let store = Faulty { inner, fault, at, for_ever: true, count: counted };
                let build = tools(Gate::builder()).state(world.clone()).store(store);
                let gate = build.build().await.unwrap();
                let before = count.load(Ordering::SeqCst);
                let read = gate.call(look("x")).by("ann").await;
                let failed = (before..count.load(Ordering::SeqCst)).any(|now| now >= at);
                assert_eq!(read.is_ok(), !failed && !frozen, "{fault:?} at={at} frozen={frozen}");
                assert_eq!(world.ran(), usize::from(read.is_ok()));
                if count.load(Ordering::SeqCst) <= at {
                    break;
                }
            }
        }
    }
}

/// Each operation of the store fails while somebody freezes: an answer that it is frozen is true.
#[tokio::test(start_paused = true)]
async fn invariant_5_an_answer_that_it_is_frozen_is_true() {
    for fault in [Fault::Before, Fault::After] {
        for for_ever in [false, true] {
            for at in 0.. {
                let memory = MemoryStore::new();
                let count = Arc::new(AtomicUsize::new(0));
                let (inner, counted) = (memory.clone(), Arc::clone(&count));
                let store = Faulty { inner, fault, at, for_ever, count: counted };
                let gate = tools(Gate::builder()).state(World::default()).store(store);
                let gate = gate.build().await.unwrap();
                let answer = gate.freeze(FreezeScope::All, "why", "eve").await;
                let kept = memory.metadata(FREEZES).await.unwrap();
                let stops = hitl_core::store::is_frozen(kept.as_deref(), &Tenant::default());
                assert!(stops || answer.is_err(), "{fault:?} at={at}");
                if count.load(Ordering::SeqCst) <= at {
                    assert!(answer.is_ok(), "nothing failed: {fault:?} at={at}");
                    break;
                }
            }
        }
    }
}
