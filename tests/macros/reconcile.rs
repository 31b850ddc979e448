//! The fn that `reconcile = ..` names: it gets the tool's own parameters, as the body does.

use std::sync::{Arc, Mutex};

use hitl::call::Reconciliation;
use hitl::prelude::*;
use hitl::store::MemoryStore;
use hitl::{GateBuilder, RunContext, Store as _};

/// The provider: what it was asked, and a body that never ends.
#[derive(Debug, Default)]
struct Bank {
    asked: Mutex<Vec<String>>,
    began: tokio::sync::Notify,
}

impl Bank {
    async fn never(&self) {
        self.began.notify_one();
        std::future::pending::<()>().await;
    }

    async fn find_refund(
        &self,
        cx: RunContext,
        payment: String,
    ) -> Result<Reconciliation<u64>, std::io::Error> {
        tokio::task::yield_now().await;
        self.asked.lock().unwrap().push(format!("{payment} {}", cx.idempotency_key()));
        Ok(Reconciliation::Executed(u64::MAX))
    }
}

#[derive(Clone, Copy, Debug)]
struct Limit(u64);

/// Everything a body can take.
#[hitl_tool(base_confidence = 100, risk = "low", attempts = 2, reconcile = find_transfer)]
async fn transfer(
    #[hitl(state)] bank: Arc<Bank>,
    #[hitl(context)] cx: &CallContext,
    to: &str,
    parts: &[u64],
    #[hitl(state)] limit: &Limit,
    #[hitl(default = "EUR")] mut currency: String,
    note: Option<String>,
    #[cfg(any())] absent: String,
    #[hitl(sensitive)] pin: &str,
) -> Result<String, String> {
    currency.make_ascii_lowercase();
    bank.never().await;
    Err(format!("{to} {parts:?} {currency} {note:?} {pin} {} {}", cx.principal, limit.0))
}

#[expect(clippy::too_many_arguments, reason = "those of the tool")]
async fn find_transfer(
    bank: Arc<Bank>,
    cx: &CallContext,
    to: &str,
    parts: &[u64],
    limit: &Limit,
    currency: String,
    note: Option<String>,
    pin: &str,
) -> Result<Reconciliation<String>, String> {
    let asked =
        format!("{} {to} {parts:?} {} {currency} {note:?} {}", cx.principal, limit.0, pin.len());
    tokio::task::yield_now().await;
    bank.asked.lock().unwrap().push(asked);
    Ok(Reconciliation::Executed(format!("found for {to}")))
}

/// Neither arguments nor a result.
#[hitl_tool(base_confidence = 100, risk = "low", reconcile = crate::reconcile::rang)]
#[tracing::instrument(skip_all)]
async fn ring(#[hitl(state)] bank: &Arc<Bank>) {
    bank.never().await;
}

async fn rang(_: &Arc<Bank>) -> Reconciliation<()> {
    tokio::task::yield_now().await;
    Reconciliation::Executed(())
}

#[hitl_tools]
impl Bank {
    /// A method of a service.
    #[hitl_tool(base_confidence = 100, risk = "low", reconcile = Bank::find_refund)]
    async fn refund(&self, #[hitl(context)] cx: RunContext, payment: String) -> u64 {
        self.never().await;
        drop((cx, payment));
        0
    }
}

/// Lets a process die in the body of a call, and returns what the next process reads of it.
async fn dies<T: Tool>(gate: impl Fn() -> GateBuilder, bank: &Bank, call: T, again: T) -> Outcome {
    let store = MemoryStore::new();
    let first = gate().store(store.clone()).build().await.unwrap();
    let dying = tokio::spawn(async move { first.submit(call).by("ann").key("run", 0).await });
    bank.began.notified().await;
    let record = store.get_by_key(&CallKey::new("run", 0)).await.unwrap().unwrap();
    store.close_session(record.claim().unwrap().session).await.unwrap();
    dying.abort();
    let next = gate().store(store).build().await.unwrap();
    match next.submit(again).by("ann").key("run", 0).await.unwrap() {
        Submission::Done { outcome, .. } => outcome,
        pending @ Submission::Pending(_) => panic!("{pending:?}"),
    }
}

fn json(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Executed(output) => output.json().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_fn_gets_what_the_body_gets() {
    let bank = Arc::new(Bank::default());
    let gate = || Gate::builder().tool::<Transfer>().state(Arc::clone(&bank)).state(Limit(1_000));
    let call = || transfer("bob", vec![1, 2], "USD", None, "9731");
    let found = dies(gate, &bank, call(), call()).await;
    assert_eq!(json(&found), "\"found for bob\"");
    assert_eq!(*bank.asked.lock().unwrap(), ["ann bob [1, 2] 1000 USD None 4"]);
}

#[tokio::test]
async fn a_result_of_nothing_is_found_too() {
    let bank = Arc::new(Bank::default());
    let gate = || Gate::builder().tool::<Ring>().state(Arc::clone(&bank));
    assert_eq!(json(&dies(gate, &bank, ring(), ring()).await), "null");
}

#[tokio::test]
async fn a_method_finds_it_with_its_service() {
    let bank = Arc::new(Bank::default());
    let gate = || Gate::builder().tool::<BankRefund>().state(Arc::clone(&bank));
    let call = || Bank::refund("pay_1");
    let found = dies(gate, &bank, call(), call()).await;
    assert_eq!(json(&found), u64::MAX.to_string());
    assert_eq!(*bank.asked.lock().unwrap(), ["pay_1 default/run#0"]);
}
