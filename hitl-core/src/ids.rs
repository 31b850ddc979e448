//! The ids that hitl generates.

use hitl_base::uuid_id;

uuid_id! {
    /// The id of a call's record.
    RequestId
}
uuid_id! {
    /// The id of a human's decision. Sending the same decision twice is harmless.
    DecisionId
}
uuid_id! {
    /// Proof of a claim: its holder may run the body and record the outcome.
    ClaimToken
}
uuid_id! {
    /// Proof of ownership: its holder may withdraw the call while it is pending.
    OwnerToken
}
uuid_id! {
    /// The id of one lifetime of an executor.
    SessionId
}
uuid_id! {
    /// The id of a legal hold.
    HoldId
}
uuid_id! {
    /// The id of a grant: a standing permission.
    GrantId
}
