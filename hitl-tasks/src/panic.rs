//! Containment of panics in user code.

pub(crate) use hitl_base::panic::{Panicked, catch};

/// Drops a user's value, and logs a panic in its destructor instead of passing it on.
pub(crate) fn drop_quietly<T>(value: T) {
    if hitl_base::panic::drop_caught(value).is_err() {
        tracing::error!("a value of a task panicked when it was dropped");
    }
}
