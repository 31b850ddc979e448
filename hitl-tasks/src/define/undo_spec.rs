//! The way a step is undone.

use crate::define::erased_body::ErasedBody;
use crate::sync::Mutex;

/// The body that undoes a completed step, and the clone of the step's output that it needs.
pub(crate) struct UndoSpec<O> {
    pub(crate) body: Box<dyn ErasedBody<O, ()>>,
    pub(crate) copy: fn(&O) -> O,
    pub(crate) saved: Mutex<Option<O>>,
}
