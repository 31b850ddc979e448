//! Host code that panics where the gate calls it, or reveals too much: nothing is left undone.

use crate::support;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use hitl_core::approval::ScriptedApprover;
use hitl_core::audit::{AuditError, ChainHead, FanOut};
use hitl_core::{
    AuditRecord, AuditSink, CallKey, CallState, Gate, GateBuilder, MemoryAudit, MemoryStore,
    Outcome, Permit, Risk, SnapshotError, SnapshotWriter, Store as _, Submission, Tool, ToolConfig,
    ToolSpec,
};
use support::{ask, bench_with, note};

const AUTO: ToolConfig = ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low);

fn key() -> CallKey {
    CallKey::new("r", 0)
}

async fn state(store: &MemoryStore) -> CallState {
    store.get_by_key(&key()).await.unwrap().unwrap().state()
}

macro_rules! tool {
    ($name:ident, $tool:literal, $out:ty, $error:ty, $returned:expr) => {
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        struct $name {}

        impl Tool for $name {
            type Output = $out;
            type Error = $error;
            const SPEC: ToolSpec = ToolSpec::new($tool, "A tool for tests.").config(AUTO);
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|_| Ok(()))
            }
            async fn run(_: Permit<Self>) -> Result<$out, $error> {
                $returned
            }
        }
    };
}

/// An error that panics when it is displayed.
#[derive(Debug)]
struct Unshowable;

impl fmt::Display for Unshowable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("shown")
    }
}

/// An error whose text does not end.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("and so on ")?;
        }
    }
}

/// An output that panics when it is encoded.
#[derive(Debug, serde::Deserialize)]
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("encoded")
    }
}

/// A panic whose payload panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

tool!(BadError, "bad_error", u8, Unshowable, Err(Unshowable));
tool!(LongError, "long_error", u8, Endless, Err(Endless));
tool!(BadOutput, "bad_output", Unwritable, String, Ok(Unwritable));
tool!(BadPanic, "bad_panic", u8, String, std::panic::panic_any(Bomb));

async fn outcome(gate: &Gate, tool: &str) -> Outcome {
    gate.call_json(tool, "{}", "ann", "r", 0).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_failure_that_cannot_be_shown_is_a_failure() {
    for tool in ["bad_error", "long_error", "bad_panic"] {
        let b = bench_with(|g| g.tool::<BadError>().tool::<LongError>().tool::<BadPanic>()).await;
        let Outcome::Failed(failure) = outcome(&b.gate, tool).await else { panic!("{tool}") };
        assert!(failure.message.chars().count() < 2_100, "{tool}");
        assert_eq!(state(&b.store).await, CallState::Failed, "{tool}");
        assert_eq!(b.events(), ["claimed", "failed"], "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_an_output_that_cannot_be_encoded_was_executed_all_the_same() {
    let b = bench_with(GateBuilder::tool::<BadOutput>).await;
    let Outcome::Executed(output) = outcome(&b.gate, "bad_output").await else { panic!("it ran") };
    assert_eq!(output.json(), None);
    assert_eq!(state(&b.store).await, CallState::Executed);
    assert_eq!(b.events(), ["claimed", "executed"]);
}

/// A sink that panics at one record, with a payload that panics when it is dropped.
struct Panics {
    at: usize,
    seen: AtomicUsize,
}

impl AuditSink for Panics {
    fn append(&self, _: &AuditRecord) -> Result<(), AuditError> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            std::panic::panic_any(Bomb);
        }
        Ok(())
    }

    fn heads(&self) -> Vec<ChainHead> {
        std::panic::panic_any(Bomb)
    }

    fn learn(&self, _: &[ChainHead]) {
        std::panic::panic_any(Bomb)
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_6_a_sink_that_panics_is_a_sink_that_failed() {
    for (at, ran, end, owed) in [(0, 0, CallState::Approved, 0), (1, 1, CallState::Executed, 1)] {
        let b = bench_with(|g| g.audit(Panics { at, seen: AtomicUsize::new(0) })).await;
        let called = b.gate.call(note("a")).by("ann").key("r", 0).await;
        assert_eq!((called.is_ok(), b.world.ran()), (ran == 1, ran), "at {at}");
        assert_eq!(state(&b.store).await, end, "at {at}");
        assert_eq!(b.gate.audit_debt(), owed, "at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_optional_sink_that_panics_misses_a_record_and_no_call() {
    let audit = MemoryAudit::new();
    let panics = Panics { at: 0, seen: AtomicUsize::new(0) };
    let both = FanOut::new().required(audit.clone()).optional(panics);
    let b = bench_with(|g| g.audit(both)).await;
    assert!(b.gate.call(note("a")).by("ann").key("r", 0).await.is_ok());
    assert_eq!((b.world.ran(), audit.records().len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn invariant_5_an_approver_that_panics_leaves_the_call_in_the_queue() {
    let panics = ScriptedApprover::new(|_| std::panic::panic_any(Bomb));
    let b = bench_with(|g| g.approver(panics)).await;
    let submitted = b.gate.submit(ask("hello")).by("ann").key("r", 0).await.unwrap();
    assert!(matches!(submitted, Submission::Pending(_)));
    assert_eq!((b.world.ran(), state(&b.store).await), (0, CallState::Pending));
}
