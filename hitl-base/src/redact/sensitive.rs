//! A value that its type marks as secret.

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::mask::MASK;

thread_local! {
    /// How many [`reveal`]s are under way on this thread.
    static REVEALING: Cell<usize> = const { Cell::new(0) };
}

/// A value that must never be shown: `Debug`, `Display` and any serializer write a mask.
///
/// Only hitl itself, while it seals a call's arguments or result, writes the value behind it.
///
/// ```
/// # use hitl_base::Sensitive;
/// let pin = Sensitive::new("1234".to_owned());
/// assert_eq!(format!("{pin:?}"), "[redacted]");
/// assert_eq!(serde_json::to_string(&pin)?, "\"[redacted]\"");
/// assert_eq!(pin.expose(), "1234");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// The name under which hitl's own serializer recognises one.
    #[doc(hidden)]
    pub const NAME: &'static str = "$hitl::Sensitive";

    /// Marks a value as secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, no longer marked.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T: Serialize> Serialize for Sensitive<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if REVEALING.get() > 0 {
            to.serialize_newtype_struct(Self::NAME, &self.0)
        } else {
            to.serialize_str(MASK)
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self)
    }
}

/// Runs `write` with [`Sensitive`] values written in clear on this thread. For hitl's own sealing;
/// what it writes must not leave the process unsealed.
#[doc(hidden)]
pub fn reveal<R>(write: impl FnOnce() -> R) -> R {
    struct Hide;
    impl Drop for Hide {
        fn drop(&mut self) {
            REVEALING.set(REVEALING.get() - 1);
        }
    }
    REVEALING.set(REVEALING.get() + 1);
    let _hide = Hide;
    write()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_revealing_hides_again() {
        let caught = std::panic::catch_unwind(|| reveal(|| panic!("in the middle")));
        assert!(caught.is_err());
        assert_eq!(serde_json::to_string(&Sensitive::new(1)).unwrap(), "\"[redacted]\"");
        let inside = reveal(|| serde_json::to_string(&Sensitive::new(1)).unwrap());
        assert_eq!(inside, "1");
    }
}
