//! `hitl queue`: lists calls.

use std::io;

use hitl_base::Timestamp;
use hitl_core::queue::{CappedCount, shown_to};
use hitl_core::{CallState, Principal};
use hitl_wire::GrantSummary;
use hitl_wire::queue::Count;

use super::{Output, freeze, named};
use crate::args::{FilterArgs, QueueArgs};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::Failure;
use crate::view::{CallLine, broken_glass_line, queue_table};

/// The listed calls.
struct Listing {
    lines: Vec<CallLine>,
    more: bool,
    now: Timestamp,
    /// The number of calls whose outcome is unknown.
    unknown: Count,
    /// The number of approved calls that nobody runs.
    idle: Count,
    /// The number of calls whose process died while it ran them.
    lost: Count,
    /// The grants in force that were given by breaking the glass.
    broken_glass: Vec<GrantSummary>,
}

pub(super) async fn run(
    source: &Backend,
    wanted: QueueArgs,
    output: &Output,
) -> Result<(), Failure> {
    let filter = Filter::of(&wanted);
    let states = wanted.state.clone();
    let Listing { lines, more, now, unknown, idle, lost, broken_glass } = match source {
        Backend::Store(store) => from_store(store, &wanted).await?,
        Backend::Console(console) => from_console(console, &wanted)?,
    };
    if let Some(warning) = freeze::warning(&freeze::in_force(source).await?, &output.hint) {
        output.note(&warning)?;
    }
    if output.json {
        for line in &lines {
            output.print(line, String::new)?;
        }
    } else if lines.is_empty() {
        say_nothing(filter, output)?;
    } else {
        output.print(&(), || queue_table(&lines, now, output.screen))?;
    }
    if more {
        Output::say_more()?;
    }
    for grant in &broken_glass {
        output.note(&broken_glass_line(grant, &output.hint))?;
    }
    if let Some(line) = lines.first() {
        let (what, verb) = next_step(line.state);
        output.suggest(what, &[verb, "ID"])?;
    }
    for (state, calls) in [
        (CallState::OutcomeUnknown, unknown),
        (CallState::Approved, idle),
        (CallState::Claimed, lost),
    ] {
        if calls.counted > 0 && !states.contains(&state) {
            output.suggest(&unnoticed(state, calls), &["queue", "--state", state.name()])?;
        }
    }
    Ok(())
}

/// Renders the number of calls in a state in which nobody may notice them: they wait for no
/// approval.
fn unnoticed(state: CallState, calls: Count) -> String {
    let (one, many) = match state {
        CallState::OutcomeUnknown => ("has an unknown outcome", "have an unknown outcome"),
        CallState::Approved => {
            ("is approved, and nobody runs it", "are approved, and nobody runs them")
        }
        _ => ("was running when its process died", "were running when their processes died"),
    };
    match (calls.counted, calls.more) {
        (1, false) => format!("1 call {one}"),
        _ => format!("{calls} calls {many}"),
    }
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
        let QueueArgs { state, filter, .. } = wanted;
        let FilterArgs { tool, priority, level, risk, run, principal, text } = filter;
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

/// Says that the list is empty.
fn say_nothing(filter: Filter, output: &Output) -> io::Result<()> {
    match filter {
        Filter::Waiting => output.print_nothing(
            "Nothing waits.",
            &[("What has run", &["queue", "--state", "executed"]), ("How calls ended", &["stats"])],
        ),
        Filter::Unknown => output.print_nothing("No such call: no outcome is unknown.", &[]),
        Filter::Some => output.print_nothing("No such call.", &[]),
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

async fn from_store(source: &StoreBackend, wanted: &QueueArgs) -> Result<Listing, Failure> {
    let limit = wanted.limit;
    let queue = source.gate.scoped_to(source.viewer()).queue();
    let away = source.gate.absences().await?;
    let assigned = match (&wanted.assigned, wanted.mine) {
        (Some(name), _) => vec![Principal::new(name.as_str())],
        (None, true) => shown_to(&Principal::new(named(wanted.name.clone())?), &away),
        (None, false) => Vec::new(),
    };
    let query = wanted.filter.query(&wanted.state, wanted.order).assigned(assigned);
    let mut lines: Vec<CallLine> = Vec::new();
    let mut at = query.clone().limit(limit);
    let (more, now) = loop {
        let page = queue.page(at).await?;
        let neglected = source.neglected(&page.entries).await?;
        let entries = page.entries.iter().zip(neglected);
        lines.extend(
            entries.map(|(record, why)| CallLine::from(record).with_absences(&away).neglected(why)),
        );
        match page.next {
            Some(_) if lines.len() >= limit => break (true, page.now),
            Some(next) => at = query.clone().limit(limit - lines.len()).after(next),
            None => break (false, page.now),
        }
    };
    lines.truncate(limit);
    let (counts, none) = (queue.counts().await?, Count::default());
    let is_any = |state| counts.state(state) != CappedCount::default();
    let idle = if is_any(CallState::Approved) { source.count_idle().await? } else { none };
    let lost = if is_any(CallState::Claimed) { source.count_lost().await? } else { none };
    let unknown = counts.state(CallState::OutcomeUnknown).into();
    let mut broken_glass = Vec::new();
    for tenant in source.tenants().await? {
        let in_force = source.gate.broken_glass(&tenant).await?;
        broken_glass.extend(in_force.iter().map(|record| GrantSummary::new(record, now)));
    }
    Ok(Listing { lines, more, now, unknown, idle, lost, broken_glass })
}

fn from_console(console: &ConsoleClient, wanted: &QueueArgs) -> Result<Listing, Failure> {
    let limit = wanted.limit;
    let mut lines: Vec<CallLine> = Vec::new();
    let mut after = None;
    let (more, now, counts, broken_glass) = loop {
        // A page has at most 200 calls, and a cursor is valid for any limit.
        let mut query = wanted.filter.parameters(&wanted.state, wanted.order);
        query.extend(wanted.assigned.clone().map(|name| ("assigned", name)));
        query.extend(wanted.mine.then(|| ("mine", "true".to_owned())));
        query.push(("limit", (limit - lines.len()).clamp(1, 200).to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let page = console.queue(&query)?;
        lines.extend(page.calls.into_iter().map(CallLine::from));
        match page.next {
            Some(_) if lines.len() >= limit => {
                break (true, page.now, page.counts, page.broken_glass);
            }
            Some(next) => after = Some(next),
            None => break (false, page.now, page.counts, page.broken_glass),
        }
    };
    lines.truncate(limit);
    let none = Count::default();
    let idle = if counts.approved == none { none } else { console.count_idle()? };
    // Only a store knows which processes are dead.
    let (unknown, lost) = (counts.unknown, none);
    Ok(Listing { lines, more, now, unknown, idle, lost, broken_glass })
}
