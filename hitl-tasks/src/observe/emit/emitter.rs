//! The interface between tasks and the consumers of their events.

use std::sync::Arc;

use crate::observe::event::TaskEvent;
use crate::panic::catch;

/// A consumer of events, which shows, stores or forwards them.
///
/// An implementor must observe these rules:
///
/// - [`emit`](Self::emit) is called by the thread that runs the task, so it returns quickly: it
///   does no slow IO and does not wait. Send the (cheap) clone of an event to a channel or a thread
///   instead.
/// - It is called for many tasks at once, but for one task with one event at a time, in order.
/// - It uses a bounded amount of memory, no matter how slow its readers are.
///
/// It may call any method of a task or its manager. A panic in it is logged and affects neither the
/// task nor the other emitters.
///
/// ```
/// # use hitl::tasks::{ProgressEmitter, TaskEvent};
/// struct Failures(std::sync::mpsc::SyncSender<String>);
///
/// impl ProgressEmitter for Failures {
///     fn emit(&self, event: &TaskEvent) {
///         if let hitl::tasks::TaskEventKind::Ended { error: Some(error), .. } = &event.kind {
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
pub struct NoopEmitter;

impl ProgressEmitter for NoopEmitter {
    fn emit(&self, _: &TaskEvent) {}
}

/// Emits an event, and logs a panic of the emitter.
pub(crate) fn emit_guarded(emitter: &dyn ProgressEmitter, event: &TaskEvent) {
    if catch(|| emitter.emit(event)).is_err() {
        tracing::error!(task = %event.task.id(), event = event.kind.name(), "an emitter panicked");
    }
}
