//! The entries of a journal, and the state that they describe. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use hitl_base::shared::{optional_text, text};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::error::{TaskError, TaskErrorKind};
use crate::id::TaskId;
use crate::journal::error::{JournalError, JournalErrorKind};
use crate::run::step_failure::FailureKind;
use crate::state::task_state::TaskState;

/// One entry: flat camelCase JSON. Readers skip unknown entries and fields.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JournalEntry {
    /// The version of this format: 1.
    pub(crate) v: u32,
    #[serde(rename = "type")]
    pub(crate) kind: EntryKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) definition: Option<Definition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    /// JSON exactly as the step wrote it: no number is rounded and no key moved.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(crate) output: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<EndRecord>,
    /// The reason why a step could not be undone.
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Arc<str>>,
    /// A retry has an id, by which its process recognises it when the journal's answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry: Option<TaskId>,
}

impl JournalEntry {
    /// Returns the bytes of the entry with which a failed task begins again.
    pub(crate) fn retried() -> Result<Vec<u8>, JournalError> {
        let retry = Some(TaskId::new());
        Self { kind: EntryKind::Retried, retry, ..Self::default() }.into_bytes()
    }

    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, JournalError> {
        serde_json::to_vec(&Self { v: 1, ..self }).map_err(|_| {
            JournalError::new(JournalErrorKind::Other, "an entry cannot be written as JSON")
        })
    }
}

/// Reads a `null` as an output, as that of `()` is.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EntryKind {
    Defined,
    StepStarted,
    StepDone,
    /// The end is decided, and the completed steps are being undone.
    Undoing,
    UndoStarted,
    UndoDone,
    Terminal,
    /// The host stopped, and the task continues when it is submitted again.
    Interrupted,
    /// The failed task begins again, after its completed steps.
    Retried,
    /// Written by a newer version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The properties that may not change while a task is journaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Definition {
    #[serde(with = "text")]
    pub(crate) name: Arc<str>,
    pub(crate) version: u32,
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) steps: Vec<StepDefinition>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepDefinition {
    #[serde(with = "text")]
    pub(crate) name: Arc<str>,
    #[serde(with = "text")]
    pub(crate) input: Arc<str>,
    #[serde(with = "text")]
    pub(crate) output: Arc<str>,
}

impl Definition {
    /// Describes the first difference from `new` for people.
    pub(crate) fn difference(&self, new: &Self) -> Option<String> {
        if self.name != new.name {
            return Some(format!("its name was '{}' and is '{}'", self.name, new.name));
        }
        // The tenant's name is not shown to another tenant.
        if self.tenant != new.tenant {
            return Some("it belongs to another tenant".to_owned());
        }
        if self.version != new.version {
            return Some(format!("its version was {} and is {}", self.version, new.version));
        }
        if self.steps.len() != new.steps.len() {
            return Some(format!("it had {} steps and has {}", self.steps.len(), new.steps.len()));
        }
        let mut pairs = self.steps.iter().zip(&new.steps).enumerate();
        let (number, (old, new)) = pairs.find(|(_, (old, new))| old != new)?;
        Some(format!(
            "step {number} was '{}' ({} to {}) and is '{}' ({} to {})",
            old.name, old.input, old.output, new.name, new.input, new.output
        ))
    }
}

/// The end of a task, or its decided end while it is being undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndRecord {
    pub(crate) state: TaskState,
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Arc<str>>,
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed_step: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureCode>,
    /// The shape of the result of a completed task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<ResultShape>,
}

/// The shape of a task's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResultShape {
    /// The name of its type.
    #[serde(rename = "type", with = "text")]
    pub(crate) type_name: Arc<str>,
    /// The number of parallel steps whose outputs together are the result. `None` if it is the
    /// output of the last step alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FailureCode {
    Failed,
    TimedOut,
    Panicked,
    NotDurable,
    /// Written by a newer version.
    #[serde(other)]
    Unknown,
}

impl EndRecord {
    pub(crate) fn new(state: TaskState, error: Option<&TaskError>) -> Self {
        let failure = error.and_then(TaskError::failure).map(|kind| match kind {
            FailureKind::Failed => FailureCode::Failed,
            FailureKind::TimedOut => FailureCode::TimedOut,
            FailureKind::Panicked => FailureCode::Panicked,
            FailureKind::NotDurable => FailureCode::NotDurable,
        });
        Self {
            state,
            error: error.map(|error| Arc::clone(error.text())),
            reason: error.and_then(TaskError::shared_reason),
            failed_step: error.and_then(TaskError::failed_step),
            failure,
            result: None,
        }
    }

    /// Returns the error for waiters.
    pub(crate) fn task_error(&self) -> Option<TaskError> {
        let kind = match self.state {
            TaskState::Completed => return None,
            TaskState::Cancelled => TaskErrorKind::Cancelled,
            TaskState::TimedOut => TaskErrorKind::TimedOut,
            _ => TaskErrorKind::Failed,
        };
        let failure = self.failure.map(|word| match word {
            FailureCode::Failed | FailureCode::Unknown => FailureKind::Failed,
            FailureCode::TimedOut => FailureKind::TimedOut,
            FailureCode::Panicked => FailureKind::Panicked,
            FailureCode::NotDurable => FailureKind::NotDurable,
        });
        let text = self.error.clone().unwrap_or_else(|| "Task did not complete".into());
        Some(TaskError::recorded(kind, text, self.reason.clone(), self.failed_step, failure))
    }
}

/// The state that the entries of a task describe together. Entries may be repeated.
#[derive(Debug, Default)]
pub(crate) struct JournalContents {
    pub(crate) definition: Option<Definition>,
    attempts: HashMap<usize, u32>,
    pub(crate) outputs: HashMap<usize, Box<RawValue>>,
    pub(crate) ending: Option<EndRecord>,
    undo_attempts: HashMap<usize, u32>,
    pub(crate) undone: HashMap<usize, Option<Arc<str>>>,
    pub(crate) terminal: Option<EndRecord>,
    /// Attempts that were made before the last retry of the task.
    attempts_before: HashMap<usize, u32>,
    /// Times that each step was undone before a retry of the task.
    rounds: HashMap<usize, u32>,
    /// True if nothing has happened since the task was interrupted or retried.
    pub(crate) interrupted: bool,
}

impl JournalContents {
    /// Reads all entries. The error says which entry cannot be read.
    pub(crate) fn read(entries: &[Vec<u8>]) -> Result<Self, String> {
        let mut recorded = Self::default();
        for (number, bytes) in entries.iter().enumerate() {
            let entry = serde_json::from_slice(bytes)
                .map_err(|_| format!("entry {number} of the journal cannot be read"))?;
            recorded.apply(entry);
        }
        Ok(recorded)
    }

    fn apply(&mut self, entry: JournalEntry) {
        let step = entry.step.unwrap_or(0);
        let attempt = entry.attempt.unwrap_or(1);
        self.interrupted = matches!(entry.kind, EntryKind::Interrupted | EntryKind::Retried);
        match entry.kind {
            // The first one counts: later ones were refused.
            EntryKind::Defined => {
                self.definition = self.definition.take().or(entry.definition);
            }
            EntryKind::StepStarted => raise_to(&mut self.attempts, step, attempt),
            EntryKind::StepDone => {
                if let Some(output) = entry.output {
                    self.outputs.entry(step).or_insert(output);
                }
            }
            EntryKind::Undoing => self.ending = self.ending.take().or(entry.end),
            EntryKind::UndoStarted => raise_to(&mut self.undo_attempts, step, attempt),
            EntryKind::UndoDone => {
                self.undone.entry(step).or_insert(entry.error);
            }
            EntryKind::Terminal => self.terminal = self.terminal.take().or(entry.end),
            EntryKind::Retried => self.begin_again(),
            EntryKind::Interrupted | EntryKind::Unknown => {}
        }
    }

    /// Reopens a task that has ended. What was undone has to be done again, and that as another
    /// effect; what could not be undone is still done. Does nothing the second time.
    fn begin_again(&mut self) {
        self.terminal = None;
        self.ending = None;
        for (step, error) in self.undone.drain() {
            if error.is_none() {
                self.outputs.remove(&step);
                *self.rounds.entry(step).or_default() += 1;
            }
        }
        self.attempts_before.clone_from(&self.attempts);
    }

    /// Returns the number of attempts of a step that had begun.
    pub(crate) fn attempts(&self, step: usize) -> u32 {
        self.attempts.get(&step).copied().unwrap_or(0)
    }

    /// Returns how many of these attempts have used up retries: those since the last retry of the
    /// task.
    pub(crate) fn recent_attempts(&self, step: usize) -> u32 {
        let before = self.attempts_before.get(&step).copied().unwrap_or(0);
        self.attempts(step).saturating_sub(before)
    }

    /// Returns how often a step was undone before a retry of the task.
    pub(crate) fn round(&self, step: usize) -> u32 {
        self.rounds.get(&step).copied().unwrap_or(0)
    }

    /// Returns the number of attempts to undo a step that had begun.
    pub(crate) fn undo_attempts(&self, step: usize) -> u32 {
        self.undo_attempts.get(&step).copied().unwrap_or(0)
    }
}

fn raise_to(counts: &mut HashMap<usize, u32>, step: usize, to: u32) {
    let count = counts.entry(step).or_default();
    *count = to.max(*count);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(json: &str) -> Vec<u8> {
        json.as_bytes().to_vec()
    }

    #[test]
    fn repeated_and_newer_entries_change_nothing() {
        let once = [
            r#"{"v":1,"type":"stepStarted","step":0,"attempt":2}"#,
            r#"{"v":1,"type":"stepDone","step":0,"output":1.0}"#,
            r#"{"v":2,"type":"stepPraised","step":0,"by":"everybody"}"#,
            r#"{"v":1,"type":"undoDone","step":0,"error":"no"}"#,
        ];
        let twice: Vec<_> = once.iter().chain(&once).map(|json| bytes(json)).collect();
        let recorded = JournalContents::read(&twice).unwrap();
        assert_eq!((recorded.attempts(0), recorded.attempts(1)), (2, 0));
        assert_eq!(recorded.outputs[&0].get(), "1.0", "the very text");
        assert_eq!(recorded.undone[&0].as_deref(), Some("no"));
        assert!(recorded.terminal.is_none());
    }

    #[test]
    fn an_output_that_is_null_is_one() {
        for output in ["null", "1"] {
            let entry = format!(r#"{{"v":1,"type":"stepDone","step":0,"output":{output}}}"#);
            let entry: JournalEntry = serde_json::from_str(&entry).unwrap();
            let again = serde_json::to_vec(&entry).unwrap();
            assert_eq!(JournalContents::read(&[again]).unwrap().outputs[&0].get(), output);
        }
        let none =
            JournalContents::read(&[bytes(r#"{"v":1,"type":"stepDone","step":0}"#)]).unwrap();
        assert!(none.outputs.is_empty());
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_named_and_not_quoted() {
        let error = JournalContents::read(&[bytes("{}"), bytes("secret")]).unwrap_err();
        assert!(error.starts_with("entry 0"), "{error}");
        let error =
            JournalContents::read(&[bytes(r#"{"v":1,"type":"x"}"#), bytes("secret")]).unwrap_err();
        assert_eq!(error, "entry 1 of the journal cannot be read");
    }

    #[test]
    fn every_change_of_a_definition_is_named() {
        let step = |name: &str, output: &str| StepDefinition {
            name: name.into(),
            input: "()".into(),
            output: output.into(),
        };
        let old = Definition {
            name: "t".into(),
            version: 1,
            tenant: None,
            steps: vec![step("a", "u8"), step("b", "u8")],
        };
        assert_eq!(old.difference(&old), None);
        let changes: [(Definition, &str); 5] = [
            (Definition { name: "u".into(), ..old.clone() }, "its name was 't'"),
            (Definition { version: 2, ..old.clone() }, "its version was 1 and is 2"),
            (Definition { tenant: Some("x".into()), ..old.clone() }, "another tenant"),
            (Definition { steps: vec![step("a", "u8")], ..old.clone() }, "2 steps and has 1"),
            (
                Definition { steps: vec![step("a", "u8"), step("b", "u16")], ..old.clone() },
                "step 1 was 'b' (() to u8) and is 'b' (() to u16)",
            ),
        ];
        for (new, text) in changes {
            let said = old.difference(&new).unwrap();
            assert!(said.contains(text), "{said}");
        }
    }

    #[test]
    fn a_retry_keeps_what_is_done_and_forgets_what_was_undone() {
        let entries = [
            r#"{"v":1,"type":"stepStarted","step":0,"attempt":1}"#,
            r#"{"v":1,"type":"stepDone","step":0,"output":1}"#,
            r#"{"v":1,"type":"stepDone","step":1,"output":2}"#,
            r#"{"v":1,"type":"stepDone","step":2,"output":3}"#,
            r#"{"v":1,"type":"stepStarted","step":3,"attempt":2}"#,
            r#"{"v":1,"type":"undoing","end":{"state":"failed"}}"#,
            r#"{"v":1,"type":"undoDone","step":2}"#,
            r#"{"v":1,"type":"undoDone","step":1,"error":"no"}"#,
            r#"{"v":1,"type":"terminal","end":{"state":"failed"}}"#,
        ];
        let retried = r#"{"v":1,"type":"retried"}"#;
        let mut all: Vec<_> = entries.iter().map(|json| bytes(json)).collect();
        assert!(JournalContents::read(&all).unwrap().terminal.is_some());
        all.extend([bytes(retried), bytes(retried)]);
        let recorded = JournalContents::read(&all).unwrap();
        assert!(recorded.terminal.is_none() && recorded.ending.is_none());
        assert!(recorded.interrupted && recorded.undone.is_empty());
        let mut done: Vec<_> = recorded.outputs.keys().copied().collect();
        done.sort_unstable();
        assert_eq!(done, [0, 1], "one could not be undone, so it is still done");
        assert_eq!([0, 1, 2, 3].map(|step| recorded.round(step)), [0, 0, 1, 0]);
        assert_eq!((recorded.attempts(3), recorded.recent_attempts(3)), (2, 0));
        all.push(bytes(r#"{"v":1,"type":"stepStarted","step":3,"attempt":3}"#));
        let recorded = JournalContents::read(&all).unwrap();
        assert_eq!((recorded.recent_attempts(3), recorded.interrupted), (1, false));
    }

    #[test]
    fn an_end_reads_back() {
        let error = TaskError::step_failed(3, "s", FailureKind::Panicked, "boom");
        let record = EndRecord::new(TaskState::Failed, Some(&error));
        let json = serde_json::to_string(&record).unwrap();
        let back: EndRecord = serde_json::from_str(&json).unwrap();
        let back = back.task_error().unwrap();
        assert_eq!(back.to_string(), error.to_string());
        assert_eq!((back.failed_step(), back.failure()), (Some(3), Some(FailureKind::Panicked)));
        assert!(EndRecord::new(TaskState::Completed, None).task_error().is_none());
    }

    #[test]
    fn a_failure_of_a_newer_version_is_a_failure() {
        let end = r#"{"state":"failed","error":"x","failedStep":1,"failure":"melted"}"#;
        let end: EndRecord = serde_json::from_str(end).unwrap();
        assert_eq!(end.task_error().unwrap().failure(), Some(FailureKind::Failed));
    }
}
