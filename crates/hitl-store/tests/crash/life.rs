//! One life of the worker, and its end.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::worker::{GRANTS, MARK, STOP, TASKS, arguments, environment};

/// The time after which a life without progress fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// The way in which a life ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The life ends at a random moment.
    Random,
    /// The life ends at a named place, after this many visits of it.
    At {
        /// The name of the place.
        place: &'static str,
        /// The number of earlier visits.
        visit: u64,
    },
}

/// A generator of pseudo-random numbers: xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A running worker.
pub(crate) struct Life {
    process: Child,
    end: End,
    says: Receiver<String>,
}

impl Life {
    /// Starts a worker on calls.
    pub(crate) fn start(folder: &Path, number: u64, end: End) -> Self {
        Self::run(Command::new(std::env::current_exe().unwrap()), folder, number, end)
    }

    /// Starts a worker on long-running tasks.
    pub(crate) fn start_task(folder: &Path, number: u64, end: End) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(TASKS, "1");
        Self::run(command, folder, number, end)
    }

    /// Starts a worker on grants.
    pub(crate) fn start_grants(folder: &Path, number: u64, end: End) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(GRANTS, "1");
        Self::run(command, folder, number, end)
    }

    fn run(mut command: Command, folder: &Path, number: u64, end: End) -> Self {
        command.args(arguments()).envs(environment(folder, number));
        if let End::At { place, visit } = end {
            command.env(STOP, format!("{place} {visit}"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
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
        Self { process, end, says }
    }

    /// Waits for the moment, and kills the worker as `kill -9` does.
    pub(crate) fn until_killed(mut self, random: &mut Random) {
        match self.end {
            End::At { place, .. } => self.hear(&format!("at {place}")),
            // One in eight dies while it starts, the others while they work.
            End::Random if random.below(8) == 0 => self.wait(random.below(20_000)),
            End::Random => {
                self.hear("ready");
                self.wait(random.below(40_000));
            }
        }
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn hear(&self, what: &str) {
        loop {
            match self.says.recv_timeout(PATIENCE) {
                Ok(said) if said == what => return,
                Ok(_) => {}
                Err(error) => panic!("the worker never said `{what}` ({:?}): {error}", self.end),
            }
        }
    }

    /// Lets the worker live for this many microseconds. A worker that ends by itself has failed.
    fn wait(&self, micros: u64) {
        let deadline = Instant::now() + Duration::from_micros(micros);
        loop {
            match self.says.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => panic!("the worker ended by itself"),
            }
        }
    }
}
