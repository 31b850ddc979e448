//! The ids that hitl generates.

use hitl_base::id::Uuid;
use hitl_base::uuid_id;

uuid_id! {
    /// The id of a call's record.
    RequestId
}
uuid_id! {
    /// The id of a human's decision. Sending the same decision twice is harmless.
    DecisionId
}

impl DecisionId {
    /// Returns the id that is derived from a digest: a UUID of version 8.
    pub(crate) fn derived(digest: [u8; 32]) -> Self {
        let [first, ..] = *digest.as_chunks::<16>().0 else { return Self::new() };
        let id = u128::from_be_bytes(first);
        let (version, variant) = (0xF << 76, 0b11 << 62);
        Self(Uuid::from_u128(id & !version & !variant | 0x8 << 76 | 0b10 << 62))
    }
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
