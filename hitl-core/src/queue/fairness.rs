//! Fair turns between agents.

use crate::machine::{CallRecord, CallState};

/// Returns the turn of a call that begins to wait: its position among the pending calls of its
/// priority in its tenant.
///
/// - `first`: the lowest turn there, if any call waits: the queue has been worked up to it.
/// - `own_last`: the highest turn of a waiting call of the same principal there.
///
/// This is fair queueing with calls of equal size: each principal has at most one call in each
/// turn, and an agent with nothing waiting begins at the turn that is being worked. So an agent
/// that floods the queue fills turns that lie ahead, one call each, and does not block the others'
/// next calls: of `k` principals, the `n`-th waiting call (from 0) of any of them is among the
/// first `k * (n + 1)` of its priority, as long as no call is decided out of order, and among the
/// first `k * (n + 2)` while the queue is worked from its front. Calls that were decided ahead of
/// their turn have still used their principal's turns.
///
/// ```
/// use hitl::queue::turn;
/// assert_eq!(turn(None, None), 0); // nothing waits
/// assert_eq!(turn(Some(7), Some(107)), 108); // the hundred-and-second call of a flood
/// assert_eq!(turn(Some(7), None), 7); // somebody else's first
/// ```
pub const fn turn(first: Option<u64>, own_last: Option<u64>) -> u64 {
    match (first, own_last) {
        (_, Some(last)) => last.saturating_add(1),
        (Some(first), None) => first,
        (None, None) => 0,
    }
}

/// Returns whether a change of a record gives its call a new turn: it begins to wait again, or its
/// priority changed.
pub fn begins_to_wait(before: &CallRecord, after: &CallRecord) -> bool {
    after.state == CallState::Pending
        && (before.state != CallState::Pending || before.request.priority != after.request.priority)
}
