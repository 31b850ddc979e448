//! Effects: each has one holder.

use std::sync::Arc;

use super::fixture::run_begun;
use super::{Draft, Subject, tenant};
use crate::call::{EffectDigest, Tenant};
use crate::ids::RequestId;

fn effect(number: u64) -> EffectDigest {
    format!("{number:064x}").parse().expect("64 digits")
}

/// The holder is replaced by who knows it, and nobody else; tenants have effects of their own.
pub async fn an_effect_has_one_holder(s: Subject) {
    let (store, here, other) = (&s.store, tenant(), Tenant::new("other"));
    let [a, b, c] = [(); 3].map(|()| RequestId::new());
    let holder =
        async |tenant: &Tenant, number| store.effect_holder(tenant, effect(number)).await.unwrap();
    let reserve = async |from, to| store.reserve_effect(&here, effect(1), from, to).await.unwrap();
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
    assert!(store.reserve_effect(&other, effect(1), None, c).await.unwrap());
    assert_eq!((holder(&here, 1).await, holder(&other, 1).await), (Some(b), Some(c)));
}

/// Of many calls that want an effect at once, one gets it.
pub async fn invariant_4_one_reservation_wins(s: Subject) {
    for _ in 0..2 {
        let from = s.store.effect_holder(&tenant(), effect(1)).await.unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let store = Arc::clone(&s.store);
                tokio::spawn(async move {
                    let to = RequestId::new();
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

/// A holder is kept although its call is erased, and goes with its key.
pub async fn a_holder_is_kept_as_long_as_its_key(s: Subject) {
    let now = s.store.now().await.unwrap();
    let run = run_begun(now.as_millis() - 5000);
    let call = s.create(&Draft::new(&run, 1)).await;
    assert!(s.store.reserve_effect(&tenant(), effect(1), None, call.id()).await.unwrap());
    s.withdraw(call.id()).await;
    s.pass(10);
    let later = s.store.now().await.unwrap();
    assert_eq!(s.store.erase_ended_before(later).await.unwrap().calls, 1);
    let holder = s.store.effect_holder(&tenant(), effect(1)).await.unwrap();
    assert_eq!(holder, Some(call.id()));
    assert_eq!(s.store.forget_runs(later).await.unwrap(), 1);
    assert_eq!(s.store.effect_holder(&tenant(), effect(1)).await.unwrap(), None);
}
