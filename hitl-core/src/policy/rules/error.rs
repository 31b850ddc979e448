//! What is wrong with a rule set: all of it at once, each with its place.

use std::fmt;

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// The file could not be read.
    Unreadable,
    /// The text is not TOML.
    Syntax,
    /// A key that means nothing here.
    UnknownKey,
    /// Something that must be there is not.
    Missing,
    /// A value of the wrong type.
    WrongType,
    /// A value that makes no sense where it stands.
    Value,
    /// A time zone that the machine does not know, and that is no rule as POSIX writes it.
    UnknownTimeZone,
    /// The same name twice.
    Duplicate,
    /// One of the rule set's own tests does not hold.
    SelfTest,
    /// Nobody has accepted the rule file, as far as is known.
    NotAccepted,
}

/// One mistake, and where it is.
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

    /// What kind of mistake it is.
    pub fn kind(&self) -> RuleErrorKind {
        self.kind
    }

    /// The line in the file, from 1. None for rules built in code.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|(line, _)| line)
    }

    /// The column in the line, from 1, in characters.
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

/// Everything that is wrong with a rule set: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors(Vec<RuleError>);

impl RuleErrors {
    /// In the order of the file. Nothing when there is nothing wrong.
    pub(super) fn of(mut errors: Vec<RuleError>) -> Result<(), Self> {
        errors.sort_by_key(|error| error.place.unwrap_or((usize::MAX, 0)));
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    #[cfg(feature = "policy-files")]
    pub(super) fn one(error: RuleError) -> Self {
        Self(vec![error])
    }

    /// Each mistake, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, RuleError> {
        self.0.iter()
    }

    /// The kind of the first.
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
