//! The terms of a grant, read strictly: a misspelt limit must not become no limit.

use hitl_base::Timestamp;
use hitl_core::grant::{Amount, ArgumentScope, Condition, GrantLifetime, GrantTerms};
use hitl_core::policy::{NumberRange, PathMatcher, UrlMatcher};
use serde::{Deserialize, Deserializer};

/// The calls that run without asking. Left out, it is as narrow as it can be: the very same
/// arguments, in this run.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TermsBody {
    /// `session` (unless said): for the run of this call and what it delegates; `durable`: until it
    /// is revoked.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    lasting: GrantLifetime,
    /// Which arguments.
    #[serde(default)]
    arguments: ScopeBody,
    /// At most so many starts.
    uses: Option<u64>,
    /// At most so much in one argument, all calls together.
    sum: Option<SumBody>,
    /// Until then.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    until: Option<Timestamp>,
}

/// Which arguments.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
enum ScopeBody {
    /// Those of this call, secrets included.
    #[default]
    Exact,
    /// Those that satisfy all of these; what none of them names is free.
    Matching(Vec<ConditionBody>),
    /// Any.
    Any,
}

/// A condition on one argument.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConditionBody {
    /// The argument's path: `amount`, `to.country`, `payments[*].amount`.
    path: String,
    /// The test that it must pass.
    test: TestBody,
    /// Nobody interprets this text, so that `like` takes any, a shell's and a path's signs
    /// included.
    #[serde(default)]
    inert: bool,
}

/// A test of an argument. Numbers are written as text, so that none is rounded.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
enum TestBody {
    /// This text.
    Is(String),
    /// One of these texts.
    OneOf(Vec<String>),
    /// Plain text of this form: `*` is any text, `?` any one character.
    Like(String),
    /// This number, or less.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    AtMost(Amount),
    /// This number, or more.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    AtLeast(Amount),
    /// `true` or `false`.
    Bool(bool),
    /// The path of a file: `inside` (folders), `any` and `except` (globs), `from` (a folder).
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    Path(PathMatcher),
    /// A URL: `scheme`, `host`, `port`, `path` and `except` (globs).
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    Url(UrlMatcher),
    /// A number from `min` to `max`, both as text.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    Number(NumberRange),
}

/// A limit on the sum over all calls.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SumBody {
    /// In which argument.
    path: String,
    /// At most so much, as text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    at_most: Amount,
}

/// Reads terms as hitl-core writes them, and refuses unknown fields.
pub(crate) fn strictly<'de, D: Deserializer<'de>>(from: D) -> Result<GrantTerms, D::Error> {
    TermsBody::deserialize(from).map(GrantTerms::from)
}

impl From<TermsBody> for GrantTerms {
    fn from(body: TermsBody) -> Self {
        let TermsBody { lasting, arguments, uses, sum, until } = body;
        let mut terms = Self::exactly();
        terms.lasting = lasting;
        terms.arguments = match arguments {
            ScopeBody::Exact => ArgumentScope::Exact,
            ScopeBody::Matching(conditions) => {
                ArgumentScope::Matching(conditions.into_iter().map(Into::into).collect())
            }
            ScopeBody::Any => ArgumentScope::Any,
        };
        terms.uses = uses;
        terms.until = until;
        match sum {
            Some(SumBody { path, at_most }) => terms.sum(path, at_most),
            None => terms,
        }
    }
}

impl From<ConditionBody> for Condition {
    fn from(ConditionBody { path, test, inert }: ConditionBody) -> Self {
        let condition = match test {
            TestBody::Is(text) => Self::is(path, text),
            TestBody::OneOf(texts) => Self::one_of(path, texts),
            TestBody::Like(form) => Self::like(path, form),
            TestBody::AtMost(amount) => Self::at_most(path, amount),
            TestBody::AtLeast(amount) => Self::at_least(path, amount),
            TestBody::Bool(yes) => Self::bool(path, yes),
            TestBody::Path(paths) => Self::file(path, paths),
            TestBody::Url(urls) => Self::url(path, urls),
            TestBody::Number(range) => Self::number(path, range),
        };
        if inert { condition.of_inert_text() } else { condition }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terms are read as the core writes them, so that every client may use either.
    #[test]
    fn terms_are_read_as_the_core_writes_them() {
        let conditions = [
            Condition::is("currency", "EUR"),
            Condition::one_of("to", ["a", "b"]),
            Condition::like("note", "Trip *"),
            Condition::at_most("amount", "120.50".parse().unwrap()),
            Condition::at_least("amount", 1.into()),
            Condition::bool("express", true),
            Condition::like("title", "Re*").of_inert_text(),
            Condition::file("file", PathMatcher::inside("/srv").except(["**/.git/**"])),
            Condition::url("url", UrlMatcher::hosts(["docs.rs"]).port(8443)),
            Condition::number("amount", NumberRange::between("1", "5")),
        ];
        for terms in [
            GrantTerms::exactly(),
            GrantTerms::any_arguments().uses(3).durable(),
            GrantTerms::matching(conditions)
                .sum("amount", 500.into())
                .until("2031-01-01T00:00:00Z".parse().unwrap()),
        ] {
            let text = serde_json::to_string(&terms).unwrap();
            let read: TermsBody = serde_json::from_str(&text).unwrap();
            assert_eq!(GrantTerms::from(read), terms, "{text}");
        }
    }

    #[test]
    fn invariant_5_a_misspelt_limit_is_not_no_limit() {
        for wrong in [
            r#"{"use": 1}"#,
            r#"{"arguments": "all"}"#,
            r#"{"arguments": {"matching": [{"path": "a", "test": {"equals": "b"}}]}}"#,
            r#"{"arguments": {"matching": [{"path": "a", "test": {"is": "b"}, "or": 1}]}}"#,
            r#"{"sum": {"path": "amount", "atMost": 5}}"#,
            r#"{"sum": {"path": "amount", "atMost": "-5"}}"#,
            r#"{"sum": {"path": "amount", "atMost": "5", "each": true}}"#,
            r#"{"arguments": {"matching": [{"path": "a", "test": {"path": {"insde": ["/"]}}}]}}"#,
            r#"{"uses": -1}"#,
            r#"{"uses": 1.5}"#,
            r#"{"lasting": "ever"}"#,
            r#"{"until": "soon"}"#,
        ] {
            assert!(serde_json::from_str::<TermsBody>(wrong).is_err(), "{wrong}");
        }
    }
}
