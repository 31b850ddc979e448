//! The signals of the system that hitl re-creates, with its points and limits; see
//! `tests/conformance`. Where hitl is stricter, the comment says so.

use hitl_base::Json;

use super::amount::{Size, size};
use super::amount_text::whole_text;
use super::asked::{Asked, any_under};
use super::{CallView, Factor, Signal};

/// The principal is an admin: +10.
#[derive(Clone, Copy, Debug)]
pub struct AdminRole;

impl Signal for AdminRole {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let admin = call.context.has_role("admin");
        admin.then(|| Factor::points("admin_role", 10, "The principal is an admin."))
    }
}

/// The host has verified the workspace: +5.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedWorkspace;

impl Signal for VerifiedWorkspace {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let verified = call.context.workspace_verified;
        verified.then(|| Factor::points("verified_workspace", 5, "The workspace is verified."))
    }
}

/// The principal declared the call urgent: +5.
#[derive(Clone, Copy, Debug)]
pub struct TimeSensitive;

impl Signal for TimeSensitive {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let urgent = call.context.time_sensitive;
        urgent.then(|| Factor::points("time_sensitive", 5, "The request is time-sensitive."))
    }
}

/// An `amount` above 1000: -15. Stricter than the original: an amount counts at any depth, also as
/// text, in every possible reading, and by its magnitude, with either sign. Text that cannot be
/// read as a number for sure counts as large.
#[derive(Clone, Copy, Debug)]
pub struct LargeAmount;

impl Signal for LargeAmount {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let large = any_under(call, Asked::Amount, &|key, value| {
            key == "amount" && size(value).is_above(1000.0)
        });
        large.then(|| Factor::points("large_amount", -15, "An amount is above 1000."))
    }
}

/// A bulk action, by the tool's name or by `is_bulk`: -10, once.
#[derive(Clone, Copy, Debug)]
pub struct BulkAction;

impl Signal for BulkAction {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let named = call.tool.as_bytes().windows(4).any(|part| part.eq_ignore_ascii_case(b"bulk"));
        let bulk = named || any_under(call, Asked::Bulk, &|_, value| is_true(value));
        bulk.then(|| Factor::points("bulk_action", -10, "It acts on many things at once."))
    }
}

/// More than 100 recipients: -10. Stricter than the original: a list counts as its length, a text
/// as the number of its parts, and a count that cannot be read for sure counts as large.
#[derive(Clone, Copy, Debug)]
pub struct ManyRecipients;

impl Signal for ManyRecipients {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let many = any_under(call, Asked::Recipients, &|key, value| {
            recipients(key, value).is_above(100.0)
        });
        many.then(|| Factor::points("many_recipients", -10, "It reaches more than 100 recipients."))
    }
}

/// Returns the number of recipients: a number, a text that is one, or the length of a list.
fn recipients(key: &str, value: &Json) -> Size {
    #[expect(clippy::cast_precision_loss, reason = "a list is never that long")]
    let length = |length: usize| Size::Number(length as f64);
    match value {
        Json::Array(items) => length(items.len()),
        Json::String(text) if key != "recipient_count" && whole_text(text).is_none() => {
            length(text.split([',', ';', '\n', ' ']).filter(|part| !part.is_empty()).count())
        }
        Json::Object(_) => Size::Number(0.0),
        other => size(other),
    }
}

fn is_true(value: &Json) -> bool {
    match value {
        Json::Bool(yes) => *yes,
        Json::String(text) => matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "1"),
        other => other.as_f64().is_some_and(|n| n != 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallContext, ToolConfig};

    #[test]
    fn who_asks_and_where_counts_as_it_did() {
        let points = |signal: &dyn Signal, cx: CallContext| {
            let call = CallView::new("pay", &ToolConfig::DEFAULT, &Json::Null, &cx);
            signal.judge(&call).map(|factor| factor.adjustment)
        };
        let ann = || CallContext::new("ann");
        assert_eq!(points(&AdminRole, ann().role("admin")), Some(10));
        assert_eq!(points(&AdminRole, ann().role("clerk")), None);
        assert_eq!(points(&VerifiedWorkspace, ann().workspace_verified()), Some(5));
        assert_eq!(points(&VerifiedWorkspace, ann()), None);
    }
}
