//! What a person did in a series. Pure.

use std::collections::HashSet;

use hitl_core::{BindingDigest, RequestId};
use serde::Serialize;

use super::super::decide::Reply;
use crate::view::CallLine;

/// What became of one call that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Approved,
    Edited,
    Rejected,
    Answered,
    Stopped,
    /// It was left as it is.
    Skipped,
    /// It changed, was decided or expired while it was shown: nothing was decided here.
    Overtaken,
}

impl Step {
    /// Returns the step that this reply is.
    pub(super) fn of(reply: &Reply) -> Self {
        match reply {
            Reply::Approve { .. } => Self::Approved,
            Reply::Edit { .. } => Self::Edited,
            Reply::Reject { .. } => Self::Rejected,
            Reply::Respond { .. } => Self::Answered,
            Reply::Abort { .. } => Self::Stopped,
        }
    }
}

/// Why a series ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum End {
    /// No call is left that was not shown.
    NothingLeft,
    /// The person quit, or the input ended.
    Quit,
    /// It failed.
    Failed,
}

/// What was done so far, as JSON too.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tally {
    approved: u32,
    edited: u32,
    rejected: u32,
    answered: u32,
    stopped: u32,
    skipped: u32,
    overtaken: u32,
    /// Why it ended.
    ended: Option<End>,
    /// The calls that were decided, as they were left.
    decided: Vec<CallLine>,
    #[serde(skip)]
    passed: Passed,
}

/// The questions that the person has answered or left in this series. A call that changes is
/// another question.
#[derive(Debug, Default)]
pub(super) struct Passed(HashSet<(RequestId, BindingDigest)>);

impl Passed {
    /// Returns whether this question was asked already.
    pub(super) fn has(&self, id: RequestId, binding: BindingDigest) -> bool {
        self.0.contains(&(id, binding))
    }

    /// Keeps this question from being asked again.
    pub(super) fn add(&mut self, id: RequestId, binding: BindingDigest) {
        self.0.insert((id, binding));
    }
}

impl Tally {
    /// Returns the questions that were asked.
    pub(super) fn passed(&self) -> &Passed {
        &self.passed
    }

    /// Keeps this question from being asked again.
    pub(super) fn pass(&mut self, id: RequestId, binding: BindingDigest) {
        self.passed.add(id, binding);
    }

    /// Counts a step.
    pub(super) fn count(&mut self, step: Step) {
        *match step {
            Step::Approved => &mut self.approved,
            Step::Edited => &mut self.edited,
            Step::Rejected => &mut self.rejected,
            Step::Answered => &mut self.answered,
            Step::Stopped => &mut self.stopped,
            Step::Skipped => &mut self.skipped,
            Step::Overtaken => &mut self.overtaken,
        } += 1;
    }

    /// Counts a decision. A call that still waits, for somebody else, is not asked about again.
    pub(super) fn decided(&mut self, step: Step, line: CallLine) {
        self.count(step);
        self.passed.add(line.id, line.binding);
        self.decided.push(line);
    }

    /// Ends the series.
    pub(super) fn end(&mut self, end: End) {
        self.ended = Some(end);
    }

    /// Renders what was done, in one line.
    pub(super) fn text(&self) -> String {
        let counts = [
            (self.approved, "approved"),
            (self.edited, "edited"),
            (self.rejected, "rejected"),
            (self.answered, "answered"),
            (self.stopped, "stopped"),
            (self.skipped, "skipped"),
            (self.overtaken, "changed or decided elsewhere"),
        ];
        let counted = counts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = counted.map(|(count, what)| format!("{count} {what}")).collect();
        let done = match (parts.is_empty(), self.ended) {
            (false, _) => parts.join(", "),
            (true, Some(End::NothingLeft)) => return "Nothing waits.\n".to_owned(),
            (true, _) => "nothing was decided".to_owned(),
        };
        match self.ended {
            Some(End::NothingLeft) => format!("{done}; nothing else waits.\n"),
            _ => format!("{done}.\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(steps: &[Step], end: End) -> String {
        let mut tally = Tally::default();
        for step in steps {
            tally.count(*step);
        }
        tally.end(end);
        tally.text()
    }

    #[test]
    fn the_line_at_the_end_counts_what_was_done() {
        use Step as S;
        let steps = [S::Approved, S::Skipped, S::Approved, S::Overtaken, S::Rejected];
        let expected = "2 approved, 1 rejected, 1 skipped, 1 changed or decided elsewhere";
        assert_eq!(tally(&steps, End::Quit), format!("{expected}.\n"));
        assert_eq!(tally(&steps, End::NothingLeft), format!("{expected}; nothing else waits.\n"));
        let others = [S::Edited, S::Answered, S::Stopped];
        assert_eq!(tally(&others, End::Failed), "1 edited, 1 answered, 1 stopped.\n");
        assert_eq!(tally(&[], End::Quit), "nothing was decided.\n");
        assert_eq!(tally(&[], End::NothingLeft), "Nothing waits.\n");
    }

    #[test]
    fn a_call_that_changed_is_another_question() {
        let (mut passed, id) = (Passed::default(), RequestId::new());
        let binding = |byte: &str| byte.repeat(32).parse::<BindingDigest>().unwrap();
        passed.add(id, binding("ab"));
        assert!(passed.has(id, binding("ab")));
        assert!(!passed.has(id, binding("cd")) && !passed.has(RequestId::new(), binding("ab")));
    }
}
