//! Delivery of events to emitters and watchers, never under the lock.

use std::sync::Arc;

use hitl_base::Timestamp;

use crate::observe::emit::emitter::emit_guarded;
use crate::observe::event::{TaskEvent, TaskEventKind};
use crate::state::record::{Record, RecordState};
use crate::state::wakers::wake_all;
use crate::sync::{MutexGuard, lock};

impl Record {
    /// Emits the events that wait in the outbox.
    pub(crate) fn flush(&self) {
        if self.environment.emitter.is_none() {
            return;
        }
        let mut inner = lock(&self.inner);
        let first = inner.outbox.begin_delivery();
        self.deliver(inner, first);
    }

    pub(super) fn emit(
        &self,
        mut inner: MutexGuard<'_, RecordState>,
        at: Timestamp,
        kind: impl FnOnce() -> TaskEventKind,
    ) {
        inner.version += 1;
        let watchers = std::mem::take(&mut inner.watched).then(|| inner.waiters.take());
        let mine = if self.environment.emitter.is_some() {
            let task = Arc::clone(&self.info);
            inner.outbox.record(TaskEvent { task, seq: 0, at, kind: kind() })
        } else {
            None
        };
        self.deliver(inner, mine);
        if let Some(watchers) = watchers {
            wake_all(watchers);
        }
    }

    fn deliver<'a>(&'a self, mut inner: MutexGuard<'a, RecordState>, first: Option<TaskEvent>) {
        let Some(emitter) = &self.environment.emitter else { return };
        let mut event = first;
        while let Some(next) = event {
            drop(inner);
            emit_guarded(&**emitter, &next);
            inner = lock(&self.inner);
            event = inner.outbox.next();
        }
        Self::notify_if_idle(inner);
    }

    /// Wakes the waiters, once the terminal event has been emitted.
    pub(crate) fn notify_finished(&self) {
        let mut inner = lock(&self.inner);
        inner.notify_when_idle = true;
        Self::notify_if_idle(inner);
    }

    fn notify_if_idle(mut inner: MutexGuard<'_, RecordState>) {
        if inner.notify_when_idle && inner.outbox.is_idle() && !inner.finished_notified {
            inner.finished_notified = true;
            let waiters = inner.waiters.take();
            drop(inner);
            wake_all(waiters);
        }
    }
}
