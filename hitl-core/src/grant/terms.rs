//! The terms of a permission that a human gives.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::Amount;
use crate::policy::{NumberRange, PathMatcher, UrlMatcher};

/// The lifetime of a grant, unless its end or its limits are reached first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: a grant ends or it does not.
pub enum GrantLifetime {
    /// For the run that the request belongs to, and what that run delegates.
    #[default]
    Session,
    /// Until it is revoked.
    Durable,
}

/// The arguments that a call may have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ArgumentScope {
    /// The arguments of the request, to the last digit, secrets included.
    #[default]
    Exact,
    /// Arguments that satisfy all of these conditions; arguments without a condition are free. Only
    /// names that the request had are allowed.
    Matching(Vec<Condition>),
    /// Any arguments with names that the request had.
    Any,
}

/// A condition on one argument. Several values under a path must all satisfy it, and a missing one
/// satisfies nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Condition {
    /// The path, written as in a policy: `amount`, `to.country`, `payments[*].amount`.
    pub path: String,
    /// The test of the value.
    pub test: ArgumentTest,
    /// True if nothing interprets this text, so that [`ArgumentTest::Like`] matches any text,
    /// including the syntax of shells and paths.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inert: bool,
}

/// A test of an argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ArgumentTest {
    /// This text.
    Is(String),
    /// One of these texts.
    OneOf(Vec<String>),
    /// Text of this form: `*` is any text, `?` any one character. Only plain text has a form: none
    /// that a shell, a file system, a browser or another interpreter reads; see
    /// [`Condition::inert`].
    Like(String),
    /// This number, or less. Text never counts as a number.
    AtMost(Amount),
    /// This number, or more.
    AtLeast(Amount),
    /// `true` or `false`.
    Bool(bool),
    /// The path of a file that the matcher allows, in its plainest form.
    Path(PathMatcher),
    /// A URL that the matcher allows, in its plainest form.
    Url(UrlMatcher),
    /// A number in this range; from zero, unless a minimum is set. Text never counts as a number.
    Number(NumberRange),
}

impl Condition {
    /// Returns the condition that the argument is this text.
    pub fn is(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(path, ArgumentTest::Is(text.into()))
    }

    /// Returns the condition that the argument is one of these texts.
    pub fn one_of<T: Into<String>>(
        path: impl Into<String>,
        texts: impl IntoIterator<Item = T>,
    ) -> Self {
        let texts = texts.into_iter().map(Into::into).collect();
        Self::new(path, ArgumentTest::OneOf(texts))
    }

    /// Returns the condition that the argument has this form; see [`ArgumentTest::Like`].
    pub fn like(path: impl Into<String>, form: impl Into<String>) -> Self {
        Self::new(path, ArgumentTest::Like(form.into()))
    }

    /// Returns the condition that the argument is a number of at most this amount, and not
    /// negative.
    pub fn at_most(path: impl Into<String>, amount: Amount) -> Self {
        Self::new(path, ArgumentTest::AtMost(amount))
    }

    /// Returns the condition that the argument is a number of at least this amount.
    pub fn at_least(path: impl Into<String>, amount: Amount) -> Self {
        Self::new(path, ArgumentTest::AtLeast(amount))
    }

    /// Returns the condition that the argument is `true`, or `false`.
    pub fn bool(path: impl Into<String>, yes: bool) -> Self {
        Self::new(path, ArgumentTest::Bool(yes))
    }

    /// Returns the condition that the argument is the path of a file that the matcher allows.
    pub fn file(path: impl Into<String>, paths: PathMatcher) -> Self {
        Self::new(path, ArgumentTest::Path(paths))
    }

    /// Returns the condition that the argument is a URL that the matcher allows.
    pub fn url(path: impl Into<String>, urls: UrlMatcher) -> Self {
        Self::new(path, ArgumentTest::Url(urls))
    }

    /// Returns the condition that the argument is a number in this range.
    pub fn number(path: impl Into<String>, range: NumberRange) -> Self {
        Self::new(path, ArgumentTest::Number(range))
    }

    /// Declares that nothing interprets this text: see [`inert`](Self::inert).
    #[must_use]
    pub fn of_inert_text(mut self) -> Self {
        self.inert = true;
        self
    }

    fn new(path: impl Into<String>, test: ArgumentTest) -> Self {
        Self { path: path.into(), test, inert: false }
    }
}

/// A limit on the sum of an argument over all calls. In one currency: a call that names another one
/// than the request, or names one where the request named none, does not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SumLimit {
    /// The argument: one number that is not negative. A call without it does not match.
    pub path: String,
    /// The most that all calls together may come to.
    pub at_most: Amount,
}

/// The terms of a permission. The default is the narrowest: the exact arguments, in this run.
///
/// ```
/// use hitl::grant::{Condition, GrantTerms};
/// // "up to 5 calls, or 500 in `amount`, in this session"
/// let terms = GrantTerms::matching([Condition::is("to", "shop")])
///     .uses(5)
///     .sum("amount", "500".parse()?);
/// # Ok::<(), hitl::grant::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrantTerms {
    /// The lifetime.
    #[serde(default)]
    pub lasting: GrantLifetime,
    /// The arguments that a call may have.
    #[serde(default)]
    pub arguments: ArgumentScope,
    /// The most starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// The limit on the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<SumLimit>,
    /// The end, by the store's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl GrantTerms {
    /// Returns terms for the exact arguments.
    pub fn exactly() -> Self {
        Self::default()
    }

    /// Returns terms for any arguments.
    pub fn any_arguments() -> Self {
        Self { arguments: ArgumentScope::Any, ..Self::default() }
    }

    /// Returns terms for arguments that satisfy all of these conditions.
    pub fn matching(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let arguments = ArgumentScope::Matching(conditions.into_iter().collect());
        Self { arguments, ..Self::default() }
    }

    /// Makes the grant durable, not only for this run.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.lasting = GrantLifetime::Durable;
        self
    }

    /// Limits the number of starts.
    #[must_use]
    pub fn uses(mut self, uses: u64) -> Self {
        self.uses = Some(uses);
        self
    }

    /// Limits the sum of this argument, over all calls.
    #[must_use]
    pub fn sum(mut self, path: impl Into<String>, at_most: Amount) -> Self {
        self.sum = Some(SumLimit { path: path.into(), at_most });
        self
    }

    /// Sets the end, by the store's clock.
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }
}
