//! `hitl tasks`: long-running work, and how far it is.

use super::Output;
use crate::exit::{Exit, Failure};
use crate::source::Source;
use crate::view::{TaskLine, tasks_table};

pub(super) fn run(source: &Source, output: &Output) -> Result<(), Failure> {
    let Source::Console(console) = source else {
        let why = "a store cannot say which tasks run: its journal holds what they need to go on, and \
                   no list of them; ask the console of the process that runs them, with --url";
        return Err(Failure::usage(why));
    };
    let tasks = console.tasks()?;
    if output.json {
        for task in &tasks {
            output.print(task, String::new)?;
        }
        return Ok(());
    }
    let lines: Result<Vec<TaskLine>, _> =
        tasks.iter().map(|task| serde_json::from_str(task.get())).collect();
    let lines = lines.map_err(|_| {
        Failure::new(Exit::Failed, "the console says of its tasks what this version cannot read")
    })?;
    Ok(output.print(&(), || tasks_table(&lines))?)
}
