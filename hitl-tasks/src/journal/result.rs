//! The result of a task that has completed, read from its journal. Pure.

use std::any::type_name;
use std::fmt;

use hitl_base::display::{clip, visible};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::TaskError;
use crate::journal::entry::JournalContents;
use crate::journal::error::JournalError;
use crate::journal::output::read_json;
use crate::state::task_state::TaskState;

/// The number of characters of a type's name that an error shows.
const TYPE_NAME: usize = 200;

/// The reason why a task has no result, or none of this type. Its text says what to do next, and
/// never quotes the result.
#[derive(Debug)]
pub struct ResultError {
    kind: ResultErrorKind,
    text: String,
    end: Option<TaskError>,
    journal: Option<JournalError>,
}

/// The kinds of [`ResultError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResultErrorKind {
    /// The journal has no such task: it was never submitted, is not journaled, never started,
    /// belongs to another tenant, or was removed with what the journal no longer retains.
    Unknown,
    /// The task has not ended: it runs, or was interrupted and continues when it is submitted
    /// again.
    NotEnded,
    /// The task failed or timed out; [`end`](ResultError::end) says how. It can be
    /// [retried](crate::TaskManager::retry).
    Failed,
    /// The task was cancelled; [`end`](ResultError::end) says why.
    Cancelled,
    /// The result is of another type. Ask for the type that the task was defined with.
    WrongType,
    /// The type has the same name as when the task completed, but the result no longer fits it.
    Unreadable,
    /// The task has ended and was [erased](crate::Journal::erase).
    Erased,
    /// The manager has no journal, or it cannot be read now.
    Journal,
}

impl ResultError {
    fn new(kind: ResultErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), end: None, journal: None }
    }

    pub(crate) fn unknown() -> Self {
        Self::new(ResultErrorKind::Unknown, "the journal has no such task")
    }

    pub(crate) fn not_ended() -> Self {
        let text = "the task has not ended: it runs, or continues when it is submitted again";
        Self::new(ResultErrorKind::NotEnded, text)
    }

    pub(crate) fn erased() -> Self {
        Self::new(ResultErrorKind::Erased, "the task has ended, and its result was erased")
    }

    pub(crate) fn no_journal() -> Self {
        let text = "the manager has no journal, which keeps results; give it one";
        Self::new(ResultErrorKind::Journal, text)
    }

    fn ended(kind: ResultErrorKind, end: TaskError) -> Self {
        Self { end: Some(end.clone()), ..Self::new(kind, end.to_string()) }
    }

    /// Returns the kind of error.
    pub fn kind(&self) -> ResultErrorKind {
        self.kind
    }

    /// Returns how the task ended, if it failed, timed out or was cancelled.
    pub fn end(&self) -> Option<&TaskError> {
        self.end.as_ref()
    }
}

impl From<JournalError> for ResultError {
    fn from(error: JournalError) -> Self {
        let new = Self::new(ResultErrorKind::Journal, error.to_string());
        Self { journal: Some(error), ..new }
    }
}

impl fmt::Display for ResultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ResultError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.journal.as_ref().map(|error| error as _)
    }
}

/// Reads the result of a completed task from all its [entries](crate::Journal::load).
///
/// `T` is the output of the task as it was defined, by name: another type is refused even if the
/// JSON would fit it.
pub fn read_result<T: DeserializeOwned>(entries: &[Vec<u8>]) -> Result<T, ResultError> {
    let contents = read(entries)?;
    let (json, recorded) = result(&contents)?;
    let wanted = type_name::<T>();
    if recorded != wanted {
        let text = format!("the result is {}, not {}", shown(recorded), shown(wanted));
        return Err(ResultError::new(ResultErrorKind::WrongType, text));
    }
    read_json(&json).map_err(|why| {
        let text =
            format!("the result {why}; its type has other fields than when it was journaled");
        ResultError::new(ResultErrorKind::Unreadable, text)
    })
}

/// Reads the result of a completed task, as the JSON that its steps wrote, from all its
/// [entries](crate::Journal::load): for people and for programs that do not have its type.
pub fn read_result_json(entries: &[Vec<u8>]) -> Result<Box<RawValue>, ResultError> {
    Ok(result(&read(entries)?)?.0)
}

fn read(entries: &[Vec<u8>]) -> Result<JournalContents, ResultError> {
    JournalContents::read(entries)
        .map_err(|why| JournalError::new(crate::JournalErrorKind::Corrupt, why).into())
}

/// Returns the result and the name of its type. An older version did not record whether parallel
/// steps made it, so then it is the output of the last step.
fn result(contents: &JournalContents) -> Result<(Box<RawValue>, &str), ResultError> {
    let Some(definition) = &contents.definition else { return Err(ResultError::unknown()) };
    let Some(end) = &contents.terminal else { return Err(ResultError::not_ended()) };
    if let Some(error) = end.task_error() {
        let kind = match end.state {
            TaskState::Cancelled => ResultErrorKind::Cancelled,
            _ => ResultErrorKind::Failed,
        };
        return Err(ResultError::ended(kind, error));
    }
    let steps = definition.steps.len();
    let shape = end.result.as_ref();
    let last = definition.steps.last().map_or("()", |step| &step.output);
    let type_name = shape.map_or(last, |shape| &shape.type_name);
    let output = |step: usize| contents.outputs.get(&step).map(|output| output.get());
    let text = match shape.and_then(|shape| shape.group) {
        Some(members) => {
            let members = steps.saturating_sub(members)..steps;
            let outputs: Option<Vec<_>> = members.map(output).collect();
            outputs.map(|outputs| format!("[{}]", outputs.join(",")))
        }
        None if steps == 0 => Some("null".to_owned()),
        None => output(steps - 1).map(str::to_owned),
    };
    let json = text.and_then(|text| RawValue::from_string(text).ok());
    let json = json.ok_or_else(|| {
        let why = "the outputs of a completed task are missing from its journal";
        ResultError::from(JournalError::new(crate::JournalErrorKind::Corrupt, why))
    })?;
    Ok((json, type_name))
}

/// Truncates and escapes the name of a type, which a stored entry may have.
fn shown(name: &str) -> String {
    visible(&clip(name, TYPE_NAME)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINED: &str = r#"{"v":1,"type":"defined","definition":{"name":"Sum","version":0,
        "steps":[{"name":"a","input":"()","output":"u8"},{"name":"b","input":"()","output":"u8"}]}}"#;
    const DONE: [&str; 2] = [
        r#"{"v":1,"type":"stepDone","step":0,"output":1}"#,
        r#"{"v":1,"type":"stepDone","step":1,"output":2}"#,
    ];

    fn entries(ends: &[&str]) -> Vec<Vec<u8>> {
        let all = [DEFINED].into_iter().chain(DONE).chain(ends.iter().copied());
        all.map(|entry| entry.as_bytes().to_vec()).collect()
    }

    fn completed(result: &str) -> Vec<Vec<u8>> {
        let end = format!(
            r#"{{"v":1,"type":"terminal","end":{{"state":"completed"{}{result}}}}}"#,
            if result.is_empty() { "" } else { r#","result":"# }
        );
        entries(&[&end])
    }

    #[test]
    fn a_result_is_what_the_last_steps_made_and_of_that_type_alone() {
        for older in ["", r#"{"type":"u8"}"#] {
            assert_eq!(read_result::<u8>(&completed(older)).unwrap(), 2);
            let error = read_result::<u16>(&completed(older)).unwrap_err();
            assert_eq!(error.kind(), ResultErrorKind::WrongType);
            assert_eq!(error.to_string(), "the result is u8, not u16");
        }
        let pair = completed(r#"{"type":"(u8, u8)","group":2}"#);
        assert_eq!(read_result::<(u8, u8)>(&pair).unwrap(), (1, 2));
        assert_eq!(read_result_json(&pair).unwrap().get(), "[1,2]");
        let all = completed(r#"{"type":"alloc::vec::Vec<u8>","group":2}"#);
        assert_eq!(read_result::<Vec<u8>>(&all).unwrap(), [1, 2]);
        let error = read_result::<bool>(&completed(r#"{"type":"bool"}"#)).unwrap_err();
        assert_eq!(error.kind(), ResultErrorKind::Unreadable, "{error}");
        let lost = completed(r#"{"type":"(u8, u8, u8)","group":3}"#);
        let error = read_result::<(u8, u8, u8)>(&lost).unwrap_err();
        assert_eq!(error.kind(), ResultErrorKind::Unreadable, "{error}");
    }

    #[test]
    fn what_has_no_result_says_why() {
        let kind = |entries: &[Vec<u8>]| read_result::<u8>(entries).unwrap_err().kind();
        assert_eq!(kind(&[]), ResultErrorKind::Unknown);
        assert_eq!(kind(&entries(&[])), ResultErrorKind::NotEnded);
        let failed = r#"{"v":1,"type":"terminal","end":{"state":"failed","error":"no disk"}}"#;
        let error = read_result::<u8>(&entries(&[failed])).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ResultErrorKind::Failed, "no disk".into()));
        assert_eq!(error.end().unwrap().to_string(), "no disk");
        let cancelled = r#"{"v":1,"type":"terminal","end":{"state":"cancelled"}}"#;
        assert_eq!(kind(&entries(&[cancelled])), ResultErrorKind::Cancelled);
        let timed_out = r#"{"v":1,"type":"terminal","end":{"state":"timeout"}}"#;
        assert_eq!(kind(&entries(&[timed_out])), ResultErrorKind::Failed);
        let retried = r#"{"v":1,"type":"retried"}"#;
        assert_eq!(kind(&entries(&[failed, retried])), ResultErrorKind::NotEnded);
        let error = read_result::<u8>(&[b"secret".to_vec()]).unwrap_err();
        assert_eq!(error.kind(), ResultErrorKind::Journal);
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn a_task_without_steps_has_nothing_as_its_result() {
        let defined =
            r#"{"v":1,"type":"defined","definition":{"name":"n","version":0,"steps":[]}}"#;
        let end = r#"{"v":1,"type":"terminal","end":{"state":"completed","result":{"type":"()"}}}"#;
        let entries = [defined, end].map(|entry| entry.as_bytes().to_vec());
        read_result::<()>(&entries).unwrap();
    }
}
