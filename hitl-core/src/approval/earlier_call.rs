//! The earlier call whose effect a call repeats, as it is now. Pure.

use std::fmt;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use serde::{Deserialize, Serialize};

use crate::call::Principal;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState};

/// The most characters of an earlier call's title that are shown.
const MAX_TITLE: usize = 120;
/// The most characters of a requester's name that are shown.
const MAX_NAME: usize = 60;

/// The earlier call whose [effect](crate::ToolConfig::effect()) a call repeats, as it was when the
/// request was read. Redacted like the request itself. `Display` writes it as one sentence.
///
/// The wire shape is camelCase JSON; additive changes stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EarlierCall {
    /// The call's record.
    pub id: RequestId,
    /// The answer to whether it has had its effect.
    pub standing: EarlierStanding,
    /// Its title. May contain text from a model. `None` if the call was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its requester. `None` if the call was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// Its state. `None` if the store does not know the call any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CallState>,
    /// The time of its last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// The answer to whether an earlier call has had its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum EarlierStanding {
    /// It has run.
    Ran,
    /// It was started and failed: it may have had its effect.
    Failed,
    /// It was started, and nobody knows how it ended.
    MayHaveRun,
    /// It runs now.
    Runs,
    /// It waits for a decision.
    Waits,
    /// It is approved and has not started.
    Approved,
    /// It has ended without a start, so it has had no effect.
    DidNotRun,
    /// The store does not know the call any more.
    Unknown,
}

impl EarlierCall {
    /// Describes the call with this id, of which this is the record if the store has one.
    pub(crate) fn new(id: RequestId, record: Option<&CallRecord>) -> Self {
        let Some(record) = record else {
            let standing = EarlierStanding::Unknown;
            return Self { id, standing, title: None, principal: None, state: None, at: None };
        };
        let shown = (!record.erased).then_some(&record.request);
        Self {
            id,
            standing: EarlierStanding::of(record),
            title: shown.map(|request| request.title.clone()),
            principal: shown.map(|request| request.principal.clone()),
            state: Some(record.state),
            at: Some(record.updated_at),
        }
    }

    /// Returns whether the call has had no effect, and will have none.
    pub fn did_not_run(&self) -> bool {
        self.standing == EarlierStanding::DidNotRun
    }
}

impl EarlierStanding {
    fn of(record: &CallRecord) -> Self {
        let may_have_run = record.attempts > 0 || record.restored;
        match record.state {
            CallState::Executed => Self::Ran,
            CallState::Failed => Self::Failed,
            CallState::Claimed => Self::Runs,
            _ if may_have_run => Self::MayHaveRun,
            CallState::Pending => Self::Waits,
            state if state.is_terminal() => Self::DidNotRun,
            _ => Self::Approved,
        }
    }
}

/// Writes one sentence without a full stop. It is safe to show as text: nothing in it hides or
/// moves anything.
impl fmt::Display for EarlierCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repeat_reason(self.id))?;
        if let (Some(title), Some(by)) = (&self.title, &self.principal) {
            let (title, by) = (clip(title, MAX_TITLE), clip(by.as_str(), MAX_NAME));
            write!(f, ", \"{}\" for {}", visible(&title), visible(&by))?;
        }
        let at = self.at.map(|at| format!(" ({at})")).unwrap_or_default();
        let state = self.state.map(CallState::name).unwrap_or_default();
        match self.standing {
            EarlierStanding::Ran => write!(f, ", which has run{at}"),
            EarlierStanding::Failed => {
                write!(f, ", which failed{at} and may have had its effect all the same")
            }
            EarlierStanding::MayHaveRun => {
                write!(f, ", which was started and may have run (it is {state} now{at})")
            }
            EarlierStanding::Runs => write!(f, ", which runs now"),
            EarlierStanding::Waits => write!(f, ", which waits for a decision"),
            EarlierStanding::Approved => {
                write!(
                    f,
                    ", which is approved and starts first; this call waits until it has ended"
                )
            }
            EarlierStanding::DidNotRun => {
                write!(f, ", which has since ended without running: it is {state}{at}")
            }
            EarlierStanding::Unknown => {
                write!(f, ", of which nothing else is known any more")
            }
        }
    }
}

/// Returns the reason for asking about a repeated effect, as it is stored: it names the earlier
/// call by its id alone, because what a person is shown of that call changes.
pub(crate) fn repeat_reason(earlier: RequestId) -> String {
    format!("the same effect as call {earlier}")
}
