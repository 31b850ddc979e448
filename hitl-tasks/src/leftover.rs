//! What is left of a task whose driver is gone, while one of its bodies still blocks a thread.

use std::sync::Arc;

use crate::record::{End, Record};
use crate::scheduler::Slot;
use crate::step::Unit;
use crate::sync::drop_quietly;

/// The end of a task, in one place: whoever is there last carries it out.
pub(crate) struct Leftover {
    pub(crate) record: Arc<Record>,
    pub(crate) units: Box<[Unit]>,
    pub(crate) slot: Option<Slot>,
    pub(crate) end: End,
}

impl Leftover {
    /// In this order: the state and its event; what the steps captured; the slot; the waiters.
    pub(crate) fn conclude(self) {
        let Self { record, units, slot, end } = self;
        record.finish(end, record.now());
        drop_quietly(units);
        record.scheduler().forget(&record);
        drop(slot);
        record.announce();
    }
}
