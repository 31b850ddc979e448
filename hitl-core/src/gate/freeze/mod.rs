//! Freezes: they stop every start until a person thaws them.

pub(super) mod freeze_check;
pub(super) mod freezing;
pub(super) mod thaw_wait;
