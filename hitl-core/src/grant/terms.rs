//! What a human permits, in their words.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::Amount;
use crate::policy::{NumberRange, PathMatcher, UrlMatcher};

/// How long a grant lasts, unless its end or its envelope comes first.
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

/// Which arguments a call may have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ArgumentScope {
    /// Those of the request, to the last digit, secrets included.
    #[default]
    Exact,
    /// Those that satisfy every one of these conditions; what none of them names is free. Only
    /// arguments that the request had, too.
    Matching(Vec<Condition>),
    /// Any, of the names that the request had.
    Any,
}

/// What must hold of one argument. Several values under a path must all satisfy it, and what is not
/// there satisfies nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Condition {
    /// Where it stands, written as in a policy: `amount`, `to.country`, `payments[*].amount`.
    pub path: String,
    /// What it must be.
    pub test: ArgumentTest,
    /// Nobody interprets this text, so [`ArgumentTest::Like`] takes any, a shell's and a path's
    /// syntax included.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inert: bool,
}

/// What an argument must be.
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
    /// The path of a file that is meant, in its plainest form.
    Path(PathMatcher),
    /// A URL that is meant, in its plainest form.
    Url(UrlMatcher),
    /// A number in this range; from zero, unless it says otherwise. Text never counts as a number.
    Number(NumberRange),
}

impl Condition {
    /// The argument is this text.
    pub fn is(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(path, ArgumentTest::Is(text.into()))
    }

    /// The argument is one of these texts.
    pub fn one_of<T: Into<String>>(
        path: impl Into<String>,
        texts: impl IntoIterator<Item = T>,
    ) -> Self {
        let texts = texts.into_iter().map(Into::into).collect();
        Self::new(path, ArgumentTest::OneOf(texts))
    }

    /// The argument has this form; see [`ArgumentTest::Like`].
    pub fn like(path: impl Into<String>, form: impl Into<String>) -> Self {
        Self::new(path, ArgumentTest::Like(form.into()))
    }

    /// The argument is a number of at most this much, and not negative.
    pub fn at_most(path: impl Into<String>, amount: Amount) -> Self {
        Self::new(path, ArgumentTest::AtMost(amount))
    }

    /// The argument is a number of at least this much.
    pub fn at_least(path: impl Into<String>, amount: Amount) -> Self {
        Self::new(path, ArgumentTest::AtLeast(amount))
    }

    /// The argument is `true`, or `false`.
    pub fn bool(path: impl Into<String>, yes: bool) -> Self {
        Self::new(path, ArgumentTest::Bool(yes))
    }

    /// The argument is the path of a file that is meant.
    pub fn file(path: impl Into<String>, paths: PathMatcher) -> Self {
        Self::new(path, ArgumentTest::Path(paths))
    }

    /// The argument is a URL that is meant.
    pub fn url(path: impl Into<String>, urls: UrlMatcher) -> Self {
        Self::new(path, ArgumentTest::Url(urls))
    }

    /// The argument is a number in this range.
    pub fn number(path: impl Into<String>, range: NumberRange) -> Self {
        Self::new(path, ArgumentTest::Number(range))
    }

    /// Says that nobody interprets this text: see [`inert`](Self::inert).
    #[must_use]
    pub fn of_inert_text(mut self) -> Self {
        self.inert = true;
        self
    }

    fn new(path: impl Into<String>, test: ArgumentTest) -> Self {
        Self { path: path.into(), test, inert: false }
    }
}

/// How much of an argument all calls together may have. In one currency: a call that names another
/// than the request did, or one where that named none, does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SumLimit {
    /// Which argument: one number that is not negative. A call without it does not fit.
    pub path: String,
    /// The most that all calls together may come to.
    pub at_most: Amount,
}

/// What a human permits. Begins as narrow as it can be: the very same arguments, in this run.
///
/// ```
/// use hitl_core::grant::{Condition, GrantTerms};
/// // "up to 5 calls, or 500 in `amount`, in this session"
/// let terms = GrantTerms::matching([Condition::is("to", "shop")])
///     .uses(5)
///     .sum("amount", "500".parse()?);
/// # Ok::<(), hitl_core::grant::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrantTerms {
    /// How long it lasts.
    #[serde(default)]
    pub lasting: GrantLifetime,
    /// Which arguments a call may have.
    #[serde(default)]
    pub arguments: ArgumentScope,
    /// At most so many starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// At most so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<SumLimit>,
    /// Until then, by the store's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl GrantTerms {
    /// The very same arguments.
    pub fn exactly() -> Self {
        Self::default()
    }

    /// Any arguments.
    pub fn any_arguments() -> Self {
        Self { arguments: ArgumentScope::Any, ..Self::default() }
    }

    /// Arguments that satisfy all of these.
    pub fn matching(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let arguments = ArgumentScope::Matching(conditions.into_iter().collect());
        Self { arguments, ..Self::default() }
    }

    /// For good, not only for this run.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.lasting = GrantLifetime::Durable;
        self
    }

    /// At most so many starts.
    #[must_use]
    pub fn uses(mut self, uses: u64) -> Self {
        self.uses = Some(uses);
        self
    }

    /// At most so much in this argument, over all calls.
    #[must_use]
    pub fn sum(mut self, path: impl Into<String>, at_most: Amount) -> Self {
        self.sum = Some(SumLimit { path: path.into(), at_most });
        self
    }

    /// Until then, by the store's clock.
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }
}
