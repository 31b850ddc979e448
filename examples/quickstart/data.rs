//! Recorded calls, from a file of calls or of whole transcripts.
//!
//! An invalid row stops the reading, with the number of its line. The model's text *inside* a row
//! is never changed: arguments go to the gate byte for byte.

use std::fmt;

use hitl::CallKey;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One tool call as an agent made it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) key: CallKey,
    pub(crate) tool: String,
    /// The arguments as the model wrote them.
    pub(crate) arguments: String,
    /// True if the recording says that this call was a mistake.
    pub(crate) mistake: bool,
}

/// A line that cannot be read.
#[derive(Debug)]
pub(crate) struct BadLine {
    line: usize,
    why: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Reads every row. The content of the file tells which of the formats it has.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Recorded>, BadLine> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut calls = Vec::new();
    for (at, line) in file.split(|byte| *byte == b'\n').enumerate() {
        let bad = |why: String| BadLine { line: at + 1, why };
        let line = std::str::from_utf8(line).map_err(|_| bad("not UTF-8 text".to_owned()))?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line).map_err(|error| bad(in_row(&error)))? {
            Row { messages: Some(messages), task_id: Some(task), trial: Some(trial), .. } => {
                transcript(&run(&task, &trial), &messages, &mut calls).map_err(bad)?;
            }
            Row {
                tool: Some(tool),
                arguments: Some(arguments),
                task: Some(task),
                trial: Some(trial),
                seq: Some(seq),
                correct,
                ..
            } => calls.push(Recorded {
                key: CallKey::new(run(&task, &trial), seq),
                tool,
                arguments: text(&arguments),
                mistake: correct == Some(false),
            }),
            _ => {
                let why = "neither a call (task, trial, seq, tool, arguments) nor a transcript (task_id, trial, messages)";
                return Err(bad(why.to_owned()));
            }
        }
    }
    Ok(calls)
}

/// A row of either format. Fields that are not needed are ignored.
#[derive(Deserialize)]
struct Row {
    task: Option<Label>,
    task_id: Option<Label>,
    trial: Option<Label>,
    seq: Option<u64>,
    tool: Option<String>,
    arguments: Option<Box<RawValue>>,
    correct: Option<bool>,
    messages: Option<Vec<Message>>,
}

/// A number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Number(i64),
    Text(String),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[derive(Deserialize)]
struct Message {
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Box<RawValue>,
}

/// Reads a transcript. The position of a call is its place among the tool calls of its run:
/// recorded ids repeat.
fn transcript(run: &str, messages: &[Message], calls: &mut Vec<Recorded>) -> Result<(), String> {
    let made = messages.iter().filter_map(|message| message.tool_calls.as_ref()).flatten();
    for (position, call) in made.enumerate() {
        let position = u64::try_from(position).map_err(|_| "too many calls".to_owned())?;
        calls.push(Recorded {
            key: CallKey::new(run, position),
            tool: call.function.name.clone(),
            arguments: text(&call.function.arguments),
            mistake: false,
        });
    }
    Ok(())
}

fn run(task: &Label, trial: &Label) -> String {
    format!("task-{task}/trial-{trial}")
}

/// Returns the arguments as text. They are a string that contains JSON; some recorders unpack it,
/// and then the JSON itself is the text.
fn text(arguments: &RawValue) -> String {
    serde_json::from_str(arguments.get()).unwrap_or_else(|_| arguments.get().to_owned())
}

/// Formats serde's error without its position, which counts inside the row. Values are not quoted.
fn in_row(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Eof => "the row ends too early".to_owned(),
        Category::Data => "a field is not of the type that it should be".to_owned(),
        _ => format!("not JSON, at column {}", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = r#"{"task":1,"trial":0,"seq":3,"id":"x","tool":"think","arguments":"{\"thought\": \"é\"}","kind":"read","correct":null}"#;
    const RUN: &str = r#"{"task_id":1,"trial":0,"messages":[{"role":"system","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"think","arguments":"{"}},{"id":"a","type":"function","function":{"name":"calculate","arguments":{"expression":1.0}}}]},{"role":"tool","content":"","tool_calls":null}]}"#;

    #[test]
    fn both_formats_are_told_apart_line_by_line() {
        let calls = read(format!("\u{feff}{CALL}\r\n\n{RUN}").as_bytes()).unwrap();
        let read: Vec<_> = calls
            .iter()
            .map(|c| (c.key.to_string(), c.tool.as_str(), c.arguments.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                ("default/task-1/trial-0#3".to_owned(), "think", r#"{"thought": "é"}"#),
                ("default/task-1/trial-0#0".to_owned(), "think", "{"),
                ("default/task-1/trial-0#1".to_owned(), "calculate", r#"{"expression":1.0}"#),
            ]
        );
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        for (row, expected) in [
            ("{", "line 2: the row ends too early"),
            ("nonsense", "line 2: not JSON, at column 2"),
            (r#"{"task":1}"#, "line 2: neither a call"),
            (r#"{"task":1,"trial":0,"seq":-1}"#, "line 2: a field is not of the type"),
            ("[1]", "line 2: a field is not of the type"),
        ] {
            let error = read(format!("{CALL}\n{row}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{row}: {error}");
        }
        assert_eq!(read(b"\n\xff").unwrap_err().to_string(), "line 2: not UTF-8 text");
    }
}
