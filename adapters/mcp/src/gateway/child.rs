//! An upstream as a child process: JSON-RPC over its standard input and output.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hitl_base::redact::Redactor;
use rmcp::RoleClient;
use rmcp::model::{ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage, ServerNotification};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::in_flight::InFlight;
use super::outstanding::Outstanding;
use super::wire::{Incoming, LONGEST_LINE, RawAnswer, as_sent, classify, encode};
use crate::id_scan::LongMessage;
use crate::lines::{Line, LineReader};

/// The time that a child has to end by itself once its input has ended.
const GRACE: Duration = Duration::from_secs(2);
/// The beginning of the names of variables that are hitl's own: tokens, for one.
const OWN_VARIABLES: &str = "HITL_";

/// The command of an upstream.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamCommand {
    program: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Variables that are not inherited.
    withheld: Vec<String>,
}

impl UpstreamCommand {
    /// Names a program, which is searched for in `PATH`, and its arguments.
    pub fn new<A: Into<String>>(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { program: program.into(), arguments, variables: Vec::new(), withheld: Vec::new() }
    }

    /// Sets an environment variable of the child. It inherits the others, except those of hitl.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Keeps variables of the gateway from the child, unless they are [set](Self::env) for it.
    #[must_use]
    pub fn without_env<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.withheld.extend(names.into_iter().map(Into::into));
        self
    }

    /// Returns the words of the command as one line, without the secrets in them: for lists and
    /// names.
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        let words: Vec<_> = words.map(|word| hitl_base::display::shell_word(word)).collect();
        Redactor::standard().text(&words.join(" ")).into_owned()
    }

    /// Returns the program, for messages: arguments are often secrets, of any form.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(OWN_VARIABLES) {
                command.env_remove(name);
            }
        }
        for name in &self.withheld {
            command.env_remove(name);
        }
        command.args(&self.arguments).envs(self.variables.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command.kill_on_drop(true);
        // A launcher like `npx` starts the server as its own child: the group ends both.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

impl std::fmt::Debug for UpstreamCommand {
    /// Arguments and values of variables are often secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.variables.iter().map(|(name, _)| name).collect();
        f.debug_struct("UpstreamCommand")
            .field("program", &self.program)
            .field("arguments", &self.arguments.len())
            .field("variables", &names)
            .finish_non_exhaustive()
    }
}

/// The transport to a child process.
#[derive(Debug)]
pub(super) struct ChildTransport {
    child: Child,
    input: Arc<tokio::sync::Mutex<Option<ChildStdin>>>,
    output: LineReader<BufReader<ChildStdout>>,
    outstanding: Arc<Mutex<Outstanding>>,
    in_flight: InFlight,
    name: Arc<str>,
}

impl ChildTransport {
    /// Starts the child.
    pub(super) fn start(
        command: &UpstreamCommand,
        name: &str,
        in_flight: InFlight,
    ) -> io::Result<Self> {
        let mut child = command.command().spawn()?;
        let taken = || io::Error::other("the child has no pipes");
        let input = child.stdin.take().ok_or_else(taken)?;
        let output = child.stdout.take().ok_or_else(taken)?;
        Ok(Self {
            child,
            input: Arc::new(tokio::sync::Mutex::new(Some(input))),
            output: LineReader::new(BufReader::with_capacity(64 << 10, output), LONGEST_LINE),
            outstanding: Arc::default(),
            in_flight,
            name: name.into(),
        })
    }

    /// Returns the message in a line, if the gateway has to see it.
    fn read(&self, line: &[u8]) -> Option<ServerJsonRpcMessage> {
        let Ok(text) = std::str::from_utf8(line) else {
            return self.read_damaged(line);
        };
        let text = text.trim_end_matches('\r').trim_start_matches('\u{feff}');
        if text.is_empty() {
            return None;
        }
        match classify(text) {
            Incoming::Answer(id, answer) => self.answered(id, answer, text),
            Incoming::Uncorrelated => {
                tracing::warn!(upstream = %self.name, "an answer that names no request is ignored");
                None
            }
            Incoming::Malformed => {
                tracing::warn!(upstream = %self.name, bytes = line.len(), "a line that is no message is ignored");
                None
            }
            Incoming::Other => {
                if let Ok(message) = serde_json::from_str(text) {
                    return self.without_progress(message);
                }
                tracing::debug!(upstream = %self.name, "a message of an unknown kind is ignored");
                None
            }
        }
    }

    /// Passes progress on at once: the answer that follows it must not overtake it.
    fn without_progress(&self, message: ServerJsonRpcMessage) -> Option<ServerJsonRpcMessage> {
        let ServerJsonRpcMessage::Notification(notification) = &message else {
            return Some(message);
        };
        let ServerNotification::ProgressNotification(progress) = &notification.notification else {
            return Some(message);
        };
        let progress = progress.params.clone();
        if let Some(client) = self.in_flight.of_token(&progress.progress_token) {
            client.progress(progress.progress, progress.total, progress.message);
        }
        None
    }

    fn answered(
        &self,
        id: RequestId,
        answer: RawAnswer,
        text: &str,
    ) -> Option<ServerJsonRpcMessage> {
        if !self.take(&id, answer) {
            tracing::warn!(upstream = %self.name, %id, "an answer that nobody waits for is ignored");
            return None;
        }
        match serde_json::from_str(text) {
            Ok(message) => Some(message),
            Err(_) => Some(refused(id, "the server's answer is not one of the protocol")),
        }
    }

    /// An answer that is not UTF-8 is an answer all the same: who waits for it must not wait on.
    fn read_damaged(&self, line: &[u8]) -> Option<ServerJsonRpcMessage> {
        tracing::warn!(upstream = %self.name, "a line that is not UTF-8 is refused");
        let text = String::from_utf8_lossy(line);
        let Incoming::Answer(id, _) = classify(&text) else { return None };
        self.refuse(id, "the server's answer is not UTF-8")
    }

    fn read_too_long(&self, line: LongMessage) -> Option<ServerJsonRpcMessage> {
        tracing::warn!(upstream = %self.name, "a line of over 16 MiB is refused");
        // A line of a log, or a request of the server, answers nothing.
        let id = line.id.filter(|_| line.is_answer)?;
        self.refuse(as_sent(id), "the server's answer is longer than 16 MiB")
    }

    fn refuse(&self, id: RequestId, why: &str) -> Option<ServerJsonRpcMessage> {
        let answer = RawAnswer::Unreadable(why.to_owned());
        self.take(&id, answer).then(|| refused(id, why))
    }

    fn take(&self, id: &RequestId, answer: RawAnswer) -> bool {
        self.lock().take(id, answer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Outstanding> {
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(id: RequestId, why: &str) -> ServerJsonRpcMessage {
    let error = ErrorData::new(ErrorCode::INTERNAL_ERROR, why.to_owned(), None);
    ServerJsonRpcMessage::error(error, Some(id))
}

impl Transport<RoleClient> for ChildTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (input, outstanding) = (Arc::clone(&self.input), Arc::clone(&self.outstanding));
        async move {
            let mut line = encode(&message)?;
            line.push(b'\n');
            let mut input = input.lock().await;
            let Some(stream) = input.as_mut() else {
                return Err(io::Error::new(io::ErrorKind::NotConnected, "the server has ended"));
            };
            outstanding.lock().unwrap_or_else(PoisonError::into_inner).note_sent(&message);
            stream.write_all(&line).await?;
            stream.flush().await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = match self.output.next().await.ok()? {
                Line::Whole(line) => self.read(&line),
                Line::TooLong(line) => self.read_too_long(line),
                Line::End => return None,
            };
            if message.is_some() {
                return message;
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        drop(self.input.lock().await.take());
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            self.end_group();
            if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
                self.child.kill().await?;
            }
        }
        Ok(())
    }
}

impl ChildTransport {
    #[cfg(unix)]
    fn end_group(&self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = id {
            // It may have ended just now.
            let _gone = kill_process_group(group, Signal::TERM);
        }
    }

    #[cfg(not(unix))]
    fn end_group(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_secrets_in_a_command_are_in_no_name_and_no_message() {
        for (arguments, says) in [
            (&["--api-key", "s3cr3t-v4lue"][..], "--api-key"),
            (&["--api-key=s3cr3t-v4lue"], "--api-key="),
            (&["postgresql://ann:s3cr3t-v4lue@db.example/notes"], "db.example"),
            (&["--header", "Authorization: Bearer s3cr3t-v4lue"], "--header"),
        ] {
            let command =
                UpstreamCommand::new("server", arguments.to_vec()).env("A", "s3cr3t-v4lue");
            let line = command.line();
            assert!(line.contains(says) && !line.contains("s3cr3t"), "{line}");
            let shown = format!("{command:?}");
            assert!(shown.contains("server") && !shown.contains("s3cr3t"), "{shown}");
        }
        let plain = UpstreamCommand::new("npx", ["-y", "server files"]);
        assert_eq!(plain.line(), "npx -y 'server files'");
    }

    #[test]
    fn invariant_8_a_withheld_variable_is_not_inherited_unless_it_is_set() {
        let names = ["TOKEN_OF_ANOTHER", "OWN"];
        let command = UpstreamCommand::new("server", [""; 0]).env("OWN", "1").without_env(names);
        let command = command.command();
        let found: Vec<_> = command.as_std().get_envs().collect();
        for (name, value) in [("TOKEN_OF_ANOTHER", None), ("OWN", Some("1"))] {
            assert!(found.contains(&(name.as_ref(), value.map(AsRef::as_ref))), "{found:?}");
        }
    }
}
