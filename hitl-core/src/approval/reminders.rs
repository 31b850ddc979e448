//! When somebody should be reminded of a request. Pure: the application asks, and tells people.

use std::time::Duration;

use hitl_base::Timestamp;

use super::ApprovalRequest;

/// What there is to remind of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Nudge {
    /// Half of the time until it is due is over.
    HalfWay,
    /// It is due.
    Due,
    /// A tenth of its time is left; then it expires, or somebody else is asked.
    LastCall,
}

/// One reminder. Its request, revision and nudge make it the one that it is: whoever keeps those that
/// were sent sends none twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reminder {
    /// What there is to remind of.
    pub nudge: Nudge,
    /// The revision it is about.
    pub revision: u32,
    /// Since when.
    pub at: Timestamp,
}

/// The reminders whose time has come, the earliest first. None once the request has expired.
///
/// Says nothing about the state of the call: ask it of those that are pending.
pub fn reminders(request: &ApprovalRequest, now: Timestamp) -> Vec<Reminder> {
    if now >= request.expires_at {
        return Vec::new();
    }
    schedule(request).into_iter().filter(|reminder| reminder.at <= now).collect()
}

/// When the next reminder is to be sent, if there is one.
pub fn next_reminder(request: &ApprovalRequest, now: Timestamp) -> Option<Timestamp> {
    schedule(request).into_iter().map(|reminder| reminder.at).find(|at| *at > now)
}

fn schedule(request: &ApprovalRequest) -> Vec<Reminder> {
    let due_in = request.due_at.since(request.created_at);
    let lasts = request.expires_at.since(request.created_at);
    let last_call = lasts.saturating_sub(lasts / 10);
    let at = |nudge, after: Duration| Reminder {
        nudge,
        revision: request.revision,
        at: request.created_at.plus(after),
    };
    let mut all = vec![
        at(Nudge::HalfWay, due_in / 2),
        at(Nudge::Due, due_in),
        at(Nudge::LastCall, last_call),
    ];
    all.retain(|reminder| reminder.at < request.expires_at);
    all.sort_by_key(|reminder| reminder.at);
    all
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOW, request};
    use super::*;

    #[test]
    fn each_comes_at_its_time_and_none_after_the_end() {
        let mut request = request("{}");
        request.due_at = NOW.plus(Duration::from_secs(60));
        request.expires_at = NOW.plus(Duration::from_secs(100));
        let said = |seconds| {
            let then = NOW.plus(Duration::from_secs(seconds));
            let nudges = reminders(&request, then).into_iter().map(|reminder| reminder.nudge);
            (nudges.collect::<Vec<_>>(), next_reminder(&request, then).map(|at| at.since(NOW)))
        };
        let next = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(said(0), (vec![], next(30)));
        assert_eq!(said(30), (vec![Nudge::HalfWay], next(60)));
        assert_eq!(said(60), (vec![Nudge::HalfWay, Nudge::Due], next(90)));
        assert_eq!(said(99), (vec![Nudge::HalfWay, Nudge::Due, Nudge::LastCall], None));
        assert_eq!(said(100), (vec![], None));
        assert!(reminders(&request, NOW).iter().all(|reminder| reminder.revision == 1));
    }
}
