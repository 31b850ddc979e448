//! The values that the signals look for in the arguments, at any depth.

use hitl_base::Json;

use super::CallView;

/// A value that signals look for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Amount,
    Bulk,
    Recipients,
}

impl Asked {
    pub(super) const ALL: [Self; 3] = [Self::Amount, Self::Bulk, Self::Recipients];

    /// Returns whether a key names the value.
    pub(super) fn is_key(self, key: &str) -> bool {
        match self {
            // `refund_amount`, `amountCents` too.
            Self::Amount => {
                key.as_bytes().windows(6).any(|part| part.eq_ignore_ascii_case(b"amount"))
            }
            Self::Bulk => key == "is_bulk",
            Self::Recipients => {
                matches!(key, "recipient_count" | "recipients" | "recipient_ids")
            }
        }
    }
}

/// Returns whether any argument under a key of this value, at any depth, satisfies `is`, which gets
/// the key too.
pub(super) fn any_under(
    call: &CallView<'_>,
    asked: Asked,
    is: &dyn Fn(&str, &Json) -> bool,
) -> bool {
    call.arguments.may_have(asked) && any_in(&call.arguments, asked, is)
}

fn any_in(tree: &Json, asked: Asked, is: &dyn Fn(&str, &Json) -> bool) -> bool {
    match tree {
        Json::Object(entries) => entries
            .iter()
            .any(|(key, value)| (asked.is_key(key) && is(key, value)) || any_in(value, asked, is)),
        Json::Array(items) => items.iter().any(|item| any_in(item, asked, is)),
        _ => false,
    }
}
