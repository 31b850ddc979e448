//! The other process of a path that needs two: this program once more, which does what it is told
//! on its standard input, a line for each thing, and answers with a line.

use std::io::{BufRead as _, BufReader, Lines, Write as _, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::paths;

/// Names what the other process is for.
const ROLE: &str = "HITL_BENCH_ROLE";

/// Does the work of the other process, when this is one. Every `main` asks first.
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

/// The other process, as its starter sees it.
pub struct Other {
    process: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Other {
    /// Starts it; `told` are variables of its environment.
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

    /// Tells it something.
    pub fn tell(&mut self, line: &str) {
        // In one piece: it reads a line at a time.
        self.to.write_all(format!("{line}\n").as_bytes()).expect("it lives");
    }

    /// Waits until it has done what it was told.
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
