//! `hitl queue`: what waits.

use std::io::{self, Write as _};

use hitl_core::{CallRecord, QueueOrder, QueueQuery};

use super::Output;
use crate::arguments::QueueArguments;
use crate::exit::Failure;
use crate::source::Source;
use crate::view::{CallLine, queue_table};

pub(super) async fn run(
    source: &Source,
    wanted: QueueArguments,
    output: &Output,
) -> Result<(), Failure> {
    let limit = wanted.limit;
    let queue = source.gate.queue(source.viewer());
    let query = query(wanted);
    let mut records: Vec<CallRecord> = Vec::new();
    let mut at = query.clone().limit(limit);
    let more = loop {
        let page = queue.page(at).await?;
        records.extend(page.entries);
        match page.next {
            Some(_) if records.len() >= limit => break true,
            Some(next) => at = query.clone().limit(limit - records.len()).after(next),
            None => break false,
        }
    };
    records.truncate(limit);
    if output.json {
        for record in &records {
            output.print(&CallLine::of(record), String::new)?;
        }
    } else {
        let now = source.gate.now().await?;
        output.print(&(), || queue_table(&records, now))?;
    }
    if more {
        writeln!(io::stderr(), "hitl: there are more; raise --limit")?;
    }
    Ok(())
}

fn query(wanted: QueueArguments) -> QueueQuery {
    let ended = wanted.state.iter().any(|state| state.is_terminal());
    let mut query = QueueQuery::of(&wanted.state);
    query = query.order(if ended { QueueOrder::Created } else { wanted.order.into() });
    if let Some(tool) = wanted.tool {
        query = query.tool(tool);
    }
    if let Some(priority) = wanted.priority {
        query = query.priority(priority);
    }
    if let Some(level) = wanted.level {
        query = query.level(level);
    }
    if let Some(risk) = wanted.risk {
        query = query.risk(risk);
    }
    if let Some(run) = wanted.run {
        query = query.run(run);
    }
    if let Some(text) = wanted.text {
        query = query.text(text);
    }
    query
}
