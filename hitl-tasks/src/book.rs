//! What the driver of one journaled task writes and reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::journal::entry::{
    Definition, EndRecord, Entry, FailureWord, Kind, Recorded, StepDefinition,
};
use crate::journal::{Epoch, Journal, JournalError, JournalErrorKind};
use crate::record::{End, Record};
use crate::step::Node;
use crate::sync::{Mutex, lock, sleep};
use crate::{TaskError, TaskState};

/// How often a call is repeated when the journal cannot be reached or does not know what it did.
const REPEATS: u32 = 5;

/// How long one call may take before it counts as not known.
const PATIENCE: Duration = Duration::from_secs(30);

/// The delay before the first repetition; it doubles.
const FIRST_DELAY: Duration = Duration::from_millis(50);

/// A task that this process holds.
pub(crate) struct Book {
    record: Arc<Record>,
    epoch: Epoch,
    recorded: Recorded,
    /// Whose undoing had begun in an earlier life.
    ending: Option<EndRecord>,
    /// Steps whose bodies are done and whose outputs could not be recorded.
    not_recorded: Mutex<Vec<usize>>,
}

pub(crate) enum Opened {
    Living(Box<Book>),
    Ended(Ended),
}

/// A task that ended in an earlier life.
pub(crate) struct Ended {
    pub(crate) end: End,
    pub(crate) outputs: HashMap<usize, Box<RawValue>>,
}

impl Book {
    /// Takes the task over and reads what is recorded of it.
    pub(crate) async fn open(record: &Arc<Record>, nodes: &[&dyn Node]) -> Result<Opened, End> {
        let journal = journal(record)?;
        let id = record.id();
        // Nothing is lost when it is stopped here: both calls may be dropped half-way.
        let opening = async {
            let epoch = persistently(|| journal.claim(id)).await?;
            let entries = persistently(|| journal.load(id)).await?;
            Ok::<_, End>((epoch, entries))
        };
        let (epoch, entries) = tokio::select! {
            biased;
            opened = opening => opened?,
            () = stopped(record) => return Err(End::Cancelled),
        };
        let recorded =
            Recorded::read(&entries).map_err(|text| End::Left(TaskError::journal(&text)))?;
        let definition = definition(record, nodes);
        let difference = recorded.definition.as_ref().map(|old| old.difference(&definition));
        let ending = recorded.ending.clone();
        // Its output is gone with the life that had it; that it was not undone is still to be said.
        let failed = ending.as_ref().filter(|end| end.failure == Some(FailureWord::NotDurable));
        let not_recorded: Vec<_> = failed.and_then(|end| end.failed_step).into_iter().collect();
        let not_recorded = Mutex::new(not_recorded);
        let book = Self { record: Arc::clone(record), epoch, recorded, ending, not_recorded };
        match difference {
            Some(Some(difference)) => {
                return Err(End::Left(TaskError::definition_changed(&difference)));
            }
            Some(None) => {}
            None => {
                let definition = Some(definition);
                book.append(Entry { kind: Kind::Defined, definition, ..Entry::default() }).await?;
            }
        }
        Ok(match &book.recorded.terminal {
            Some(terminal) => Opened::Ended(Ended {
                end: End::Earlier(terminal.state, terminal.task_error()),
                outputs: book.recorded.outputs,
            }),
            None => Opened::Living(Box::new(book)),
        })
    }

    // What was recorded in earlier lives.

    pub(crate) fn attempts(&self, step: usize) -> u32 {
        self.recorded.attempts(step)
    }

    pub(crate) fn output(&self, step: usize) -> Option<&RawValue> {
        self.recorded.outputs.get(&step).map(|output| &**output)
    }

    pub(crate) fn is_done(&self, step: usize) -> bool {
        self.recorded.outputs.contains_key(&step)
    }

    /// How it was going to end.
    pub(crate) fn ending(&self) -> Option<End> {
        let ending = self.ending.as_ref()?;
        Some(End::Earlier(ending.state, ending.task_error()))
    }

    pub(crate) fn undo_attempts(&self, step: usize) -> u32 {
        self.recorded.undo_attempts(step)
    }

    /// What became of undoing a step: why it could not be undone, if it could not.
    pub(crate) fn undone(&self, step: usize) -> Option<&Option<Arc<str>>> {
        self.recorded.undone.get(&step)
    }

    // What is recorded now.

    pub(crate) async fn step_started(&self, step: usize, attempt: u32) -> Result<(), End> {
        self.append(of_step(Kind::StepStarted, step, Some(attempt))).await
    }

    pub(crate) async fn step_done(&self, step: usize, output: Box<RawValue>) -> Result<(), End> {
        self.append(Entry { output: Some(output), ..of_step(Kind::StepDone, step, None) }).await
    }

    /// Its body is done, and its output cannot be recorded: it is undone in this life or never.
    pub(crate) fn step_not_recorded(&self, step: usize) {
        lock(&self.not_recorded).push(step);
    }

    /// Steps that are to be undone although they are not recorded as done.
    pub(crate) fn not_recorded(&self) -> Vec<usize> {
        lock(&self.not_recorded).clone()
    }

    pub(crate) async fn undoing(&self, record: &Record, end: &End) -> Result<(), End> {
        if self.ending.is_some() {
            return Ok(());
        }
        let end = Some(end_record(record, end));
        self.append(Entry { kind: Kind::Undoing, end, ..Entry::default() }).await
    }

    pub(crate) async fn undo_started(&self, step: usize, attempt: u32) -> Result<(), End> {
        self.append(of_step(Kind::UndoStarted, step, Some(attempt))).await
    }

    pub(crate) async fn undo_done(&self, step: usize, error: Option<&str>) -> Result<(), End> {
        let error = error.map(Arc::from);
        self.append(Entry { error, ..of_step(Kind::UndoDone, step, None) }).await
    }

    /// Records the end; how it ends, as far as this process can tell.
    pub(crate) async fn ended(&self, record: &Record, end: End) -> End {
        let entry =
            Entry { kind: Kind::Terminal, end: Some(end_record(record, &end)), ..Entry::default() };
        match self.append(entry).await {
            Ok(()) => end,
            Err(left) => left,
        }
    }

    async fn append(&self, entry: Entry) -> Result<(), End> {
        let journal = journal(&self.record)?;
        let entry = Entry { v: 1, ..entry };
        let bytes = serde_json::to_vec(&entry)
            .map_err(|_| End::Left(TaskError::journal("an entry cannot be written as JSON")))?;
        let id = self.record.id();
        persistently(|| journal.append(id, self.epoch, bytes.clone())).await
    }
}

fn journal(record: &Record) -> Result<&dyn Journal, End> {
    let journal = record.scheduler().settings.journal.as_deref();
    journal.ok_or_else(|| End::Left(TaskError::journal("the manager has none")))
}

async fn stopped(record: &Record) {
    while !record.is_stopping() {
        record.pokes().notified().await;
    }
}

/// Repeats a call while that may help. Every call of a journal may be repeated.
async fn persistently<T, F>(mut call: impl FnMut() -> F) -> Result<T, End>
where
    F: Future<Output = Result<T, JournalError>>,
{
    let mut delay = FIRST_DELAY;
    let mut repeats = 0;
    loop {
        let error = tokio::select! {
            biased;
            result = call() => match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            },
            () = sleep(PATIENCE) => {
                JournalError::new(JournalErrorKind::Ambiguous, "the journal does not answer")
            }
        };
        match error.kind() {
            JournalErrorKind::Fenced => return Err(End::Left(TaskError::taken_over())),
            JournalErrorKind::Ambiguous | JournalErrorKind::Unavailable if repeats < REPEATS => {}
            _ => return Err(End::Left(TaskError::journal(&error.to_string()))),
        }
        repeats += 1;
        sleep(delay).await;
        delay *= 2;
    }
}

fn of_step(kind: Kind, step: usize, attempt: Option<u32>) -> Entry {
    Entry { kind, step: Some(step), attempt, ..Entry::default() }
}

fn end_record(record: &Record, end: &End) -> EndRecord {
    match end {
        End::Completed => EndRecord::new(TaskState::Completed, None),
        End::Failed(error) | End::Left(error) => EndRecord::new(TaskState::Failed, Some(error)),
        End::TimedOut(limit) => {
            EndRecord::new(TaskState::TimedOut, Some(&TaskError::timed_out(*limit)))
        }
        End::Cancelled => {
            let error = record.stop_error().unwrap_or_else(|| TaskError::cancelled(None));
            EndRecord::new(TaskState::Cancelled, Some(&error))
        }
        End::Earlier(state, error) => EndRecord::new(*state, error.as_ref()),
    }
}

fn definition(record: &Record, nodes: &[&dyn Node]) -> Definition {
    let info = record.info();
    let steps = info.steps().iter().zip(nodes).map(|(step, node)| {
        let (input, output) = node.types();
        StepDefinition { name: step.shared_name(), input: input.into(), output: output.into() }
    });
    Definition {
        name: Arc::clone(info.shared_name()),
        version: info.version(),
        tenant: info.tenant().map(Into::into),
        steps: steps.collect(),
    }
}
