//! Claims of a task.

use super::Subject;
use crate::TaskId;

/// An unknown task can be claimed.
pub async fn an_unknown_task_can_be_claimed(s: Subject) {
    let task = TaskId::new();
    assert!(s.claim(task).await.get() >= 1);
    assert!(s.load(task).await.is_empty());
}

/// Every claim makes a greater epoch.
pub async fn each_claim_is_greater(s: Subject) {
    let task = TaskId::new();
    let mut last = s.claim(task).await;
    for _ in 0..5 {
        let next = s.claim(task).await;
        assert!(next > last, "{next} after {last}");
        last = next;
    }
}

/// A claim keeps the earlier entries.
pub async fn a_claim_keeps_the_entries(s: Subject) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    s.append(task, epoch, r#"{"n":1}"#).await;
    s.claim(task).await;
    assert_eq!(s.load(task).await, [r#"{"n":1}"#]);
}

/// A claim of one task does not affect the holder of another.
pub async fn tasks_are_held_apart(s: Subject) {
    let (one, other) = (TaskId::new(), TaskId::new());
    let epoch = s.claim(one).await;
    for _ in 0..3 {
        s.claim(other).await;
    }
    s.append(one, epoch, "1").await;
    assert_eq!(s.load(one).await, ["1"]);
    assert!(s.load(other).await.is_empty());
}
