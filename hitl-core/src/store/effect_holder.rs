//! The holder of an effect.

use crate::ids::RequestId;

/// The call that holds an effect: of the calls with this effect, only it may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: a store must keep each part.
pub struct EffectHolder {
    /// The call.
    pub call: RequestId,
    /// The last call before it that may have run: it counts again if the holder ends without a
    /// start.
    pub earlier: Option<RequestId>,
}
