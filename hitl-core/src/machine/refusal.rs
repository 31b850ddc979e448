//! Why an event was refused.

use super::CallState;

/// Why an event was refused. The record is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The call is not in a state in which this can happen; somebody else was first.
    #[error("the call is {state}; it does not take `{event}` any more")]
    State {
        /// Where the call stands.
        state: CallState,
        /// What was refused.
        event: &'static str,
    },
    /// The decision or claim is about another revision than the one that stands.
    #[error("the call has changed since it was shown; look at it again")]
    Stale,
    /// The time for it is over.
    #[error("the approval has expired; submit the call again")]
    Expired,
    /// The time for it is not over yet.
    #[error("the approval has not expired yet")]
    NotDue,
    /// The answer is none of those that the tool allows.
    #[error("the tool does not allow this answer")]
    NotAllowed,
    /// The tool wants to know why it is rejected.
    #[error("this tool's rejection needs a reason; say why")]
    ReasonRequired,
    /// Somebody else holds the claim.
    #[error("the claim is held by somebody else")]
    NotClaimant,
    /// Somebody else owns the call.
    #[error("the call is owned by somebody else; it was re-attached to")]
    NotOwner,
    /// The executor is alive.
    #[error("the executor is alive; wait for it, or attest that it is over")]
    Alive,
    /// The call needs more than what it was approved for.
    #[error("the call needs a stricter approval than it has")]
    RequirementRose,
}
