//! Output: tables and cards for people, JSON for programs. Pure.

mod assigned;
mod broken_glass;
mod call;
mod grant;
mod hint;
mod history;
mod stats;
mod table;
mod task;
mod uncovered;

pub(crate) use assigned::{absences_text, assigned_text, assignment_text};
pub(crate) use broken_glass::broken_glass_line;
pub(crate) use call::{
    CallLine, Card, card_hints, card_text, queue_table, result_text, state_line,
};
pub(crate) use grant::{
    GrantResult, PreviewReport, grant_result_text, grant_text, grants_table, preview_text,
};
pub(crate) use hint::{CommandHint, Place};
pub(crate) use history::{Change, ChangeEntry, NumberedEntry, step_line};
pub(crate) use stats::{OutcomeCounter, StatsReport, stats_text};
pub(crate) use table::table;
pub(crate) use task::{StoredTask, TaskLine, stored_summary, task_text, tasks_table};
pub(crate) use uncovered::uncovered_text;
