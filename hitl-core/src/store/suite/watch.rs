//! Watching: hints may be spurious, but none is lost between subscribing and waiting.

use crate::store::EventPayload;
use std::sync::Arc;

use futures::FutureExt as _;

use super::Subject;
use super::fixture::{Draft, host, sealed, tenant};
use crate::machine::CallState;

/// A change after subscribing is hinted at, although nobody was waiting yet when it happened.
pub async fn a_change_after_subscribing_is_not_lost(s: Subject) {
    let draft = Draft::new("run", 1);
    s.create(&draft).await;
    let (mut one, mut all) = (s.store.watch(draft.id()), s.store.watch_all());
    s.withdraw(draft.id()).await;
    s.soon("the hint", one.changed()).await;
    s.soon("the hint for any call", all.changed()).await;
}

/// A call that does not exist yet can be watched.
pub async fn a_call_to_come_can_be_watched(s: Subject) {
    let draft = Draft::new("run", 1);
    let mut watch = s.store.watch(draft.id());
    s.create(&draft).await;
    s.soon("the hint", watch.changed()).await;
    assert_eq!(s.state(draft.id()).await, CallState::Pending);
}

/// By the time of a hint the change can be read.
pub async fn a_hint_comes_after_the_change(s: Subject) {
    for position in 0..20 {
        let draft = Draft::new("run", position);
        s.create(&draft).await;
        let mut watch = s.store.watch(draft.id());
        let store = Arc::clone(&s.store);
        let id = draft.id();
        let change = tokio::spawn(async move {
            store.apply(&tenant(), id, host("now"), EventPayload::none()).await
        });
        s.soon("the cancellation", async {
            while s.state(id).await != CallState::Cancelled {
                watch.changed().await;
            }
        })
        .await;
        change.await.unwrap().unwrap();
    }
}

/// Subscribe, read, wait: of many waiters that do so during writes, none hangs.
pub async fn no_wake_up_is_lost_under_load(s: Subject) {
    let drafts: Vec<_> = (0..40).map(|position| Draft::new("run", position)).collect();
    let waiters: Vec<_> = drafts
        .iter()
        .map(|draft| {
            let (store, id) = (Arc::clone(&s.store), draft.id());
            tokio::spawn(async move {
                let mut watch = store.watch(id);
                loop {
                    let record = store.get(&tenant(), id).await.unwrap();
                    if record.is_some_and(|record| record.state.is_terminal()) {
                        return;
                    }
                    watch.changed().await;
                }
            })
        })
        .collect();
    for draft in &drafts {
        s.store.submit(draft.call(), sealed(b"x")).await.unwrap();
    }
    for draft in &drafts {
        s.withdraw(draft.id()).await;
    }
    for waiter in waiters {
        s.soon("the wake-up", waiter).await.unwrap();
    }
}

/// A refused event is no change and may at most cause a spurious hint: reading finds the record
/// unchanged.
pub async fn a_watcher_that_reads_finds_the_truth(s: Subject) {
    let draft = Draft::new("run", 1);
    let record = s.create(&draft).await;
    let mut watch = s.store.watch(draft.id());
    s.refuse(draft.id(), crate::machine::Event::Expire).await;
    let _spurious = watch.changed().now_or_never();
    assert_eq!(s.get(draft.id()).await, record);
    drop(watch);
    s.withdraw(draft.id()).await;
}
