//! A gate's changes reach an audit, whatever happens to the gate; the store knows the place of each
//! run's intent.

use crate::slow;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::FutureExt as _;
use hitl_core::audit::{
    AuditEvent, ChainHead, ChainWriter, FindingKind, JsonlAudit, MemoryAudit, Verifier,
};
use hitl_core::store::{ChangeId, StoreWrapper};
use hitl_core::{CallKey, Gate, MemoryStore, SessionId, Store, StoreError, Submission, Tenant};
use slow::Slow;
use support::{Bench, Flaky, World, bench, note, pay, tools, until};

/// Takes over the changes that no living session has acknowledged, and returns the new session and
/// the changes.
async fn left(store: &MemoryStore) -> (SessionId, Vec<ChangeId>) {
    let me = store.open_session().await.unwrap();
    let left = store.outbox_take(me, 100).await.unwrap();
    (me, left.iter().map(ChangeId::from_entry).collect())
}

async fn asked(gate: &Gate, run: &str) -> hitl_core::Ticket {
    match gate.submit(pay("C-7", 1.0)).by("ann").key(run, 1).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        other @ Submission::Done { .. } => panic!("it must be asked: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_audited_leaves_the_outbox_by_itself() {
    let Bench { gate, store, audit, .. } = bench().await;
    let ticket = asked(&gate, "run").await;
    gate.decide(ticket.request().reject("no").by("dora")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let before = audit.records().len();
    drop((ticket, gate));
    tokio::task::yield_now().await;
    let (me, changes) = left(&store).await;
    assert_eq!(changes, []);
    store.close_session(me).await.unwrap();
    let build = tools(Gate::builder()).state(World::default()).store(store).audit(audit.clone());
    let gate = build.build().await.unwrap();
    assert_eq!(gate.recover().await.unwrap().audited, 0);
    assert_eq!(audit.records().len(), before, "nothing is written twice");
}

/// The audit accepts nothing, and then the process is gone: the next process writes the missing
/// records.
#[tokio::test]
async fn invariant_6_debt_survives_its_process() {
    let (store, flaky) = (MemoryStore::new(), Flaky::default());
    let build = tools(Gate::builder()).state(World::default()).store(store.clone());
    let gate = build.audit(flaky.clone()).build().await.unwrap();
    let ticket = asked(&gate, "run").await;
    flaky.fail_after(0);
    let decision = ticket.request().reject("too dear, password=hunter2hunter2").by("dora");
    let id = decision.id;
    let decided = gate.decide(decision).await.unwrap();
    assert_eq!(gate.audit_debt(), 1);
    assert!(gate.flush_audit().await.is_err());
    drop((ticket, gate));
    tokio::task::yield_now().await;

    let audit = MemoryAudit::new();
    let build = tools(Gate::builder()).state(World::default()).store(store.clone());
    let gate = build.audit(audit.clone()).skip_recovery().build().await.unwrap();
    assert_eq!(gate.recover().await.unwrap().audited, 1);
    let records = audit.records();
    let late = records.iter().find(|record| record.event == AuditEvent::Decided).unwrap();
    assert_eq!((late.call, late.version), (Some(decided.id()), Some(decided.version())));
    assert_eq!(late.decision, Some(id));
    assert_eq!(late.by.as_ref().map(ToString::to_string).as_deref(), Some("dora"));
    let said = late.note.as_deref().unwrap();
    assert!(said.contains("audited later") && said.contains("rejected: too dear"), "{said}");
    assert!(!said.contains("hunter2"), "invariant 8: {said}");
    gate.flush_audit().await.unwrap();
    assert_eq!(gate.recover().await.unwrap().audited, 0, "once");
}

/// A store that counts the changes that were acknowledged to it.
#[derive(Clone, Default)]
struct Counting {
    inner: MemoryStore,
    acknowledged: Arc<AtomicUsize>,
}

#[async_trait]
impl StoreWrapper for Counting {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn outbox_ack(&self, audited: &[ChangeId]) -> Result<(), StoreError> {
        self.inner.outbox_ack(audited).await?;
        self.acknowledged.fetch_add(audited.len(), Ordering::SeqCst);
        Ok(())
    }
}

/// Otherwise each of many processes that end at once would audit them again.
#[tokio::test(start_paused = true)]
async fn what_a_gate_audits_for_a_dead_process_is_acknowledged_before_it_is_built() {
    let (store, flaky) = (Counting::default(), Flaky::default());
    let build = tools(Gate::builder()).state(World::default()).store(store.inner.clone());
    let gate = build.audit(flaky.clone()).build().await.unwrap();
    let ticket = asked(&gate, "run").await;
    flaky.fail_after(0);
    gate.decide(ticket.request().reject("no").by("dora")).await.unwrap();
    drop((ticket, gate));
    tokio::task::yield_now().await;

    let build = tools(Gate::builder()).state(World::default()).store(store.clone());
    let _gate = build.audit(MemoryAudit::new()).build().await.unwrap();
    assert_eq!(store.acknowledged.load(Ordering::SeqCst), 1, "no time has passed");
}

/// The caller goes away between the store's answer and the audit.
#[tokio::test]
async fn what_a_dropped_caller_submitted_is_audited() {
    let (store, audit) = (MemoryStore::new(), MemoryAudit::new());
    let slow = Slow { inner: store.clone(), without_payloads: false };
    let build = tools(Gate::builder()).state(World::default()).store(slow).audit(audit.clone());
    let gate = build.build().await.unwrap();
    let key = CallKey::new("run", 1);
    let mut call = Box::pin(gate.submit(pay("C-7", 1.0)).by("ann").key("run", 1).into_future());
    while store.get_by_key(&key).await.unwrap().is_none() {
        assert!((&mut call).now_or_never().is_none(), "the store has not answered");
    }
    drop(call);
    let requested = |record: &hitl_core::AuditRecord| record.event == AuditEvent::Requested;
    until("it is audited", async || audit.records().iter().any(requested)).await;
}

/// A rewritten log is consistent in itself; the store detects it.
#[tokio::test]
async fn invariant_6_an_intent_stands_where_the_store_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let store = MemoryStore::new();
    let build = tools(Gate::builder()).state(World::default()).store(store.clone());
    let gate = build.audit(JsonlAudit::open(&path).unwrap()).build().await.unwrap();
    for position in 1..=3 {
        gate.call(note("text")).by("ann").key("run", position).await.unwrap();
    }
    let kept = store.get_by_key(&CallKey::new("run", 2)).await.unwrap().unwrap();
    let lines = std::fs::read_to_string(&path).unwrap();
    let place = kept.intent().cloned().unwrap();
    let line = lines.lines().nth(usize::try_from(place.seq).unwrap() - 1).unwrap();
    assert_eq!(ChainHead::from_line(line.as_bytes()).unwrap(), place);
    assert!(line.contains("\"claimed\"") && line.contains(&kept.id().to_string()));

    // The same records, except one word of the second intent.
    let mut chain = ChainWriter::after(ChainHead::genesis(place.stream.clone()));
    let mut forged = String::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut record: hitl_core::AuditRecord =
            serde_json::from_value(line["event"].clone()).unwrap();
        if record.call == Some(kept.id()) {
            record.principal = Some("mallory".into());
        }
        forged.push_str(std::str::from_utf8(chain.next(&record).unwrap()).unwrap());
        forged.push('\n');
        chain.keep();
    }
    let tenants = [Tenant::default()];
    for (log, wrong) in [(&lines, 0), (&forged, 2)] {
        assert!(Verifier::new().chain("log", log.as_bytes()).unwrap().finish().is_sound());
        let verifier = Verifier::new().for_store().chain("log", log.as_bytes()).unwrap();
        let report = verifier.finish_with_store(&store, &tenants).await.unwrap();
        // The second differs, and so does the third, which names it.
        assert_eq!(report.findings.len(), wrong, "{:?}", report.findings);
        assert!(report.findings.iter().all(|found| found.kind == FindingKind::NoIntent));
    }
}

/// Two processes over one store: a checkpoint of one reveals a change to the log of the other.
#[cfg(feature = "checkpoints")]
#[tokio::test]
async fn a_checkpoint_of_one_writer_vouches_for_the_others() {
    use hitl_core::audit::{CheckpointingSink, SigningKey};
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.jsonl"), folder.path().join("two.jsonl"));
    let store = MemoryStore::new();
    let key = SigningKey::from_bytes([7; 32]);
    let audit = CheckpointingSink::new(JsonlAudit::open(&one).unwrap(), key.clone()).to(|_| Ok(()));
    let audit = std::sync::Arc::new(audit);
    let build = || tools(Gate::builder()).state(World::default()).store(store.clone());
    let first = build().audit(std::sync::Arc::clone(&audit)).build().await.unwrap();
    let second = build().audit(JsonlAudit::open(&two).unwrap()).build().await.unwrap();
    for position in 1..=3 {
        second.call(note("text")).by("ann").key("two", position).await.unwrap();
    }
    first.call(note("text")).by("ann").key("one", 1).await.unwrap();
    second.flush_audit().await.unwrap();
    first.flush_audit().await.unwrap();
    let checkpoint = audit.checkpoint().unwrap();
    assert_eq!(checkpoint.heads.len(), 2, "its own, and the other's: {checkpoint:?}");

    let (own, whole) = (std::fs::read(&one).unwrap(), std::fs::read_to_string(&two).unwrap());
    let cut: String = whole.split_inclusive('\n').take(3).collect();
    let verify = |log: &str| {
        let verifier = Verifier::new().checkpoint(checkpoint.clone()).trust(key.public());
        let verifier = verifier.chain("one", &own[..]).unwrap();
        verifier.chain("two", log.as_bytes()).unwrap().finish()
    };
    assert!(verify(&whole).is_sound(), "{:?}", verify(&whole).findings);
    let found = verify(&cut);
    assert_eq!(found.findings.len(), 1, "{:?}", found.findings);
    assert!(found.has(FindingKind::Truncated));
    // The store knows the end too, and needs no checkpoint for that.
    let verifier = Verifier::new().for_store().chain("one", &own[..]).unwrap();
    let verifier = verifier.chain("two", cut.as_bytes()).unwrap();
    let report = verifier.finish_with_store(&store, &[Tenant::default()]).await.unwrap();
    assert!(report.has(FindingKind::Truncated), "{:?}", report.findings);
}

/// A policy's reason is written without anything that looks like a secret, no matter who wrote it.
#[tokio::test]
async fn invariant_8_a_policys_reason_is_audited_without_secrets() {
    struct No;
    impl hitl_core::Policy for No {
        fn rule(
            &self,
            _: &hitl_core::CallView<'_>,
            _: &hitl_core::Assessment,
        ) -> Option<hitl_core::Ruling> {
            let reason = "blocked, password=hunter2hunter2".to_owned();
            Some(hitl_core::Ruling { effect: hitl_core::Effect::Deny, reason })
        }
    }
    let bench = support::bench_with(|builder| builder.policy(No)).await;
    let _denied = bench.gate.call(note("x")).by("ann").key("run", 1).await.unwrap_err();
    let records = bench.audit.records();
    let denied = records.iter().find(|record| record.event == AuditEvent::Denied).unwrap();
    let said = denied.note.as_deref().unwrap();
    assert!(said.contains("blocked") && !said.contains("hunter2"), "{said}");
}
