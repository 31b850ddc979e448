//! Counting: from records to numbers. Pure.

use std::collections::BTreeMap;

use hitl_base::Timestamp;
use hitl_core::approval::Choice;
use hitl_core::{CallRecord, CallState};

use super::{ConfidenceBand, DecisionTally, Stats, TimeBand};

/// The bounds of time to decision, in seconds; the last band has none.
const BOUNDS: [u64; 7] = [10, 60, 300, 1800, 7200, 28_800, 86_400];
/// The maximum number of tools, and of reviewers, that are listed.
const MAX_NAMES: usize = 50;

/// Counts calls, one by one, for a console and for the command line alike.
#[derive(Debug, Default)]
pub struct StatsCounter {
    calls: usize,
    by_day: BTreeMap<String, BTreeMap<String, u64>>,
    ended: BTreeMap<String, usize>,
    seconds: Vec<u64>,
    bands: [(usize, usize); 10],
    by_tool: BTreeMap<String, Taken>,
    by_reviewer: BTreeMap<String, Taken>,
}

/// Decisions of one kind.
#[derive(Debug, Default)]
struct Taken {
    seconds: Vec<u64>,
    answers: BTreeMap<String, usize>,
    ended: BTreeMap<String, usize>,
}

impl StatsCounter {
    /// Counts one call. The order of the calls does not matter.
    pub fn add(&mut self, record: &CallRecord) {
        self.calls += 1;
        if let Some((at, outcome)) = outcome(record) {
            *self.by_day.entry(day(at)).or_default().entry(outcome.to_owned()).or_default() += 1;
        }
        let end = end(record);
        if let Some(end) = end {
            count(&mut self.ended, end);
        }
        // No human looked at a call that a grant answered.
        let Some(decided) = record.decision().filter(|_| record.grant_use().is_none()) else {
            return;
        };
        let request = record.request();
        let seconds = decided.at.saturating_duration_since(request.created_at).as_secs();
        self.seconds.push(seconds);
        let choice = decided.answer.choice();
        self.by_tool.entry(request.tool.clone()).or_default().add(seconds, choice, end);
        self.by_reviewer.entry(decided.by.to_string()).or_default().add(seconds, choice, end);
        let band = &mut self.bands[usize::from(request.assessment.confidence / 10).min(9)];
        band.0 += usize::from(is_approval(choice));
        band.1 += 1;
    }

    /// Returns the numbers, as those of this many days.
    pub fn finish(mut self, days: u32) -> Stats {
        self.seconds.sort_unstable();
        let took = self.seconds;
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        let mut before = 0;
        let bands = bounds.map(|below_seconds| {
            let below = |bound| took.partition_point(|seconds| *seconds < bound);
            let up_to = below_seconds.map_or(took.len(), below);
            let count = up_to - std::mem::replace(&mut before, up_to);
            TimeBand { below_seconds, count }
        });
        let confidence = (0_u8..).zip(self.bands);
        Stats {
            days,
            calls: self.calls,
            cut: false,
            decided: took.len(),
            by_day: self.by_day,
            ended: self.ended,
            time_to_decision: bands.collect(),
            median_seconds: quantile(&took, 50),
            p90_seconds: quantile(&took, 90),
            p99_seconds: quantile(&took, 99),
            by_tool: ranking(self.by_tool),
            by_reviewer: ranking(self.by_reviewer),
            by_confidence: confidence
                .map(|(band, (approved, decided))| ConfidenceBand {
                    from: band * 10,
                    approved,
                    decided,
                })
                .collect(),
        }
    }
}

impl Taken {
    fn add(&mut self, seconds: u64, choice: Choice, end: Option<&str>) {
        self.seconds.push(seconds);
        count(&mut self.answers, answer(choice));
        if let Some(end) = end {
            count(&mut self.ended, end);
        }
    }

    fn tally(mut self, name: String) -> DecisionTally {
        self.seconds.sort_unstable();
        let of = |answer: &str| self.answers.get(answer).copied().unwrap_or_default();
        DecisionTally {
            name,
            decided: self.seconds.len(),
            approved: of("approved") + of("edited"),
            median_seconds: quantile(&self.seconds, 50).unwrap_or_default(),
            p90_seconds: quantile(&self.seconds, 90),
            answers: self.answers,
            ended: self.ended,
        }
    }
}

fn count(into: &mut BTreeMap<String, usize>, name: &str) {
    *into.entry(name.to_owned()).or_default() += 1;
}

/// Returns the smallest value that this percentage of sorted values does not exceed.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied()
}

/// Returns the decisions of each name, the most first.
fn ranking(taken: BTreeMap<String, Taken>) -> Vec<DecisionTally> {
    let mut ranked: Vec<_> = taken.into_iter().map(|(name, taken)| taken.tally(name)).collect();
    ranked.sort_by_key(|tally| std::cmp::Reverse(tally.decided));
    ranked.truncate(MAX_NAMES);
    ranked
}

const fn is_approval(choice: Choice) -> bool {
    matches!(choice, Choice::Approve | Choice::Edit)
}

/// Returns an answer as an outcome.
const fn answer(choice: Choice) -> &'static str {
    match choice {
        Choice::Approve => "approved",
        Choice::Edit => "edited",
        Choice::Reject => "rejected",
        Choice::Respond => "responded",
        Choice::Abort => "aborted",
        _ => "other",
    }
}

/// Returns how a call that was started ended; `None` for one that was not, or has not ended.
fn end(record: &CallRecord) -> Option<&'static str> {
    let state = record.state();
    let has_run =
        matches!(state, CallState::Executed | CallState::Failed | CallState::OutcomeUnknown);
    has_run.then(|| state.name())
}

/// Returns the outcome of a call and its time; `None` while it is pending.
fn outcome(record: &CallRecord) -> Option<(Timestamp, &'static str)> {
    let decided = record.decision();
    if record.grant_use().is_some() {
        return Some((decided.map_or(record.updated_at(), |decided| decided.at), "granted"));
    }
    if let Some(decided) = decided {
        return Some((decided.at, answer(decided.answer.choice())));
    }
    Some((record.updated_at(), undecided(record.state())?))
}

/// Returns the outcome of a call that nobody decided; `None` while it is pending.
const fn undecided(state: CallState) -> Option<&'static str> {
    match state {
        CallState::Pending => None,
        CallState::Expired => Some("expired"),
        CallState::Denied => Some("denied"),
        CallState::Cancelled => Some("withdrawn"),
        _ => Some("auto"),
    }
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_an_outcome_but_waiting() {
        for state in CallState::ALL {
            assert_eq!(undecided(state).is_none(), state == CallState::Pending, "{state}");
        }
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let took: Vec<u64> = (1..=10).collect();
        for (percent, expected) in [(50, 5), (90, 9), (99, 10)] {
            assert_eq!(quantile(&took, percent), Some(expected), "{percent}");
        }
        assert_eq!(quantile(&[7], 50), Some(7));
        assert_eq!(quantile(&[], 50), None);
    }

    #[test]
    fn the_decisions_of_a_name_are_counted_by_answer_and_by_end() {
        let mut taken = Taken::default();
        for (seconds, choice, end) in [
            (60, Choice::Approve, Some("executed")),
            (10, Choice::Edit, Some("failed")),
            (30, Choice::Reject, None),
            (20, Choice::Approve, Some("executed")),
        ] {
            taken.add(seconds, choice, end);
        }
        let tally = taken.tally("wire".to_owned());
        assert_eq!((tally.decided, tally.approved, tally.median_seconds), (4, 3, 20));
        assert_eq!(tally.p90_seconds, Some(60));
        let counts = |of: &[(&str, usize)]| {
            of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let answers: BTreeMap<_, _> = counts(&[("approved", 2), ("edited", 1), ("rejected", 1)]);
        assert_eq!(tally.answers, answers);
        assert_eq!(tally.ended, counts(&[("executed", 2), ("failed", 1)]));
    }

    #[test]
    fn times_are_in_bands_that_add_up() {
        let seconds = vec![0, 9, 10, 59, 100_000];
        let stats = StatsCounter { seconds, ..StatsCounter::default() }.finish(14);
        let counts: Vec<usize> = stats.time_to_decision.iter().map(|band| band.count).collect();
        assert_eq!(counts, [2, 2, 0, 0, 0, 0, 0, 1]);
        assert_eq!((stats.decided, stats.median_seconds), (5, Some(10)));
    }
}
