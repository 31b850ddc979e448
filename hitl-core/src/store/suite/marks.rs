//! Metadata: small values that change by compare-and-set, including the registered audit writers.

use std::sync::Arc;

use super::Subject;

/// A value is what it was set to, and only a caller that knows the current value can set it.
pub async fn a_mark_is_set_once(s: Subject) {
    let store = &s.store;
    assert_eq!(store.metadata("one").await.unwrap(), None);
    assert!(
        !store.compare_and_set_metadata("one", Some("x"), "a").await.unwrap(),
        "there is none yet"
    );
    assert!(store.compare_and_set_metadata("one", None, "a").await.unwrap());
    assert!(!store.compare_and_set_metadata("one", None, "b").await.unwrap());
    assert!(!store.compare_and_set_metadata("one", Some("b"), "c").await.unwrap());
    assert!(store.compare_and_set_metadata("one", Some("a"), "b").await.unwrap());
    assert_eq!(store.metadata("one").await.unwrap().as_deref(), Some("b"));
    assert_eq!(store.metadata("epoch").await.unwrap(), None, "marks have names of their own");
}

/// Of many simultaneous swaps, one wins.
pub async fn invariant_4_one_swap_wins(s: Subject) {
    for (round, from) in [(0, None), (1, Some("winner"))] {
        let from: Option<String> = match from {
            None => None,
            Some(_) => s.store.metadata("race").await.unwrap(),
        };
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let (store, from) = (Arc::clone(&s.store), from.clone());
                tokio::spawn(async move {
                    store
                        .compare_and_set_metadata("race", from.as_deref(), &format!("{round}.{n}"))
                        .await
                        .unwrap()
                })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += u32::from(task.await.unwrap());
        }
        assert_eq!(won, 1, "round {round}");
    }
}

/// Registering a writer again keeps the same writer, and none is lost in a race.
pub async fn writers_are_registered_once(s: Subject) {
    let tasks: Vec<_> = (0..6)
        .map(|n| {
            let store = Arc::clone(&s.store);
            tokio::spawn(async move { store.writer_register(&format!("w{}", n % 3)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut streams: Vec<_> =
        s.store.writers().await.unwrap().into_iter().map(|writer| writer.stream).collect();
    streams.sort();
    assert_eq!(streams, ["w0", "w1", "w2"]);
}
