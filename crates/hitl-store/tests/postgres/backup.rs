//! A restored database holds every call that could run for review by a human.

use futures::future::join_all;
use hitl_core::audit::AuditEvent;
use hitl_core::machine::{CallState, Event, Refusal};
use hitl_core::store::suite::{
    Draft, approved, claimed, fixture, refused, sealed, start_clock, tenant, unknown_outcome,
};
use hitl_core::store::{EventPayload, GrantQuery, StoreErrorKind};
use hitl_core::{Gate, MemoryAudit, Principal, Store as _};

use crate::support::{options, schema, subject, url_or_skip};

#[tokio::test]
async fn a_database_that_was_put_back_begins_a_new_epoch_once() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    let pending = s.create(&Draft::new("run", 1)).await;
    let waits = approved(&s, &Draft::new("run", 2)).await;
    let (runs, ..) = claimed(&s, &Draft::new("run", 3)).await;
    let (parked, _) = unknown_outcome(&s, &Draft::new("run", 4)).await;
    let ended = s.create(&Draft::new("run", 5)).await;
    let ended = s.withdraw(ended.id()).await;
    for position in 0..600 {
        s.create(&Draft::new("many", position)).await;
    }
    let mut grants = Vec::new();
    for _ in 0..510 {
        grants.push(s.store.save_grant(fixture::grant(None, None)).await.unwrap().id());
    }
    let by = Principal::new("bob");
    let revoked = s.store.revoke_grant(&tenant(), grants[0], &by, None).await.unwrap();
    let before = s.store.history(0, 1000).await.unwrap().entries;

    // All replicas restart with the same configuration.
    let open = || options(&url, &schema).clock(start_clock()).restored("2026-11-23").open();
    let replicas = join_all((0..4).map(|_| open())).await;
    let replicas: Vec<_> = replicas.into_iter().map(Result::unwrap).collect();
    let restored = replicas[0].clone();
    assert_eq!(restored.epoch().await.unwrap(), 2);
    for id in [pending.id(), waits.id()] {
        let held = s.get(id).await;
        assert_eq!((held.state(), held.request().revision), (CallState::Pending, 2));
        assert!(held.request().reasons.last().unwrap().contains("restored from a backup"));
        assert!(held.decision().is_none() && s.has_payload(id).await);
    }
    let decision = Event::Decide(pending.request().approve().by("alice"));
    let again = restored.apply(&tenant(), pending.id(), decision, EventPayload::none()).await;
    assert_eq!(refused(again).0, Refusal::Stale, "a decision from before does not count");
    assert_eq!(s.state(runs.id()).await, CallState::OutcomeUnknown);
    assert_eq!(s.get(parked.id()).await, parked);
    assert_eq!(s.get(ended.id()).await, ended);
    assert!(restored.approved(None, 10).await.unwrap().is_empty(), "nothing can run");
    assert!(s.store.grants(&tenant(), GrantQuery::live()).await.unwrap().is_empty());
    assert_eq!(s.store.grant(&tenant(), grants[0]).await.unwrap(), revoked);
    for id in [grants[1], grants[509]] {
        let why = s.store.grant(&tenant(), id).await.unwrap().unwrap().revoked.unwrap();
        assert_eq!(why.by.as_str(), "restore");
        assert_eq!(why.reason.as_deref(), Some("the store was restored from a backup"));
    }
    let after = s.store.history(0, 1000).await.unwrap().entries;
    assert_eq!(after[..before.len()], before, "history goes on");
    let (_, next) = &after[before.len()];
    assert_eq!(next.event, "restore", "and tells of the restore");
    let lost = Draft::new("0189ab00-0000-7000-8000-000000000001", 1);
    let refused = restored.submit(lost.call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::RunForgotten, "it may have run since the copy");

    // The next gate audits it, once.
    let audit = MemoryAudit::new();
    for _ in 0..2 {
        let gate = Gate::builder().store(restored.clone()).audit(audit.clone());
        drop(gate.build().await.unwrap());
        let records = audit.records();
        let count = |event| records.iter().filter(|record| record.event == event).count();
        assert_eq!((count(AuditEvent::Reopened), count(AuditEvent::Unknown)), (602, 1));
    }
    drop(open().await.unwrap());
    assert_eq!(restored.epoch().await.unwrap(), 2, "once");
    let another = options(&url, &schema).restored("2026-12-24").open().await.unwrap();
    assert_eq!(another.epoch().await.unwrap(), 3);
}
