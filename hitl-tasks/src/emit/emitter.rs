//! An emitter is a place for what happens to tasks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::TaskEvent;

/// Takes events and shows, keeps or forwards them.
///
/// What an implementor owes:
///
/// - [`emit`](Self::emit) is called by the thread that runs the task, so it returns quickly: it
///   does no slow IO and waits for nobody. Hand the (cheap) clone of an event to a channel or a
///   thread instead.
/// - It is called for many tasks at once; of one task one event at a time, in order.
/// - It holds a bounded amount of memory, however slow its readers are.
///
/// It may call anything on a task or its manager. A panic in it is logged and hurts neither the
/// task nor the other emitters.
///
/// ```
/// # use hitl_tasks::{ProgressEmitter, TaskEvent};
/// struct Failures(std::sync::mpsc::SyncSender<String>);
///
/// impl ProgressEmitter for Failures {
///     fn emit(&self, event: &TaskEvent) {
///         if let hitl_tasks::Happening::Ended { error: Some(error), .. } = &event.what {
///             let _ = self.0.try_send(format!("{}: {error}", event.task.name()));
///         }
///     }
/// }
/// ```
pub trait ProgressEmitter: Send + Sync + 'static {
    /// Takes one event.
    fn emit(&self, event: &TaskEvent);
}

impl<E: ProgressEmitter + ?Sized> ProgressEmitter for Arc<E> {
    fn emit(&self, event: &TaskEvent) {
        (**self).emit(event);
    }
}

impl<E: ProgressEmitter + ?Sized> ProgressEmitter for Box<E> {
    fn emit(&self, event: &TaskEvent) {
        (**self).emit(event);
    }
}

/// Drops every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl ProgressEmitter for Silent {
    fn emit(&self, _: &TaskEvent) {}
}

/// Emits; a panic in the emitter ends here.
pub(crate) fn emit_guarded(emitter: &dyn ProgressEmitter, event: &TaskEvent) {
    if catch_unwind(AssertUnwindSafe(|| emitter.emit(event))).is_err() {
        tracing::error!(task = %event.task.id(), event = event.what.kind(), "an emitter panicked");
    }
}
