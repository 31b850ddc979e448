//! The properties that must hold after a death: of the journal, and of the lines that the bodies
//! left.

use std::collections::{BTreeMap, BTreeSet};

use hitl_tasks::Journal;
use serde_json::Value;

use crate::place::Place;
use crate::tasks::{self, fails, id};

/// The findings after the deaths so far.
#[derive(Debug, Default)]
pub(crate) struct Known {
    deaths: usize,
    /// Ended tasks, by number.
    ended: BTreeSet<u64>,
    /// Lines that bodies left of steps that were recorded as done (or undone) at the last death.
    settled: BTreeMap<String, usize>,
    /// The number of steps whose attempt was interrupted, and begun once more.
    again: usize,
    undone: usize,
}

/// One task, according to its journal.
#[derive(Debug, Default)]
struct Story {
    attempts: BTreeMap<u64, u64>,
    done: BTreeSet<u64>,
    undoing: bool,
    undo_attempts: BTreeMap<u64, u64>,
    undone: Vec<u64>,
    end: Option<String>,
}

impl Story {
    fn read(entries: &[Vec<u8>], number: u64) -> Self {
        let mut story = Self::default();
        for (at, bytes) in entries.iter().enumerate() {
            let entry: Value = serde_json::from_slice(bytes).unwrap();
            assert!(story.end.is_none(), "nothing comes after the end: {entry}");
            let kind = entry["type"].as_str().unwrap();
            assert_eq!(kind == "defined", at == 0, "the definition comes first, once");
            let step = entry["step"].as_u64().unwrap_or(0);
            let attempt = entry["attempt"].as_u64().unwrap_or(0);
            match kind {
                "defined" => assert_eq!(entry["definition"]["name"], "killed"),
                "stepStarted" => {
                    assert!(!story.undoing && !story.done.contains(&step), "{number}: {entry}");
                    let before = story.attempts.insert(step, attempt).unwrap_or(0);
                    assert_eq!(attempt, before + 1, "attempts count on");
                    let first_open = (0..5).find(|step| !story.done.contains(step)).unwrap();
                    // The members of the group begin at the same time.
                    let is_next = step == first_open || (first_open == 2 && step == 3);
                    assert!(is_next, "{number}: at the first without an output: {entry}");
                }
                "stepDone" => assert!(story.done.insert(step), "{number}: once: {entry}"),
                "undoing" => story.undoing = true,
                "undoStarted" => {
                    assert!(story.undoing && !story.undone.contains(&step), "{number}: {entry}");
                    let before = story.undo_attempts.insert(step, attempt).unwrap_or(0);
                    assert_eq!(attempt, before + 1, "attempts count on");
                }
                "undoDone" => story.undone.push(step),
                "terminal" => story.end = entry["end"]["state"].as_str().map(str::to_owned),
                other => panic!("{other}"),
            }
        }
        story
    }

    fn check_end(&self, number: u64) {
        let Some(end) = &self.end else { return };
        if fails(number) {
            assert_eq!((end.as_str(), &self.undone[..]), ("failed", &[3, 2, 1][..]));
        } else {
            assert_eq!((end.as_str(), self.done.len()), ("completed", 5));
        }
    }
}

impl Known {
    /// Checks every task.
    pub(crate) async fn check(&mut self, at: &Place, journal: &dyn Journal) {
        self.deaths += 1;
        let acknowledged = tasks::lines(at.folder(), "ended");
        let acknowledged: BTreeSet<u64> =
            acknowledged.iter().map(|line| line.parse().unwrap()).collect();
        let mut bodies: BTreeMap<String, usize> = BTreeMap::new();
        let ran = tasks::ran(at.folder());
        let once: BTreeSet<&String> = ran.iter().collect();
        assert_eq!(once.len(), ran.len(), "no attempt is made twice: {ran:?}");
        for line in &ran {
            let (of_step, _) = line.rsplit_once(' ').unwrap();
            *bodies.entry(of_step.to_owned()).or_default() += 1;
        }
        for (line, count) in &self.settled {
            assert_eq!(bodies[line], *count, "{line} ran again although it was recorded");
        }
        self.again = 0;
        self.undone = 0;
        let newest = acknowledged.last().copied().unwrap_or(0);
        for number in 0..newest + 10 {
            let entries = journal.load(id(number)).await.unwrap();
            let story = Story::read(&entries, number);
            story.check_end(number);
            if story.end.is_some() {
                self.ended.insert(number);
            }
            let is_known = self.ended.contains(&number) || acknowledged.contains(&number);
            assert_eq!(story.end.is_some(), is_known, "an end that was told is kept: {number}");
            self.again += story.attempts.values().filter(|attempts| **attempts > 1).count();
            self.undone += story.undone.len();
            let count = |step: u64, what: &str| {
                let line = format!("{} {step} {what}", id(number));
                let count = bodies.get(&line).copied().unwrap_or(0);
                (line, count)
            };
            for (step, attempts) in &story.attempts {
                let (line, count) = count(*step, "do");
                assert!(
                    count as u64 <= *attempts,
                    "{line}: an attempt is recorded before it is made"
                );
                if story.done.contains(step) {
                    assert!(count > 0, "{line}: done, and never ran");
                    self.settled.insert(line, count);
                }
            }
            for (step, attempts) in &story.undo_attempts {
                let (line, count) = count(*step, "undo");
                assert!(count as u64 <= *attempts, "{line}");
                if story.undone.contains(step) {
                    assert!(count > 0, "{line}: undone, and never was");
                    self.settled.insert(line, count);
                }
            }
        }
    }

    /// Returns the number of ended tasks.
    pub(crate) fn ended(&self) -> usize {
        self.ended.len()
    }

    /// Asserts that the deaths came at critical moments: otherwise the test shows nothing.
    pub(crate) fn assert_much_happened(&self) {
        let Self { deaths, again, undone, .. } = self;
        println!("{deaths} deaths, {} ended, {again} steps again, {undone} undone", self.ended());
        assert!(*deaths > 50 && self.ended() > 20 && *again > 5 && *undone > 20);
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn assert_something_happened(&self) {
        let Self { deaths, again, undone, .. } = self;
        println!("{deaths} deaths, {} ended, {again} steps again, {undone} undone", self.ended());
        assert!(*deaths > 20 && self.ended() > 5 && *again > 2 && *undone > 5);
    }
}
