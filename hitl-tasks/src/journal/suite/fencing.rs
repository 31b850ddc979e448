//! The right to write.

use super::Subject;
use crate::{Epoch, TaskId};

/// An older epoch cannot write.
pub async fn an_older_epoch_is_fenced(s: Subject) {
    let task = TaskId::new();
    let old = s.claim(task).await;
    s.append(task, old, "1").await;
    let new = s.claim(task).await;
    s.refuse(task, old).await;
    s.append(task, new, "2").await;
    s.refuse(task, old).await;
    assert_eq!(s.load(task).await, ["1", "2"]);
}

/// A new claim fences even before its holder has written.
pub async fn a_claim_fences_at_once(s: Subject) {
    let task = TaskId::new();
    let old = s.claim(task).await;
    s.claim(task).await;
    s.refuse(task, old).await;
    assert!(s.load(task).await.is_empty());
}

/// An epoch that was never claimed cannot write.
pub async fn an_epoch_that_was_never_claimed_is_fenced(s: Subject) {
    let task = TaskId::new();
    s.refuse(task, Epoch::FIRST).await;
    let epoch = s.claim(task).await;
    s.refuse(task, epoch.next()).await;
    s.append(task, epoch, "1").await;
}
