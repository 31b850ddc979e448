//! The error of a caller that waited as long as it wanted to.

use std::fmt;
use std::time::Duration;

use super::waiting_notice::WaitingNotice;
use crate::ids::RequestId;

/// A call that was not decided and started within its caller's
/// [`max_wait`](crate::gate::ReadyCall::max_wait). Its body was not started.
#[derive(Clone, Debug)]
pub struct WaitTimeout {
    limit: Duration,
    waiting: WaitingNotice,
    left: LeftCall,
}

/// The state in which the caller left its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftCall {
    /// The call was withdrawn: nobody can approve it any more.
    Withdrawn,
    /// The call still waits, because it belongs to another caller that re-attached to it.
    StillWaits,
}

impl WaitTimeout {
    pub(in crate::gate) fn new(limit: Duration, waiting: WaitingNotice, left: LeftCall) -> Self {
        Self { limit, waiting, left }
    }

    /// Returns the id of the call's record.
    pub fn id(&self) -> RequestId {
        self.waiting.id()
    }

    /// Returns the limit that was reached.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Returns the state in which the caller left the call.
    pub fn left(&self) -> LeftCall {
        self.left
    }

    /// Returns the call, and how it is decided if it still waits.
    pub fn waiting(&self) -> &WaitingNotice {
        &self.waiting
    }
}

impl fmt::Display for WaitTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, limit) = (self.id(), self.limit);
        write!(f, "call {id} was not decided and started within {limit:?}")?;
        match self.left {
            LeftCall::Withdrawn => f.write_str(
                ", so it was withdrawn and did not run; `submit` a call that may wait longer",
            ),
            LeftCall::StillWaits => {
                write!(f, "; it still waits, for another caller: {}", self.waiting.how())
            }
        }
    }
}
