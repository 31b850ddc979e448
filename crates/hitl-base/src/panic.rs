//! Containment of panics in the host's code.
//!
//! The payload of a panic is a value of the host's: dropping it runs the host's code once more,
//! which may panic again. Here it is dropped where that panic is caught too. Nothing else in hitl
//! catches panics, and a lint sees to it.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A panic of the host's code, with its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked {
    message: String,
}

impl Panicked {
    /// Takes the message out of a payload, and drops the payload.
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic without a message")
            .to_owned();
        let _dropped = drop_caught(payload);
        Self { message }
    }

    /// Returns the message: host text, which may hold a secret.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Runs host code, and catches a panic. The caller must not rely on values that the code was
/// changing.
///
/// # Errors
///
/// [`Panicked`] if the code panicked.
#[expect(clippy::disallowed_methods, reason = "the payload is dropped with care")]
pub fn catch<R>(code: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(code)).map_err(Panicked::new)
}

/// Drops a value of the host's.
///
/// # Errors
///
/// [`DropPanicked`] if its destructor panicked.
#[expect(clippy::disallowed_methods, reason = "the payload is forgotten")]
pub fn drop_caught<T>(value: T) -> Result<(), DropPanicked> {
    catch_unwind(AssertUnwindSafe(move || drop(value))).map_err(|payload| {
        // Its destructor could panic again, and so on.
        std::mem::forget(payload);
        DropPanicked
    })
}

/// A panic in the destructor of a host's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropPanicked;

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn every_panic_has_a_message() {
        let message = |result: Result<(), Panicked>| result.unwrap_err().to_string();
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(message(catch(|| panic!("a"))), "a");
        assert_eq!(message(catch(|| panic!("{}", "b"))), "b");
        assert_eq!(message(catch(|| panic_any(7))), "a panic without a message");
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic_any(Bomb);
            }
        }
        assert!(catch(|| panic_any(Bomb)).is_err());
        assert_eq!(drop_caught(Bomb), Err(DropPanicked));
        assert_eq!(drop_caught(7), Ok(()));
    }
}
