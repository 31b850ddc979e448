//! The store's answer to a submission.

use crate::grant::GrantRefusal;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::queue::Cap;

/// The answer to a submission.
#[derive(Clone, Debug)]
// Exhaustive: a gate that does not handle a variant must not compile.
pub enum SubmitResult {
    /// The key was new; this is its record.
    Created(CallRecord),
    /// The key has a record, with the same content; or the call
    /// [attaches](crate::machine::NewCall::attaches) to this one, whose key is another.
    Existing(CallRecord),
    /// The key has a record, with other content.
    Conflict(RequestId),
    /// The key is new, but no more calls may wait: see
    /// [`NewCall::caps`](crate::machine::NewCall::caps).
    Full(Cap),
    /// The key is new, but its grant does not allow the draw.
    NotGranted(GrantRefusal),
    /// The key is new, but the call would start at once, and its tenant is
    /// [frozen](super::is_frozen).
    Frozen,
}
