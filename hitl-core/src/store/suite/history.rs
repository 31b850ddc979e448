//! The history: all changes, in order, without a gap.

use crate::store::EventPayload;
use std::sync::Arc;

use super::Subject;
use super::fixture::{Draft, host, sealed, tenant};
use crate::machine::{CallState, Event};

/// Every change is one entry with event, time, person, and the resulting state.
pub async fn every_change_is_one_entry(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    s.pass(3);
    let decision = record.request.approve().by("alice");
    let after = s.apply(record.id(), Event::Decide(decision.clone())).await;
    s.apply(record.id(), Event::Decide(decision)).await;
    s.refuse(record.id(), Event::Expire).await;
    let history = s.store.history(0, 10).await.unwrap();
    assert!(!history.gap);
    let [(_, first), (_, second)] = history.entries.as_slice() else {
        panic!("two changes, and yet: {history:?}")
    };
    assert_eq!((first.event.as_str(), first.state), ("submitted", CallState::Pending));
    assert_eq!((first.version, first.at, &first.by), (1, record.updated_at, &None));
    assert_eq!((second.event.as_str(), second.state), ("decide", CallState::Approved));
    assert_eq!((second.id, &second.key), (record.id(), record.key()));
    assert_eq!((second.version, second.at), (2, after.updated_at));
    assert_eq!(second.by, Some("alice".into()));
}

/// Sequence numbers count up by one, and reading continues where it stopped.
pub async fn reading_goes_on_where_it_stopped(s: Subject) {
    for position in 0..7 {
        s.create(&Draft::new("run", position)).await;
    }
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let stretch = s.store.history(after, 3).await.unwrap();
        let Some((last, _)) = stretch.entries.last() else { break };
        assert!(stretch.entries.len() <= 3 && !stretch.gap);
        after = *last;
        seen.extend(stretch.entries.iter().map(|(seq, _)| *seq));
    }
    assert_eq!(seen, (1..=7).collect::<Vec<_>>());
    assert!(s.store.history(u64::MAX, 3).await.unwrap().entries.is_empty());
}

/// The history of one call has its own entries, in order; its last entry is the last of all.
pub async fn one_call_has_its_own_history(s: Subject) {
    assert_eq!(s.store.last_history_seq().await.unwrap(), 0);
    let first = s.create(&Draft::new("run", 1)).await;
    let second = s.create(&Draft::new("run", 2)).await;
    s.apply(first.id(), host("done")).await;
    let of = |id| {
        let store = Arc::clone(&s.store);
        async move { store.call_history(&tenant(), id).await.unwrap() }
    };
    let shape = |entries: &[(u64, crate::machine::HistoryEntry)]| {
        entries.iter().map(|(seq, entry)| (*seq, entry.event.clone())).collect::<Vec<_>>()
    };
    let history = of(first.id()).await;
    assert_eq!(shape(&history), [(1, "submitted".to_owned()), (3, "cancel".to_owned())]);
    assert_eq!(shape(&of(second.id()).await), [(2, "submitted".to_owned())]);
    assert_eq!(s.store.last_history_seq().await.unwrap(), 3);
    assert_eq!(of(crate::RequestId::new()).await, []);
    let other = crate::Tenant::new("somebody else");
    assert_eq!(s.store.call_history(&other, first.id()).await.unwrap(), []);
}

/// A reader beside writers sees a prefix without a gap: no earlier entry appears later.
pub async fn a_reader_beside_writers_misses_nothing(s: Subject) {
    const WRITERS: u64 = 4;
    const EACH: u64 = 10;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&s.store);
            tokio::spawn(async move {
                for position in 0..EACH {
                    let draft = Draft::new(&format!("run {writer}"), position);
                    store.submit(draft.call(), sealed(b"x")).await.unwrap();
                    store
                        .apply(&tenant(), draft.id(), host("done"), EventPayload::none())
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    let mut last = 0;
    s.soon("the end of the history", async {
        while last < WRITERS * EACH * 2 {
            let stretch = s.store.history(last, 7).await.unwrap();
            assert!(!stretch.gap);
            for (seq, _) in stretch.entries {
                assert_eq!(seq, last + 1, "no hole");
                last = seq;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    for writer in writers {
        writer.await.unwrap();
    }
}
