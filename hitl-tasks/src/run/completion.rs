//! The end of a task, in one place.

use std::sync::Arc;

use hitl_base::Timestamp;

use crate::define::plan::PlanItem;
use crate::one_or_many::OneOrMany;
use crate::panic::drop_quietly;
use crate::schedule::scheduler::{Scheduler, Slot};
use crate::state::record::Record;
use crate::state::termination::Termination;

/// The remaining work for a task that has ended. The driver does it, or, if the driver is gone
/// while a body still blocks a thread, that body.
pub(crate) struct Completion {
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) record: Arc<Record>,
    pub(crate) items: OneOrMany<PlanItem>,
    pub(crate) slot: Option<Slot>,
    pub(crate) end: Termination,
}

impl Completion {
    /// Completes, in this order: the state and its event; the values that the steps captured; the
    /// slot; the waiters.
    pub(crate) fn carry_out(self, at: Timestamp) {
        let Self { scheduler, record, items, slot, end } = self;
        record.finish(end, at);
        drop_quietly(items);
        Scheduler::remove(&scheduler, &record, slot);
        record.notify_finished();
    }
}
