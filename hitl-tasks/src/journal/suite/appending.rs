//! Appended entries are loaded unchanged.

use super::Subject;
use crate::TaskId;

/// A task without appends has no entries.
pub async fn an_unknown_task_has_no_entries(s: Subject) {
    assert!(s.load(TaskId::new()).await.is_empty());
}

/// Entries are loaded in order.
pub async fn entries_come_back_in_order(s: Subject) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    let entries: Vec<_> = (0..100).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    for entry in &entries {
        s.append(task, epoch, entry).await;
    }
    assert_eq!(s.load(task).await, entries);
}

/// Entries are loaded byte for byte: no key is sorted, no number rounded, no space lost.
pub async fn entries_come_back_unchanged(s: Subject) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    let entries = [
        r#"{"b":1,"a":2,"b":3}"#,
        "[1.0, 1e2, 9007199254740993, -0]",
        r#""\u0000 é e\u0301 '%_;--""#,
        "\"\u{202e} \u{1f600} é e\u{301}\"",
        " { } ",
        "null",
    ];
    for entry in entries {
        s.append(task, epoch, entry).await;
    }
    assert_eq!(s.load(task).await, entries);
}

/// An entry may be large.
pub async fn a_large_entry_is_kept(s: Subject) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    let entry = format!("\"{}\"", "x".repeat(4 << 20));
    s.append(task, epoch, &entry).await;
    s.append(task, epoch, "2").await;
    assert_eq!(s.load(task).await, [entry, "2".to_owned()]);
}

/// Equal entries are two entries.
pub async fn equal_entries_are_both_kept(s: Subject) {
    let task = TaskId::new();
    let epoch = s.claim(task).await;
    s.append(task, epoch, "1").await;
    s.append(task, epoch, "1").await;
    assert_eq!(s.load(task).await, ["1", "1"]);
}

/// No task sees another's entries.
pub async fn tasks_are_written_apart(s: Subject) {
    let tasks: Vec<_> = (0..10).map(|_| TaskId::new()).collect();
    for round in 0..3 {
        for (number, task) in tasks.iter().enumerate() {
            let epoch = s.claim(*task).await;
            s.append(*task, epoch, &format!("[{number},{round}]")).await;
        }
    }
    for (number, task) in tasks.iter().enumerate() {
        let expected: Vec<_> = (0..3).map(|round| format!("[{number},{round}]")).collect();
        assert_eq!(s.load(*task).await, expected);
    }
}
