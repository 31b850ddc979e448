//! The conversation, in a file that only grows. Each line is on the disk before the loop continues.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::{Function, Message, ToolCall};

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    /// The calls from here on belong to this run.
    Run {
        run: String,
    },
    Message(Message),
}

/// The conversation so far.
pub(crate) struct Transcript {
    file: File,
    case: String,
    runs: u32,
    messages: Vec<Message>,
}

/// A call that has no result yet.
pub(crate) struct OpenCall {
    /// The number of the calls before it in the conversation: with the run, its key at the gate.
    pub(crate) position: u64,
    pub(crate) id: String,
    pub(crate) function: Function,
}

impl Transcript {
    /// Opens the transcript of a case, or begins it.
    pub(crate) fn open(path: &Path, case: &str) -> Result<Self, Box<dyn Error>> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        // Two loops in one conversation would answer its calls twice.
        file.try_lock().map_err(|_| "another process has this transcript")?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        // A process that died while it wrote left a part of a line. Nothing of it was submitted.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        let mut transcript = Self { file, case: case.to_owned(), runs: 1, messages: Vec::new() };
        for line in text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line)? {
                Line::Run { .. } => transcript.runs += 1,
                Line::Message(message) => transcript.messages.push(message),
            }
        }
        Ok(transcript)
    }

    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns the run of the calls that are submitted next.
    pub(crate) fn run(&self) -> String {
        format!("{}/{}", self.case, self.runs)
    }

    /// Begins a new run: its calls have keys of their own.
    pub(crate) fn begin_run(&mut self) -> Result<(), Box<dyn Error>> {
        self.runs += 1;
        let run = self.run();
        self.write(&Line::Run { run })
    }

    /// Stores a message.
    pub(crate) fn push(&mut self, message: Message) -> Result<(), Box<dyn Error>> {
        self.write(&Line::Message(message.clone()))?;
        self.messages.push(message);
        Ok(())
    }

    fn write(&mut self, line: &Line) -> Result<(), Box<dyn Error>> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        Ok(())
    }

    /// Returns the model's answer, if its last reply asks for no tools.
    pub(crate) fn answer(&self) -> Option<&str> {
        let last = self.messages.last()?;
        let answers = last.role == "assistant" && last.tool_calls.is_empty();
        answers.then(|| last.content.as_deref().unwrap_or_default())
    }

    pub(crate) fn has_open_calls(&self) -> bool {
        !self.open_calls().is_empty()
    }

    /// Returns the calls without a result, with their positions.
    pub(crate) fn open_calls(&self) -> Vec<OpenCall> {
        let has_result = |call: &ToolCall| {
            self.messages.iter().any(|message| message.tool_call_id.as_deref() == Some(&call.id))
        };
        let calls = self.messages.iter().flat_map(|message| &message.tool_calls);
        let open = (0..).zip(calls).filter(|(_, call)| !has_result(call));
        let open = open.map(|(position, call)| OpenCall {
            position,
            id: call.id.clone(),
            function: call.function.clone(),
        });
        open.collect()
    }
}
