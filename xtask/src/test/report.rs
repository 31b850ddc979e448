//! The steps of a run, and the time that each took.

use std::time::{Duration, Instant};

use crate::cargo::Cargo;
use crate::test::runner;
use crate::test::tier::{FULL, Tier};

/// The number of test binaries that are listed.
const LISTED: usize = 12;

/// The steps so far.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<(&'static str, Duration)>,
    binaries: Vec<runner::Run>,
}

impl Report {
    /// Runs a step and keeps its time.
    pub(crate) fn time(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        println!("\n[{}] {name}", self.steps.len() + 1);
        let started = Instant::now();
        let done = step();
        let took = started.elapsed();
        self.steps.push((name, took));
        if done.is_ok() {
            println!("[{}] {name} passed in {:.1} s", self.steps.len(), took.as_secs_f32());
        }
        done
    }

    /// Runs a cargo command as a step.
    pub(crate) fn cargo(&mut self, name: &'static str, cargo: &Cargo) -> Result<(), String> {
        self.time(name, || {
            let typed = cargo.typed();
            println!("{typed}");
            let status = cargo.command().status();
            let status = status.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
            if status.success() {
                return Ok(());
            }
            Err(format!("{name} failed ({status}). Again: {typed}"))
        })
    }

    /// Runs a cargo command that runs tests, and keeps the time of each of its binaries.
    pub(crate) fn tests(
        &mut self,
        name: &'static str,
        mut tests: Cargo,
        tier: Tier,
    ) -> Result<(), String> {
        let watch = runner::Watch::new(tier)?;
        for (name, value) in watch.environment() {
            tests = tests.unprinted_env(name, value);
        }
        if tier == Tier::Full {
            for (name, value) in FULL {
                tests = tests.env(name, value);
            }
        }
        let done = self.cargo(name, &tests);
        self.binaries.extend(watch.runs());
        done
    }

    /// Returns the number of steps so far.
    pub(crate) const fn count(&self) -> usize {
        self.steps.len()
    }

    /// Prints the time of each step, and of the test binaries that took longest.
    pub(crate) fn print(&self) {
        print!("{}", self.text());
    }

    fn text(&self) -> String {
        let total = self.steps.iter().map(|(_, took)| *took).sum();
        let steps = self.steps.iter().map(|(name, took)| row(*took, name));
        let mut binaries: Vec<_> = self.binaries.iter().collect();
        binaries.sort_by_key(|run| std::cmp::Reverse(run.took));
        let binaries = binaries.iter().take(LISTED).map(|run| row(run.took, &run.name));
        let mut text = format!("\ntime of each step:\n{}", steps.collect::<String>());
        text.push_str(&row(total, "in all"));
        if !self.binaries.is_empty() {
            text.push_str("\ntest binaries that took longest:\n");
            text.extend(binaries);
        }
        text
    }
}

fn row(took: Duration, name: &str) -> String {
    format!("{:>9.1} s  {name}\n", took.as_secs_f32())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_each_step_the_failed_one_too_and_their_sum() {
        let mut report = Report::default();
        report.steps.push(("lints", Duration::from_millis(1_500)));
        assert_eq!(report.time("format", || Err("no".to_owned())), Err("no".to_owned()));
        report.binaries.push(runner::Run { name: "short".to_owned(), took: Duration::ZERO });
        report.binaries.push(runner::Run { name: "long".to_owned(), took: Duration::from_secs(2) });
        let text = report.text();
        assert!(text.contains("1.5 s  lints\n") && text.contains("0.0 s  format\n"), "{text}");
        assert!(text.contains("1.5 s  in all\n"), "{text}");
        assert!(text.find("long") < text.find("short"), "{text}");
    }
}
