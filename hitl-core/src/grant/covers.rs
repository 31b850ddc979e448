//! Whether a call fits a grant, and what it would draw. Pure.

use hitl_base::Json;
use hitl_base::json::compare_numbers;

use super::currency::currencies;
use super::{Amount, ArgumentScope, Condition, Drawn, Grant, SumLimit, Test};
use crate::call::{CallContext, ContentDigest, Fingerprint, RunId};
use crate::policy::{Glob, each_value};

/// A call, as a grant looks at it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GrantedCall<'c> {
    /// The tool's name.
    pub tool: &'c str,
    /// The tool's fingerprint.
    pub fingerprint: Fingerprint,
    /// Who asks and where.
    pub context: &'c CallContext,
    /// The call's run.
    pub run: &'c RunId,
    /// What the call contains.
    pub content: ContentDigest,
    /// The arguments.
    pub arguments: &'c Json,
}

/// Why a call does not fit a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCovered {
    /// It is for another tool, or the tool has changed.
    #[error("it is for another tool, or the tool has changed since")]
    Tool,
    /// Somebody else asks, or for another tenant.
    #[error("it is for somebody else")]
    Principal,
    /// The call is of another run.
    #[error("it is for another run")]
    Run,
    /// The workspace is not verified.
    #[error("it is for a verified workspace")]
    Workspace,
    /// The arguments are not those that were permitted.
    #[error("the arguments are not those that it permits")]
    Arguments,
    /// It cannot be said how much of the sum the call needs.
    #[error("the call has no such amount as it limits")]
    Sum,
    /// The call counts in another currency than the request did, or says so where that did not.
    #[error("its sum is in another currency")]
    Currency,
}

impl Grant {
    /// What a call would draw on it, when it fits. Whether there is anything left to draw is for
    /// [`GrantRecord::draw`](super::GrantRecord::draw) to say.
    pub fn covers(&self, call: &GrantedCall<'_>) -> Result<Drawn, NotCovered> {
        let cx = call.context;
        let fits = |holds: bool, why: NotCovered| if holds { Ok(()) } else { Err(why) };
        let same_tool = self.tool == call.tool && self.fingerprint == call.fingerprint;
        fits(same_tool, NotCovered::Tool)?;
        let same_people = self.tenant == cx.tenant && self.principal == cx.principal;
        fits(same_people, NotCovered::Principal)?;
        let root = cx.root_of(call.run);
        fits(self.run.as_ref().is_none_or(|run| run == root), NotCovered::Run)?;
        fits(cx.workspace_verified || !self.verified, NotCovered::Workspace)?;
        let permitted = match &self.arguments {
            ArgumentScope::Exact => self.content == call.content,
            ArgumentScope::Matching(conditions) => {
                conditions.iter().all(|condition| condition.holds(call.arguments))
            }
            ArgumentScope::Any => true,
        };
        let known = |name: &String| self.names.as_ref().is_none_or(|names| names.contains(name));
        let all_known = call.arguments.entries().iter().all(|(name, _)| known(name));
        fits(permitted && all_known, NotCovered::Arguments)?;
        let amount = match &self.sum {
            None => Amount::ZERO,
            Some(sum) => {
                fits(currencies(call.arguments) == self.currencies, NotCovered::Currency)?;
                sum.amount(call.arguments).ok_or(NotCovered::Sum)?
            }
        };
        Ok(Drawn::new(self.id, amount))
    }
}

impl Condition {
    /// Whether every value under the path is there and satisfies the test.
    pub(super) fn holds(&self, arguments: &Json) -> bool {
        let mut all = true;
        let seen = each_value(&self.path, arguments, &mut |value| {
            all &= value.is_some_and(|value| self.test.accepts(value));
        });
        seen.is_ok() && all
    }
}

impl Test {
    fn accepts(&self, value: &Json) -> bool {
        match (self, value) {
            (Self::Is(text), Json::String(value)) => text == value,
            (Self::OneOf(texts), Json::String(value)) => texts.contains(value),
            (Self::Like(form), Json::String(value)) => {
                is_plain(value) && Glob::new(form).matches(value)
            }
            (Self::AtMost(most), Json::Number(lexeme)) => {
                Amount::of_json(lexeme).is_some_and(|amount| amount <= *most)
            }
            (Self::AtLeast(least), Json::Number(lexeme)) => {
                compare_numbers(lexeme, &least.to_string()).is_some_and(std::cmp::Ordering::is_ge)
            }
            (Self::Bool(yes), Json::Bool(value)) => yes == value,
            _ => false,
        }
    }
}

/// Text that means what its letters say: nothing that steers a terminal, ends a line, or climbs out of
/// a folder.
fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control) && !text.split(['/', '\\']).any(|step| step == "..")
}

impl SumLimit {
    /// The one amount that a call has there.
    pub(super) fn amount(&self, arguments: &Json) -> Option<Amount> {
        let mut found = Vec::new();
        each_value(&self.path, arguments, &mut |value| {
            found.push(match value {
                Some(Json::Number(lexeme)) => Amount::of_json(lexeme),
                _ => None,
            });
        })
        .ok()?;
        match found.as_slice() {
            [amount] => *amount,
            _ => None,
        }
    }
}
