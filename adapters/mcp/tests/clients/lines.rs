//! A process that is spoken to by lines of JSON.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::NamedTempFile;

/// The longest wait for a line. A loaded machine starts some servers in half a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// The end of what a process said on standard error that a failed test prints, in bytes.
const LOG: usize = 4_000;

/// A running process; it is killed when this is dropped.
pub(crate) struct Lines {
    command: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    log: NamedTempFile,
}

impl Lines {
    pub(crate) fn start(command: &[String]) -> Self {
        let log = NamedTempFile::new().unwrap();
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let reader = BufReader::new(child.stdout.take().unwrap());
        let (sender, output) = channel();
        // Ends with the process.
        thread::spawn(move || {
            for line in reader.split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { command: command.join(" "), child, input, output, log }
    }

    /// Sends bytes as they are, without a line's end.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input is closed");
        input.write_all(bytes).and_then(|()| input.flush()).unwrap();
    }

    pub(crate) fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes());
    }

    /// Returns the next line.
    pub(crate) fn receive(&self) -> Value {
        self.receive_within(PATIENCE).unwrap_or_else(|| {
            panic!("no line within {PATIENCE:?} from {}", self.command);
        })
    }

    /// Returns the next line; `None` if there is none for so long.
    pub(crate) fn receive_within(&self, wait: Duration) -> Option<Value> {
        match self.output.recv_timeout(wait) {
            Ok(line) => Some(serde_json::from_str(&line).unwrap_or_else(|error| {
                panic!("{} printed no JSON ({error}): {line}", self.command)
            })),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("{} has ended, and a line was awaited", self.command)
            }
        }
    }

    /// Closes its input and waits until it has ended. Returns whether it ended by itself.
    pub(crate) fn close(mut self) -> bool {
        self.input = None;
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Kills it at once: `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = std::fs::read(self.log.path()).unwrap_or_default();
            let end = &log[log.len().saturating_sub(LOG)..];
            eprintln!("--- {}\n{}", self.command, String::from_utf8_lossy(end));
        }
    }
}
