//! The reasons why a code is not accepted, or nothing was enrolled.

use thiserror::Error;

use crate::store::StoreError;

/// The kind of a [`PeopleError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeopleErrorKind {
    /// The code is wrong, or was used before.
    WrongCode,
    /// Too many codes were wrong: the device's codes are ignored for a while.
    Closed,
    /// Nothing is enrolled under this name.
    NotEnrolled,
    /// Somebody else has enrolled under this name, and only they may replace it.
    Taken,
    /// The name is empty, or too many people have enrolled.
    NoRoom,
    /// This many codes cannot be printed at once.
    Count,
    /// The enrolments cannot be read.
    Unreadable,
    /// The store has no host key, so it has no devices.
    NoKey,
    /// The system provides no random numbers.
    NoRandomness,
    /// Every attempt was overtaken by another change.
    Overtaken,
    /// The store failed.
    Store,
}

/// The error for a code that is not accepted, or a failed enrolment. Nothing was done; the message
/// says what to do next, and contains no code.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PeopleError {
    /// The code is wrong, or was used before.
    #[error("the one-time code is not right, or was used; nothing was done")]
    WrongCode,
    /// Too many codes were wrong.
    #[error(
        "too many codes were wrong: a device's codes count again in {seconds} s, printed codes always; \
         nothing was done"
    )]
    Closed {
        /// The seconds from now until the device's codes are accepted again.
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
    /// This many codes cannot be printed at once.
    #[error("1 to {most} codes are printed in one go")]
    Count {
        /// The maximum.
        most: usize,
    },
    /// The enrolments cannot be read.
    #[error(
        "what people have enrolled cannot be read, so nothing is done that needs a person; restore the \
         store's mark from a backup"
    )]
    Unreadable,
    /// The store has no host key.
    #[error("this store gives no host key, so no device can be enrolled")]
    NoKey,
    /// The system provides no random numbers.
    #[error("the system has no random numbers to give")]
    NoRandomness,
    /// Every attempt was overtaken by another change.
    #[error("others were faster each time; try again")]
    Overtaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PeopleError {
    /// Returns the kind.
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
