//! The reasons for refusing arguments. An error names the place and the expected type; it never
//! quotes a value.

use std::fmt;

use hitl_base::display::{clip, visible};
use hitl_base::json::{ParseJsonError, ParseJsonErrorKind};

use super::expected::{in_json_words, one_of};
use super::nearest::known_instead;

/// The kind of an [`ArgumentError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentErrorKind {
    /// The text is not JSON.
    Syntax,
    /// A key occurs twice in one object.
    DuplicateKey,
    /// Nested too deeply, or too long.
    TooLarge,
    /// A number that is not finite.
    NotFinite,
    /// A value of the wrong type.
    WrongType,
    /// A required argument is missing.
    Missing,
    /// An argument that the tool does not have.
    UnknownField,
    /// A number that the parameter's type would silently change.
    Inexact,
    /// The parameter's type refused the value for a reason of its own.
    Invalid,
    /// A value that the call's text does not preserve: read back, after an approval for example, it
    /// would be a different one.
    NotCarried,
    /// An edit that would change, remove or add a secret.
    Secret,
    /// An edit that contains the mask of a secret.
    Mask,
}

/// The most characters of a type's own words.
const MAX_OWN_WORDS: usize = 200;

/// The reason why a call's arguments were refused: the error, its place, and what was expected.
#[derive(Clone, PartialEq, Eq)]
pub struct ArgumentError {
    kind: ArgumentErrorKind,
    path: String,
    message: String,
    /// The type's own words, which may quote the value. Not shown as they are.
    own_words: Option<String>,
}

impl ArgumentError {
    pub(crate) fn new(kind: ArgumentErrorKind, message: impl Into<String>) -> Self {
        Self { kind, path: String::new(), message: message.into(), own_words: None }
    }

    /// Adds the type's own words to the message, if it has any: `mask` removes from them what
    /// nobody may see.
    pub(crate) fn with_own_words(mut self, mask: impl FnOnce(&str) -> String) -> Self {
        if let Some(words) = self.own_words.take() {
            let masked = mask(&words);
            let shown = visible(&clip(masked.trim(), MAX_OWN_WORDS)).into_owned();
            if !shown.is_empty() {
                self.message = format!("{}: {shown}", self.message);
            }
        }
        self
    }

    /// Forgets the type's own words.
    pub(crate) fn without_own_words(mut self) -> Self {
        self.own_words = None;
        self
    }

    /// Creates the error for a type that reads back something other than it wrote.
    pub(crate) fn unstable() -> Self {
        let why =
            "the tool does not read back what it writes here, so the call cannot wait for a human";
        Self::new(ArgumentErrorKind::NotCarried, why)
    }

    /// Creates the error for a value that differs once its text is read back.
    pub(crate) fn not_carried() -> Self {
        let why = "this value would be another once it is read back from its text: a null inside it comes \
                   back as an absent value, and of several forms the first that fits is taken; pass a \
                   value whose text says all of it";
        Self::new(ArgumentErrorKind::NotCarried, why)
    }

    /// Creates the error for an argument that holds data which its type does not write.
    pub(crate) fn not_written(name: &str) -> Self {
        let why = "this holds what its type does not write (a field with `#[serde(skip)]`, say), so an \
                   approved call would run with another value";
        Self::new(ArgumentErrorKind::NotCarried, why).inside(name)
    }

    /// Creates the error for a list whose type has no order of its own.
    pub(crate) fn unordered() -> Self {
        let why = "the items of this list come back in another order, so the call cannot wait for a \
                   human; if it is a set, say so in its schema with `uniqueItems`";
        Self::new(ArgumentErrorKind::NotCarried, why)
    }

    /// Creates the error for a type that panics while it is read.
    pub(crate) fn panicked() -> Self {
        let why = "the tool failed while it read this; tell the user";
        Self::new(ArgumentErrorKind::Invalid, why)
    }

    /// Creates the error for an integer that the type cannot hold.
    pub(super) fn out_of_range(expected: &dyn serde::de::Expected) -> Self {
        let expected = expected.to_string();
        let expected = in_json_words(&expected);
        let why = format!("this whole number is out of range; expected {expected}");
        Self::new(ArgumentErrorKind::WrongType, why)
    }

    /// Corrects the error about an integer that was passed as a double: `5.0` has no fraction.
    pub(super) fn about_whole_number(mut self) -> Self {
        if self.path.is_empty() && self.message.ends_with(FRACTION) {
            let expected = self.message.len() - FRACTION.len();
            self.message.replace_range(expected.., "a number with a point or an exponent");
        }
        self
    }

    /// Creates the error for a field that is required and was not written.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new(ArgumentErrorKind::Missing, MISSING).inside(field)
    }

    /// Creates the error for a field that the tool does not have.
    pub(crate) fn unknown<'n>(
        field: &str,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) -> Self {
        let why = match known.clone().into_iter().next() {
            None => "there is no such field; no fields are known here".to_owned(),
            Some(_) => format!("there is no such field; {}", known_instead(field, known)),
        };
        Self::new(ArgumentErrorKind::UnknownField, why).inside(field)
    }

    /// Creates the error for a value that is none of the allowed strings.
    pub(super) fn not_one_of(words: &[&str], found: &str) -> Self {
        let why = format!("expected {}, found {found}", one_of(words));
        Self::new(ArgumentErrorKind::WrongType, why)
    }

    /// Creates the error for an edit that changes which secrets the arguments contain.
    pub(crate) fn other_secrets() -> Self {
        let why = "an edit cannot change, remove or add a secret";
        Self::new(ArgumentErrorKind::Secret, why)
    }

    /// Prefixes the path with `key`, the object's entry that contains the error's place.
    pub(crate) fn inside(mut self, key: &str) -> Self {
        let key = visible(&clip(key, 64)).into_owned();
        let seam = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{key}{seam}{}", self.path);
        self
    }

    /// Prefixes the path with `index`, the array's item that contains the error's place.
    pub(crate) fn inside_item(mut self, index: usize) -> Self {
        let seam = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{seam}{}", self.path);
        self
    }

    /// Removes everything below the argument `name` from the path.
    pub(crate) fn only_to(mut self, name: &str) -> Self {
        let below = self.path.strip_prefix(name);
        if below.is_some_and(|below| below.starts_with(['.', '['])) {
            self.path.truncate(name.len());
            self.say_inside();
        }
        self
    }

    /// Removes the path, so that the error is about the whole of a secret: the keys inside it are
    /// part of it.
    pub(crate) fn without_path(mut self) -> Self {
        self.own_words = None;
        if !self.path.is_empty() {
            self.path.clear();
            self.say_inside();
        }
        self
    }

    /// Replaces words about a field by words about what holds it, without the names in there.
    fn say_inside(&mut self) {
        let why = match self.kind {
            ArgumentErrorKind::Missing => "a field is missing in this",
            ArgumentErrorKind::UnknownField => "a field in this is unknown or not kept",
            _ => return,
        };
        why.clone_into(&mut self.message);
    }

    /// Returns the kind.
    pub fn kind(&self) -> ArgumentErrorKind {
        self.kind
    }

    /// Returns the place, like `flights[2].date`; empty at the top level.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path if self.message == MISSING => write!(f, "the field `{path}` is missing"),
            path => write!(f, "at `{path}`: {}", self.message),
        }
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
    /// A type's own message may quote the value, so it is kept apart: the gate shows it where the
    /// tool takes no secrets, without copies of the arguments. Those of serde that say nothing
    /// about the value are put into other words.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        let no_form = message.starts_with("data did not match any variant of untagged enum ")
            || message.ends_with(" found in flattened data");
        let why = if no_form {
            "this fits none of the forms that are allowed here"
        } else {
            "the tool does not accept this value"
        };
        let own_words = (!no_form).then_some(message);
        Self { own_words, ..Self::new(ArgumentErrorKind::Invalid, why) }
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        if is_wide_integer(found) {
            return Self::out_of_range(expected);
        }
        let expected = expected.to_string();
        let expected = in_json_words(&expected);
        let found = kind_of(found, expected.starts_with("a whole number"));
        Self::new(ArgumentErrorKind::WrongType, format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        use serde::de::Unexpected::{Signed, Unsigned};
        if matches!(found, Signed(_) | Unsigned(_)) {
            return Self::out_of_range(expected);
        }
        let expected = expected.to_string();
        let expected = in_json_words(&expected);
        Self::new(ArgumentErrorKind::WrongType, format!("expected {expected}"))
    }

    fn invalid_length(length: usize, expected: &dyn serde::de::Expected) -> Self {
        let expected = expected.to_string();
        let (expected, plural) = (in_json_words(&expected), if length == 1 { "" } else { "s" });
        let why = format!("expected {expected}, found {length} item{plural}");
        Self::new(ArgumentErrorKind::WrongType, why)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::not_one_of(expected, "another string")
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown(field, expected.iter().copied())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        let why = "the same field stands here twice, perhaps under another name";
        Self::new(ArgumentErrorKind::DuplicateKey, why).inside(field)
    }
}

const MISSING: &str = "this field is missing";
const FRACTION: &str = "a number with a fraction";

/// Returns whether a type was passed a 128-bit number and does not accept it: serde reports it in
/// this way.
fn is_wide_integer(found: serde::de::Unexpected<'_>) -> bool {
    let wide = |text: &str| text.ends_with("as i128") || text.ends_with("as u128");
    matches!(found, serde::de::Unexpected::Other(text) if wide(text))
}

/// Returns the kind of a value in the words of JSON.
fn kind_of(found: serde::de::Unexpected<'_>, wants_whole: bool) -> &'static str {
    use serde::de::Unexpected as U;
    match found {
        U::Bool(_) => "true or false",
        U::Float(_) if wants_whole => FRACTION,
        U::Unsigned(_) | U::Signed(_) | U::Float(_) => "a number",
        U::Char(_) | U::Str(_) | U::UnitVariant => "a string",
        U::Unit | U::Option => "null",
        U::Seq => "an array",
        U::Map | U::NewtypeVariant | U::TupleVariant | U::StructVariant => "an object",
        _ => "something else",
    }
}

/// The reason why a value cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// A number that is not finite: JSON cannot represent it, and nobody can approve it.
    NotFinite,
    /// A map that writes the same key twice.
    DuplicateKey,
    /// A map key that is not a string, number or bool.
    Key,
    /// A value that is nested too deeply.
    TooDeep,
    /// A list of a type whose order is unknown, and the schema declares it both as a set and as an
    /// ordered list.
    UnclearOrder,
    /// The type's `Serialize` failed, or wrote something that is not plain data.
    Unsupported,
}

/// The error for a typed value that could not be written exactly.
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

    /// Returns the reason.
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
    /// A type's own message may quote the value, so it is not passed on.
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
