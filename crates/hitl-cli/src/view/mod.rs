//! Output: tables and cards for people, JSON for programs. Pure.

mod call;
mod grant;
mod history;
mod stats;
mod table;
mod task;
mod uncovered;

pub(crate) use call::{CallLine, Card, card_text, queue_table, state_line};
pub(crate) use grant::{
    GrantResult, PreviewReport, grant_result_text, grant_text, grants_table, preview_text,
};
pub(crate) use history::{Change, ChangeEntry, NumberedEntry, change_line};
pub(crate) use stats::{OutcomeCounter, StatsReport, stats_text};
pub(crate) use table::table;
pub(crate) use task::{StoredTask, TaskLine, stored_summary, task_text, tasks_table};
pub(crate) use uncovered::uncovered_text;
