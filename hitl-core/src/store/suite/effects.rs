//! Effects: each has one holder.

use std::sync::Arc;

use super::fixture::run_begun;
use super::{Draft, Subject, tenant};
use crate::call::{EffectDigest, Tenant};
use crate::ids::RequestId;
use crate::store::EffectHolder;

fn effect(number: u64) -> EffectDigest {
    format!("{number:064x}").parse().expect("64 digits")
}

fn alone(call: RequestId) -> EffectHolder {
    EffectHolder { call, earlier: None }
}

/// The holder is replaced by who knows it, and nobody else; tenants have effects of their own.
pub async fn an_effect_has_one_holder(s: Subject) {
    let (store, here, other) = (&s.store, tenant(), Tenant::new("other"));
    let [a, b, c] = [(); 3].map(|()| RequestId::new());
    let holder = async |tenant: &Tenant, number| {
        store.effect_holder(tenant, effect(number)).await.unwrap().map(|holder| holder.call)
    };
    let reserve =
        async |from, to| store.reserve_effect(&here, effect(1), from, alone(to)).await.unwrap();
    assert_eq!(holder(&here, 1).await, None);
    assert!(!reserve(Some(a), b).await, "nobody holds it yet");
    assert!(reserve(None, a).await);
    assert!(reserve(None, a).await, "it is the holder already");
    assert!(!reserve(None, b).await);
    assert!(!reserve(Some(b), c).await);
    assert_eq!(holder(&here, 1).await, Some(a));
    assert!(reserve(Some(a), b).await);
    assert!(reserve(Some(a), b).await, "the answer was lost");
    assert!(!reserve(Some(a), c).await);
    assert_eq!(holder(&here, 1).await, Some(b));
    assert_eq!((holder(&here, 2).await, holder(&other, 1).await), (None, None));
    assert!(store.reserve_effect(&other, effect(1), None, alone(c)).await.unwrap());
    assert_eq!((holder(&here, 1).await, holder(&other, 1).await), (Some(b), Some(c)));
}

/// The call before the holder is kept, and stays if the reservation is repeated.
pub async fn the_call_before_the_holder_is_kept(s: Subject) {
    let (store, here) = (&s.store, tenant());
    let [a, b, c] = [(); 3].map(|()| RequestId::new());
    assert!(store.reserve_effect(&here, effect(1), None, alone(a)).await.unwrap());
    let after_a = EffectHolder { call: b, earlier: Some(a) };
    assert!(store.reserve_effect(&here, effect(1), Some(a), after_a).await.unwrap());
    assert_eq!(store.effect_holder(&here, effect(1)).await.unwrap(), Some(after_a));
    assert!(store.reserve_effect(&here, effect(1), Some(a), alone(b)).await.unwrap());
    assert_eq!(store.effect_holder(&here, effect(1)).await.unwrap(), Some(after_a));
    assert!(store.reserve_effect(&here, effect(1), Some(b), alone(c)).await.unwrap());
    assert_eq!(store.effect_holder(&here, effect(1)).await.unwrap(), Some(alone(c)));
}

/// Of many calls that want an effect at once, one gets it.
pub async fn invariant_4_one_reservation_wins(s: Subject) {
    for _ in 0..2 {
        let from = s.store.effect_holder(&tenant(), effect(1)).await.unwrap();
        let from = from.map(|holder| holder.call);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let store = Arc::clone(&s.store);
                tokio::spawn(async move {
                    let to = alone(RequestId::new());
                    store.reserve_effect(&tenant(), effect(1), from, to).await.unwrap()
                })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += u32::from(task.await.unwrap());
        }
        assert_eq!(won, 1, "from {from:?}");
    }
}

/// A holder is kept although its call is erased, and goes with its key: then the one before it
/// counts again.
pub async fn a_holder_is_kept_as_long_as_its_key(s: Subject) {
    let now = s.store.now().await.unwrap().as_millis();
    let (old, new) = (run_begun(now - 5000), run_begun(now + 1_000_000));
    let mut calls = Vec::new();
    for run in [&old, &new, &old, &old] {
        let call = s.create(&Draft::new(run, calls.len() as u64)).await;
        s.withdraw(call.id()).await;
        calls.push(call.id());
    }
    let holders = [
        alone(calls[0]),
        EffectHolder { call: calls[0], earlier: Some(calls[1]) },
        EffectHolder { call: calls[1], earlier: Some(calls[0]) },
        EffectHolder { call: calls[2], earlier: Some(calls[3]) },
    ];
    for (number, holder) in (0..).zip(holders) {
        assert!(
            s.store
                .reserve_effect(&tenant(), effect(number), None, alone(holder.call))
                .await
                .unwrap()
        );
        if holder.earlier.is_some() {
            let before = RequestId::new();
            let from = Some(holder.call);
            assert!(
                s.store
                    .reserve_effect(&tenant(), effect(number), from, alone(before))
                    .await
                    .unwrap()
            );
            assert!(
                s.store
                    .reserve_effect(&tenant(), effect(number), Some(before), holder)
                    .await
                    .unwrap()
            );
        }
    }
    s.pass(10);
    let later = s.store.now().await.unwrap();
    assert_eq!(s.store.erase_ended_before(later).await.unwrap().calls, 4);
    for (number, holder) in (0..).zip(holders) {
        assert_eq!(s.store.effect_holder(&tenant(), effect(number)).await.unwrap(), Some(holder));
    }
    assert_eq!(s.store.forget_runs(later).await.unwrap(), 3);
    let left = [None, Some(alone(calls[1])), Some(alone(calls[1])), None];
    for (number, holder) in (0..).zip(left) {
        let now_holds = s.store.effect_holder(&tenant(), effect(number)).await.unwrap();
        assert_eq!(now_holds, holder, "effect {number}");
    }
}
