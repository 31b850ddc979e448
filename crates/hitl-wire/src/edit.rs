//! Edits: previewed before they are sent.

use std::fmt;

use hitl_base::Json;
use hitl_base::display::visible;
use hitl_base::json::parse_json;
use hitl_core::approval::{ArgumentChange, Patch, ReviewCard, change_line};
use hitl_core::{ApprovalLevel, BindingDigest, CallState};
use serde::{Deserialize, Serialize};

/// An edit whose result is asked for. Nothing is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EditPreviewBody {
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
    /// The edit: a JSON merge patch (RFC 7396) as text, so that no number is rounded.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub patch: Patch,
}

/// The result that an edit would have. Redacted; may hold text from a model and from the editor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EditPreview {
    /// The arguments that would change, in the order in which they are shown.
    pub changes: Vec<ChangedArgument>,
    /// The state that the call would have: `approved` if the edit also counts as the last approval
    /// that the call needs, and otherwise `pending`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: CallState,
    /// The revision that the call would have.
    pub revision: u32,
    /// The digest that a decision on that revision would name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
    /// One line that says what would happen.
    pub title: String,
    /// `quick` or `full`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub level: ApprovalLevel,
    /// 0 to 100; higher is safer.
    pub confidence: u8,
    /// The reasons that raise the level above that of the score.
    pub reasons: Vec<String>,
    /// The arguments as JSON text, without secrets, to the digit.
    pub arguments_text: String,
    /// The card that the call would have: its sections and warnings, ready to be shown. Left out if
    /// a newer server describes it in another way.
    #[serde(
        default,
        deserialize_with = "crate::lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub rendered: Option<ReviewCard>,
}

/// One argument that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChangedArgument {
    /// Its place: `amount`, `items[2].price`. Everything invisible is escaped.
    pub place: String,
    /// The value before, as JSON text; left out if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value after, as JSON text; left out if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl From<&ArgumentChange> for ChangedArgument {
    fn from(change: &ArgumentChange) -> Self {
        let text = |value: &Option<hitl_base::Json>| value.as_ref().map(hitl_base::Json::to_text);
        Self { place: change.place(), before: text(&change.before), after: text(&change.after) }
    }
}

/// Writes the change in one line that is safe to show, as [`ArgumentChange`] does. A place that a
/// server did not escape is escaped here, and a value that is no JSON is shown as a text.
impl fmt::Display for ChangedArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tree = |text: &String| parse_json(text).unwrap_or_else(|_| Json::String(text.clone()));
        let (before, after) = (self.before.as_ref().map(tree), self.after.as_ref().map(tree));
        f.write_str(&change_line(&visible(&self.place), before.as_ref(), after.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::JsonText;

    #[test]
    fn a_change_reads_alike_from_a_gate_and_from_a_console() {
        let text = |text: &str| JsonText::new(text.to_owned()).unwrap();
        let (before, after) =
            (r#"{"a":"x\u202e","b":1.50,"c":null}"#, r#"{"a":"y","b":1.5,"d":[1]}"#);
        for change in ArgumentChange::between(&text(before), &text(after)) {
            assert_eq!(ChangedArgument::from(&change).to_string(), change.to_string());
        }
        let hostile = ChangedArgument {
            place: "a\n  [a] Approve".to_owned(),
            before: Some("no JSON\u{202e}".to_owned()),
            after: None,
        };
        assert_eq!(hostile.to_string(), r#"a\n  [a] Approve: "no JSON\u{202e}" → (left out)"#);
    }
}
