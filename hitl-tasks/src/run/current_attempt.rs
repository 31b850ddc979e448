//! The attempt whose body a thread runs.

use std::cell::RefCell;
use std::sync::Arc;

use crate::run::attempt::Attempt;
use crate::sync::thread_local;

thread_local! {
    /// The attempt whose body this thread polls or runs.
    static CURRENT: RefCell<Option<Arc<Attempt>>> = const { RefCell::new(None) };
}

/// Runs code of an attempt's body.
pub(crate) fn with_attempt<R>(attempt: &Arc<Attempt>, part: impl FnOnce() -> R) -> R {
    /// Restores the outer attempt, also after a panic.
    struct Restore(Option<Arc<Attempt>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            let inner = CURRENT.with(|current| current.replace(outer));
            drop(inner);
        }
    }
    let outer = CURRENT.with(|current| current.replace(Some(Arc::clone(attempt))));
    let _restore = Restore(outer);
    part()
}

pub(crate) fn current_attempt() -> Option<Arc<Attempt>> {
    CURRENT.with(|current| current.borrow().clone())
}
