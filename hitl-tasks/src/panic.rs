//! Containment of panics in user code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of a panic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PanicMessage(pub(crate) String);

/// Runs user code, and catches a panic. The code leaves no broken state behind that we would see:
/// it shares only values that are dropped afterwards.
pub(crate) fn catch<R>(code: impl FnOnce() -> R) -> Result<R, PanicMessage> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let message = message(&*payload).to_owned();
        // Dropping the payload is user code too.
        drop_quietly(payload);
        PanicMessage(message)
    })
}

/// Drops a user's value, and logs a panic in its destructor instead of passing it on.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(move || drop(value))) {
        tracing::error!("a value of a task panicked when it was dropped");
        // Its destructor could panic again, and so on.
        std::mem::forget(payload);
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn every_panic_has_a_message() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| panic!("a")), Err::<(), _>(PanicMessage("a".to_owned())));
        assert_eq!(catch(|| panic!("{}", "b")), Err::<(), _>(PanicMessage("b".to_owned())));
        let without = PanicMessage("a panic without a message".to_owned());
        assert_eq!(catch(|| panic_any(7)), Err::<(), _>(without));
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic_any(());
            }
        }
        assert!(catch(|| panic_any(Bomb)).is_err());
    }
}
