//! One tool of a `tools/list`, exactly as its server sent it. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hitl_base::display::{clip, visible};
use hitl_base::json::{Limits, parse_with_limits, write_string};
use hitl_base::{Json, hex};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The limits of one definition. The largest of 495 collected ones had a schema of 7,012 bytes.
const LIMITS: Limits = Limits { depth: 64, bytes: 1 << 20 };
/// The most tools of one upstream.
const MOST_TOOLS: usize = 2_000;
/// The longest name of a tool, in characters, that the protocol recommends.
const LONGEST_NAME: usize = 128;

/// The definition of a tool: everything that its server says of it, numbers as they were written.
///
/// Two definitions are equal if their [canonical text](Self::canonical) is: keys in the order of
/// their bytes, no space between tokens, strings in their shortest spelling.
#[derive(Clone, Debug, Eq)]
pub struct ToolDefinition {
    name: String,
    tree: Json,
    canonical: String,
}

impl PartialEq for ToolDefinition {
    /// The tree has the order of keys, which a server may write in another one each time.
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

/// The error for a tool that cannot be served, because its definition is not clear.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tool}: {reason}")]
pub struct DefinitionError {
    tool: String,
    reason: String,
}

impl DefinitionError {
    fn new(tool: &str, reason: impl Into<String>) -> Self {
        Self { tool: clip(&visible(tool), LONGEST_NAME).into_owned(), reason: reason.into() }
    }

    /// Returns the tool, by its name or its position, ready to be shown.
    pub fn tool(&self) -> &str {
        &self.tool
    }
}

impl ToolDefinition {
    /// Reads the text of one tool, as it stands in a `tools/list`.
    ///
    /// # Errors
    /// The text is not a JSON object, has a key twice, is nested deeper than 64 levels or longer
    /// than a MiB, or has no `name` of 1 to 128 characters of `A-Z a-z 0-9 _ - .` or no
    /// `inputSchema`.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        Self::at("a tool", text)
    }

    fn at(place: &str, text: &str) -> Result<Self, DefinitionError> {
        let tree = parse_with_limits(text, LIMITS)
            .map_err(|error| DefinitionError::new(place, error.to_string()))?;
        Self::from_tree(place, tree)
    }

    pub(super) fn from_tree(place: &str, tree: Json) -> Result<Self, DefinitionError> {
        let Some(name) = tree.get("name").and_then(Json::as_str) else {
            return Err(DefinitionError::new(place, "it has no name"));
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            return Err(DefinitionError::new(
                name,
                "its name is not 1 to 128 characters of `A-Z a-z 0-9 _ - .`",
            ));
        }
        if !matches!(tree.get("inputSchema"), Some(Json::Object(_))) {
            return Err(DefinitionError::new(name, "its `inputSchema` is not a JSON object"));
        }
        let mut canonical = String::new();
        write_canonical(&mut canonical, &tree);
        Ok(Self { name: name.to_owned(), canonical, tree })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a field, like `description`, if it is a string.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.tree.get(field).and_then(Json::as_str)
    }

    /// Returns a field as JSON text, if it is there.
    pub fn field(&self, field: &str) -> Option<String> {
        self.tree.get(field).map(Json::to_text)
    }

    /// Returns everything that was said, in the order in which it was written.
    pub fn tree(&self) -> &Json {
        &self.tree
    }

    /// Returns the canonical text, which the digest is of.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Returns the SHA-256 of the canonical text, as 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(&Sha256::digest(self.canonical.as_bytes()))
    }

    /// Returns whether another definition is the same but for its name.
    pub(super) fn is_renamed_from(&self, other: &Self) -> bool {
        let rest = |definition: &Self| {
            let entries = definition.tree.entries().iter().filter(|(key, _)| key != "name");
            let mut text = String::new();
            write_canonical(&mut text, &Json::Object(entries.cloned().collect()));
            text
        };
        self.name != other.name && rest(self) == rest(other)
    }
}

/// The tools of a `tools/list`: those that are clear, and why the others are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinitionList {
    /// The tools that can be served, in the order in which they were listed.
    pub tools: Vec<ToolDefinition>,
    /// The tools that cannot. One of them does not cost the others.
    pub refused: Vec<DefinitionError>,
}

/// The result of one `tools/list`.
#[derive(Deserialize)]
struct Page<'t> {
    #[serde(borrow)]
    tools: Vec<&'t RawValue>,
    #[serde(rename = "nextCursor")]
    next_cursor: Option<String>,
}

impl DefinitionList {
    /// Adds the text of the result of one `tools/list`, and returns the cursor of the next page.
    ///
    /// # Errors
    /// The result has no list of tools, or there are more than 2,000. Nothing is added then.
    pub fn add_page(&mut self, result: &str) -> Result<Option<String>, DefinitionError> {
        let page: Page<'_> = serde_json::from_str(result).map_err(|_| {
            DefinitionError::new("tools/list", "the server's answer has no list of tools")
        })?;
        let before = self.tools.len() + self.refused.len();
        if before + page.tools.len() > MOST_TOOLS {
            return Err(DefinitionError::new("tools/list", "the server lists over 2,000 tools"));
        }
        for (at, text) in page.tools.iter().enumerate() {
            match ToolDefinition::at(&format!("tool {}", before + at + 1), text.get()) {
                Ok(tool) => self.tools.push(tool),
                Err(error) => self.refused.push(error),
            }
        }
        self.refuse_repeated();
        Ok(page.next_cursor)
    }

    /// A name that is listed twice is unclear: neither is served.
    fn refuse_repeated(&mut self) {
        let mut counts = BTreeMap::<String, usize>::new();
        for tool in &self.tools {
            *counts.entry(tool.name.clone()).or_default() += 1;
        }
        for (name, _) in counts.into_iter().filter(|(_, count)| *count > 1) {
            self.tools.retain(|tool| tool.name != name);
            self.refused.push(DefinitionError::new(&name, "it is listed more than once"));
        }
    }
}

/// Appends the canonical text of a tree.
fn write_canonical(out: &mut String, tree: &Json) {
    match tree {
        Json::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_canonical(out, value);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(out, item);
            }
            out.push(']');
        }
        Json::Number(lexeme) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{lexeme}");
        }
        plain => plain.write(out),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READ: &str = r#"{"name":"read","description":"Reads.","inputSchema":{"type":"object"}}"#;

    #[test]
    fn the_order_of_keys_and_space_do_not_count_and_everything_else_does() {
        let read = ToolDefinition::parse(READ).unwrap();
        let spaced = r#" {"inputSchema": {"type" : "object"}, "name": "\u0072ead",
            "description": "Reads." }"#;
        assert_eq!(ToolDefinition::parse(spaced).unwrap().digest(), read.digest());
        assert_eq!(ToolDefinition::parse(spaced).unwrap(), read);
        for other in [
            READ.replace("Reads.", "Reads. "),
            READ.replace("Reads.", "Reads.\u{200b}"),
            READ.replace(r#""description""#, r#""title":"x","description""#),
            READ.replace(r#""description""#, r#""_meta":{"a":1},"description""#),
            READ.replace(
                r#""description""#,
                r#""annotations":{"readOnlyHint":true},"description""#,
            ),
            READ.replace(r#""object""#, r#""object","maximum":1"#),
            READ.replace(r#""object""#, r#""object","maximum":1.0"#),
            READ.replace(r#""object""#, r#""object","maximum":10000000000000000000001"#),
            READ.replace(r#""object""#, r#""object","maximum":10000000000000000000002"#),
        ] {
            let other = ToolDefinition::parse(&other).unwrap();
            assert_ne!(other.digest(), read.digest(), "{}", other.canonical());
            assert_ne!(other, read);
        }
    }

    #[test]
    fn invariant_5_one_unclear_tool_is_left_out_and_costs_no_other() {
        for wrong in [
            r#"{"name":"a","name":"b","inputSchema":{}}"#,
            r#"{"inputSchema":{}}"#,
            r#"{"name":"a b","inputSchema":{}}"#,
            r#"{"name":"re\u200bad","inputSchema":{}}"#,
            r#"{"name":"x"}"#,
            r#"{"name":"x","inputSchema":true}"#,
            r#"{"name":"x","inputSchema":{"maximum":1e999}}"#,
            "[]",
            "null",
        ] {
            let mut list = DefinitionList::default();
            let page = format!(r#"{{"tools":[{wrong},{READ}],"nextCursor":"more"}}"#);
            assert_eq!(list.add_page(&page), Ok(Some("more".to_owned())), "{wrong}");
            assert_eq!((list.tools.len(), list.refused.len()), (1, 1), "{wrong}");
            let said = list.refused[0].to_string();
            assert!(!said.contains('\u{200b}'), "{said}");
        }
    }

    #[test]
    fn invariant_5_a_name_that_is_listed_twice_is_not_served() {
        let mut list = DefinitionList::default();
        list.add_page(&format!(r#"{{"tools":[{READ}]}}"#)).unwrap();
        let other = READ.replace("Reads.", "Reads it.");
        list.add_page(&format!(r#"{{"tools":[{other}]}}"#)).unwrap();
        assert_eq!((list.tools.len(), list.refused.len()), (0, 1));
        for wrong in ["", "null", "{}", r#"{"tools":{}}"#] {
            assert!(list.add_page(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rename_is_recognized() {
        let read = ToolDefinition::parse(READ).unwrap();
        let renamed = ToolDefinition::parse(&READ.replace("\"read\"", "\"fetch\"")).unwrap();
        assert!(renamed.is_renamed_from(&read));
        assert!(!read.is_renamed_from(&read));
        let both = READ.replace("\"read\"", "\"fetch\"").replace("Reads.", "Fetches.");
        assert!(!ToolDefinition::parse(&both).unwrap().is_renamed_from(&read));
    }

    proptest! {
        #[test]
        fn different_descriptions_have_different_digests(a in ".{0,24}", b in ".{0,24}") {
            let digest = |text: &str| {
                let mut quoted = String::new();
                write_string(&mut quoted, text);
                ToolDefinition::parse(&READ.replace("\"Reads.\"", &quoted)).unwrap().digest()
            };
            prop_assert_eq!(digest(&a) == digest(&b), a == b);
        }
    }
}
