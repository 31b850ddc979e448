//! A wrapper whose type marks a value as secret.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::thread::LocalKey;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::mask::MASK;

thread_local! {
    /// The number of [`reveal`] calls in progress on this thread.
    static REVEALING: Cell<usize> = const { Cell::new(0) };
    /// The number of [`marking`] calls in progress on this thread.
    static MARKING: Cell<usize> = const { Cell::new(0) };
}

/// A value that must never be shown: `Debug`, `Display` and any serializer write a mask.
///
/// Only hitl itself, while it seals a call's arguments or result, writes the real value.
///
/// In a tool's arguments it may occur at any depth: in a field (of a flattened struct too), a list,
/// an `Option`, a variant, or as the value of a map. Its schema is that of the value, marked
/// `"writeOnly": true`. Values that serde itself takes apart cannot be hidden and are refused
/// before anything is shown: a flattened `Sensitive<Struct>`, and one as the content of an
/// internally tagged enum.
///
/// ```
/// # use hitl::Sensitive;
/// let pin = Sensitive::new("1234".to_owned());
/// assert_eq!(format!("{pin:?}"), "[redacted]");
/// assert_eq!(serde_json::to_string(&pin)?, "\"[redacted]\"");
/// assert_eq!(pin.expose(), "1234");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// The name by which hitl's own serializer recognises a sensitive value.
    #[doc(hidden)]
    pub const NAME: &'static str = "$hitl::Sensitive";

    /// Marks a value as secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the value itself, no longer marked.
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
        } else if MARKING.get() > 0 {
            to.serialize_newtype_struct(Self::NAME, &Marked(&self.0))
        } else {
            to.serialize_str(MASK)
        }
    }
}

/// A secret offered to a writer that hides it. A writer that does not see the mark (serde removes
/// it where a value is flattened, internally tagged or written as text by another serializer) does
/// not get the value either.
struct Marked<'v, T>(&'v T);

impl<T: Serialize> Serialize for Marked<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if REVEALING.get() > 0 {
            self.0.serialize(to)
        } else {
            Err(serde::ser::Error::custom("a secret stands where it cannot be hidden"))
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The error of the value's own type may quote the value.
        let unfit = |_| serde::de::Error::custom("a secret is not of the type it should be");
        T::deserialize(from).map(Self).map_err(unfit)
    }
}

impl<T: JsonSchema> JsonSchema for Sensitive<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Sensitive<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        schema.insert("writeOnly".to_owned(), true.into());
        schema
    }
}

/// Runs `write` with [`Sensitive`] values written in clear on this thread. For hitl's own sealing;
/// its output must not leave the process unsealed.
#[doc(hidden)]
pub fn reveal<R>(write: impl FnOnce() -> R) -> R {
    counted(&REVEALING, write)
}

/// Runs `write` with [`Sensitive`] values offered under their mark on this thread: a writer that
/// knows the mark calls [`reveal`] for the values it hides, and any other gets an error.
#[doc(hidden)]
pub fn marking<R>(write: impl FnOnce() -> R) -> R {
    counted(&MARKING, write)
}

fn counted<R>(counter: &'static LocalKey<Cell<usize>>, write: impl FnOnce() -> R) -> R {
    struct Leave(&'static LocalKey<Cell<usize>>);
    impl Drop for Leave {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    counter.set(counter.get() + 1);
    let _leave = Leave(counter);
    write()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_revealing_hides_again() {
        let caught = crate::panic::catch(|| reveal(|| panic!("in the middle")));
        assert!(caught.is_err());
        assert_eq!(serde_json::to_string(&Sensitive::new(1)).unwrap(), "\"[redacted]\"");
        let inside = reveal(|| serde_json::to_string(&Sensitive::new(1)).unwrap());
        assert_eq!(inside, "1");
    }

    #[test]
    fn the_schema_of_a_secret_is_taken_for_no_other() {
        let ids = [
            String::schema_id(),
            Sensitive::<String>::schema_id(),
            Sensitive::<u64>::schema_id(),
            Sensitive::<Sensitive<u64>>::schema_id(),
        ];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{id}");
        }
    }
}
