//! The states of a task and the transitions between them. Pure: no clock, no IO.
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
//!
//! `Interrupt` leads from each of the first four to Interrupted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::state::status::Status;

/// The state of a task in one process. It reaches exactly one of the last five, once, and never
/// leaves it.
///
/// ```
/// # use hitl::tasks::{TaskState, Transition};
/// let state = TaskState::Queued.next(Transition::Start)?;
/// assert_eq!(state, TaskState::Running);
/// assert!(TaskState::Completed.next(Transition::Cancel).is_err());
/// # Ok::<(), hitl::tasks::IllegalTransition>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TaskState {
    /// Accepted; waits for a free slot. No budget runs yet.
    Queued,
    /// Holds a slot; its budgets run, also during the delay before another attempt.
    Running,
    /// In [`StepContext::off_clock`](crate::StepContext::off_clock): holds no slot, and no budget
    /// runs. Also while it waits for a slot in which to resume.
    Waiting,
    /// Will not complete; its completed steps are being [undone](crate::TaskStep::undo). Its end is
    /// decided and no longer changes.
    Undoing,
    /// Every step completed.
    Completed,
    /// A step failed, panicked or timed out, and has no attempts left.
    Failed,
    /// Stopped by request.
    Cancelled,
    /// The task timed out as a whole, or waited too long to start.
    #[serde(rename = "timeout")]
    TimedOut,
    /// A [journaled](crate::Task::journaled) task that was stopped with its host: nothing is
    /// undone, and it continues when it is submitted again, usually at the next start.
    Interrupted,
}

impl TaskState {
    /// Every state, in the order of a task's life.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Undoing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::Interrupted,
    ];

    /// Returns the state after `transition`, or the reason why there is none.
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
            (Self::Queued | Self::Running | Self::Waiting | Self::Undoing, T::Interrupt) => {
                Self::Interrupted
            }
            (from, transition) => return Err(IllegalTransition { from, transition }),
        })
    }

    /// Returns whether the task has ended for good. An interrupted task has not: it continues when
    /// it is submitted again.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// Returns whether no transition leaves this state.
    pub const fn is_terminal(self) -> bool {
        self.has_ended() || matches!(self, Self::Interrupted)
    }

    /// Returns the status on a dashboard: waiting and undoing tasks are running, a timeout is a
    /// failure, and an interrupted task is pending, because it waits for the next start.
    pub const fn status(self) -> Status {
        match self {
            Self::Queued | Self::Interrupted => Status::Pending,
            Self::Running | Self::Waiting | Self::Undoing => Status::Running,
            Self::Completed => Status::Completed,
            Self::Failed | Self::TimedOut => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }

    /// Returns one lower-case word: `queued`, `running`, `waiting`, `undoing`, `completed`,
    /// `failed`, `cancelled`, `timeout`, `interrupted`.
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
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change of a task's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transition {
    /// The task got a slot.
    Start,
    /// The task went off the clock and gave its slot back.
    Park,
    /// The task returned to the clock, with a slot.
    Resume,
    /// The task will not complete, and has steps to undo.
    Undo,
    /// The last step of the task completed.
    Complete,
    /// A step failed for good.
    Fail,
    /// The task was cancelled.
    Cancel,
    /// The task's timeout passed, or, while [`Queued`](TaskState::Queued), its queue timeout.
    /// [`Waiting`](TaskState::Waiting) uses no time, but the last member of a group may leave the
    /// clock just as the time is up.
    TimeOut,
    /// The host shut down, and the task continues when it is submitted again.
    Interrupt,
}

impl Transition {
    /// Every transition.
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Park,
        Self::Resume,
        Self::Undo,
        Self::Complete,
        Self::Fail,
        Self::Cancel,
        Self::TimeOut,
        Self::Interrupt,
    ];
}

/// A transition that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("a task that is {from} cannot {transition:?}")]
pub struct IllegalTransition {
    /// The state before, which does not change.
    pub from: TaskState,
    /// The transition that was tried.
    pub transition: Transition,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the entry of the module's diagram, written by hand a second time.
    fn expected(from: TaskState, transition: Transition) -> Option<TaskState> {
        use TaskState as S;
        use Transition as T;
        match from {
            S::Queued => match transition {
                T::Start => Some(S::Running),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Interrupt => Some(S::Interrupted),
                T::Park | T::Resume | T::Undo | T::Complete | T::Fail => None,
            },
            S::Running => match transition {
                T::Park => Some(S::Waiting),
                T::Undo => Some(S::Undoing),
                T::Complete => Some(S::Completed),
                T::Fail => Some(S::Failed),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Interrupt => Some(S::Interrupted),
                T::Start | T::Resume => None,
            },
            S::Waiting => match transition {
                T::Resume => Some(S::Running),
                T::Undo => Some(S::Undoing),
                T::Fail => Some(S::Failed),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Interrupt => Some(S::Interrupted),
                T::Start | T::Park | T::Complete => None,
            },
            S::Undoing => match transition {
                T::Fail => Some(S::Failed),
                T::Cancel => Some(S::Cancelled),
                T::TimeOut => Some(S::TimedOut),
                T::Interrupt => Some(S::Interrupted),
                T::Start | T::Park | T::Resume | T::Undo | T::Complete => None,
            },
            S::Completed | S::Failed | S::Cancelled | S::TimedOut | S::Interrupted => None,
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
        assert_eq!(TaskState::Interrupted.status(), Status::Pending);
        assert!(TaskState::Interrupted.is_terminal() && !TaskState::Interrupted.has_ended());
        assert_eq!(TaskState::Waiting.status(), Status::Running);
        assert_eq!(
            TaskState::Failed.next(Transition::Start).unwrap_err().to_string(),
            "a task that is failed cannot Start"
        );
    }
}
