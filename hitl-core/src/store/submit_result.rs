//! What a store answers to a submission.

use crate::grant::GrantRefusal;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::queue::Cap;

/// The answer to a submission.
#[derive(Clone, Debug)]
// Exhaustive: a gate that does not handle one must not compile.
pub enum SubmitResult {
    /// The key was new; this is its record.
    Created(CallRecord),
    /// The key has a record, with the same content.
    Existing(CallRecord),
    /// The key has a record, with other content.
    Conflict(RequestId),
    /// The key is new, and no more calls may wait: see
    /// [`NewCall::caps`](crate::machine::NewCall::caps).
    Full(Cap),
    /// The key is new, and nothing can be drawn on the grant that it would run on.
    NotGranted(GrantRefusal),
}
