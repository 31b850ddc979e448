//! The state of a task as its journal describes it. Pure.

use std::sync::Arc;

use crate::id::TaskId;
use crate::journal::entry::{EndRecord, JournalContents};
use crate::journal::error::{JournalError, JournalErrorKind};
use crate::state::progress::TaskProgress;
use crate::state::status::Status;
use crate::state::task_state::TaskState;

/// A task as its journal describes it. Unknown, because it is not journaled: times, weights, the
/// progress of the running step, and whether any process is running the task now.
///
/// ```
/// # use hitl::tasks::{Journal, JournalError, JournalSummary, MemoryJournal};
/// # async fn list(journal: MemoryJournal) -> Result<(), JournalError> {
/// for task in journal.recent(None, 20).await? {
///     if let Some(known) = JournalSummary::read(task, &journal.load(task).await?)? {
///         println!("{}: {}", known.progress.task_name, known.state.as_str());
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JournalSummary {
    /// The tenant.
    pub tenant: Option<Arc<str>>,
    /// The state. A task that has started and not ended is running, even if its process was killed.
    /// One that was stopped with its host, or that is to be retried, is interrupted.
    pub state: TaskState,
    /// The progress, as a dashboard reads it.
    pub progress: TaskProgress,
}

impl JournalSummary {
    /// Returns whether the task belongs to a tenant.
    pub fn is_of(&self, tenant: &str) -> bool {
        self.tenant.as_deref() == Some(tenant)
    }

    /// Reads all [entries](crate::Journal::load) of a task. `None` for a task that was claimed and
    /// never begun. The error says which entry cannot be read, and quotes nothing.
    pub fn read(task: TaskId, entries: &[Vec<u8>]) -> Result<Option<Self>, JournalError> {
        let contents = JournalContents::read(entries)
            .map_err(|why| JournalError::new(JournalErrorKind::Corrupt, why))?;
        let Some(definition) = &contents.definition else { return Ok(None) };
        let names = definition.steps.iter().map(|step| Arc::clone(&step.name));
        let mut progress = TaskProgress::new(task, Arc::clone(&definition.name), names);
        let has_begun = |step: &usize| {
            contents.recent_attempts(*step) > 0 || contents.outputs.contains_key(step)
        };
        let begun = (0..progress.total_steps).rev().find(has_begun);
        progress.current_step = begun.unwrap_or(0);
        for step in &mut progress.steps {
            if contents.outputs.contains_key(&step.index) {
                (step.status, step.progress) = (Status::Completed, 100.0);
            } else if contents.recent_attempts(step.index) > 0 {
                step.status = Status::Running;
            }
        }
        let state = match (&contents.terminal, &contents.ending) {
            (Some(end), _) => end.state,
            (None, _) if contents.interrupted => TaskState::Interrupted,
            (None, Some(_)) => TaskState::Undoing,
            (None, None) if begun.is_some() => TaskState::Running,
            (None, None) => TaskState::Queued,
        };
        progress.status = state.status();
        let end: Option<&EndRecord> = contents.terminal.as_ref().or(contents.ending.as_ref());
        progress.error = end.and_then(|end| end.error.clone());
        if state.is_terminal() {
            let running = progress.steps.iter_mut().filter(|s| s.status == Status::Running);
            running.for_each(|step| step.status = progress.status);
        }
        Ok(Some(Self { tenant: definition.tenant.clone(), state, progress }))
    }
}

/// Checks that the entries of a task may be erased, and returns its tenant. Nothing is recorded of
/// a task that was claimed and never begun; the error then says that it has not ended.
pub fn check_erasable(task: TaskId, entries: &[Vec<u8>]) -> Result<Option<Arc<str>>, JournalError> {
    match JournalSummary::read(task, entries)? {
        Some(known) if known.state.has_ended() => Ok(known.tenant),
        None if entries.is_empty() => Ok(None),
        Some(_) | None => Err(JournalError::not_ended()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Completed, Failed, Pending, Running};

    const DEFINED: &str = r#"{"v":1,"type":"defined","definition":{"name":"Export","version":1,
        "tenant":"acme","steps":[{"name":"Read","input":"()","output":"u8"},
        {"name":"Write","input":"u8","output":"()"}]}}"#;

    fn read(entries: &[&str]) -> Option<JournalSummary> {
        let entries: Vec<_> = entries.iter().map(|entry| entry.as_bytes().to_vec()).collect();
        JournalSummary::read(TaskId::new(), &entries).unwrap()
    }

    #[test]
    fn a_task_is_as_far_as_its_entries_say() {
        let first = r#"{"v":1,"type":"stepStarted","step":0,"attempt":1}"#;
        let done = r#"{"v":1,"type":"stepDone","step":0,"output":7}"#;
        let second = r#"{"v":1,"type":"stepStarted","step":1,"attempt":1}"#;
        let failed = r#"{"v":1,"type":"terminal","end":{"state":"failed","error":"no disk"}}"#;
        assert_eq!(read(&[]), None);
        let told = |entries: &[&str]| {
            let known = read(entries).unwrap();
            let steps = known.progress.steps.iter().map(|step| step.status).collect::<Vec<_>>();
            (known.state, known.progress.current_step, known.progress.percent(), steps)
        };
        assert_eq!(told(&[DEFINED]), (TaskState::Queued, 0, 0, vec![Pending, Pending]));
        let begun = [DEFINED, first];
        assert_eq!(told(&begun), (TaskState::Running, 0, 0, vec![Running, Pending]));
        let half = [DEFINED, first, done, second];
        assert_eq!(told(&half), (TaskState::Running, 1, 50, vec![Completed, Running]));
        let over = [DEFINED, first, done, second, failed];
        assert_eq!(told(&over), (TaskState::Failed, 1, 50, vec![Completed, Failed]));
        let known = read(&over).unwrap();
        assert_eq!(known.tenant.as_deref(), Some("acme"));
        assert_eq!(known.progress.error.as_deref(), Some("no disk"));
        let stopped = r#"{"v":1,"type":"interrupted"}"#;
        let half = [DEFINED, first, done, second, stopped];
        assert_eq!(told(&half), (TaskState::Interrupted, 1, 50, vec![Completed, Pending]));
        let half = [DEFINED, first, done, second, stopped, second];
        assert_eq!(told(&half), (TaskState::Running, 1, 50, vec![Completed, Running]));
        let retried = [DEFINED, first, done, second, failed, r#"{"v":1,"type":"retried"}"#];
        assert_eq!(told(&retried), (TaskState::Interrupted, 0, 50, vec![Completed, Pending]));
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_said_and_not_quoted() {
        let error = JournalSummary::read(TaskId::new(), &[b"secret".to_vec()]).unwrap_err();
        assert_eq!(error.kind(), JournalErrorKind::Corrupt);
        assert!(!error.to_string().contains("secret"));
    }
}
