//! The table of `hitl queue`.

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::CallState;
use hitl_core::approval::terminal::Style;

use super::style::{due_style, level_style, priority_style, state_style};
use super::{CallLine, Cell, Column, Screen, Table, assignment_text, due, relative};
use crate::args::short_id;

/// The maximum number of characters of a title, and of any other text.
const TITLE: usize = 200;
const WORD: usize = 60;
/// The longest name of a tool, which is never cut.
const TOOL: usize = 128;
/// The heading of the times of calls that all wait.
const DUE: &str = "DUE";

/// Renders the queue for people. If all calls wait, their state is left out. The time of a call
/// that does not wait is that of its last change: its end, if it has ended.
pub(crate) fn queue_table(lines: &[CallLine], now: Timestamp, screen: Screen) -> String {
    let all_wait = lines.iter().all(|line| line.state == CallState::Pending);
    let heading = if all_wait { DUE } else { "WHEN" };
    let state = Column::new("STATE");
    let assigned = Column::new("ASSIGNED TO").shortened_to(12).left_out_at(7);
    let is_assigned = lines.iter().any(|line| line.assigned.is_some());
    let columns = [
        Column::new("ID"),
        if all_wait { state.hidden() } else { state },
        Column::new("PRIORITY").left_out_at(1),
        Column::new("LEVEL").left_out_at(3),
        Column::new("RISK").left_out_at(6),
        Column::new(heading).left_out_at(5),
        Column::new("TOOL").shortened_to(12).left_out_at(2),
        Column::new("ASKED BY").shortened_to(12).left_out_at(4),
        if is_assigned { assigned } else { assigned.hidden() },
        Column::new("TITLE").shortened_to(28),
    ];
    Table::with(columns, lines.iter().map(|line| row(line, now, heading))).text(screen)
}

fn row(line: &CallLine, now: Timestamp, time: &str) -> [Cell; 10] {
    [
        short_id(&line.id).into(),
        state(line),
        Cell::styled(priority_style(line.priority), line.priority.to_string()),
        Cell::styled(level_style(line.level), line.level.to_string()),
        Cell::styled(Style::from(line.risk), line.risk.to_string()),
        when(line, now, time),
        safe(&line.tool, TOOL).into(),
        safe(line.principal.as_str(), WORD).into(),
        line.assigned.as_ref().map(assignment_text).unwrap_or_default().into(),
        Cell::styled(Style::Strong, safe(&line.title, TITLE)),
    ]
}

fn state(line: &CallLine) -> Cell {
    match line.neglect() {
        Some(neglect) => {
            Cell::styled(Style::Warning, format!("{}, {}", line.state, neglect.mark()))
        }
        None => Cell::styled(state_style(line.state), line.state.to_string()),
    }
}

/// Returns when a waiting call is due, and when another one has changed.
fn when(line: &CallLine, now: Timestamp, heading: &str) -> Cell {
    if line.state != CallState::Pending {
        return relative(line.updated_at, now).into();
    }
    let says = due(line.due_at, now);
    // Beside times that have passed, the heading does not say that it is due then.
    let says = if heading == DUE || line.due_at <= now { says } else { format!("due {says}") };
    Cell::styled(due_style(line.due_at, now), says)
}

fn safe(text: &str, max: usize) -> String {
    visible(&clip(text, max)).into_owned()
}
