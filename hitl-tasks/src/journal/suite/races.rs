//! Races: one holder, and nothing acknowledged is lost.

use std::collections::HashSet;
use std::sync::Arc;

use super::Subject;
use crate::{Epoch, JournalErrorKind, TaskId, TaskState};

/// The number of concurrent tasks.
const RACERS: usize = 16;

/// Of concurrent claims all epochs differ, and the greatest one holds the task.
pub async fn of_many_claims_the_greatest_holds(s: Subject) {
    let task = TaskId::new();
    let claims: Vec<_> = (0..RACERS)
        .map(|_| {
            let journal = Arc::clone(&s.journal);
            tokio::spawn(async move { journal.claim(task).await.unwrap() })
        })
        .collect();
    let mut epochs = Vec::new();
    for claim in claims {
        epochs.push(s.soon("a claim", claim).await.unwrap());
    }
    assert_eq!(epochs.iter().collect::<HashSet<_>>().len(), RACERS, "{epochs:?}");
    epochs.sort();
    let greatest = epochs.pop().unwrap();
    for epoch in epochs {
        s.refuse(task, epoch).await;
    }
    s.append(task, greatest, "1").await;
}

/// Of concurrent retries of one failure exactly one begins, and holds the task.
pub async fn of_many_reopenings_one_begins(s: Subject) {
    let task = TaskId::new();
    let mut epoch = s.claim(task).await;
    for round in 1..=3 {
        s.end(task, epoch, "1", TaskState::Failed).await;
        let retries: Vec<_> = (0..RACERS)
            .map(|number| {
                let journal = Arc::clone(&s.journal);
                let entry = format!("[{number}]").into_bytes();
                tokio::spawn(async move { journal.reopen(task, entry).await })
            })
            .collect();
        let mut begun = Vec::new();
        for retry in retries {
            match s.soon("a retry", retry).await.unwrap() {
                Ok(epoch) => begun.push(epoch),
                Err(error) => assert_eq!(error.kind(), JournalErrorKind::NotFailed, "{error}"),
            }
        }
        assert_eq!(begun.len(), 1, "{begun:?}");
        assert_eq!(s.load(task).await.len(), 2 * round);
        epoch = begun[0];
    }
    s.append(task, epoch, "2").await;
}

/// Concurrent appends of one holder are all kept, each once.
pub async fn appends_at_once_are_all_kept(s: Subject) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    let appends: Vec<_> = (0..RACERS)
        .map(|number| {
            let journal = Arc::clone(&s.journal);
            let entry = number.to_string().into_bytes();
            tokio::spawn(async move { journal.append(task, epoch, entry).await.unwrap() })
        })
        .collect();
    for append in appends {
        s.soon("an append", append).await.unwrap();
    }
    let mut kept: Vec<usize> =
        s.load(task).await.iter().map(|entry| entry.parse().unwrap()).collect();
    kept.sort_unstable();
    assert_eq!(kept, (0..RACERS).collect::<Vec<_>>());
}

/// Holders take a task over from each other: acknowledged entries are kept, fenced ones are not,
/// and once a newer holder has written, no older one does.
pub async fn invariant_10_takeovers_lose_and_invent_nothing(s: Subject) {
    let task = TaskId::new();
    let holders: Vec<_> = (0..RACERS)
        .map(|_| {
            let journal = Arc::clone(&s.journal);
            tokio::spawn(async move {
                let mut kept = Vec::new();
                let epoch: Epoch = journal.claim(task).await.unwrap();
                for number in 0..20_u64 {
                    let entry = format!("[{epoch},{number}]");
                    match journal.append(task, epoch, entry.clone().into_bytes()).await {
                        Ok(()) => kept.push(entry),
                        Err(error) => {
                            assert_eq!(error.kind(), JournalErrorKind::Fenced, "{error}");
                            break;
                        }
                    }
                    tokio::task::yield_now().await;
                }
                kept
            })
        })
        .collect();
    let mut acknowledged = HashSet::new();
    for holder in holders {
        acknowledged.extend(s.soon("a holder", holder).await.unwrap());
    }
    let entries = s.load(task).await;
    let kept: HashSet<_> = entries.iter().cloned().collect();
    assert_eq!(kept, acknowledged);
    assert_eq!(kept.len(), entries.len(), "nothing is kept twice");
    let order: Vec<(u64, u64)> =
        entries.iter().map(|entry| serde_json::from_str(entry).unwrap()).collect();
    assert!(order.is_sorted(), "{order:?}");
}
