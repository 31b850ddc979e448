//! Tasks of a console and of a store's journal.

use hitl_base::display::{clip, visible};
use hitl_tasks::{JournalSummary, TaskProgress};
use hitl_wire::TaskSummary;
use serde::Deserialize;

use super::table;

/// The number of characters of a name that are shown.
const NAME: usize = 60;

/// Converts a task of a store's journal to the same document as a console's. The journal does not
/// record whether the task waits.
pub(crate) fn task_summary(task: &JournalSummary) -> TaskSummary<&TaskProgress> {
    let progress = &task.progress;
    let (percent, steps_completed) = (progress.percent(), progress.steps_completed());
    TaskSummary { progress, percent, steps_completed, waiting: false }
}

/// The part of a task's progress that is shown; `--json` prints all of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskLine {
    task_id: String,
    task_name: String,
    status: String,
    #[serde(default)]
    current_step: usize,
    total_steps: usize,
    #[serde(default)]
    steps: Vec<StepLine>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct StepLine {
    name: String,
}

/// Renders tasks for people.
pub(crate) fn tasks_table(tasks: &[TaskSummary<TaskLine>]) -> String {
    let safe = |text: &str| visible(&clip(text, NAME)).into_owned();
    let rows = tasks.iter().map(|TaskSummary { progress: task, percent, waiting, .. }| {
        let status = if *waiting { "waiting for a human" } else { task.status.as_str() };
        let step = match (task.status.as_str(), task.steps.get(task.current_step)) {
            ("completed", _) => format!("{0} of {0}", task.total_steps),
            (_, Some(step)) => {
                format!("{} of {}: {}", task.current_step + 1, task.total_steps, safe(&step.name))
            }
            (_, None) => format!("0 of {}", task.total_steps),
        };
        let name = match &task.error {
            Some(error) => format!("{}: {}", safe(&task.task_name), safe(error)),
            None => safe(&task.task_name),
        };
        [safe(&task.task_id), safe(status), format!("{percent} %"), step, name]
    });
    table(["ID", "STATUS", "DONE", "STEP", "TASK"], &rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_a_line_and_nothing_in_it_moves_the_cursor() {
        let task = r#"{"taskId": "t-1", "taskName": "Ex\u001b[2Jport", "status": "running",
            "currentStep": 1, "totalSteps": 3, "steps": [{"name": "Read"}, {"name": "Convert"}],
            "percent": 40, "waiting": true, "more": [1.50]}"#;
        let table = tasks_table(&[serde_json::from_str(task).unwrap()]);
        let line = table.lines().nth(1).unwrap();
        assert!(line.contains("waiting for a human  40 %  2 of 3: Convert"), "{line}");
        assert!(!line.contains('\u{1b}'));
    }
}
