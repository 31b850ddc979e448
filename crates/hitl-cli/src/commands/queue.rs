//! `hitl queue`: lists calls.

use std::io::{self, Write as _};

use hitl_base::Timestamp;
use hitl_core::queue::shown_to;
use hitl_core::{CallState, Principal, QueueOrder, QueueQuery};
use hitl_wire::GrantSummary;
use hitl_wire::queue::Count;

use super::{Output, named};
use crate::args::{OrderArg, QueueArgs};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::Failure;
use crate::view::{CallLine, CommandHint, broken_glass_line, queue_table};

/// The listed calls.
struct Listing {
    lines: Vec<CallLine>,
    more: bool,
    now: Timestamp,
    /// The number of calls whose outcome is unknown.
    unknown: Count,
    /// The grants in force that were given by breaking the glass.
    broken_glass: Vec<GrantSummary>,
}

pub(super) async fn run(
    source: &Backend,
    wanted: QueueArgs,
    output: &Output,
) -> Result<(), Failure> {
    let filter = Filter::of(&wanted);
    let Listing { lines, more, now, unknown, broken_glass } = match source {
        Backend::Store(store) => from_store(store, wanted).await?,
        Backend::Console(console) => from_console(console, &wanted)?,
    };
    if output.json {
        for line in &lines {
            output.print(line, String::new)?;
        }
    } else if lines.is_empty() {
        output.print(&(), || nothing(filter, &output.hint))?;
    } else {
        output.print(&(), || queue_table(&lines, now))?;
    }
    if more {
        writeln!(io::stderr(), "hitl: there are more; raise --limit")?;
    }
    for grant in &broken_glass {
        output.note(&broken_glass_line(grant, &output.hint))?;
    }
    let next = lines.first().map(|line| next_step(line.state));
    if let Some((what, verb)) = next {
        output.note(&format!("{what}: {}", output.hint.inline(&[verb, "ID"])))?;
    }
    if filter != Filter::Unknown
        && let Some(note) = unknown_note(unknown, &output.hint)
    {
        output.note(&note)?;
    }
    Ok(())
}

/// What was asked for, as far as an empty answer depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    /// Everything that waits.
    Waiting,
    /// Calls with an unknown outcome, among others.
    Unknown,
    /// Other calls, or only some of those that wait.
    Some,
}

impl Filter {
    fn of(wanted: &QueueArgs) -> Self {
        let QueueArgs { state, tool, priority, level, risk, run, principal, text, .. } = wanted;
        let everybodys = wanted.assigned.is_none() && !wanted.mine;
        if state.contains(&CallState::OutcomeUnknown) {
            return Self::Unknown;
        }
        let texts = [tool, run, principal, text].iter().all(|text| text.is_none());
        let all = everybodys && texts && priority.is_none() && level.is_none() && risk.is_none();
        let waits = state.iter().all(|state| *state == CallState::Pending);
        if all && waits { Self::Waiting } else { Self::Some }
    }
}

/// Renders an empty list.
fn nothing(filter: Filter, hint: &CommandHint) -> String {
    match filter {
        Filter::Waiting => {
            let ran = hint.inline(&["queue", "--state", "executed"]);
            let stats = hint.inline(&["stats"]);
            format!("Nothing waits. What has run: {ran}. How calls ended: {stats}.\n")
        }
        Filter::Unknown => "No such call: no outcome is unknown.\n".to_owned(),
        Filter::Some => "No such call.\n".to_owned(),
    }
}

/// Returns what a person does next about calls in this state, and the command for it.
fn next_step(state: CallState) -> (&'static str, &'static str) {
    match state {
        CallState::Pending => ("to see one and decide it", "approve"),
        CallState::OutcomeUnknown => ("to see one and say how it ended", "resolve"),
        _ => ("to see one", "show"),
    }
}

/// Returns the line about calls that nobody may notice, because they do not wait for an approval.
fn unknown_note(unknown: Count, hint: &CommandHint) -> Option<String> {
    let calls = match (unknown.counted, unknown.more) {
        (0, false) => return None,
        (1, false) => "1 call has an unknown outcome".to_owned(),
        _ => format!("{unknown} calls have an unknown outcome"),
    };
    let list = hint.inline(&["queue", "--state", CallState::OutcomeUnknown.name()]);
    Some(format!("{calls}: {list}"))
}

async fn from_store(source: &StoreBackend, wanted: QueueArgs) -> Result<Listing, Failure> {
    let limit = wanted.limit;
    let queue = source.gate.scoped_to(source.viewer()).queue();
    let away = source.gate.absences().await?;
    let assigned = match (&wanted.assigned, wanted.mine) {
        (Some(name), _) => vec![Principal::new(name.as_str())],
        (None, true) => shown_to(&Principal::new(named(wanted.name.clone())?), &away),
        (None, false) => Vec::new(),
    };
    let query = query(wanted).assigned(assigned);
    let mut lines: Vec<CallLine> = Vec::new();
    let mut at = query.clone().limit(limit);
    let (more, now) = loop {
        let page = queue.page(at).await?;
        lines.extend(page.entries.iter().map(|call| CallLine::from(call).with_absences(&away)));
        match page.next {
            Some(_) if lines.len() >= limit => break (true, page.now),
            Some(next) => at = query.clone().limit(limit - lines.len()).after(next),
            None => break (false, page.now),
        }
    };
    lines.truncate(limit);
    let unknown = queue.counts().await?.state(CallState::OutcomeUnknown).into();
    let mut broken_glass = Vec::new();
    for tenant in source.tenants().await? {
        let in_force = source.gate.broken_glass(&tenant).await?;
        broken_glass.extend(in_force.iter().map(|record| GrantSummary::new(record, now)));
    }
    Ok(Listing { lines, more, now, unknown, broken_glass })
}

fn from_console(console: &ConsoleClient, wanted: &QueueArgs) -> Result<Listing, Failure> {
    let limit = wanted.limit;
    let mut lines: Vec<CallLine> = Vec::new();
    let mut after = None;
    let (more, now, unknown, broken_glass) = loop {
        // A page has at most 200 calls, and a cursor is valid for any limit.
        let mut query = parameters(wanted);
        query.push(("limit", (limit - lines.len()).clamp(1, 200).to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let page = console.queue(&query)?;
        lines.extend(page.calls.into_iter().map(CallLine::from));
        match page.next {
            Some(_) if lines.len() >= limit => {
                break (true, page.now, page.counts.unknown, page.broken_glass);
            }
            Some(next) => after = Some(next),
            None => break (false, page.now, page.counts.unknown, page.broken_glass),
        }
    };
    lines.truncate(limit);
    Ok(Listing { lines, more, now, unknown, broken_glass })
}

/// Returns the parameters of the console's list.
fn parameters(wanted: &QueueArgs) -> Vec<(&'static str, String)> {
    let ended = wanted.state.iter().any(|state| state.is_terminal());
    let order = match wanted.order {
        _ if ended => "oldest",
        OrderArg::Reviewer => "priority",
        OrderArg::Due => "due",
        OrderArg::Created => "oldest",
    };
    let mut query = vec![("order", order.to_owned())];
    if !wanted.state.is_empty() {
        let names: Vec<_> = wanted.state.iter().copied().map(CallState::name).collect();
        query.push(("state", names.join(",")));
    }
    let mut add = |name, value: Option<String>| query.extend(value.map(|value| (name, value)));
    add("tool", wanted.tool.clone());
    add("priority", wanted.priority.map(|priority| priority.to_string()));
    add("level", wanted.level.map(|level| level.to_string()));
    add("risk", wanted.risk.map(|risk| risk.to_string()));
    add("principal", wanted.principal.clone());
    add("run", wanted.run.clone());
    add("assigned", wanted.assigned.clone());
    add("mine", wanted.mine.then(|| "true".to_owned()));
    add("text", wanted.text.clone());
    query
}

fn query(wanted: QueueArgs) -> QueueQuery {
    let ended = wanted.state.iter().any(|state| state.is_terminal());
    let mut query = QueueQuery::new(&wanted.state);
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
    if let Some(principal) = wanted.principal {
        query = query.principal(principal);
    }
    if let Some(text) = wanted.text {
        query = query.text(text);
    }
    query
}
