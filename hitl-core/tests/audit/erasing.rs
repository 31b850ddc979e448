//! The effect of an erasure on the audit: which lines lose their content, and which keep it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hitl_base::Timestamp;
use hitl_core::audit::{AuditError, AuditEvent, AuditSink, ErasableLog, FanOut};
use hitl_core::store::Erasable;
use hitl_core::{
    AuditRecord, CallKey, ErasureReport, ErasureScope, Gate, HoldScope, MemoryAudit, MemoryStore,
    Principal, RequestId, Store, Submission, Tenant,
};

use super::support::{World, ask, look, tools};
use crate::faulty::{Fault, Faulty};

async fn gate(store: &MemoryStore, audit: impl AuditSink) -> Gate {
    let build = tools(Gate::builder()).state(World::default()).store(store.clone()).audit(audit);
    build.build().await.unwrap()
}

/// Returns an ended call of a principal in a tenant.
async fn ended(gate: &Gate, who: &str, tenant: &str) -> RequestId {
    let cx = hitl_core::CallContext::new(who).tenant(tenant);
    let Submission::Pending(ticket) = gate.submit(ask("private")).by(cx).await.unwrap() else {
        panic!("it waits")
    };
    let id = ticket.request().id;
    let record = gate.unscoped().get(&Tenant::new(tenant), id).await.unwrap().unwrap();
    gate.cancel(&record, "bob", "over").await.unwrap();
    gate.flush_audit().await.unwrap();
    id
}

fn scope_of(id: RequestId) -> ErasureScope {
    ErasureScope::Call { tenant: Tenant::default(), id }
}

fn of_principal(who: &str) -> ErasureScope {
    ErasureScope::Principal { tenant: Tenant::default(), principal: Principal::new(who) }
}

async fn erase(gate: &Gate, scope: &ErasureScope) -> ErasureReport {
    gate.erase(scope, "request 1", "dora", &[]).await.unwrap()
}

/// Returns the number of records of a call that still have their content.
fn kept(audit: &MemoryAudit, id: RequestId) -> usize {
    let records = audit.records();
    records.iter().filter(|r| r.call == Some(id) && r.event != AuditEvent::Erased).count()
}

/// Lines of other people, of other tenants, erased by retention: none of them is in the scope.
#[tokio::test]
async fn invariant_6_an_erasure_takes_no_line_beyond_its_scope() {
    let (store, audit) = (MemoryStore::new(), MemoryAudit::new());
    let gate = gate(&store, audit.clone()).await;
    let ann = ended(&gate, "ann", "default").await;
    let other = ended(&gate, "bea", "default").await;
    let elsewhere = ended(&gate, "ann", "acme").await;
    let retained = ended(&gate, "ann", "default").await;
    for (tenant, id) in [("default", other), ("acme", elsewhere), ("default", retained)] {
        let gone = store.erase(&[Erasable::new(Tenant::new(tenant), id)]).await.unwrap();
        assert_eq!(gone, [None]);
    }
    let report = erase(&gate, &scope_of(ann)).await;
    assert!(report.lines > 0 && report.audit_erased);
    assert_eq!(kept(&audit, ann), 0);
    for id in [other, elsewhere, retained] {
        assert!(kept(&audit, id) > 0, "{id} was not named");
    }
    // A principal's scope includes calls in their name that retention has erased, and no more.
    erase(&gate, &of_principal("ann")).await;
    assert_eq!(kept(&audit, retained), 0);
    assert!(kept(&audit, other) > 0 && kept(&audit, elsewhere) > 0);
    // The same erasure completes one that was cut off.
    assert!(erase(&gate, &scope_of(other)).await.lines > 0);
    assert_eq!((kept(&audit, other), erase(&gate, &scope_of(other)).await.lines), (0, 0));
    // A scope of all tenants still covers only what ended before its time.
    erase(&gate, &ErasureScope::EndedBefore(Timestamp::from_millis(1))).await;
    assert!(kept(&audit, elsewhere) > 0);
    erase(&gate, &ErasureScope::EndedBefore(Timestamp::from_millis(1 << 45))).await;
    assert_eq!(kept(&audit, elsewhere), 0);
}

/// A call of another store in a shared audit, or one that was forgotten, even of a run whose id
/// contains its beginning.
#[tokio::test]
async fn invariant_6_lines_of_a_call_that_the_store_does_not_know_stay() {
    let (store, audit) = (MemoryStore::new(), MemoryAudit::new());
    let gate = gate(&store, audit.clone()).await;
    store.forget_runs(Timestamp::from_millis(1 << 45)).await.unwrap();
    let id = RequestId::new();
    let mut record = AuditRecord::about(AuditEvent::Decided, "x", Timestamp::from_millis(5));
    record.call = Some(id);
    record.principal = Some(Principal::new("ann"));
    let run = "01890a5d-ac96-774b-bcce-b302099a8057";
    record.key = Some(CallKey { tenant: Tenant::default(), run: run.into(), position: 1 });
    audit.append(&record).unwrap();
    for scope in [of_principal("ann"), ErasureScope::EndedBefore(Timestamp::from_millis(1 << 45))] {
        let report = erase(&gate, &scope).await;
        assert_eq!((report.lines, report.lines_left), (0, 1), "{scope:?}");
    }
    assert_eq!(kept(&audit, id), 1);
}

/// A sink that places a hold once the erasure of a call is listed, after the holds were read.
struct Late {
    kept: MemoryAudit,
    store: MemoryStore,
    hold: HoldScope,
}

impl AuditSink for Late {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        if record.event == AuditEvent::Erased {
            let hold = hitl_core::Hold::new(Tenant::default(), self.hold.clone(), "case", "eve");
            let mut placed = Box::pin(self.store.hold(hold));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(placed.as_mut().poll(&mut cx).is_ready());
        }
        self.kept.append(record)
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        self.kept.erasable()
    }
}

/// The hold covers one line, by its decider, and so every line of the call.
#[tokio::test]
async fn invariant_6_a_hold_that_is_placed_late_keeps_whole_calls() {
    let (store, kept_by) = (MemoryStore::new(), MemoryAudit::new());
    let hold = HoldScope::Principal(Principal::new("bob"));
    let late = Late { kept: kept_by.clone(), store: store.clone(), hold };
    let gate = gate(&store, late).await;
    let id = ended(&gate, "ann", "default").await;
    let before = kept(&kept_by, id);
    let by_bob = kept_by.records().iter().filter(|r| r.by == Some("bob".into())).count();
    assert!(before > by_bob && by_bob > 0);
    let report = erase(&gate, &scope_of(id)).await;
    assert_eq!((report.lines, kept(&kept_by, id)), (0, before));
    // The sink does not claim that it can erase everything it keeps.
    assert!(!report.audit_erased && report.audit_left[0].contains("Late"), "{report:?}");
}

/// A host's own sink, which keeps records and does not support erasure.
struct Own(Arc<MemoryAudit>);

impl AuditSink for Own {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.0.append(record)
    }
}

#[tokio::test]
async fn invariant_8_a_sink_that_cannot_erase_is_said_to_keep_its_copy() {
    let (store, audit, own) = (MemoryStore::new(), MemoryAudit::new(), Arc::default());
    let both = FanOut::new().required(audit.clone()).optional(Own(Arc::clone(&own)));
    let gate = gate(&store, both).await;
    let id = ended(&gate, "ann", "default").await;
    let report = erase(&gate, &scope_of(id)).await;
    assert!(report.lines > 0 && !report.audit_erased, "{report:?}");
    assert!(report.audit_left.len() == 1 && report.audit_left[0].contains("Own"), "{report:?}");
    assert_eq!(kept(&audit, id), 0);
    assert!(kept(&own, id) > 0);
}

/// Lines as an older version wrote them: without a tenant.
#[tokio::test]
async fn lines_of_grants_that_say_no_tenant_go_with_their_time_and_are_said_otherwise() {
    let (store, audit) = (MemoryStore::new(), MemoryAudit::new());
    let gate = gate(&store, audit.clone()).await;
    gate.call(look("read only")).by("ann").await.unwrap();
    let grant = hitl_core::GrantId::new().to_string();
    let mut record = AuditRecord::about(AuditEvent::GrantSaved, grant, Timestamp::from_millis(5));
    record.tool = Some("pay".into());
    record.principal = Some(Principal::new("ann"));
    audit.append(&record).unwrap();
    let there = || audit.records().iter().filter(|r| r.event == AuditEvent::GrantSaved).count();
    let report = erase(&gate, &of_principal("ann")).await;
    assert_eq!((report.lines_left, there()), (1, 1), "{report:?}");
    assert!(report.lines > 0, "the read-only call is theirs");
    erase(&gate, &ErasureScope::EndedBefore(Timestamp::from_millis(5))).await;
    assert_eq!(there(), 1);
    let report = erase(&gate, &ErasureScope::EndedBefore(Timestamp::from_millis(6))).await;
    assert_eq!((report.lines, there()), (1, 0));
}

/// A single store failure at any operation: no line of a remaining call is erased, and repeating
/// the erasure completes it.
#[tokio::test]
async fn invariant_6_an_erasure_that_the_store_fails_takes_no_line_of_what_stays() {
    const LATER: usize = 1_000_000;
    let (mut failed, mut done) = (0, 0);
    for (at, fault) in (0..14).flat_map(|at| [(at, Fault::Before), (at, Fault::After)]) {
        let (store, audit) = (MemoryStore::new(), MemoryAudit::new());
        let count = Arc::new(AtomicUsize::new(0));
        let faulty = Faulty {
            inner: store.clone(),
            fault,
            at: LATER + at,
            for_ever: false,
            count: Arc::clone(&count),
        };
        let build = tools(Gate::builder()).state(World::default()).store(faulty);
        let gate = build.audit(audit.clone()).build().await.unwrap();
        let id = ended(&gate, "ann", "default").await;
        let before = audit.records();
        count.store(LATER, Ordering::SeqCst);
        match gate.erase(&scope_of(id), "request 1", "dora", &[]).await {
            Ok(_) => done += 1,
            Err(_) => failed += 1,
        }
        let record = store.get(&Tenant::default(), id).await.unwrap().unwrap();
        assert!(record.is_erased() || kept(&audit, id) > 0, "{at} {fault:?}");
        if at == 0 {
            // The check of holds comes first: before the order, and before anything is erased.
            assert!(!record.is_erased() && audit.records() == before);
        }
        count.store(LATER * 2, Ordering::SeqCst);
        erase(&gate, &scope_of(id)).await;
        assert_eq!(kept(&audit, id), 0, "{at} {fault:?}");
    }
    assert!(failed >= 8 && done >= 2, "{failed} {done}");
}

/// A method that the wrapper forgets would have its default, so the wrapped store would behave
/// differently.
#[test]
fn a_wrapper_forwards_every_method_of_a_store() {
    let contract = include_str!("../../src/store/contract.rs");
    let (_, contract) = contract.split_once("pub trait Store").unwrap();
    let methods: Vec<&str> = contract
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "))
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
        .collect();
    assert!(methods.len() > 50 && methods.contains(&"holds"), "{methods:?}");
    let wrapper = include_str!("../../src/store/wrapper.rs");
    for method in &methods {
        let is_listed = ["(", "["].iter().any(|end| wrapper.contains(&format!("fn {method}{end}")));
        assert!(is_listed, "the wrapper forgets {method}");
    }
}
