//! The standard signals. Points and limits are those of the system that hitl re-creates; see
//! `tests/conformance`. Where hitl is stricter, the line says so.

use hitl_base::Json;

use super::{CallView, Factor, Signal};

/// The principal is an admin: +10.
#[derive(Clone, Copy, Debug)]
pub struct AdminRole;

impl Signal for AdminRole {
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let admin = call.context.has_role("admin");
        admin.then(|| Factor::points("admin_role", 10, "The principal is an admin."))
    }
}

/// The host has verified the workspace: +5.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedWorkspace;

impl Signal for VerifiedWorkspace {
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let verified = call.context.workspace_verified;
        verified.then(|| Factor::points("verified_workspace", 5, "The workspace is verified."))
    }
}

/// The principal is in a hurry: +5.
#[derive(Clone, Copy, Debug)]
pub struct TimeSensitive;

impl Signal for TimeSensitive {
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let urgent = call.context.time_sensitive;
        urgent.then(|| Factor::points("time_sensitive", 5, "The request is time-sensitive."))
    }
}

/// An `amount` above 1000: -15. Stricter than the original: an amount counts at any depth, as
/// numeric text too, and by its size, whatever its sign.
#[derive(Clone, Copy, Debug)]
pub struct LargeAmount;

impl Signal for LargeAmount {
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let large = any_under(call.arguments, &["amount"], &|value| {
            number(value).is_some_and(|n| n.abs() > 1000.0)
        });
        large.then(|| Factor::points("large_amount", -15, "An amount is above 1000."))
    }
}

/// A bulk action, by the tool's name or by `is_bulk`: -10, once.
#[derive(Clone, Copy, Debug)]
pub struct BulkAction;

impl Signal for BulkAction {
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let named = call.tool.to_ascii_lowercase().contains("bulk");
        let bulk = named || any_under(call.arguments, &["is_bulk"], &is_true);
        bulk.then(|| Factor::points("bulk_action", -10, "It acts on many things at once."))
    }
}

/// More than 100 recipients: -10. Stricter than the original: a list counts as its length.
#[derive(Clone, Copy, Debug)]
pub struct ManyRecipients;

impl Signal for ManyRecipients {
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let many = any_under(
            call.arguments,
            &["recipient_count", "recipients", "recipient_ids"],
            &|value| number(value).is_some_and(|n| n > 100.0),
        );
        many.then(|| Factor::points("many_recipients", -10, "It reaches more than 100 recipients."))
    }
}

/// Whether any value under one of `keys`, at any depth, satisfies `is`.
fn any_under(tree: &Json, keys: &[&str], is: &dyn Fn(&Json) -> bool) -> bool {
    match tree {
        Json::Object(entries) => entries.iter().any(|(key, value)| {
            (keys.contains(&key.as_str()) && is(value)) || any_under(value, keys, is)
        }),
        Json::Array(items) => items.iter().any(|item| any_under(item, keys, is)),
        _ => false,
    }
}

/// A number, numeric text (`"5,000.50"`, `"$5000"`), or the length of a list.
fn number(value: &Json) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "a list is never that long")]
        Json::Array(items) => Some(items.len() as f64),
        Json::String(text) => {
            let plain: String =
                text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '$' | '€' | '£')).collect();
            plain.parse().ok()
        }
        other => other.as_f64(),
    }
}

fn is_true(value: &Json) -> bool {
    match value {
        Json::Bool(yes) => *yes,
        Json::String(text) => matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "1"),
        other => other.as_f64().is_some_and(|n| n != 0.0),
    }
}
