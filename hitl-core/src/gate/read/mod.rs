//! Reading calls: queue, events, reminders.

pub(super) mod by_reference;
pub(super) mod earlier;
pub(super) mod events;
pub(super) mod present;
pub(super) mod queue;
pub(super) mod reminders;
pub(super) mod scoped;
pub(super) mod shown_result;
pub(super) mod unscoped;
