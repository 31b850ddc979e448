//! The list of tasks.

use super::Subject;
use crate::TaskId;

/// Every claimed task is listed once, from the greatest id down, page by page.
pub async fn tasks_are_listed_from_the_greatest_down(s: Subject) {
    let mut tasks: Vec<TaskId> = (0..7).map(|_| TaskId::new()).collect();
    for task in &tasks {
        let epoch = s.claim(*task).await;
        s.append(*task, epoch, "1").await;
        s.claim(*task).await;
    }
    tasks.sort_unstable();
    tasks.reverse();
    let recent = async |before, limit| s.journal.recent(before, limit).await.expect("recent");
    assert_eq!(recent(None, 100).await, tasks);
    let mut seen = Vec::new();
    while let Some(page) = Some(recent(seen.last().copied(), 3).await).filter(|p| !p.is_empty()) {
        assert!(page.len() <= 3);
        seen.extend(page);
    }
    assert_eq!(seen, tasks);
    // An unknown id is a valid position too.
    let later = TaskId::new();
    assert_eq!(recent(Some(later), 100).await, tasks);
}
