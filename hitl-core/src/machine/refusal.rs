//! The reasons why an event is refused.

use hitl_base::Timestamp;

use super::CallState;
use crate::grant::GrantRefusal;

/// The reason why an event was refused. The record is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The call is not in a state in which this can happen; another event was first.
    #[error("the call is {state}; it does not take `{event}` any more")]
    State {
        /// The state of the call.
        state: CallState,
        /// The refused event.
        event: &'static str,
    },
    /// The decision or claim is about a revision other than the current one.
    #[error("the call has changed since it was shown; look at it again")]
    Stale,
    /// The time for it is over.
    #[error("the approval has expired; submit the call again")]
    Expired,
    /// The time for it is not over yet.
    #[error("the approval has not expired yet")]
    NotDue,
    /// The answer is not one that the tool allows.
    #[error("the tool does not allow this answer")]
    NotAllowed,
    /// The call has as much time as it gets.
    #[error("the call has as much time as it gets; decide it, or have it submitted again")]
    NoMoreTime,
    /// The tool requires a reason for a rejection.
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
    /// The host does not let them decide this tenant's calls.
    #[error("this call belongs to a tenant whose calls they may not decide")]
    WrongTenant,
    /// They have no right to give any approval that the call still needs.
    #[error("the call does not wait for their role; ask somebody whom it waits for")]
    NotEntitled,
    /// They requested or edited it, and it requires another person.
    #[error("who asks for this call or edits it cannot approve it; ask somebody else")]
    FourEyes,
    /// They are an agent or a service, and only a human may answer.
    #[error("only a human answers this; ask one")]
    NotHuman,
    /// It is an approval through a form of the agent's own client, and the call needs more care.
    #[error(
        "a form of the agent's own client is too little to approve this call; decide it in the console, at a terminal, or with `hitl approve`"
    )]
    Elicitation,
    /// It is an approval through a channel that the policy does not let approve the call.
    #[error(
        "the policy does not let this channel approve the call; decide it through one that its card names"
    )]
    Channel,
    /// The decision has counted for another call.
    #[error("this decision's id has counted for another call; make a new decision for this one")]
    DecisionUsed,
    /// They approved this revision before.
    #[error("they have approved it already; another person must")]
    AlreadyVoted,
    /// The edit changes nothing.
    #[error("the edit changes nothing; approve or reject the call")]
    Unchanged,
    /// The edit would have another result than the one that the editor was shown.
    #[error("the edit would have another result now than the one that was shown; look at it again")]
    OtherResult,
    /// It was edited too often.
    #[error("the call was edited too often; reject it, and have it submitted as it should be")]
    TooManyEdits,
    /// It was tried before, with unknown effect.
    #[error("the call was tried before, so its arguments can no longer change")]
    AlreadyTried,
    /// The gate has tried it as often as it may.
    #[error("the call was tried as often as the gate may; a human must settle it")]
    TooManyAttempts,
    /// Nothing can be drawn on the grant that permitted it.
    #[error("the call is not permitted any more: {0}")]
    Grant(GrantRefusal),
    /// It is released together with its siblings, and not all of them are claimed.
    #[error("the call is released together with its siblings, once all of them are approved")]
    BatchIncomplete,
    /// Its approval can still be taken back.
    #[error("the call does not start before {from}: until then its approval can be taken back")]
    InGrace {
        /// The time from which it may start.
        from: Timestamp,
    },
    /// The approval can no longer be taken back.
    #[error(
        "the approval can no longer be taken back: the call starts, or has started; withdraw it, if it has not"
    )]
    GraceOver,
    /// They have not approved the call.
    #[error("only who approved the call takes that back; withdraw the call instead")]
    NotApprover,
    /// Its tenant is frozen: nothing starts until a person thaws it.
    #[error("everything is frozen: nothing starts until a person thaws it")]
    Frozen,
    /// The call needs more than it was approved for.
    #[error("the call needs a stricter approval than it has")]
    RequirementRose,
}
