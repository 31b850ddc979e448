//! One life of the worker, and its end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::place::Place;
use crate::worker::{FOLDER, MARK, SCHEMA, STOP};

/// The time after which a life without progress fails the test.
const PATIENCE: Duration = Duration::from_secs(120);

/// The way in which a life ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The life ends at a random moment.
    Random,
    /// The life ends at a named place, after this many visits of it.
    At { place: &'static str, visit: u64 },
}

/// A generator of pseudo-random numbers: xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A running worker.
pub(crate) struct Life {
    process: Child,
    input: ChildStdin,
    says: Receiver<String>,
    end: End,
}

impl Life {
    pub(crate) fn start(at: &Place, end: End, told: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "worker_process", "--nocapture", "--test-threads=1"]);
        command.env(FOLDER, at.folder()).envs(told.iter().map(|name| (name, "1")));
        if let Some(schema) = &at.schema {
            command.env(SCHEMA, schema);
        }
        if let End::At { place, visit } = end {
            command.env(STOP, format!("{place} {visit}"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, says) = channel();
        // The thread ends with the process, whose output ends then.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, said)) = line.split_once(MARK) {
                    // Nobody listens to the last lines of a killed worker.
                    let _unheard = sender.send(said.to_owned());
                }
            }
        });
        Self { process, input, says, end }
    }

    /// Waits for the moment, and kills the worker as `kill -9` does.
    pub(crate) fn until_killed(mut self, random: &mut Random) {
        match self.end {
            End::At { place, .. } => self.hear(&format!("at {place}")),
            End::Random => {
                self.hear("ready");
                self.run_for(Duration::from_micros(random.below(60_000)));
            }
        }
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets a stopped worker continue.
    pub(crate) fn go_on(&mut self) {
        writeln!(self.input, "go on").unwrap();
    }

    /// Waits until the worker sends exactly this line.
    pub(crate) fn hear(&mut self, what: &str) {
        while self.next() != what {}
    }

    /// Returns the rest of the next line that begins with this text.
    pub(crate) fn hear_some(&mut self, of: &str) -> String {
        loop {
            if let Some((first, rest)) = self.next().split_once(' ')
                && first == of
            {
                return rest.to_owned();
            }
        }
    }

    fn next(&mut self) -> String {
        self.says
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("the worker says nothing ({:?}): {error}", self.end))
    }

    /// Lets the worker live for this long, and ignores the lines that it sends meanwhile.
    fn run_for(&self, length: Duration) {
        let until = std::time::Instant::now() + length;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match self.says.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return,
                Err(error) => panic!("the worker died by itself: {error}"),
            }
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
