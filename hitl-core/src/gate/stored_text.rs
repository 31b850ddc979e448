//! Reads JSON text that this process wrote itself.

use hitl_base::Json;
use hitl_base::json::{Limits, parse_with_limits};

use crate::arguments::Snapshot;
use crate::gate::error::{GateError, GateErrorKind};

/// The limits for text that this process wrote itself.
pub(in crate::gate) const UNLIMITED: Limits = Limits { depth: usize::MAX, bytes: usize::MAX };

/// The most bytes of a text that is evaluated or searched for secrets on the runtime's threads.
/// Longer texts take long enough to delay other tasks.
pub(in crate::gate) const MAX_ON_THREAD: usize = 64 * 1024;

/// Parses the text of a snapshot.
pub(in crate::gate) fn parse_snapshot(snapshot: &Snapshot) -> Result<Json, GateError> {
    parse_with_limits(snapshot.text(), UNLIMITED).map_err(|_| unreadable_snapshot())
}

/// Returns the error for a snapshot whose text is not valid.
pub(in crate::gate) fn unreadable_snapshot() -> GateError {
    GateError::new(GateErrorKind::Payload, "the call's snapshot cannot be read")
}
