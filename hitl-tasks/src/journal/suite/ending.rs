//! The ends of tasks: how they are marked, listed and reopened.

use super::Subject;
use crate::{Epoch, JournalErrorKind, TaskId, TaskState};

const END: &str = r#"{"v":1,"type":"terminal","end":{"state":"failed"}}"#;
const AGAIN: &str = r#"{"v":1,"type":"retried"}"#;

/// The ends that can be reopened.
const FAILURES: [TaskState; 2] = [TaskState::Failed, TaskState::TimedOut];

async fn failed(s: &Subject) -> Vec<TaskId> {
    s.journal.failed(None, 100).await.expect("failed")
}

/// Claims a task and ends it.
async fn ended(s: &Subject, state: TaskState) -> (TaskId, Epoch) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    s.end(task, epoch, END, state).await;
    (task, epoch)
}

async fn cannot_be_reopened(s: &Subject, task: TaskId) {
    let before = s.load(task).await;
    let refused = s.journal.reopen(task, AGAIN.into()).await.expect_err("it has not failed");
    assert_eq!(refused.kind(), JournalErrorKind::NotFailed, "{refused}");
    assert_eq!(s.load(task).await, before, "a refused reopening writes nothing");
}

/// An end is the last entry; of all ends, failures and timeouts are listed.
pub async fn an_end_is_an_entry_and_failures_are_listed(s: Subject) {
    let mut expected = Vec::new();
    for state in
        [TaskState::Completed, TaskState::Failed, TaskState::Cancelled, TaskState::TimedOut]
    {
        let task = TaskId::new();
        let epoch = s.claim(task).await;
        s.append(task, epoch, "1").await;
        assert_eq!(failed(&s).await, expected, "it has not ended");
        s.end(task, epoch, END, state).await;
        assert_eq!(s.load(task).await, ["1", END]);
        if FAILURES.contains(&state) {
            expected.insert(0, task);
        }
        assert_eq!(failed(&s).await, expected, "{state}");
    }
    // Reading an end claims the task, and changes nothing.
    let held = s.claim(expected[0]).await;
    assert_eq!(failed(&s).await, expected);
    s.append(expected[0], held, "2").await;
}

/// An end under an older epoch writes and marks nothing.
pub async fn an_end_is_fenced(s: Subject) {
    let task = TaskId::new();
    let old = s.claim(task).await;
    let new = s.claim(task).await;
    for epoch in [old, new.next()] {
        let refused = s.journal.end(task, epoch, END.into(), TaskState::Failed).await;
        let error = refused.expect_err("it must be fenced");
        assert_eq!(error.kind(), JournalErrorKind::Fenced, "{error}");
    }
    assert!(s.load(task).await.is_empty() && failed(&s).await.is_empty());
    cannot_be_reopened(&s, task).await;
    s.end(task, new, END, TaskState::Failed).await;
    assert_eq!(failed(&s).await, [task]);
}

/// Failed tasks are listed once, from the greatest id down, page by page.
pub async fn failures_are_listed_page_by_page(s: Subject) {
    let mut tasks = Vec::new();
    for number in 0..7 {
        tasks.insert(0, ended(&s, FAILURES[number % 2]).await.0);
        ended(&s, TaskState::Completed).await;
    }
    let mut seen: Vec<TaskId> = Vec::new();
    loop {
        let page = s.journal.failed(seen.last().copied(), 3).await.expect("failed");
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, tasks);
}

/// A task that has not failed is not reopened, and its holder keeps it.
pub async fn what_has_not_failed_is_not_reopened(s: Subject) {
    cannot_be_reopened(&s, TaskId::new()).await;
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    cannot_be_reopened(&s, task).await;
    s.append(task, epoch, "1").await;
    cannot_be_reopened(&s, task).await;
    s.append(task, epoch, "2").await;
    assert_eq!(s.load(task).await, ["1", "2"]);
    for state in [TaskState::Completed, TaskState::Cancelled] {
        let (task, epoch) = ended(&s, state).await;
        cannot_be_reopened(&s, task).await;
        s.append(task, epoch, "3").await;
    }
}

/// A failure is reopened once: the former holder is fenced, the new one continues, and the task is
/// no longer listed. The next failure can be reopened too.
pub async fn a_failure_is_reopened_once(s: Subject) {
    for state in FAILURES {
        let (task, old) = ended(&s, state).await;
        let new = s.journal.reopen(task, AGAIN.into()).await.expect("reopen");
        assert!(new > old, "{new} after {old}");
        s.refuse(task, old).await;
        assert!(failed(&s).await.is_empty());
        cannot_be_reopened(&s, task).await;
        s.append(task, new, "1").await;
        assert_eq!(s.load(task).await, [END, AGAIN, "1"]);
        s.end(task, new, END, state).await;
        assert_eq!(failed(&s).await, [task]);
        let last = s.journal.reopen(task, AGAIN.into()).await.expect("reopen");
        assert_eq!(s.load(task).await, [END, AGAIN, "1", END, AGAIN]);
        s.end(task, last, END, TaskState::Completed).await;
        cannot_be_reopened(&s, task).await;
    }
}

/// Reopening one task does not affect another.
pub async fn failures_are_reopened_apart(s: Subject) {
    let (one, other) = (ended(&s, TaskState::Failed).await, ended(&s, TaskState::Failed).await);
    s.journal.reopen(one.0, AGAIN.into()).await.expect("reopen");
    assert_eq!(failed(&s).await, [other.0]);
    assert_eq!(s.load(other.0).await, [END]);
    s.append(other.0, other.1, "1").await;
}
