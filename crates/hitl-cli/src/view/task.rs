//! Tasks of a console and of a store's journal.

use std::fmt::Write as _;

use hitl_base::display::{clip, visible};
use hitl_core::approval::terminal::Style;
use hitl_tasks::{JournalSummary, ResultError, TaskProgress, TaskState};
use hitl_wire::TaskSummary;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Cell, Column, Screen, Table};
use crate::args::short_id;

/// The number of characters of a name that are shown.
const NAME: usize = 60;

/// The number of characters of a result that are shown; `--json` prints all of it.
const RESULT: usize = 4_000;

/// A task of a store's journal: the document of a console, and what only a journal knows.
#[derive(Serialize)]
pub(crate) struct StoredSummary<'a> {
    #[serde(flatten)]
    task: TaskSummary<&'a TaskProgress>,
    /// Tells `interrupted` from `pending`, `undoing` from `running`, and `timeout` from `failed`.
    state: TaskState,
}

/// A task of a store's journal with its result.
#[derive(Serialize)]
pub(crate) struct StoredTask<'a> {
    #[serde(flatten)]
    pub(crate) summary: StoredSummary<'a>,
    /// The result as the steps wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<&'a RawValue>,
}

/// Converts a task of a store's journal. The journal does not record whether the task waits.
pub(crate) fn stored_summary(task: &JournalSummary) -> StoredSummary<'_> {
    let progress = &task.progress;
    let (percent, steps_completed) = (progress.percent(), progress.steps_completed());
    let summary = TaskSummary {
        progress,
        percent,
        reached: percent,
        fell_to: None,
        retryable: false,
        steps_completed,
        waiting: false,
    };
    StoredSummary { task: summary, state: task.state }
}

/// Renders a task, its steps and its result for people.
pub(crate) fn task_text(
    task: &JournalSummary,
    result: &Result<Box<RawValue>, ResultError>,
) -> String {
    let safe = |text: &str| visible(&clip(text, RESULT)).into_owned();
    let progress = &task.progress;
    let mut text = format!(
        "{} {}: {}, {} %\n",
        short_id(&progress.task_id),
        safe(&progress.task_name),
        task.state,
        progress.percent()
    );
    for step in &progress.steps {
        let (number, status) = (step.index + 1, step.status.as_str());
        let _ = writeln!(text, "  {number}. {}: {status}", safe(&step.name));
    }
    let (label, shown) = match result {
        Ok(json) => ("result", safe(json.get())),
        Err(error) => ("no result", safe(&error.to_string())),
    };
    // Writing to a string does not fail.
    let _ = writeln!(text, "{label}: {shown}");
    text
}

/// The part of a task's progress that is shown; `--json` prints all of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskLine {
    task_id: String,
    task_name: String,
    status: String,
    /// The state, if a journal told it.
    #[serde(default)]
    state: Option<String>,
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
pub(crate) fn tasks_table(tasks: &[TaskSummary<TaskLine>], screen: Screen) -> String {
    let safe = |text: &str| visible(&clip(text, NAME)).into_owned();
    let columns = [
        Column::new("ID"),
        Column::new("STATUS"),
        Column::new("DONE").left_out_at(2),
        Column::new("STEP").shortened_to(10).left_out_at(1),
        Column::new("TASK").shortened_to(20),
    ];
    let rows = tasks.iter().map(|TaskSummary { progress: task, percent, waiting, .. }| {
        let state = task.state.as_deref().unwrap_or(&task.status);
        let status = if *waiting { "waiting for a human" } else { state };
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
        [
            safe(&short_id(&task.task_id)).into(),
            Cell::styled(status_style(status), safe(status)),
            format!("{percent} %").into(),
            step.into(),
            name.into(),
        ]
    });
    Table::with(columns, rows).text(screen)
}

/// Returns the style of a task's status, by its name in JSON.
fn status_style(status: &str) -> Style {
    match status {
        "completed" => Style::Good,
        "failed" | "timeout" => Style::Bad,
        "waiting for a human" | "interrupted" => Style::Warning,
        _ => Style::Plain,
    }
}

#[cfg(test)]
mod tests {
    use hitl_core::approval::terminal::ColorMode;

    use super::*;
    use crate::view::Width;

    #[test]
    fn a_task_is_a_line_and_nothing_in_it_moves_the_cursor() {
        let task = r#"{"taskId": "t-1", "taskName": "Ex\u001b[2Jport", "status": "running",
            "currentStep": 1, "totalSteps": 3, "steps": [{"name": "Read"}, {"name": "Convert"}],
            "percent": 40, "waiting": true, "more": [1.50]}"#;
        let screen = Screen::new(Width::Unlimited, ColorMode::Plain);
        let table = tasks_table(&[serde_json::from_str(task).unwrap()], screen);
        let line = table.lines().nth(1).unwrap();
        assert!(line.contains("waiting for a human  40 %  2 of 3: Convert"), "{line}");
        assert!(!line.contains('\u{1b}'));
    }
}
