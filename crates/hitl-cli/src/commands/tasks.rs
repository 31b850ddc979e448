//! `hitl tasks`: lists long-running work and its progress.

use std::io::{self, Write as _};

use hitl_wire::TaskSummary;
use serde_json::value::{RawValue, to_raw_value};

use super::Output;
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::view::{TaskLine, task_summary, tasks_table};

pub(super) async fn run(source: &Backend, limit: usize, output: &Output) -> Result<(), Failure> {
    // One more than is shown, to know whether there are more.
    let mut tasks = match source {
        Backend::Store(store) => from_store(store, limit.saturating_add(1)).await?,
        Backend::Console(console) => from_console(console)?,
    };
    let more = tasks.len() > limit;
    tasks.truncate(limit);
    if output.json {
        for task in &tasks {
            output.print(task, String::new)?;
        }
    } else {
        let lines: Result<Vec<TaskSummary<TaskLine>>, _> =
            tasks.iter().map(|task| serde_json::from_str(task.get())).collect();
        let lines = lines.map_err(|_| {
            let why = "this version cannot read the console's tasks";
            Failure::new(Exit::Failed, why)
        })?;
        output.print(&(), || tasks_table(&lines))?;
    }
    if more {
        writeln!(io::stderr(), "hitl: there are more; raise --limit")?;
    }
    Ok(())
}

fn from_console(console: &ConsoleClient) -> Result<Vec<Box<RawValue>>, Failure> {
    console.tasks()
}

async fn from_store(store: &StoreBackend, most: usize) -> Result<Vec<Box<RawValue>>, Failure> {
    let tasks = store.tasks(most).await?;
    Ok(tasks.iter().map(|task| to_raw_value(&task_summary(task))).collect::<Result<_, _>>()?)
}
