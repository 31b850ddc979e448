//! Matching of a call against a grant, and the amount that the call would draw. Pure.

use std::collections::HashSet;

use hitl_base::Json;
use hitl_base::json::compare_numbers;

use super::currency::currencies;
use super::{Amount, ArgumentScope, ArgumentTest, Condition, Grant, GrantUse, SumLimit};
use crate::call::{CallContext, ContentDigest, Fingerprint, RunId};
use crate::policy::{Glob, Match, Reading, each_value, is_for_an_interpreter, is_plain};

/// A call, as seen by a grant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GrantedCall<'c> {
    /// The tool's name.
    pub tool: &'c str,
    /// The tool's fingerprint.
    pub fingerprint: Fingerprint,
    /// The principal and context of the call.
    pub context: &'c CallContext,
    /// The call's run.
    pub run: &'c RunId,
    /// The content of the call.
    pub content: ContentDigest,
    /// The arguments.
    pub arguments: &'c Json,
    /// Arguments whose text nothing interprets, as declared by the tool; none where the tool is not
    /// known.
    pub inert: &'c [&'c str],
    /// True if its tool, as it is now, is of high risk or destructive.
    pub risky: bool,
}

/// The reason why a call does not match a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCovered {
    /// The call is for another tool, or the tool has changed.
    #[error("it is for another tool, or the tool has changed since")]
    Tool,
    /// The call is of another principal, or for another tenant.
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
    /// A shell or another interpreter reads an argument that the grant does not name exactly.
    #[error(
        "an interpreter reads an argument that is left free; permit exactly these arguments, or list what it may be"
    )]
    Interpreted,
    /// The tool is riskier than when the grant was given, and the grant has no bound.
    #[error("its tool is of high risk or destroys by now, and it has no bound; give another one")]
    Unbounded,
    /// It cannot be determined how much of the sum the call needs.
    #[error("the call has no such amount as it limits")]
    Sum,
    /// The call names another currency than the request, or names one where the request named none.
    #[error("its sum is in another currency")]
    Currency,
}

impl Grant {
    /// Returns the draw of a call, if it matches the grant.
    /// [`GrantRecord::draw`](super::GrantRecord::draw) decides whether enough is left.
    pub fn covers(&self, call: &GrantedCall<'_>) -> Result<GrantUse, NotCovered> {
        let cx = call.context;
        let fits = |holds: bool, why: NotCovered| if holds { Ok(()) } else { Err(why) };
        let same_tool = self.tool == call.tool && self.fingerprint == call.fingerprint;
        fits(same_tool, NotCovered::Tool)?;
        fits(self.break_glass.is_none(), NotCovered::Arguments)?;
        let same_people = self.tenant == cx.tenant && self.principal == cx.principal;
        fits(same_people, NotCovered::Principal)?;
        let root = cx.root_of(call.run);
        fits(self.run.as_ref().is_none_or(|run| run == root), NotCovered::Run)?;
        fits(cx.workspace_verified || !self.verified, NotCovered::Workspace)?;
        let permitted = match &self.arguments {
            ArgumentScope::Exact => self.content == call.content,
            ArgumentScope::Matching(conditions) => {
                conditions.iter().all(|condition| condition.holds(call))
            }
            ArgumentScope::Any => true,
        };
        let known = |name: &String| self.names.as_ref().is_none_or(|names| names.contains(name));
        let all_known = call.arguments.entries().iter().all(|(name, _)| known(name));
        fits(permitted && all_known, NotCovered::Arguments)?;
        fits(!self.leaves_a_program_free(call), NotCovered::Interpreted)?;
        fits(!call.risky || self.is_bounded(), NotCovered::Unbounded)?;
        let amount = match &self.sum {
            None => Amount::ZERO,
            Some(sum) => {
                fits(currencies(call.arguments) == self.currencies, NotCovered::Currency)?;
                sum.amount(call.arguments).ok_or(NotCovered::Sum)?
            }
        };
        Ok(GrantUse::new(self.id, amount))
    }
}

impl Grant {
    /// Returns whether it ends by itself, or permits only one thing: a condition for a tool of high
    /// risk.
    pub(super) fn is_bounded(&self) -> bool {
        let ends = self.uses.is_some() || self.sum.is_some() || self.until.is_some();
        ends || self.run.is_some() || self.arguments == ArgumentScope::Exact
    }

    /// Returns whether an interpreter reads a text that no condition names.
    fn leaves_a_program_free(&self, call: &GrantedCall<'_>) -> bool {
        let conditions = match &self.arguments {
            ArgumentScope::Exact => return false,
            ArgumentScope::Matching(conditions) => conditions.as_slice(),
            ArgumentScope::Any => &[],
        };
        let paths = conditions.iter().map(|condition| condition.path.as_str());
        has_free_program(call.tool, call.arguments, paths, call.inert)
    }
}

/// Returns whether an interpreter reads a text of these arguments to which none of the paths leads.
/// A path with the index of an item names only that item.
fn has_free_program<'p>(
    tool: &str,
    arguments: &Json,
    paths: impl Iterator<Item = &'p str>,
    inert: &[&'p str],
) -> bool {
    // The exact values that the conditions check.
    let mut named: HashSet<*const Json> = HashSet::new();
    for path in paths.chain(inert.iter().copied()) {
        // An invalid path leads to nothing.
        let _ = each_value(path, arguments, &mut |value| {
            named.extend(value.map(std::ptr::from_ref));
        });
    }
    let mut free = false;
    each_text(&mut String::new(), arguments, &mut |keys, text| {
        let said = inert.contains(&keys) || named.contains(&std::ptr::from_ref(text));
        free |= is_for_an_interpreter(tool, keys) && !said;
    });
    free
}

/// Calls `see` with every text and its keys, joined by dots.
fn each_text<'j>(keys: &mut String, tree: &'j Json, see: &mut dyn FnMut(&str, &'j Json)) {
    match tree {
        Json::String(_) => see(keys, tree),
        Json::Array(items) => items.iter().for_each(|item| each_text(keys, item, see)),
        Json::Object(entries) => {
            for (key, value) in entries {
                let before = keys.len();
                if before > 0 {
                    keys.push('.');
                }
                keys.push_str(key);
                each_text(keys, value, see);
                keys.truncate(before);
            }
        }
        _ => {}
    }
}

impl Condition {
    /// Returns whether every value under the path exists and satisfies the test.
    fn holds(&self, call: &GrantedCall<'_>) -> bool {
        let inert = self.inert || call.inert.contains(&self.path.as_str());
        let plain_only = !inert;
        let interpreted = plain_only && is_for_an_interpreter(call.tool, &self.path);
        let plain = |text: &str| !plain_only || (!interpreted && is_plain(text));
        let mut all = true;
        let seen = each_value(&self.path, call.arguments, &mut |value| {
            all &= value.is_some_and(|value| self.test.accepts(value, &plain));
        });
        seen.is_ok() && all
    }
}

impl ArgumentTest {
    fn accepts(&self, value: &Json, plain: &dyn Fn(&str) -> bool) -> bool {
        match (self, value) {
            (Self::Is(text), Json::String(value)) => text == value,
            (Self::OneOf(texts), Json::String(value)) => texts.contains(value),
            (Self::Like(form), Json::String(value)) => {
                plain(value) && Glob::new(form).matches(value)
            }
            (Self::AtMost(most), Json::Number(lexeme)) => {
                Amount::from_json(lexeme).is_some_and(|amount| amount <= *most)
            }
            (Self::AtLeast(least), Json::Number(lexeme)) => {
                compare_numbers(lexeme, &least.to_string()).is_some_and(std::cmp::Ordering::is_ge)
            }
            (Self::Number(range), Json::Number(lexeme)) => {
                range.holds(lexeme, true).unwrap_or(false)
            }
            (Self::Path(paths), Json::String(value)) => {
                let found = paths.compile().map(|paths| paths.judge(value, Reading::Strict));
                found == Ok(Match::Yes)
            }
            (Self::Url(urls), Json::String(value)) => {
                let found = urls.compile().map(|urls| urls.judge(value, Reading::Strict));
                found == Ok(Match::Yes)
            }
            (Self::Bool(yes), Json::Bool(value)) => yes == value,
            _ => false,
        }
    }
}

impl SumLimit {
    /// Returns the single amount of a call at the path.
    pub(super) fn amount(&self, arguments: &Json) -> Option<Amount> {
        let mut found = Vec::new();
        each_value(&self.path, arguments, &mut |value| {
            found.push(match value {
                Some(Json::Number(lexeme)) => Amount::from_json(lexeme),
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

#[cfg(test)]
mod tests {
    use hitl_base::json::parse_json;

    use super::*;

    /// Regression: a condition on the first command did not cover the others, and permitted them
    /// all.
    #[test]
    fn invariant_5_a_condition_on_one_item_permits_no_other_program() {
        for (arguments, paths, inert, free) in [
            (r#"{"commands":["git status","rm -rf x"]}"#, vec!["commands[0]"], vec![], true),
            (r#"{"commands":["git status"]}"#, vec!["commands[0]"], vec![], false),
            (r#"{"commands":["a","b"]}"#, vec!["commands[0]", "commands[1]"], vec![], false),
            (r#"{"commands":["a","b"]}"#, vec!["commands[*]"], vec![], false),
            (r#"{"steps":[{"cmd":"a"},{"cmd":"b"}]}"#, vec!["steps[0].cmd"], vec![], true),
            (r#"{"steps":[{"cmd":"a"},{"cmd":"b"}]}"#, vec!["steps[*].cmd"], vec![], false),
            (r#"{"steps":[{"cmd":"a"}],"cmd":"b"}"#, vec!["**.cmd"], vec![], false),
            (r#"{"a":{"cmd":"x"},"cmd":"y"}"#, vec!["cmd"], vec![], true),
            (r#"{"a.cmd":"x","a":{"cmd":"y"}}"#, vec!["a.cmd"], vec![], true),
            (r#"{"a.cmd":"x","a":{"cmd":"y"}}"#, vec!["a.cmd", "\"a.cmd\""], vec![], false),
            (r#"{"commands":["a","b"]}"#, vec![], vec!["commands"], false),
            (r#"{"commands":["a","b"]}"#, vec![], vec!["commands[*]"], false),
            (r#"{"commands":["a","b"]}"#, vec![], vec!["commands[0]"], true),
            (r#"{"commands":[["a"]]}"#, vec!["commands[0]"], vec![], true),
            (r#"{"to":"bob"}"#, vec![], vec![], false),
        ] {
            let tree = parse_json(arguments).unwrap();
            let found = has_free_program("t", &tree, paths.iter().copied(), &inert);
            assert_eq!(found, free, "{arguments} {paths:?} {inert:?}");
        }
    }
}
