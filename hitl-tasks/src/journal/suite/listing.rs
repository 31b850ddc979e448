//! Which tasks there are.

use super::Subject;
use crate::TaskId;

/// Every task that was claimed is listed once, from the greatest id down, page by page.
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
    // A task of which nothing is known is a place in the order all the same.
    let later = TaskId::new();
    assert_eq!(recent(Some(later), 100).await, tasks);
}
