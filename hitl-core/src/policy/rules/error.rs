//! The mistakes in a rule set: all at once, each with its place.

use std::fmt;

/// The kind of a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// The file could not be read.
    Unreadable,
    /// The text is not TOML.
    Syntax,
    /// A key that has no meaning here.
    UnknownKey,
    /// A required part that is missing.
    Missing,
    /// A value of the wrong type.
    WrongType,
    /// A value that makes no sense in its place.
    Value,
    /// A time zone that the machine does not know and that is no POSIX rule.
    UnknownTimeZone,
    /// A name that occurs twice.
    Duplicate,
    /// A test of the rule set that fails.
    SelfTest,
    /// A rule file that, as far as is known, nobody has accepted.
    NotAccepted,
}

/// A mistake and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    kind: RuleErrorKind,
    place: Option<(usize, usize)>,
    message: String,
}

impl RuleError {
    pub(super) fn new(kind: RuleErrorKind, message: impl Into<String>) -> Self {
        Self { kind, place: None, message: message.into() }
    }

    pub(super) fn at(mut self, line: usize, column: usize) -> Self {
        self.place = Some((line, column));
        self
    }

    /// Returns the kind of the mistake.
    pub fn kind(&self) -> RuleErrorKind {
        self.kind
    }

    /// Returns the line in the file, from 1. `None` for rules built in code.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|(line, _)| line)
    }

    /// Returns the column in the line, from 1, in characters.
    pub fn column(&self) -> Option<usize> {
        self.place.map(|(_, column)| column)
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for RuleError {}

/// All mistakes in a rule set: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors(Vec<RuleError>);

impl RuleErrors {
    /// Returns the errors in file order, or `Ok` if there are none.
    pub(super) fn check(mut errors: Vec<RuleError>) -> Result<(), Self> {
        errors.sort_by_key(|error| error.place.unwrap_or((usize::MAX, 0)));
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    #[cfg(feature = "policy-files")]
    pub(super) fn one(error: RuleError) -> Self {
        Self(vec![error])
    }

    /// Returns an iterator over the mistakes, in file order.
    pub fn iter(&self) -> std::slice::Iter<'_, RuleError> {
        self.0.iter()
    }

    /// Returns the kind of the first mistake.
    pub fn kind(&self) -> RuleErrorKind {
        self.0.first().map_or(RuleErrorKind::Value, RuleError::kind)
    }
}

impl<'e> IntoIterator for &'e RuleErrors {
    type Item = &'e RuleError;
    type IntoIter = std::slice::Iter<'e, RuleError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}
