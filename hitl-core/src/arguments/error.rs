//! Why arguments were refused. Names the place and the expected type; never quotes a value.

use std::fmt;

use hitl_base::display::{clip, visible};
use hitl_base::json::{ParseJsonError, ParseJsonErrorKind};

/// What is wrong with a call's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentErrorKind {
    /// The text is not JSON.
    Syntax,
    /// A key stands twice in one object.
    DuplicateKey,
    /// Nested too deeply, or too long.
    TooLarge,
    /// A number that is not finite.
    NotFinite,
    /// A value of the wrong type.
    WrongType,
    /// A required argument is not there.
    Missing,
    /// An argument that the tool does not have.
    UnknownField,
    /// A number that the parameter's type would silently change.
    Inexact,
    /// The parameter's type refused the value for a reason of its own.
    Invalid,
    /// A value that the call's text does not carry: read back, after an approval say, it would be
    /// another.
    NotCarried,
    /// An edit that would change, remove or add a secret.
    Secret,
    /// An edit that holds the mask of a secret.
    Mask,
}

/// Why a call's arguments were refused: what, where, and what was expected.
#[derive(Clone, PartialEq, Eq)]
pub struct ArgumentError {
    kind: ArgumentErrorKind,
    path: String,
    message: String,
}

impl ArgumentError {
    pub(crate) fn new(kind: ArgumentErrorKind, message: impl Into<String>) -> Self {
        Self { kind, path: String::new(), message: message.into() }
    }

    /// A type that reads back something else than it wrote.
    pub(crate) fn unstable() -> Self {
        let why = "the parameter's type does not read back what it writes, so the call cannot wait for a \
                   human";
        Self::new(ArgumentErrorKind::NotCarried, why)
    }

    /// A value that is another when its text is read back.
    pub(crate) fn not_carried() -> Self {
        let why = "this value would be another once it is read back from its text: what is `Some(None)` \
                   comes back as `None`, and an untagged variant as the first that fits; pass a value \
                   whose text says all of it";
        Self::new(ArgumentErrorKind::NotCarried, why)
    }

    /// An argument that holds what its type does not write.
    pub(crate) fn not_written(name: &str) -> Self {
        let why = "this holds what its type does not write (a field with `#[serde(skip)]`, say), so an \
                   approved call would run with another value";
        Self::new(ArgumentErrorKind::NotCarried, why).inside(name)
    }

    /// A list of a type that has no order of its own.
    pub(crate) fn unordered() -> Self {
        let why = "the items of this list come back in another order, so the call cannot wait for a \
                   human; if it is a set, say so in its schema with `uniqueItems`";
        Self::new(ArgumentErrorKind::NotCarried, why)
    }

    /// A type that panics while it is read.
    pub(crate) fn panicked() -> Self {
        let why = "a parameter's type panicked while it read this; mend the type";
        Self::new(ArgumentErrorKind::Invalid, why)
    }

    /// A whole number that the type does not hold.
    pub(super) fn out_of_range(expected: &dyn serde::de::Expected) -> Self {
        let why = format!("this whole number is out of range; expected {expected}");
        Self::new(ArgumentErrorKind::WrongType, why)
    }

    /// The same error, of a whole number that was offered as a double: `5.0` has no fraction.
    pub(super) fn about_whole_number(mut self) -> Self {
        if self.path.is_empty() && self.message.ends_with(FRACTION) {
            let expected = self.message.len() - FRACTION.len();
            self.message.replace_range(expected.., WHOLE);
        }
        self
    }

    /// An edit after which other secrets stand in the arguments than before.
    pub(crate) fn other_secrets() -> Self {
        let why = "an edit cannot change, remove or add a secret";
        Self::new(ArgumentErrorKind::Secret, why)
    }

    /// The same error, seen from the object that holds `key`.
    pub(crate) fn inside(mut self, key: &str) -> Self {
        let key = visible(&clip(key, 64)).into_owned();
        let seam = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{key}{seam}{}", self.path);
        self
    }

    /// The same error, seen from the array that holds item `index`.
    pub(crate) fn inside_item(mut self, index: usize) -> Self {
        let seam = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{seam}{}", self.path);
        self
    }

    /// The same error, with nothing of the path below the argument `name`.
    pub(crate) fn only_to(mut self, name: &str) -> Self {
        let below = self.path.strip_prefix(name);
        if below.is_some_and(|below| below.starts_with(['.', '['])) {
            self.path.truncate(name.len());
        }
        self
    }

    /// The same error, of the whole of a secret: keys inside it are part of it.
    pub(crate) fn without_path(mut self) -> Self {
        self.path.clear();
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> ArgumentErrorKind {
        self.kind
    }

    /// Where, like `flights[2].date`; empty at the top.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at `{}`: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Debug for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArgumentError({:?}: {self})", self.kind)
    }
}

impl std::error::Error for ArgumentError {}

impl From<ParseJsonError> for ArgumentError {
    fn from(error: ParseJsonError) -> Self {
        let kind = match error.kind() {
            ParseJsonErrorKind::DuplicateKey => ArgumentErrorKind::DuplicateKey,
            ParseJsonErrorKind::TooDeep | ParseJsonErrorKind::TooLong => {
                ArgumentErrorKind::TooLarge
            }
            ParseJsonErrorKind::NotFinite => ArgumentErrorKind::NotFinite,
            _ => ArgumentErrorKind::Syntax,
        };
        Self { path: error.path().to_owned(), ..Self::new(kind, error.reason()) }
    }
}

impl serde::de::Error for ArgumentError {
    /// A type's own words may quote the value, so they are not passed on.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new(ArgumentErrorKind::Invalid, "the parameter's type does not accept this value")
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        if is_wide_integer(found) {
            return Self::out_of_range(expected);
        }
        let found = kind_of(found);
        Self::new(ArgumentErrorKind::WrongType, format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        use serde::de::Unexpected::{Signed, Unsigned};
        if matches!(found, Signed(_) | Unsigned(_)) {
            return Self::out_of_range(expected);
        }
        Self::new(ArgumentErrorKind::WrongType, format!("expected {expected}"))
    }

    fn invalid_length(length: usize, expected: &dyn serde::de::Expected) -> Self {
        Self::new(
            ArgumentErrorKind::WrongType,
            format!("expected {expected}, found {length} items"),
        )
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(ArgumentErrorKind::WrongType, format!("expected one of: {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let known = if expected.is_empty() {
            "there are none".to_owned()
        } else {
            format!("known are: {}", expected.join(", "))
        };
        Self::new(ArgumentErrorKind::UnknownField, format!("there is no such argument; {known}"))
            .inside(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(ArgumentErrorKind::Missing, "this argument is required").inside(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        let why = "the same argument stands here twice, perhaps under an alias";
        Self::new(ArgumentErrorKind::DuplicateKey, why).inside(field)
    }
}

const WHOLE: &str = "a whole number";
const FRACTION: &str = "a number with a fraction";

/// Whether a type was offered a number of 128 bits and takes none: that is how serde says so.
fn is_wide_integer(found: serde::de::Unexpected<'_>) -> bool {
    let wide = |text: &str| text.ends_with("as i128") || text.ends_with("as u128");
    matches!(found, serde::de::Unexpected::Other(text) if wide(text))
}

fn kind_of(found: serde::de::Unexpected<'_>) -> &'static str {
    use serde::de::Unexpected as U;
    match found {
        U::Bool(_) => "true or false",
        U::Unsigned(_) | U::Signed(_) => WHOLE,
        U::Float(_) => FRACTION,
        U::Char(_) | U::Str(_) => "a string",
        U::Unit | U::Option => "null",
        U::Seq => "an array",
        U::Map => "an object",
        _ => "something else",
    }
}

/// What a value cannot be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// A number that is not finite: JSON has no spelling for it, and nobody can approve it.
    NotFinite,
    /// A map that writes the same key twice.
    DuplicateKey,
    /// A map key that is not a string, number or bool.
    Key,
    /// A value that is nested absurdly deep.
    TooDeep,
    /// A list of a type whose order is not known, where the schema says both that it is a set and
    /// that it is none.
    UnclearOrder,
    /// The type's `Serialize` failed, or wrote something that is not plain data.
    Unsupported,
}

/// A typed value could not be written exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotError {
    kind: SnapshotErrorKind,
    path: String,
}

impl SnapshotError {
    pub(super) fn new(kind: SnapshotErrorKind) -> Self {
        Self { kind, path: String::new() }
    }

    pub(super) fn inside(mut self, key: &str) -> Self {
        let seam = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{}{seam}{}", visible(&clip(key, 64)), self.path);
        self
    }

    /// What the value could not be written for.
    pub fn kind(&self) -> SnapshotErrorKind {
        self.kind
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at `{}`: ", self.path)?;
        }
        f.write_str(match self.kind {
            SnapshotErrorKind::NotFinite => "the number is not finite; pass a finite one",
            SnapshotErrorKind::DuplicateKey => "a map has the same key twice",
            SnapshotErrorKind::Key => "a map key must be a string, a whole number or a bool",
            SnapshotErrorKind::TooDeep => "the value is nested too deeply",
            SnapshotErrorKind::UnclearOrder => {
                "the schema says that this list is a set, and that it is none; name the two apart, or use \
                 a collection of the standard library"
            }
            SnapshotErrorKind::Unsupported => "the type cannot be written as plain JSON data",
        })
    }
}

impl std::error::Error for SnapshotError {}

impl serde::ser::Error for SnapshotError {
    /// A type's own words may quote the value, so they are not passed on.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new(SnapshotErrorKind::Unsupported)
    }
}

impl From<SnapshotError> for ArgumentError {
    fn from(error: SnapshotError) -> Self {
        let kind = match error.kind {
            SnapshotErrorKind::NotFinite => ArgumentErrorKind::NotFinite,
            SnapshotErrorKind::DuplicateKey => ArgumentErrorKind::DuplicateKey,
            _ => ArgumentErrorKind::Invalid,
        };
        Self::new(kind, error.to_string())
    }
}
