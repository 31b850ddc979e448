//! How emitters and watchers hear of what happens: never under the lock.

use std::sync::Arc;

use hitl_base::Timestamp;

use super::Record;
use super::shared::Inner;
use crate::emit::emit_guarded;
use crate::sync::{MutexGuard, lock};
use crate::waiters::wake;
use crate::{Happening, TaskEvent};

impl Record {
    /// Emits what has been left in the outbox.
    pub(crate) fn flush(&self) {
        if self.scheduler.settings.emitter.is_none() {
            return;
        }
        let mut inner = lock(&self.inner);
        let first = inner.outbox.begin();
        self.deliver(inner, first);
    }

    pub(super) fn tell(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        at: Timestamp,
        what: impl FnOnce() -> Happening,
    ) {
        inner.version += 1;
        let watchers = std::mem::take(&mut inner.watched).then(|| inner.waiters.take());
        let mine = if self.scheduler.settings.emitter.is_some() {
            let task = Arc::clone(&self.info);
            inner.outbox.record(TaskEvent { task, seq: 0, at, what: what() })
        } else {
            None
        };
        self.deliver(inner, mine);
        if let Some(watchers) = watchers {
            wake(watchers);
        }
    }

    fn deliver<'a>(&'a self, mut inner: MutexGuard<'a, Inner>, first: Option<TaskEvent>) {
        let Some(emitter) = &self.scheduler.settings.emitter else { return };
        let mut event = first;
        while let Some(next) = event {
            drop(inner);
            emit_guarded(&**emitter, &next);
            inner = lock(&self.inner);
            event = inner.outbox.next();
        }
        Self::announce_if_idle(inner);
    }

    /// Lets the waiters go, once the terminal event has been emitted.
    pub(crate) fn announce(&self) {
        let mut inner = lock(&self.inner);
        inner.announce_when_idle = true;
        Self::announce_if_idle(inner);
    }

    fn announce_if_idle(mut inner: MutexGuard<'_, Inner>) {
        if inner.announce_when_idle && inner.outbox.is_idle() && !inner.announced {
            inner.announced = true;
            let waiters = inner.waiters.take();
            drop(inner);
            wake(waiters);
        }
    }
}
