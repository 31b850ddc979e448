//! Why a code does not count, or nothing was enrolled.

use thiserror::Error;

use crate::store::StoreError;

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeopleErrorKind {
    /// The code is not right, or was used.
    WrongCode,
    /// Too many codes were wrong: the device's codes do not count for a while.
    Closed,
    /// Nothing is enrolled under this name.
    NotEnrolled,
    /// Somebody else has enrolled under this name, and only they replace it.
    Taken,
    /// The name is empty, or too many people have enrolled.
    NoRoom,
    /// That many codes are not printed in one go.
    Count,
    /// What people have enrolled cannot be read.
    Unreadable,
    /// The store has no host key, so it has no devices.
    NoKey,
    /// The system has no random numbers to give.
    NoRandomness,
    /// Others changed it each time.
    Overtaken,
    /// The store could not do it.
    Store,
}

/// A code does not count, or nothing was enrolled. Nothing was done; says what to do next, and
/// holds no code.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PeopleError {
    /// The code is not right, or was used.
    #[error("the one-time code is not right, or was used; nothing was done")]
    WrongCode,
    /// Too many codes were wrong.
    #[error(
        "too many codes were wrong: a device's codes count again in {seconds} s, printed codes always; \
         nothing was done"
    )]
    Closed {
        /// When the device's codes count again, in seconds from now.
        seconds: u64,
    },
    /// Nothing is enrolled under this name.
    #[error("a one-time code is needed, and nothing is enrolled under this name; nothing was done")]
    NotEnrolled,
    /// Somebody else has enrolled under this name.
    #[error(
        "they have enrolled already, and only they replace it; nothing was changed: who has lost it is \
         removed first (`hitl person remove`)"
    )]
    Taken,
    /// The name is empty, or too many people have enrolled.
    #[error("the name is empty, or too many people have enrolled")]
    NoRoom,
    /// That many codes are not printed in one go.
    #[error("1 to {most} codes are printed in one go")]
    Count {
        /// The most.
        most: usize,
    },
    /// What people have enrolled cannot be read.
    #[error(
        "what people have enrolled cannot be read, so nothing is done that needs a person; restore the \
         store's mark from a backup"
    )]
    Unreadable,
    /// The store has no host key.
    #[error("this store gives no host key, so no device can be enrolled")]
    NoKey,
    /// The system has no random numbers to give.
    #[error("the system has no random numbers to give")]
    NoRandomness,
    /// Others changed it each time.
    #[error("others were faster each time; try again")]
    Overtaken,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PeopleError {
    /// Returns what kind of trouble it is.
    pub const fn kind(&self) -> PeopleErrorKind {
        match self {
            Self::WrongCode => PeopleErrorKind::WrongCode,
            Self::Closed { .. } => PeopleErrorKind::Closed,
            Self::NotEnrolled => PeopleErrorKind::NotEnrolled,
            Self::Taken => PeopleErrorKind::Taken,
            Self::NoRoom => PeopleErrorKind::NoRoom,
            Self::Count { .. } => PeopleErrorKind::Count,
            Self::Unreadable => PeopleErrorKind::Unreadable,
            Self::NoKey => PeopleErrorKind::NoKey,
            Self::NoRandomness => PeopleErrorKind::NoRandomness,
            Self::Overtaken => PeopleErrorKind::Overtaken,
            Self::Store(_) => PeopleErrorKind::Store,
        }
    }
}
