//! The states of a task and which may follow which: pure, no clock, no IO.
//!
//! ```text
//!             Start          Park
//!   Queued ---------> Running <=====> Waiting
//!     |                | |    Resume    | |
//!     | Cancel,        | |     Undo     | | Fail,
//!     | TimeOut        | +--> Undoing <-+ | Cancel
//!     |       Complete,|         |        |
//!     |     Fail, Cancel,        | Fail, Cancel,
//!     |         TimeOut|         | TimeOut|
//!     v                v         v        v
//!   one of Completed, Failed, Cancelled, TimedOut
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Status;

/// Where a task stands. Exactly one of the last four is reached, once, and never left.
///
/// ```
/// # use hitl_tasks::{TaskState, Transition};
/// let state = TaskState::Queued.next(Transition::Start)?;
/// assert_eq!(state, TaskState::Running);
/// assert!(TaskState::Completed.next(Transition::Cancel).is_err());
/// # Ok::<(), hitl_tasks::IllegalTransition>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TaskState {
    /// Accepted; waits for a free slot. No budget runs yet.
    Queued,
    /// Holds a slot; its budgets run (also while it backs off before another attempt).
    Running,
    /// In [`StepContext::off_clock`](crate::StepContext::off_clock): holds no slot, and no budget
    /// runs. Also while it waits for a slot to come back to.
    Waiting,
    /// It will not complete, and what its steps did is being [undone](crate::TaskStep::undo). How
    /// it ends is decided; nothing changes that any more.
    Undoing,
    /// Every step is done.
    Completed,
    /// A step failed, panicked or ran out of its own time, and has no attempts left.
    Failed,
    /// Stopped by request.
    Cancelled,
    /// Ran out of the time given to the task as a whole, or of the time it may wait to start.
    #[serde(rename = "timeout")]
    TimedOut,
}

impl TaskState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Undoing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// The state after `transition`, or why there is none.
    pub const fn next(self, transition: Transition) -> Result<Self, IllegalTransition> {
        use Transition as T;
        Ok(match (self, transition) {
            (Self::Queued, T::Start) | (Self::Waiting, T::Resume) => Self::Running,
            (Self::Running, T::Park) => Self::Waiting,
            (Self::Running | Self::Waiting, T::Undo) => Self::Undoing,
            (Self::Running, T::Complete) => Self::Completed,
            (Self::Running | Self::Waiting | Self::Undoing, T::Fail) => Self::Failed,
            (Self::Queued | Self::Running | Self::Waiting | Self::Undoing, T::Cancel) => {
                Self::Cancelled
            }
            (Self::Queued | Self::Running | Self::Waiting | Self::Undoing, T::TimeOut) => {
                Self::TimedOut
            }
            (from, transition) => return Err(IllegalTransition { from, transition }),
        })
    }

    /// Whether nothing follows.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// How a dashboard reads it: waiting and undoing are running, a time-out is a failure.
    pub const fn status(self) -> Status {
        match self {
            Self::Queued => Status::Pending,
            Self::Running | Self::Waiting | Self::Undoing => Status::Running,
            Self::Completed => Status::Completed,
            Self::Failed | Self::TimedOut => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }

    /// One lower-case word: `queued`, `running`, `waiting`, `undoing`, `completed`, `failed`,
    /// `cancelled`, `timeout`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Undoing => "undoing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timeout",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transition {
    /// It got a slot.
    Start,
    /// It went off the clock and gave its slot back.
    Park,
    /// It came back onto the clock, with a slot.
    Resume,
    /// It will not complete, and has something to undo.
    Undo,
    /// Its last step is done.
    Complete,
    /// A step failed for good.
    Fail,
    /// Somebody stopped it.
    Cancel,
    /// Its overall time ran out, or, while [`Queued`](TaskState::Queued), the time it may wait
    /// there. [`Waiting`](TaskState::Waiting) spends no time, but the last member of a group may
    /// leave the clock just as the time runs out.
    TimeOut,
}

impl Transition {
    /// Every transition.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Park,
        Self::Resume,
        Self::Undo,
        Self::Complete,
        Self::Fail,
        Self::Cancel,
        Self::TimeOut,
    ];
}

/// This cannot happen to a task in that state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {from} cannot {transition:?}")]
pub struct IllegalTransition {
    /// The state it was in, and stays in.
    pub from: TaskState,
    /// What was tried.
    pub transition: Transition,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the module's diagram, written out by hand a second time.
    fn expected(from: TaskState, transition: Transition) -> Option<TaskState> {
        use TaskState as S;
        use Transition as T;
        match from {
            S::Queued => match transition {
                T::Start => Some(S::Running),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Park | T::Resume | T::Undo | T::Complete | T::Fail => None,
            },
            S::Running => match transition {
                T::Park => Some(S::Waiting),
                T::Undo => Some(S::Undoing),
                T::Complete => Some(S::Completed),
                T::Fail => Some(S::Failed),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Start | T::Resume => None,
            },
            S::Waiting => match transition {
                T::Resume => Some(S::Running),
                T::Undo => Some(S::Undoing),
                T::Fail => Some(S::Failed),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Start | T::Park | T::Complete => None,
            },
            S::Undoing => match transition {
                T::Fail => Some(S::Failed),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Start | T::Park | T::Resume | T::Undo | T::Complete => None,
            },
            S::Completed | S::Failed | S::Cancelled | S::TimedOut => None,
        }
    }

    #[test]
    fn every_state_and_transition_does_what_the_table_says() {
        for from in TaskState::ALL {
            for transition in Transition::ALL {
                assert_eq!(
                    from.next(transition),
                    expected(from, transition).ok_or(IllegalTransition { from, transition }),
                    "{from} {transition:?}"
                );
            }
        }
    }

    #[test]
    fn invariant_11_nothing_leaves_a_terminal_state() {
        for state in TaskState::ALL {
            let stuck = Transition::ALL.iter().all(|t| state.next(*t).is_err());
            assert_eq!(stuck, state.is_terminal(), "{state}");
        }
    }

    #[test]
    fn every_living_state_can_be_cancelled() {
        for state in TaskState::ALL.into_iter().filter(|s| !s.is_terminal()) {
            assert_eq!(state.next(Transition::Cancel), Ok(TaskState::Cancelled));
        }
    }

    #[test]
    fn the_words_are_those_of_the_wire() {
        for state in TaskState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(TaskState::TimedOut.status(), Status::Failed);
        assert_eq!(TaskState::Waiting.status(), Status::Running);
        assert_eq!(
            TaskState::Failed.next(Transition::Start).unwrap_err().to_string(),
            "a task that is failed cannot Start"
        );
    }
}
