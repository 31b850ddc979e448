//! When a tool is asked again how an attempt ended. Pure: the time is an argument.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use tokio::sync::Mutex as AsyncMutex;

use crate::ids::{ClaimToken, RequestId};

/// The pause after the first question about an attempt; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// The most attempts that are remembered.
const MAX_ATTEMPTS: usize = 10_000;

/// An attempt of a call. A further attempt has another claim, and is asked about at once.
pub(super) type AttemptId = (RequestId, Option<ClaimToken>);

/// The questions that were asked, and the times of the next ones.
#[derive(Default)]
pub(super) struct AskSchedule(HashMap<AttemptId, Asked>);

/// The questions about one attempt.
struct Asked {
    next: Timestamp,
    pause: Duration,
    /// The last answer that settled nothing, as it was audited.
    said: Option<String>,
    turn: Arc<AsyncMutex<()>>,
}

impl AskSchedule {
    /// Returns the lock of an attempt: who holds it may ask, and others wait for the answer. `None`
    /// if too many attempts are remembered.
    pub(super) fn turn(
        &mut self,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Option<Arc<AsyncMutex<()>>> {
        if !self.0.contains_key(&attempt) && self.0.len() >= MAX_ATTEMPTS {
            // Those that are due start again; nobody asks about most of them any more.
            self.0.retain(|_, asked| asked.next > now);
            if self.0.len() >= MAX_ATTEMPTS {
                return None;
            }
        }
        let asked = self.0.entry(attempt).or_insert_with(|| Asked {
            next: now,
            pause: FIRST_PAUSE,
            said: None,
            turn: Arc::default(),
        });
        Some(Arc::clone(&asked.turn))
    }

    /// Returns whether it is time to ask about an attempt, and sets the time of the next question.
    pub(super) fn begin(&mut self, attempt: AttemptId, now: Timestamp) -> bool {
        let Some(asked) = self.0.get_mut(&attempt) else { return false };
        // A clock that went back must not silence the question.
        let is_due = now >= asked.next || now.saturating_add(LONGEST_PAUSE) < asked.next;
        if is_due {
            asked.next = now.saturating_add(asked.pause);
            asked.pause = (asked.pause * 2).min(LONGEST_PAUSE);
        }
        is_due
    }

    /// Returns whether an answer that settles nothing differs from the last one, and remembers it.
    pub(super) fn is_news(&mut self, attempt: AttemptId, said: &str) -> bool {
        let Some(asked) = self.0.get_mut(&attempt) else { return true };
        if asked.said.as_deref() == Some(said) {
            return false;
        }
        asked.said = Some(said.to_owned());
        true
    }

    /// Forgets an attempt that is settled.
    pub(super) fn forget(&mut self, attempt: AttemptId) {
        self.0.remove(&attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH.saturating_add(Duration::from_secs(seconds))
    }

    #[test]
    fn each_pause_is_twice_as_long_up_to_an_hour() {
        let (mut schedule, attempt) = (AskSchedule::default(), (RequestId::new(), None));
        assert!(!schedule.begin(attempt, at(0)), "it has no turn");
        schedule.turn(attempt, at(0)).unwrap();
        let mut asked = Vec::new();
        for second in 0..20_000 {
            if schedule.begin(attempt, at(second)) {
                asked.push(second);
            }
        }
        assert_eq!(
            asked,
            [0, 5, 15, 35, 75, 155, 315, 635, 1275, 2555, 5115, 8715, 12315, 15915, 19515]
        );
        let other = (attempt.0, Some(ClaimToken::new()));
        schedule.turn(other, at(19_516)).unwrap();
        assert!(schedule.begin(other, at(19_516)), "a further attempt is asked about at once");
        assert!(schedule.begin(attempt, at(0)), "the clock went back");
        assert!(!schedule.begin(attempt, at(1)));
        schedule.forget(attempt);
        schedule.turn(attempt, at(2)).unwrap();
        assert!(schedule.begin(attempt, at(2)));
    }

    #[test]
    fn an_answer_is_news_once() {
        let (mut schedule, attempt) = (AskSchedule::default(), (RequestId::new(), None));
        schedule.turn(attempt, at(0)).unwrap();
        let news = ["down", "down", "late", "down"].map(|said| schedule.is_news(attempt, said));
        assert_eq!(news, [true, false, true, true]);
    }

    #[test]
    fn invariant_13_so_many_attempts_are_remembered_and_no_more() {
        let mut schedule = AskSchedule::default();
        for _ in 0..MAX_ATTEMPTS {
            let attempt = (RequestId::new(), None);
            schedule.turn(attempt, at(0)).unwrap();
            assert!(schedule.begin(attempt, at(0)));
        }
        let further = (RequestId::new(), None);
        assert!(schedule.turn(further, at(1)).is_none());
        assert!(!schedule.begin(further, at(1)), "nobody is asked");
        schedule.turn(further, at(5)).unwrap();
        assert_eq!(schedule.0.len(), 1, "those that are due are forgotten");
    }
}
