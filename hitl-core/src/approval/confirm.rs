//! The text that a reviewer types to confirm a deletion.

use hitl_base::Json;
use hitl_base::display::visible;

use super::ApprovalRequest;

/// The most characters of one name that a reviewer is asked to type.
const LONGEST: usize = 100;

impl ApprovalRequest {
    /// Returns the text that must be typed before this request can be approved; `None` unless it is
    /// a deletion.
    ///
    /// The text names what would be deleted: the values of all arguments whose keys identify
    /// something (`name`, `project_id`), so that no optional name stands in for the id that counts;
    /// failing that, the first argument that is a text; failing that, the tool's name. Invisible
    /// characters are escaped. Every surface that accepts approvals asks for it.
    pub fn confirmation(&self) -> Option<String> {
        if self.approval_type != "deletion" {
            return None;
        }
        let arguments = self.arguments.tree().ok();
        let named = arguments.as_ref().and_then(name);
        Some(named.unwrap_or_else(|| self.tool.clone()))
    }
}

fn name(arguments: &Json) -> Option<String> {
    let Json::Object(members) = arguments else { return None };
    // A masked text is not a name, and nobody types a text that is too long.
    let usable = |text: &str| {
        let shown = visible(text);
        let fits = !shown.contains("[redacted") && shown.chars().count() <= LONGEST;
        (fits && !text.trim().is_empty()).then(|| shown.into_owned())
    };
    let texts: Vec<(&str, Option<String>)> = members
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), usable(value.as_str()?))))
        .collect();
    let mut named: Vec<&str> = Vec::new();
    for (key, text) in &texts {
        let Some(text) = text.as_deref().filter(|_| is_identity(key)) else { continue };
        if !named.contains(&text) {
            named.push(text);
        }
    }
    if named.is_empty() {
        return texts.into_iter().next()?.1;
    }
    Some(named.join(" "))
}

/// Returns whether the name of an argument marks it as an identifier.
fn is_identity(key: &str) -> bool {
    let suffixes = ["_name", "Name", "_id", "Id"];
    key == "name" || key == "id" || suffixes.iter().any(|suffix| key.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::parse_json;

    #[test]
    fn the_name_of_what_is_deleted_is_found_and_seen() {
        let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(200));
        for (arguments, expected) in [
            (r#"{"force": true, "project_id": "apollo"}"#, Some("apollo")),
            (r#"{"id": "7", "displayName": "Apollo"}"#, Some("7 Apollo")),
            (r#"{"project_id": "apollo", "project_name": "apollo"}"#, Some("apollo")),
            (r#"{"paid": "yes", "reservationId": "8JX2WO"}"#, Some("8JX2WO")),
            (r#"{"why": "old", "what": "x"}"#, Some("old")),
            (r#"{"name": "a\u202eb"}"#, Some("a\\u{202e}b")),
            (r#"{"name": " ", "n": 1}"#, None),
            (r#"{"id": "[redacted:1a2b]"}"#, None),
            (long.as_str(), None),
            ("[]", None),
        ] {
            assert_eq!(name(&parse_json(arguments).unwrap()).as_deref(), expected, "{arguments}");
        }
    }

    #[test]
    fn invariant_9_a_decoy_is_not_what_confirms_a_deletion() {
        let long = "x".repeat(200);
        for decoy in ["scratch", "", " ", "[redacted:1a2b]", &long] {
            for key in ["display_name", "aName", "name", "zName"] {
                let arguments = format!(r#"{{"{key}": "{decoy}", "project_id": "production"}}"#);
                let typed = name(&parse_json(&arguments).unwrap()).unwrap_or_default();
                assert!(typed.contains("production"), "{arguments}: {typed}");
            }
        }
    }
}
