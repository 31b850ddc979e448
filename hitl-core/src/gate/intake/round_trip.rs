//! Checks that a snapshot contains everything that a typed call holds.

use crate::arguments::{ArgumentError, Snapshot, parse_text};
use crate::call::Tool;
use crate::panic::catch;

/// Refuses a call that a human may be asked about and whose snapshot is incomplete: the approved
/// call would be a different one.
pub(in crate::gate) fn check_round_trip<T: Tool>(
    call: &T,
    snapshot: &Snapshot,
) -> Result<(), ArgumentError> {
    let compare = || {
        let read_back = parse_text::<T>(snapshot.text())?;
        match call.lost_in(&read_back) {
            Some(name) => Err(ArgumentError::not_written(name)),
            None => Ok(()),
        }
    };
    catch(compare).unwrap_or_else(|_panicked| Err(ArgumentError::panicked()))
}
