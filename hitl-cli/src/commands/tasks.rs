//! `hitl tasks`: long-running work, and how far it is.

use std::io::{self, Write as _};

use hitl_wire::TaskSummary;
use serde_json::value::{RawValue, to_raw_value};

use super::Output;
use crate::exit::{Exit, Failure};
use crate::source::{Console, Source, StoreSource};
use crate::view::{TaskLine, task_summary, tasks_table};

pub(super) async fn run(source: &Source, limit: usize, output: &Output) -> Result<(), Failure> {
    // One more than is shown, to know whether there are more.
    let mut tasks = match source {
        Source::Store(store) => of_store(store, limit.saturating_add(1)).await?,
        Source::Console(console) => of_console(console)?,
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
            let why = "the console says of its tasks what this version cannot read";
            Failure::new(Exit::Failed, why)
        })?;
        output.print(&(), || tasks_table(&lines))?;
    }
    if more {
        writeln!(io::stderr(), "hitl: there are more; raise --limit")?;
    }
    Ok(())
}

fn of_console(console: &Console) -> Result<Vec<Box<RawValue>>, Failure> {
    console.tasks()
}

async fn of_store(store: &StoreSource, most: usize) -> Result<Vec<Box<RawValue>>, Failure> {
    let tasks = store.tasks(most).await?;
    Ok(tasks.iter().map(|task| to_raw_value(&task_summary(task))).collect::<Result<_, _>>()?)
}
