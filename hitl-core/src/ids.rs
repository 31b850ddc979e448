//! The ids that hitl mints.

use hitl_base::uuid_id;

uuid_id! {
    /// One call's record.
    RequestId
}
uuid_id! {
    /// One decision of a human. Sending the same decision twice is harmless.
    DecisionId
}
uuid_id! {
    /// Proof of a claim: its holder may run the body and record how it ended.
    ClaimToken
}
uuid_id! {
    /// Proof of ownership: its holder may withdraw the call while it is pending.
    OwnerToken
}
uuid_id! {
    /// One life of one executor.
    SessionId
}
uuid_id! {
    /// One legal hold.
    HoldId
}
uuid_id! {
    /// One grant: a standing permission.
    GrantId
}
