//! The two kinds of id: generated here (UUIDs), and given by the host (text).
//!
//! Each crate declares its own ids with [`uuid_id!`](crate::uuid_id) and
//! [`text_id!`](crate::text_id), so that a request id can never be passed for a task id.

mod uuid_v7;

#[doc(hidden)]
pub use uuid::Uuid;

#[doc(hidden)]
pub use uuid_v7::EphemeralIds;

/// Returns a new id: see `uuid_v7`.
#[doc(hidden)]
pub fn new_v7() -> Uuid {
    uuid_v7::new_v7()
}

/// Declares an id that hitl generates: a UUID (version 7, so that ids sort by age).
#[macro_export]
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($crate::id::Uuid);

        impl $name {
            /// Returns a new id, unlike any other.
            ///
            /// # Panics
            ///
            /// If the operating system gives no randomness.
            #[expect(clippy::new_without_default, reason = "two defaults would not be equal")]
            pub fn new() -> Self {
                Self($crate::id::new_v7())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self).map_err(|_| $crate::id::ParseIdError::new(stringify!($name)))
            }
        }
    };
}

/// Declares an id that the host gives: any text it likes.
#[macro_export]
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(::std::sync::Arc<str>);

        impl $name {
            /// Returns an id with this text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
    };
}

/// An error for text that is not an id of that kind: ids are UUIDs, like
/// `0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a {kind}: ids are UUIDs, like 0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11")]
pub struct ParseIdError {
    kind: &'static str,
}

impl ParseIdError {
    #[doc(hidden)]
    pub fn new(kind: &'static str) -> Self {
        Self { kind }
    }
}
