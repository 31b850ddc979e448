//! The tools that are called, and the gates that have them.

use hitl::approval::Approver;
use hitl::confidence::{Assessment, CallView};
use hitl::policy::Effect;
use hitl::policy::{Policy, Ruling};
use hitl::prelude::*;
use hitl::{AuditSink, MemoryAudit, Outcome, Store, Submission};
use serde::Serialize;

/// Look up a customer.
#[hitl_tool(read_only, base_confidence = 100)]
pub async fn look_up(customer: String, limit: u32, note: String) -> u32 {
    std::hint::black_box((customer, note));
    limit
}

/// Write something down about a customer.
#[hitl_tool(base_confidence = 100)]
pub async fn write_down(customer: String, limit: u32, note: String) -> u32 {
    std::hint::black_box((customer, note));
    limit
}

/// Ask a human first, inline.
#[hitl_tool(base_confidence = 70)]
pub async fn ask_first(customer: String, limit: u32, note: String) -> u32 {
    std::hint::black_box((customer, note));
    limit
}

/// Let a human look at it in the queue.
#[hitl_tool(base_confidence = 10)]
pub async fn queue_up(customer: String, limit: u32, note: String) -> u32 {
    std::hint::black_box((customer, note));
    limit
}

/// The same arguments as a plain struct, which a yardstick serialises.
#[derive(Serialize, serde::Deserialize, Clone)]
pub struct Plain {
    pub customer: String,
    pub limit: u32,
    pub note: String,
}

/// Returns the arguments of a call with a note of this many bytes of ordinary text.
pub fn arguments(bytes: usize) -> Plain {
    Plain { customer: "C-1042".to_owned(), limit: 3, note: prose(bytes) }
}

/// Returns ordinary text of this many bytes.
pub fn prose(bytes: usize) -> String {
    const WORDS: &str = "The customer asks for a refund of the second leg because of the delay. ";
    WORDS.repeat(bytes / WORDS.len() + 1)[..bytes].to_owned()
}

/// Builds a gate with every tool, whose audit goes to `audit`.
pub async fn gate(store: impl Store, audit: impl AuditSink) -> Gate {
    registered(Gate::builder()).store(store).audit(audit).build().await.expect("a gate")
}

/// Runs a call that waits in the queue, is decided there, and runs.
pub async fn full_round_trip(gate: &Gate, Plain { customer, limit, note }: Plain) -> Outcome {
    let submitted = gate.submit(queue_up(customer, limit, note)).by("ann").await;
    let Submission::Pending(ticket) = submitted.expect("submitted") else {
        panic!("it waits for a human")
    };
    gate.decide(ticket.request().approve().by("bob")).await.expect("decided");
    ticket.wait().await.expect("it runs")
}

/// Builds a gate that keeps everything in memory.
pub async fn memory_gate() -> Gate {
    gate(hitl::MemoryStore::new(), MemoryAudit::new()).await
}

/// Builds a gate that asks `approver`.
pub async fn asking(approver: impl Approver) -> Gate {
    let builder = registered(Gate::builder()).approver(approver);
    builder.audit(MemoryAudit::new()).build().await.expect("a gate")
}

/// Builds a gate that denies everything.
pub async fn denying() -> Gate {
    let builder = registered(Gate::builder()).policy(DenyAll);
    builder.audit(MemoryAudit::new()).build().await.expect("a gate")
}

fn registered(builder: GateBuilder) -> GateBuilder {
    builder.tool::<LookUp>().tool::<WriteDown>().tool::<AskFirst>().tool::<QueueUp>()
}

struct DenyAll;

impl Policy for DenyAll {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        Some(Ruling { effect: Effect::Deny, reason: "closed".to_owned() })
    }
}

/// Returns the audit records of a call as the gate writes them, to be serialised by a yardstick.
pub async fn audit_records(bytes: usize) -> Vec<hitl::audit::AuditRecord> {
    let audit = MemoryAudit::new();
    let gate = gate(hitl::MemoryStore::new(), audit.clone()).await;
    let Plain { customer, limit, note } = arguments(bytes);
    gate.call(look_up(customer, limit, note)).by("ann").await.expect("it runs");
    audit.records()
}

/// Returns the record that a small call leaves before it runs.
pub async fn audit_record() -> hitl::audit::AuditRecord {
    audit_records(20).await.swap_remove(0)
}
