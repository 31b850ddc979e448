//! `hitl tasks`: lists long-running work and its progress, shows results, and marks failed tasks to
//! be retried.

use hitl_tasks::TaskId;
use hitl_wire::TaskSummary;
use serde_json::value::{RawValue, to_raw_value};

use super::Output;
use crate::args::{TasksArgs, short_id};
use crate::backend::{Backend, ConsoleClient, StoreBackend, Which};
use crate::exit::{Exit, Failure};
use crate::view::{StoredTask, TaskLine, stored_summary, task_text, tasks_table};

pub(super) async fn run(
    source: &Backend,
    wanted: TasksArgs,
    output: &Output,
) -> Result<(), Failure> {
    let TasksArgs { limit, failed, id, retry: to_retry } = wanted;
    let store = match source {
        Backend::Store(store) => store,
        Backend::Console(console) if !failed && id.is_none() && to_retry.is_none() => {
            return list(from_console(console)?, limit, Which::All, output);
        }
        Backend::Console(_) => {
            let why = "a console lists only tasks that live; for results and failures use --db";
            return Err(Failure::usage(why));
        }
    };
    match (to_retry, id) {
        (Some(id), _) => retry(store, store.task_id(&id).await?, output).await,
        (None, Some(id)) => show(store, store.task_id(&id).await?, output).await,
        (None, None) => {
            // One more than is shown, to know whether there are more.
            let which = if failed { Which::Failed } else { Which::All };
            let tasks = from_store(store, which, limit.saturating_add(1)).await?;
            list(tasks, limit, which, output)
        }
    }
}

/// Shows a task with its result.
async fn show(store: &StoreBackend, id: TaskId, output: &Output) -> Result<(), Failure> {
    let (task, result) = store.task(id).await?;
    let document = StoredTask { summary: stored_summary(&task), result: result.as_deref().ok() };
    output.print_folded(&document, || task_text(&task, &result))?;
    Ok(())
}

/// Marks a failed task to be retried.
async fn retry(store: &StoreBackend, id: TaskId, output: &Output) -> Result<(), Failure> {
    store.retry_task(id).await?;
    let (task, _) = store.task(id).await?;
    output.print(&stored_summary(&task), || {
        format!("task {} continues when its program submits it the next time\n", short_id(&id))
    })?;
    Ok(())
}

fn list(
    mut tasks: Vec<Box<RawValue>>,
    limit: usize,
    which: Which,
    output: &Output,
) -> Result<(), Failure> {
    let more = tasks.len() > limit;
    tasks.truncate(limit);
    if output.json {
        for task in &tasks {
            output.print(task, String::new)?;
        }
    } else {
        if tasks.is_empty() {
            let nothing = match which {
                Which::All => "No tasks.\n",
                Which::Failed => "No task has failed.\n",
            };
            return Ok(output.print(&(), || nothing.to_owned())?);
        }
        let lines: Result<Vec<TaskSummary<TaskLine>>, _> =
            tasks.iter().map(|task| serde_json::from_str(task.get())).collect();
        let lines = lines.map_err(|_| {
            let why = "this version cannot read the console's tasks";
            Failure::new(Exit::Failed, why)
        })?;
        output.print(&(), || tasks_table(&lines, output.screen))?;
    }
    if more {
        Output::say_more()?;
    }
    Ok(())
}

fn from_console(console: &ConsoleClient) -> Result<Vec<Box<RawValue>>, Failure> {
    console.tasks()
}

async fn from_store(
    store: &StoreBackend,
    which: Which,
    most: usize,
) -> Result<Vec<Box<RawValue>>, Failure> {
    let tasks = store.tasks(which, most).await?;
    Ok(tasks.iter().map(|task| to_raw_value(&stored_summary(task))).collect::<Result<_, _>>()?)
}
