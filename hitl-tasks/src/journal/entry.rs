//! What a manager writes into a journal, and what it makes of it afterwards. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{FailureKind, TaskError, TaskErrorKind, TaskState};

/// One entry: flat camelCase JSON. Readers skip entries and fields they do not know.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// Version of this shape: 1.
    pub(crate) v: u32,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) definition: Option<Definition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    /// JSON as the step made it: no number is rounded and no key moved on the way.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(crate) output: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<EndRecord>,
    /// Why a step could not be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Arc<str>>,
}

/// An output that is there is one, also when it is `null`, as that of `()` is.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Defined,
    StepStarted,
    StepDone,
    /// How it will end is decided; what was done is being undone.
    Undoing,
    UndoStarted,
    UndoDone,
    Terminal,
    /// Of a newer version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What may not change while a task is journaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Definition {
    pub(crate) name: Arc<str>,
    pub(crate) version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) steps: Vec<StepDefinition>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepDefinition {
    pub(crate) name: Arc<str>,
    pub(crate) input: Arc<str>,
    pub(crate) output: Arc<str>,
}

impl Definition {
    /// What is different in `new`, for people to read.
    pub(crate) fn difference(&self, new: &Self) -> Option<String> {
        if self.name != new.name {
            return Some(format!("its name was '{}' and is '{}'", self.name, new.name));
        }
        // Whose it was is nobody else's business.
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

/// How a task ended, or will end once it is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndRecord {
    pub(crate) state: TaskState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed_step: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureWord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FailureWord {
    Failed,
    TimedOut,
    Panicked,
    NotDurable,
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

impl EndRecord {
    pub(crate) fn new(state: TaskState, error: Option<&TaskError>) -> Self {
        let failure = error.and_then(TaskError::failure).map(|kind| match kind {
            FailureKind::Failed => FailureWord::Failed,
            FailureKind::TimedOut => FailureWord::TimedOut,
            FailureKind::Panicked => FailureWord::Panicked,
            FailureKind::NotDurable => FailureWord::NotDurable,
        });
        Self {
            state,
            error: error.map(|error| Arc::clone(error.text())),
            reason: error.and_then(TaskError::shared_reason),
            failed_step: error.and_then(TaskError::failed_step),
            failure,
        }
    }

    /// The error that a waiter gets.
    pub(crate) fn task_error(&self) -> Option<TaskError> {
        let kind = match self.state {
            TaskState::Completed => return None,
            TaskState::Cancelled => TaskErrorKind::Cancelled,
            TaskState::TimedOut => TaskErrorKind::TimedOut,
            _ => TaskErrorKind::Failed,
        };
        let failure = self.failure.map(|word| match word {
            FailureWord::Failed | FailureWord::Unknown => FailureKind::Failed,
            FailureWord::TimedOut => FailureKind::TimedOut,
            FailureWord::Panicked => FailureKind::Panicked,
            FailureWord::NotDurable => FailureKind::NotDurable,
        });
        let text = self.error.clone().unwrap_or_else(|| "Task did not complete".into());
        Some(TaskError::earlier(kind, text, self.reason.clone(), self.failed_step, failure))
    }
}

/// What a task's entries say, taken together. Entries may be repeated.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) definition: Option<Definition>,
    attempts: HashMap<usize, u32>,
    pub(crate) outputs: HashMap<usize, Box<RawValue>>,
    pub(crate) ending: Option<EndRecord>,
    undo_attempts: HashMap<usize, u32>,
    pub(crate) undone: HashMap<usize, Option<Arc<str>>>,
    pub(crate) terminal: Option<EndRecord>,
}

impl Recorded {
    /// Reads everything back. The error says which entry cannot be read.
    pub(crate) fn read(entries: &[Vec<u8>]) -> Result<Self, String> {
        let mut recorded = Self::default();
        for (number, bytes) in entries.iter().enumerate() {
            let entry = serde_json::from_slice(bytes)
                .map_err(|_| format!("entry {number} of the journal cannot be read"))?;
            recorded.learn(entry);
        }
        Ok(recorded)
    }

    fn learn(&mut self, entry: Entry) {
        let step = entry.step.unwrap_or(0);
        let attempt = entry.attempt.unwrap_or(1);
        match entry.kind {
            // The first one counts: whoever came later was refused.
            Kind::Defined => {
                self.definition = self.definition.take().or(entry.definition);
            }
            Kind::StepStarted => raise(&mut self.attempts, step, attempt),
            Kind::StepDone => {
                if let Some(output) = entry.output {
                    self.outputs.entry(step).or_insert(output);
                }
            }
            Kind::Undoing => self.ending = self.ending.take().or(entry.end),
            Kind::UndoStarted => raise(&mut self.undo_attempts, step, attempt),
            Kind::UndoDone => {
                self.undone.entry(step).or_insert(entry.error);
            }
            Kind::Terminal => self.terminal = self.terminal.take().or(entry.end),
            Kind::Unknown => {}
        }
    }

    /// How many attempts of a step had begun.
    pub(crate) fn attempts(&self, step: usize) -> u32 {
        self.attempts.get(&step).copied().unwrap_or(0)
    }

    /// How many attempts to undo it had begun.
    pub(crate) fn undo_attempts(&self, step: usize) -> u32 {
        self.undo_attempts.get(&step).copied().unwrap_or(0)
    }
}

fn raise(counts: &mut HashMap<usize, u32>, step: usize, to: u32) {
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
        let recorded = Recorded::read(&twice).unwrap();
        assert_eq!((recorded.attempts(0), recorded.attempts(1)), (2, 0));
        assert_eq!(recorded.outputs[&0].get(), "1.0", "the very text");
        assert_eq!(recorded.undone[&0].as_deref(), Some("no"));
        assert!(recorded.terminal.is_none());
    }

    #[test]
    fn an_output_that_is_null_is_one() {
        for output in ["null", "1"] {
            let entry = format!(r#"{{"v":1,"type":"stepDone","step":0,"output":{output}}}"#);
            let entry: Entry = serde_json::from_str(&entry).unwrap();
            let again = serde_json::to_vec(&entry).unwrap();
            assert_eq!(Recorded::read(&[again]).unwrap().outputs[&0].get(), output);
        }
        let none = Recorded::read(&[bytes(r#"{"v":1,"type":"stepDone","step":0}"#)]).unwrap();
        assert!(none.outputs.is_empty());
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_named_and_not_quoted() {
        let error = Recorded::read(&[bytes("{}"), bytes("secret")]).unwrap_err();
        assert!(error.starts_with("entry 0"), "{error}");
        let error = Recorded::read(&[bytes(r#"{"v":1,"type":"x"}"#), bytes("secret")]).unwrap_err();
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
    fn an_end_reads_back() {
        let error = TaskError::step(3, "s", FailureKind::Panicked, "boom");
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
