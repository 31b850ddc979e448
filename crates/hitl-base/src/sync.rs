//! Locks that outlive a panic.
//!
//! A lock is poisoned when a thread panics while it holds it. The host's code does not run under
//! the locks of hitl, or is caught there, and what is behind them is changed in one step or checked
//! by its reader, so the data is intact, and one panic does not stop everything that comes after.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Locks, even after a panic.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for reading, even after a panic.
pub fn read<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing, even after a panic.
pub fn write<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panic::catch;

    #[test]
    fn locks_outlive_a_panic() {
        let (mutex, shared) = (Mutex::new(1), RwLock::new(2));
        let panics = catch(|| {
            let _held = (lock(&mutex), write(&shared));
            panic!("while it holds both");
        });
        assert!(panics.is_err() && mutex.is_poisoned() && shared.is_poisoned());
        *write(&shared) += 1;
        assert_eq!((*lock(&mutex), *read(&shared)), (1, 3));
    }
}
