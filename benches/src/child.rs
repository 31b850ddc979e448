//! The other process of a path that needs two: this program started again. It carries out the
//! commands on its standard input, one per line, and answers each with a line.

use std::io::{BufRead as _, BufReader, Lines, Write as _, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::paths;

/// The environment variable that names the role of the other process.
const ROLE: &str = "HITL_BENCH_ROLE";

/// Does the work of the other process, if this is one. Every `main` calls it first.
pub fn is_one() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    paths::processes::other(&role);
    true
}

/// Answers each line of the standard input.
pub fn answer(mut each: impl FnMut(&str)) {
    for line in stdin().lines() {
        each(&line.expect("text"));
        println!("done");
    }
}

/// The other process, as its parent sees it.
pub struct Other {
    process: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Other {
    /// Starts the process; `told` are variables of its environment.
    pub fn start(role: &str, told: &[(&str, &str)]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.env(ROLE, role).envs(told.iter().copied());
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.expect("started");
        let to = process.stdin.take().expect("piped");
        let from = BufReader::new(process.stdout.take().expect("piped")).lines();
        Self { process, to, from }
    }

    /// Sends the process a line.
    pub fn tell(&mut self, line: &str) {
        // In a single write, because the process reads a line at a time.
        self.to.write_all(format!("{line}\n").as_bytes()).expect("it lives");
    }

    /// Waits until the process has carried out a line.
    pub fn wait(&mut self) {
        assert_eq!(self.from.next().expect("it lives").expect("text"), "done");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
