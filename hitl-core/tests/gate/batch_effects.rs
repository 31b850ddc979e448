//! Parallel calls of one turn that have the same effect.

use crate::support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hitl_core::call::EffectDigest;
use hitl_core::machine::CallState;
use hitl_core::store::{EffectHolder, StoreWrapper};
use hitl_core::{
    ApprovalLevel, ApprovalRequest, CallKey, CallRecord, Gate, GateError, GateErrorKind,
    MemoryStore, Outcome, RequestId, Store as _, StoreError, Tenant,
};
use support::{Rotate, Transfer, World, bench, note, refund, tools};

async fn stored(gate: &Gate, position: u64) -> Option<CallRecord> {
    gate.unscoped().get_by_key(&CallKey::new("run", position)).await.unwrap()
}

async fn request(gate: &Gate, position: u64) -> ApprovalRequest {
    stored(gate, position).await.unwrap().request().clone()
}

fn transfer(to: &str) -> Transfer {
    Transfer { to: to.to_owned() }
}

#[tokio::test]
async fn all_or_none_of_calls_with_one_effect_is_refused_before_anything_is_entered() {
    let bench = bench().await;
    let gate = &bench.gate;
    let batch = gate.submit_all("run").call(3, note("x")).call(5, refund("pay_1"));
    let batch = batch.json(7, "no_such_tool", "{}");
    // The same effect in other words.
    let same = r#"{"note": "please", "payment": "pay_1"}"#;
    let batch = batch.call(8, transfer("pay_1")).json(9, "refund", same).all_or_none();
    let batch = batch.by("ann").await;
    assert!(batch.parts().iter().all(|part| part.receipt.is_none()));
    let answers = batch.wait().await;
    let error = |at: usize| -> &GateError { answers[at].as_ref().unwrap_err() };
    for at in [0, 1, 3, 4] {
        assert_eq!(error(at).kind(), GateErrorKind::SameEffect);
        assert_eq!(error(at).same_effect(), Some([5, 9]));
        let said = error(at).for_model();
        assert!(said.to_string().contains("the calls at 5 and 9 have the same effect"), "{said}");
    }
    assert_eq!(error(2).kind(), GateErrorKind::UnknownTool, "each keeps its own reason");
    for position in [3, 5, 7, 8, 9] {
        assert!(stored(gate, position).await.is_none(), "{position}");
    }
    // A tool without arguments has one effect.
    let batch = gate.submit_all("run").call(3, Rotate {}).call(5, Rotate {}).all_or_none();
    let answers = batch.by("ann").await.wait().await;
    assert_eq!(answers[0].as_ref().unwrap_err().same_effect(), Some([3, 5]));
    // Other effects run together, and so does the batch without the repetition.
    let batch = gate.submit_all("run").call(3, note("x")).call(5, refund("pay_1"));
    let answers = batch.call(6, refund("pay_2")).all_or_none().by("ann").await.wait().await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))), "{answers:?}");
    assert_eq!(bench.world.ran(), 3);
}

#[tokio::test(start_paused = true)]
async fn invariant_3_siblings_that_an_edit_gives_one_effect_do_not_start() {
    let bench = bench().await;
    let gate = &bench.gate;
    let batch = gate.submit_all("run").call(0, transfer("ann")).call(1, transfer("bob"));
    let batch = batch.all_or_none().by("carol").await;
    gate.decide(request(gate, 0).await.approve().by("dave")).await.unwrap();
    gate.decide(request(gate, 1).await.edit(r#"{"to":"ann"}"#).by("dave")).await.unwrap();
    while stored(gate, 1).await.unwrap().state() == CallState::Pending {
        gate.decide(request(gate, 1).await.approve().by("erin")).await.unwrap();
    }
    let answers = batch.wait().await;
    for answer in &answers {
        let Ok(Outcome::Cancelled { reason }) = answer else { panic!("{answers:?}") };
        let said =
            "none of its batch runs: the calls at 0 and 1 have the same effect, which happens once";
        assert_eq!(reason, said);
    }
    assert_eq!(bench.world.ran(), 0);
    // Nothing of it holds the effect.
    let _waiting = gate.submit(transfer("ann")).by("carol").key("other", 0).await.unwrap();
    let after = gate.unscoped().get_by_key(&CallKey::new("other", 0)).await.unwrap().unwrap();
    assert_eq!(after.request().repeats, None);
}

#[tokio::test(start_paused = true)]
async fn invariant_3_of_independent_siblings_with_one_effect_one_starts_and_the_other_is_asked_about()
 {
    let bench = bench().await;
    let gate = &bench.gate;
    let batch = gate.submit_all("run").call(0, refund("pay_1")).call(1, refund("pay_1"));
    let mut batch = batch.by("ann").await;
    let ran = batch.next().await.unwrap() as u64;
    let holder = stored(gate, ran).await.unwrap();
    assert_eq!((holder.state(), bench.world.ran()), (CallState::Executed, 1));
    let waiting = tokio::task::spawn(batch.wait());
    let other = 1 - ran;
    support::until("it is asked about", async || {
        stored(gate, other).await.unwrap().state() == CallState::Pending
    })
    .await;
    let asked = request(gate, other).await;
    assert_eq!((asked.repeats, asked.level), (Some(holder.id()), ApprovalLevel::Full));
    gate.decide(asked.approve().by("bob")).await.unwrap();
    let answers = waiting.await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))), "{answers:?}");
    assert_eq!(bench.world.ran(), 2);
}

#[tokio::test(start_paused = true)]
async fn siblings_that_wait_for_people_are_asked_about_at_most_twice() {
    let bench = bench().await;
    let gate = &bench.gate;
    let batch = gate.submit_all("run").call(0, transfer("ann")).call(1, transfer("ann"));
    let batch = batch.by("carol").await;
    let waiting = tokio::task::spawn(batch.wait());
    let mut questions = 0;
    for _ in 0..50 {
        for position in [0, 1] {
            if stored(gate, position).await.unwrap().state() == CallState::Pending {
                gate.decide(request(gate, position).await.approve().by("dave")).await.unwrap();
                questions += 1;
            }
        }
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
    }
    let answers = waiting.await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))), "{answers:?}");
    assert_eq!((bench.world.ran(), questions), (2, 3));
    let revisions = [request(gate, 0).await.revision, request(gate, 1).await.revision];
    assert_eq!(revisions.iter().sum::<u32>(), 3, "{revisions:?}");
}

/// A store that notes which effects are reserved, in which order.
#[derive(Clone)]
struct Noting {
    inner: MemoryStore,
    reserved: Arc<Mutex<Vec<EffectDigest>>>,
}

#[async_trait]
impl StoreWrapper for Noting {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn reserve_effect(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
        from: Option<RequestId>,
        to: EffectHolder,
    ) -> Result<bool, StoreError> {
        self.reserved.lock().unwrap().push(effect);
        self.inner.reserve_effect(tenant, effect, from, to).await
    }
}

/// If each of two batches held an effect that the other one needs, neither could start.
#[tokio::test(start_paused = true)]
async fn batches_that_want_the_same_effects_take_them_in_one_order() {
    let store = Noting { inner: MemoryStore::new(), reserved: Arc::default() };
    let world = World::default();
    let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
    let gate = builder.build().await.unwrap();
    let run = async |run: &str, payments: [&str; 4]| {
        let batch = (0..).zip(payments).fold(gate.submit_all(run), |batch, (position, payment)| {
            batch.call(position, refund(payment))
        });
        batch.all_or_none().by("ann").await
    };
    run("one", ["a", "b", "c", "d"]).await.wait().await;
    let first = std::mem::take(&mut *store.reserved.lock().unwrap());
    // The second one repeats the effects of the first, each of which a person was shown.
    let second = run("two", ["d", "b", "a", "c"]).await;
    for position in 0..4 {
        let key = CallKey::new("two", position);
        let record = gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
        gate.decide(record.request().approve().by("bob")).await.unwrap();
    }
    let answers = second.wait().await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))), "{answers:?}");
    assert_eq!(first.len(), 4);
    assert_eq!(*store.reserved.lock().unwrap(), first);
    assert_eq!(world.ran(), 8);
}
