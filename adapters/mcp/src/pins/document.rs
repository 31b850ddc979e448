//! The text of the pin file: versioned JSON. Pure.

use std::collections::BTreeMap;

use hitl_base::Json;
use hitl_base::display::visible;
use hitl_base::json::{Limits, parse_with_limits, pretty};

use super::{DefinitionList, PinComparison, PinState, ToolDefinition};

/// The version that this code writes, and the only one that it reads.
const VERSION: &str = "1";
/// Room for the definitions of thousands of tools.
const LIMITS: Limits = Limits { depth: 72, bytes: 64 << 20 };

/// An approved definition, who approved it and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    definition: ToolDefinition,
    by: String,
    at: String,
}

impl Pin {
    /// Pins a definition: `by` is who approved it, `at` when, as ISO 8601.
    pub fn new(definition: ToolDefinition, by: impl Into<String>, at: impl Into<String>) -> Self {
        Self { definition, by: by.into(), at: at.into() }
    }

    /// Returns the definition.
    pub fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    /// Returns who approved it: a person's name, or `first use`.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Returns when it was approved, as ISO 8601.
    pub fn at(&self) -> &str {
        &self.at
    }
}

/// The pins of one upstream, and what it listed last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamPins {
    pins: BTreeMap<String, Pin>,
    listed: Vec<ToolDefinition>,
}

impl UpstreamPins {
    /// Returns the pin of a tool.
    pub fn pin(&self, tool: &str) -> Option<&Pin> {
        self.pins.get(tool)
    }

    /// Returns all pins with the names of their tools, in the order of the names.
    pub fn pinned(&self) -> impl Iterator<Item = (&str, &Pin)> {
        self.pins.iter().map(|(name, pin)| (name.as_str(), pin))
    }

    /// Returns what the upstream listed when a gateway last asked it.
    pub fn listed(&self) -> &[ToolDefinition] {
        &self.listed
    }

    /// Returns a tool as it was last listed.
    pub fn listed_tool(&self, name: &str) -> Option<&ToolDefinition> {
        self.listed.iter().find(|tool| tool.name() == name)
    }

    /// Pins a tool in place of an earlier pin of its name.
    pub fn pin_tool(&mut self, pin: Pin) {
        self.pins.insert(pin.definition.name().to_owned(), pin);
    }

    /// Removes the pin of a tool, and returns whether there was one.
    pub fn unpin(&mut self, tool: &str) -> bool {
        self.pins.remove(tool).is_some()
    }

    /// Notes what is listed now. Returns whether that changes the file.
    pub fn note_listed(&mut self, list: &DefinitionList) -> bool {
        let mut listed = list.tools.clone();
        listed.sort_by(|a, b| a.name().cmp(b.name()));
        let changes = self.listed != listed;
        self.listed = listed;
        changes
    }

    /// Compares the pins with what was listed last.
    pub fn comparison(&self) -> PinComparison {
        PinComparison::new(self, &self.listed)
    }

    /// Returns the names of the tools that a person has to look at: new, changed and vanished ones.
    pub fn open(&self) -> Vec<String> {
        let comparison = self.comparison();
        let open = comparison.entries().iter().filter(|entry| entry.state != PinState::Pinned);
        open.map(|entry| entry.name.clone()).collect()
    }
}

/// The kind of a [`PinDocumentError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinDocumentErrorKind {
    /// The text is not a pin file, or a digest in it is not that of its definition.
    Broken,
    /// The text was written by a newer version of hitl.
    Newer,
}

/// The error for text that is not a pin file of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PinDocumentError {
    kind: PinDocumentErrorKind,
    message: String,
}

impl PinDocumentError {
    /// Returns the kind.
    pub fn kind(&self) -> PinDocumentErrorKind {
        self.kind
    }
}

fn broken<T>(why: impl std::fmt::Display) -> Result<T, PinDocumentError> {
    let message = format!(
        "the pin file is damaged: {why}. Restore it from a backup, or remove it and approve the tools again"
    );
    Err(PinDocumentError { kind: PinDocumentErrorKind::Broken, message })
}

/// All pins of a file, by the name of the upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinDocument {
    upstreams: BTreeMap<String, UpstreamPins>,
}

impl PinDocument {
    /// Reads the text of a pin file. An empty text is damaged: somebody is writing the file, or has
    /// lost it, and what was pinned is not to be pinned again as if it were the first time.
    ///
    /// # Errors
    /// See [`PinDocumentErrorKind`]: the caller has no pins then, and serves nothing.
    pub fn parse(text: &str) -> Result<Self, PinDocumentError> {
        let tree = match parse_with_limits(text, LIMITS) {
            Ok(tree) => tree,
            Err(error) => return broken(error),
        };
        match tree.get("version") {
            Some(Json::Number(version)) if &**version == VERSION => {}
            Some(Json::Number(_)) => {
                let message =
                    "the pin file was written by a newer version of hitl: use that version";
                let kind = PinDocumentErrorKind::Newer;
                return Err(PinDocumentError { kind, message: message.to_owned() });
            }
            _ => return broken("it has no version"),
        }
        let mut document = Self::default();
        for (name, tree) in object(&tree, "upstreams")? {
            let mut upstream = UpstreamPins::default();
            for (tool, tree) in object(tree, "pins")? {
                let pin = read_pin(tool, tree)?;
                upstream.pins.insert(tool.clone(), pin);
            }
            for tree in tree.get("listed").and_then(Json::as_array).unwrap_or_default() {
                upstream.listed.push(definition(tree)?);
            }
            document.upstreams.insert(name.clone(), upstream);
        }
        Ok(document)
    }

    /// Returns the text of the file.
    pub fn to_text(&self) -> String {
        let upstreams = self.upstreams.iter().map(|(name, upstream)| {
            let pins = upstream.pins.iter().map(|(tool, pin)| {
                let text = |text: &str| Json::String(text.to_owned());
                let fields = [
                    ("sha256", text(&pin.definition.digest())),
                    ("by", text(&pin.by)),
                    ("at", text(&pin.at)),
                    ("definition", pin.definition.tree().clone()),
                ];
                (tool.clone(), of_fields(fields))
            });
            let listed = upstream.listed.iter().map(|tool| tool.tree().clone()).collect();
            let fields = [("pins", Json::Object(pins.collect())), ("listed", Json::Array(listed))];
            (name.clone(), of_fields(fields))
        });
        let fields = [
            ("version", Json::Number(VERSION.into())),
            ("upstreams", Json::Object(upstreams.collect())),
        ];
        pretty(&of_fields(fields)) + "\n"
    }

    /// Returns the pins of an upstream.
    pub fn upstream(&self, name: &str) -> Option<&UpstreamPins> {
        self.upstreams.get(name)
    }

    /// Returns the pins of an upstream, to change them.
    pub fn upstream_mut(&mut self, name: &str) -> &mut UpstreamPins {
        self.upstreams.entry(name.to_owned()).or_default()
    }

    /// Returns all upstreams, in the order of their names.
    pub fn upstreams(&self) -> impl Iterator<Item = (&str, &UpstreamPins)> {
        self.upstreams.iter().map(|(name, pins)| (name.as_str(), pins))
    }
}

fn of_fields<const N: usize>(fields: [(&str, Json); N]) -> Json {
    Json::Object(fields.map(|(key, value)| (key.to_owned(), value)).into())
}

fn object<'t>(tree: &'t Json, key: &str) -> Result<&'t [(String, Json)], PinDocumentError> {
    match tree.get(key) {
        Some(Json::Object(entries)) => Ok(entries),
        _ => broken(format!("it has no `{key}` where they belong")),
    }
}

fn definition(tree: &Json) -> Result<ToolDefinition, PinDocumentError> {
    ToolDefinition::from_tree("a tool", tree.clone()).or_else(broken)
}

fn read_pin(tool: &str, tree: &Json) -> Result<Pin, PinDocumentError> {
    let shown = visible(tool);
    let text = |key: &str| tree.get(key).and_then(Json::as_str);
    let Some(definition) = tree.get("definition").map(definition).transpose()? else {
        return broken(format!("the pin of `{shown}` has no definition"));
    };
    let (Some(sha256), Some(by), Some(at)) = (text("sha256"), text("by"), text("at")) else {
        return broken(format!("the pin of `{shown}` lacks its digest, or who approved it"));
    };
    if definition.name() != tool || definition.digest() != sha256 {
        return broken(format!("the digest of `{shown}` is not that of its definition"));
    }
    Ok(Pin::new(definition, by, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> PinDocument {
        let mut document = PinDocument::default();
        let mut list = DefinitionList::default();
        list.add_page(
            r#"{"tools":[{"name":"add","description":"a\u200b","inputSchema":{"maximum":1.00}},
                {"name":"sub","inputSchema":{"x":100000000000000000000001}}]}"#,
        )
        .unwrap();
        let upstream = document.upstream_mut("calc");
        assert!(upstream.note_listed(&list));
        assert!(!upstream.note_listed(&list));
        upstream.pin_tool(Pin::new(list.tools[0].clone(), "ann", "2026-12-01T09:00:00Z"));
        document.upstream_mut("empty");
        document
    }

    #[test]
    fn what_is_written_is_read_again_to_the_digit() {
        let document = document();
        let text = document.to_text();
        assert_eq!(PinDocument::parse(&text), Ok(document.clone()));
        assert!(text.contains("1.00") && text.contains("100000000000000000000001"), "{text}");
        assert_eq!(document.upstream("calc").unwrap().open(), ["sub"]);
    }

    #[test]
    fn invariant_5_a_damaged_or_newer_pin_file_pins_nothing() {
        let text = document().to_text();
        let digest = document().upstream("calc").unwrap().pin("add").unwrap().definition().digest();
        for wrong in [
            text.replace("\"version\": 1", "\"version\": 0.9"),
            text.replace("\"version\": 1", "\"version\": 2"),
        ] {
            let error = PinDocument::parse(&wrong).unwrap_err();
            assert_eq!(error.kind(), PinDocumentErrorKind::Newer, "{error}");
        }
        for wrong in [
            text.replace("1.00", "1.01"),
            text.replace(&digest, &digest.replace(&digest[..1], "g")),
            text.replace("\"pins\"", "\"pin\""),
            text.replace("\"by\"", "\"from\""),
            text.replace("\"version\": 1,", ""),
            text[..text.len() / 2].to_owned(),
            "[]".to_owned(),
            String::new(),
            " ".to_owned(),
        ] {
            let error = PinDocument::parse(&wrong).expect_err(&wrong);
            assert_eq!(error.kind(), PinDocumentErrorKind::Broken, "{error}");
        }
    }
}
