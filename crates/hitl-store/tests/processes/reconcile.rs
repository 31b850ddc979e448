//! A process is killed in the middle of a body, before or after the provider has acted; the next
//! one asks the provider what happened.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use hitl_core::arguments::{SnapshotError, SnapshotWriter};
use hitl_core::call::{Attempt, Reconciler, Reconciliation};
use hitl_core::{
    CallKey, CallState, Gate, Outcome, ParameterSpec, Permit, Risk, StateRequirement, Store as _,
    Submission, Tool, ToolConfig, ToolSpec,
};
use hitl_store::SqliteStore;

use crate::child::{Child, Role, say, wait_for_go};

/// The provider: a file with a line for each refund, and the place at which its client hangs.
#[derive(Clone)]
struct Provider {
    refunds: PathBuf,
    hangs: String,
}

impl Provider {
    /// Refunds once for each call, even if the caller forgets the key: that is what is tested.
    fn refund(&self, payment: &str, key: &str) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.refunds)?;
        writeln!(file, "{key} {payment}")
    }

    fn all(refunds: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(refunds).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    async fn hang_if(&self, at: &str) {
        if self.hangs == at {
            say(at);
            std::future::pending::<()>().await;
        }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Refund {
    payment: String,
}

impl Tool for Refund {
    type Output = String;
    type Error = std::io::Error;
    const SPEC: ToolSpec = ToolSpec::new("refund", "Refunds a payment.")
        .parameters(&[ParameterSpec::new("payment")])
        .states(&[StateRequirement::new::<Provider>()])
        .config(ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low).effect("{payment}"));

    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("payment", &self.payment))
    }

    async fn run(permit: Permit<Self>) -> Result<String, Self::Error> {
        let (call, cx) = permit.open();
        let provider = cx.state::<Provider>();
        provider.hang_if("before").await;
        provider.refund(&call.payment, &cx.idempotency_key())?;
        provider.hang_if("after").await;
        Ok("refunded".to_owned())
    }

    fn reconciler() -> Option<Reconciler<Self, String>> {
        Some(Reconciler::new(|attempt: Attempt<Self>| async move {
            let key = attempt.idempotency_key();
            let wanted = format!("{key} {}", attempt.arguments().payment);
            let provider = attempt.cx().state::<Provider>();
            let there = Provider::all(&provider.refunds).contains(&wanted);
            Ok::<_, std::io::Error>(if there {
                Reconciliation::Executed("found the refund".to_owned())
            } else {
                Reconciliation::NotExecuted
            })
        }))
    }
}

/// Refunds a payment, and hangs where the parent says. Reports the outcome.
pub(crate) async fn refund(file: &Path) {
    let refunds = file.with_extension("refunds");
    let provider = Provider { refunds, hangs: wait_for_go() };
    let store = SqliteStore::open(file).await.unwrap();
    let builder = Gate::builder().tool::<Refund>().state(provider).store(store);
    let gate = builder.build().await.unwrap();
    let call = Refund { payment: "pay_1".to_owned() };
    let submitted = gate.submit(call).by("ann").key("run", 0).await.unwrap();
    let Submission::Done { outcome: Outcome::Executed(output), .. } = submitted else {
        panic!("{submitted:?}")
    };
    say(output.json().unwrap());
}

#[tokio::test]
async fn invariant_3_after_kill_9_the_provider_says_whether_the_call_runs_again() {
    for (dies, outcome) in [
        (&["after"][..], "\"found the refund\""),
        (&["before"], "\"refunded\""),
        (&["before", "before"], "\"refunded\""),
        (&["before", "after"], "\"found the refund\""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hitl.db");
        for place in dies {
            let mut child = Child::start(Role::Refund, &file, &[]);
            child.tell(place);
            assert_eq!(child.hear(), *place);
            child.kill();
        }
        // In two further lives: the second reads what the first has stored.
        for _ in 0..2 {
            let mut child = Child::start(Role::Refund, &file, &[]);
            child.tell("nowhere");
            assert_eq!(child.hear(), outcome, "{dies:?}");
        }
        let refunds = Provider::all(&file.with_extension("refunds"));
        assert_eq!(refunds, ["default/run#0 pay_1"], "{dies:?}: once in each order");
        let store = SqliteStore::open(&file).await.unwrap();
        store.check().await.unwrap();
        let record = store.get_by_key(&CallKey::new("run", 0)).await.unwrap().unwrap();
        let found = dies.last() == Some(&"after");
        assert_eq!((record.state(), record.is_reconciled()), (CallState::Executed, found));
        let before = dies.iter().filter(|place| **place == "before").count();
        assert_eq!(record.attempts_without_effect() as usize, before);
        assert_eq!(record.attempts(), 1);
    }
}
