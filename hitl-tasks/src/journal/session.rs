//! The journal of one task, as its driver reads and writes it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::define::erased_step::ErasedStep;
use crate::error::{TaskError, TaskErrorKind};
use crate::id::TaskId;
use crate::journal::contract::{Epoch, Journal};
use crate::journal::entry::{
    Definition, EndRecord, EntryKind, FailureCode, JournalContents, JournalEntry, ResultShape,
    StepDefinition,
};
use crate::journal::error::{JournalError, JournalErrorKind};
use crate::state::record::Record;
use crate::state::task_state::TaskState;
use crate::state::termination::Termination;
use crate::sync::{Mutex, lock, sleep};

/// The maximum number of retries of a call, if the journal is unreachable or does not know the
/// outcome.
const MAX_RETRIES: u32 = 5;

/// The timeout of one call, after which its outcome counts as unknown.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The timeout of recording that the task is interrupted, which nothing depends on.
const INTERRUPTION_TIMEOUT: Duration = Duration::from_secs(2);

/// The delay before the first retry; it doubles.
const FIRST_DELAY: Duration = Duration::from_millis(50);

/// A journaled task that this process holds.
pub(crate) struct JournalSession {
    record: Arc<Record>,
    epoch: Epoch,
    contents: JournalContents,
    /// The decided end, if undoing had begun before a restart.
    ending: Option<EndRecord>,
    /// Steps whose bodies completed and whose outputs could not be recorded.
    unrecorded: Mutex<Vec<usize>>,
}

pub(crate) enum OpenedJournal {
    Active(Box<JournalSession>),
    Ended(EndedTask),
}

/// A task that ended before a restart.
pub(crate) struct EndedTask {
    pub(crate) end: Termination,
    pub(crate) outputs: HashMap<usize, Box<RawValue>>,
}

impl JournalSession {
    /// Claims the task and reads its entries.
    pub(crate) async fn open(
        record: &Arc<Record>,
        nodes: &[&dyn ErasedStep],
    ) -> Result<OpenedJournal, Termination> {
        let journal = journal(record)?;
        let id = record.id();
        let definition = definition(record, nodes);
        // Stopping here loses nothing: every call may be dropped half-way.
        let opening = async {
            let epoch = if record.info().is_retry() {
                reopen(journal, id, &definition).await?
            } else {
                with_retry(|| journal.claim(id)).await?
            };
            let entries = with_retry(|| journal.load(id)).await?;
            Ok::<_, Termination>((epoch, entries))
        };
        let (epoch, entries) = tokio::select! {
            biased;
            opened = opening => opened?,
            () = wait_for_stop(record) => return Err(Termination::Cancelled),
        };
        let contents = read(&entries)?;
        let difference = contents.definition.as_ref().map(|old| old.difference(&definition));
        let ending = contents.ending.clone();
        // Its output is lost with the process that had it, so it cannot be undone, which is
        // reported.
        let failed = ending.as_ref().filter(|end| end.failure == Some(FailureCode::NotDurable));
        let unrecorded: Vec<_> = failed.and_then(|end| end.failed_step).into_iter().collect();
        let unrecorded = Mutex::new(unrecorded);
        let session = Self { record: Arc::clone(record), epoch, contents, ending, unrecorded };
        match difference {
            Some(Some(difference)) => {
                return Err(Termination::Abandoned(TaskError::definition_changed(&difference)));
            }
            Some(None) => {}
            None => {
                let definition = Some(definition);
                session
                    .append(JournalEntry {
                        kind: EntryKind::Defined,
                        definition,
                        ..JournalEntry::default()
                    })
                    .await?;
            }
        }
        Ok(match &session.contents.terminal {
            Some(terminal) => OpenedJournal::Ended(EndedTask {
                end: Termination::Recorded(terminal.state, terminal.task_error()),
                outputs: session.contents.outputs,
            }),
            None => OpenedJournal::Active(Box::new(session)),
        })
    }

    // Entries from before a restart.

    pub(crate) fn attempts(&self, step: usize) -> u32 {
        self.contents.attempts(step)
    }

    /// Returns how many attempts of a step have used up its retries.
    pub(crate) fn recent_attempts(&self, step: usize) -> u32 {
        self.contents.recent_attempts(step)
    }

    /// Returns how often a step was undone before a retry of the task.
    pub(crate) fn round(&self, step: usize) -> u32 {
        self.contents.round(step)
    }

    pub(crate) fn output(&self, step: usize) -> Option<&RawValue> {
        self.contents.outputs.get(&step).map(|output| &**output)
    }

    pub(crate) fn is_done(&self, step: usize) -> bool {
        self.contents.outputs.contains_key(&step)
    }

    /// Returns the decided end.
    pub(crate) fn decided_end(&self) -> Option<Termination> {
        let ending = self.ending.as_ref()?;
        Some(Termination::Recorded(ending.state, ending.task_error()))
    }

    pub(crate) fn undo_attempts(&self, step: usize) -> u32 {
        self.contents.undo_attempts(step)
    }

    /// Returns the outcome of undoing a step: the error, if it failed.
    pub(crate) fn undo_result(&self, step: usize) -> Option<&Option<Arc<str>>> {
        self.contents.undone.get(&step)
    }

    // New entries.

    pub(crate) async fn record_step_started(
        &self,
        step: usize,
        attempt: u32,
    ) -> Result<(), Termination> {
        self.append(step_entry(EntryKind::StepStarted, step, Some(attempt))).await
    }

    pub(crate) async fn record_step_done(
        &self,
        step: usize,
        output: Box<RawValue>,
    ) -> Result<(), Termination> {
        self.append(JournalEntry {
            output: Some(output),
            ..step_entry(EntryKind::StepDone, step, None)
        })
        .await
    }

    /// Notes a step whose body completed and whose output cannot be recorded: only this process can
    /// undo it.
    pub(crate) fn mark_unrecorded(&self, step: usize) {
        lock(&self.unrecorded).push(step);
    }

    /// Returns the steps to undo although they are not recorded as completed.
    pub(crate) fn unrecorded_steps(&self) -> Vec<usize> {
        lock(&self.unrecorded).clone()
    }

    pub(crate) async fn record_undoing(
        &self,
        record: &Record,
        end: &Termination,
    ) -> Result<(), Termination> {
        if self.ending.is_some() {
            return Ok(());
        }
        let end = Some(end_record(record, end));
        self.append(JournalEntry { kind: EntryKind::Undoing, end, ..JournalEntry::default() }).await
    }

    pub(crate) async fn record_undo_started(
        &self,
        step: usize,
        attempt: u32,
    ) -> Result<(), Termination> {
        self.append(step_entry(EntryKind::UndoStarted, step, Some(attempt))).await
    }

    pub(crate) async fn record_undo_done(
        &self,
        step: usize,
        error: Option<&str>,
    ) -> Result<(), Termination> {
        let error = error.map(Arc::from);
        self.append(JournalEntry { error, ..step_entry(EntryKind::UndoDone, step, None) }).await
    }

    /// Records the end. Returns it, or the reason why it could not be recorded. `group` is the
    /// number of parallel steps whose outputs together are the result.
    pub(crate) async fn record_end(
        &self,
        record: &Record,
        end: Termination,
        group: Option<usize>,
    ) -> Termination {
        let mut ended = end_record(record, &end);
        if ended.state == TaskState::Completed {
            let type_name = record.info().output_type().into();
            ended.result = Some(ResultShape { type_name, group });
        }
        match self.append_end(ended).await {
            Ok(()) => end,
            Err(left) => left,
        }
    }

    async fn append_end(&self, end: EndRecord) -> Result<(), Termination> {
        let journal = journal(&self.record)?;
        let (id, state) = (self.record.id(), end.state);
        let entry =
            JournalEntry { kind: EntryKind::Terminal, end: Some(end), ..JournalEntry::default() };
        let bytes = write(entry)?;
        with_retry(|| journal.end(id, self.epoch, bytes.clone(), state)).await
    }

    /// Records that the host stops, for people who list tasks. Tried once: nothing depends on it.
    pub(crate) async fn record_interrupted(&self) {
        let entry = JournalEntry { kind: EntryKind::Interrupted, ..JournalEntry::default() };
        let (Ok(journal), Ok(bytes)) = (journal(&self.record), write(entry)) else { return };
        let written = tokio::select! {
            biased;
            written = journal.append(self.record.id(), self.epoch, bytes) => written.is_ok(),
            () = sleep(INTERRUPTION_TIMEOUT) => false,
        };
        if !written {
            let task = self.record.id();
            tracing::debug!(%task, "the journal does not have that the task was interrupted");
        }
    }

    async fn append(&self, entry: JournalEntry) -> Result<(), Termination> {
        let journal = journal(&self.record)?;
        let bytes = write(entry)?;
        let id = self.record.id();
        with_retry(|| journal.append(id, self.epoch, bytes.clone())).await
    }
}

fn unwritable(error: JournalError) -> Termination {
    Termination::Abandoned(TaskError::journal(&error.to_string()))
}

fn write(entry: JournalEntry) -> Result<Vec<u8>, Termination> {
    entry.into_bytes().map_err(unwritable)
}

fn read(entries: &[Vec<u8>]) -> Result<JournalContents, Termination> {
    JournalContents::read(entries).map_err(|text| Termination::Abandoned(TaskError::journal(&text)))
}

/// Claims a failed task and begins it again. Another definition, or another tenant's, changes
/// nothing.
async fn reopen(
    journal: &dyn Journal,
    id: TaskId,
    definition: &Definition,
) -> Result<Epoch, Termination> {
    let contents = read(&with_retry(|| journal.load(id)).await?)?;
    let recorded = contents.definition.as_ref();
    if let Some(difference) = recorded.and_then(|old| old.difference(definition)) {
        return Err(Termination::Abandoned(TaskError::definition_changed(&difference)));
    }
    let entry = JournalEntry::retried().map_err(unwritable)?;
    let error = match with_retry(|| journal.reopen(id, entry.clone())).await {
        Err(Termination::Abandoned(error)) if error.kind() == TaskErrorKind::NotFailed => error,
        result => return result,
    };
    // It may be this very retry that has begun, by a call whose answer was lost.
    let entries = with_retry(|| journal.load(id)).await?;
    if entries.last() == Some(&entry) {
        return with_retry(|| journal.claim(id)).await;
    }
    Err(Termination::Abandoned(error))
}

fn journal(record: &Record) -> Result<&dyn Journal, Termination> {
    let journal = record.environment().journal.as_deref();
    journal.ok_or_else(|| Termination::Abandoned(TaskError::journal("the manager has none")))
}

async fn wait_for_stop(record: &Record) {
    while !record.is_stopping() {
        record.waker().notified().await;
    }
}

/// Retries a call while that may help. Every call of a journal may be repeated.
async fn with_retry<T, F>(mut call: impl FnMut() -> F) -> Result<T, Termination>
where
    F: Future<Output = Result<T, JournalError>>,
{
    let mut delay = FIRST_DELAY;
    let mut retries = 0;
    loop {
        let error = tokio::select! {
            biased;
            result = call() => match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            },
            () = sleep(CALL_TIMEOUT) => {
                JournalError::new(JournalErrorKind::Ambiguous, "the journal does not answer")
            }
        };
        match error.kind() {
            JournalErrorKind::Fenced => {
                return Err(Termination::Abandoned(TaskError::taken_over()));
            }
            JournalErrorKind::NotFailed => {
                return Err(Termination::Abandoned(TaskError::not_failed()));
            }
            JournalErrorKind::Ambiguous | JournalErrorKind::Unavailable
                if retries < MAX_RETRIES => {}
            _ => return Err(Termination::Abandoned(TaskError::journal(&error.to_string()))),
        }
        retries += 1;
        sleep(delay).await;
        delay *= 2;
    }
}

fn step_entry(kind: EntryKind, step: usize, attempt: Option<u32>) -> JournalEntry {
    JournalEntry { kind, step: Some(step), attempt, ..JournalEntry::default() }
}

fn end_record(record: &Record, end: &Termination) -> EndRecord {
    match end {
        Termination::Completed => EndRecord::new(TaskState::Completed, None),
        Termination::Failed(error) | Termination::Abandoned(error) => {
            EndRecord::new(TaskState::Failed, Some(error))
        }
        Termination::TimedOut(limit) => {
            EndRecord::new(TaskState::TimedOut, Some(&TaskError::timed_out(*limit)))
        }
        Termination::Cancelled => {
            let error = record.stop_error().unwrap_or_else(|| TaskError::cancelled(None));
            EndRecord::new(TaskState::Cancelled, Some(&error))
        }
        Termination::Recorded(state, error) => EndRecord::new(*state, error.as_ref()),
    }
}

fn definition(record: &Record, nodes: &[&dyn ErasedStep]) -> Definition {
    let info = record.info();
    let steps = info.steps().iter().zip(nodes).map(|(step, node)| {
        let types = node.types();
        StepDefinition {
            name: step.shared_name(),
            input: types.input.into(),
            output: types.output.into(),
        }
    });
    Definition {
        name: Arc::clone(info.shared_name()),
        version: info.version(),
        tenant: info.tenant().map(Into::into),
        steps: steps.collect(),
    }
}
