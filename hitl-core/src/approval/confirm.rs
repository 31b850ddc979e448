//! What a reviewer types to confirm a deletion.

use hitl_base::Json;
use hitl_base::display::visible;

use super::ApprovalRequest;

/// The most characters that somebody is asked to type.
const LONGEST: usize = 100;

impl ApprovalRequest {
    /// The text that must be typed before this request can be approved; nothing unless it is a
    /// deletion.
    ///
    /// It is the name of what would be deleted: the argument whose key says so (`name`,
    /// `project_id`), else the first argument that is a text, else the tool's name. As a person sees
    /// it: what would not be seen is escaped. Every surface that takes approvals asks for it.
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
    let texts = || {
        members.iter().filter_map(|(key, value)| {
            let text = value.as_str().filter(|text| !text.trim().is_empty())?;
            Some((key.as_str(), text))
        })
    };
    let ranked = |suffixes: [&str; 3]| {
        texts().find(|(key, _)| {
            *key == suffixes[0] || suffixes[1..].iter().any(|suffix| key.ends_with(suffix))
        })
    };
    let (_, text) = ranked(["name", "_name", "Name"])
        .or_else(|| ranked(["id", "_id", "Id"]))
        .or_else(|| texts().next())?;
    // What is masked is no name, and nobody types what is too long.
    let shown = visible(text);
    let usable = !shown.contains("[redacted") && shown.chars().count() <= LONGEST;
    usable.then(|| shown.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::scan;

    #[test]
    fn the_name_of_what_is_deleted_is_found_and_seen() {
        let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(200));
        for (arguments, expected) in [
            (r#"{"force": true, "project_id": "apollo"}"#, Some("apollo")),
            (r#"{"id": "7", "displayName": "Apollo"}"#, Some("Apollo")),
            (r#"{"paid": "yes", "reservationId": "8JX2WO"}"#, Some("8JX2WO")),
            (r#"{"why": "old", "what": "x"}"#, Some("old")),
            (r#"{"name": "a\u202eb"}"#, Some("a\\u{202e}b")),
            (r#"{"name": " ", "n": 1}"#, None),
            (r#"{"id": "[redacted:1a2b]"}"#, None),
            (long.as_str(), None),
            ("[]", None),
        ] {
            assert_eq!(name(&scan(arguments).unwrap()).as_deref(), expected, "{arguments}");
        }
    }
}
