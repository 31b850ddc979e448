//! Erasing the entries of a task.

use super::Subject;
use crate::{JournalErrorKind, TaskId, TaskState};

const DEFINED: &str = r#"{"v":1,"type":"defined","definition":{"name":"Export","version":1,"steps":[{"name":"Read","input":"()","output":"u8"}]}}"#;
const BEGUN: &str = r#"{"v":1,"type":"stepStarted","step":0,"attempt":1}"#;
const DONE: &str = r#"{"v":1,"type":"stepDone","step":0,"output":"private"}"#;
const ENDED: &str = r#"{"v":1,"type":"terminal","end":{"state":"completed"}}"#;

/// An ended task loses its entries and its holder, once; others keep theirs.
pub async fn invariant_8_of_an_ended_task_nothing_is_left(s: Subject) {
    let (task, other) = (TaskId::new(), TaskId::new());
    let mut held = s.claim(task).await;
    for id in [task, other] {
        let epoch = s.claim(id).await;
        for entry in [DEFINED, BEGUN, DONE, ENDED] {
            s.append(id, epoch, entry).await;
        }
        if id == task {
            held = epoch;
        }
    }
    assert!(s.journal.erase(task).await.expect("erase"));
    assert_eq!(s.load(task).await, Vec::<String>::new());
    s.refuse(task, held).await;
    let is_erased = async |id| s.journal.is_erased(id).await.expect("is_erased");
    assert!(is_erased(task).await && !is_erased(other).await && !is_erased(TaskId::new()).await);
    assert!(!s.journal.erase(task).await.expect("erase"), "there is nothing left");
    assert_eq!(s.load(other).await.len(), 4);
    assert!(!s.journal.erase(TaskId::new()).await.expect("erase"), "nor was there ever");
    let epoch = s.claim(task).await;
    s.append(task, epoch, DEFINED).await;
    assert_eq!(s.load(task).await, [DEFINED]);
}

/// A task that runs, or whose entries cannot be read, is kept.
pub async fn what_has_not_ended_is_kept(s: Subject) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    for entry in [DEFINED, BEGUN, DONE] {
        s.append(task, epoch, entry).await;
        let refused = s.journal.erase(task).await.expect_err("it has not ended");
        assert_eq!(refused.kind(), JournalErrorKind::Kept, "{refused}");
    }
    assert_eq!(s.load(task).await.len(), 3);
    s.append(task, epoch, ENDED).await;
    let strange = TaskId::new();
    let other = s.claim(strange).await;
    s.append(strange, other, "\"no entry\"").await;
    s.journal.erase(strange).await.expect_err("it cannot be read");
    assert_eq!(s.load(strange).await.len(), 1);
}

/// Of a failure that was erased nothing can be tried again, until the task ends again.
pub async fn a_failure_that_was_erased_is_neither_listed_nor_reopened(s: Subject) {
    let task = TaskId::new();
    let end = r#"{"v":1,"type":"terminal","end":{"state":"failed"}}"#;
    let epoch = s.claim(task).await;
    s.append(task, epoch, DEFINED).await;
    s.end(task, epoch, end, TaskState::Failed).await;
    assert!(!s.journal.is_erased(task).await.expect("is_erased"));
    assert!(s.journal.erase(task).await.expect("erase"));
    assert!(s.journal.failed(None, 10).await.expect("failed").is_empty());
    let refused = s.journal.reopen(task, b"1".to_vec()).await.expect_err("nothing is left");
    assert_eq!(refused.kind(), JournalErrorKind::NotFailed, "{refused}");
    let epoch = s.claim(task).await;
    s.append(task, epoch, DEFINED).await;
    s.end(task, epoch, end, TaskState::Failed).await;
    assert!(!s.journal.is_erased(task).await.expect("is_erased"));
    assert_eq!(s.journal.failed(None, 10).await.expect("failed"), [task]);
}
