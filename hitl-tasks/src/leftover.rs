//! What is left of a task whose driver is gone, while one of its bodies still blocks a thread.

use std::sync::Arc;

use hitl_base::Timestamp;

use crate::few::Few;
use crate::record::{End, Record};
use crate::scheduler::{Scheduler, Slot};
use crate::step::Unit;
use crate::sync::drop_quietly;

/// The end of a task, in one place: whoever is there last carries it out.
pub(crate) struct Leftover {
    pub(crate) record: Arc<Record>,
    pub(crate) units: Few<Unit>,
    pub(crate) slot: Option<Slot>,
    pub(crate) end: End,
}

impl Leftover {
    pub(crate) fn conclude(self) {
        let Self { record, units, slot, end } = self;
        conclude(&record, units, slot, end, record.now());
    }
}

/// In this order: the state and its event; what the steps captured; the slot; the waiters.
pub(crate) fn conclude(
    record: &Arc<Record>,
    units: Few<Unit>,
    slot: Option<Slot>,
    end: End,
    at: Timestamp,
) {
    record.finish(end, at);
    drop_quietly(units);
    Scheduler::leave(record.scheduler(), record, slot);
    record.announce();
}
