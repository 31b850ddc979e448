//! A compiled JSON Schema.
//!
//! Supports a documented subset of draft 2020-12, and older drafts' names for it, on our own exact
//! tree. A keyword that restricts values and is not in the subset is refused when the tool is
//! created: a restriction that nobody checks is none.

use hitl_base::Json;

/// The index of a node in its schema.
pub(super) type Id = usize;

/// A schema. Nodes refer to each other by index, so that definitions may recurse.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Id,
    /// True if numbers are written as Rust types write them, by their formats.
    pub(super) spells_as_rust: bool,
}

/// The conditions on one value.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// True for the schema `false`: no value is accepted.
    pub(super) never: bool,
    /// The accepted types; any if empty.
    pub(super) types: Vec<Kind>,
    pub(super) accepted: Option<Vec<Json>>,
    pub(super) constant: Option<Json>,
    pub(super) properties: Vec<(String, Id)>,
    pub(super) required: Vec<String>,
    pub(super) additional: Option<Id>,
    /// The schema of the names of an object's entries, as strings.
    pub(super) names: Option<Id>,
    /// The schemas of the first items of an array, one by one.
    pub(super) prefix: Vec<Id>,
    /// The schema of the items after those.
    pub(super) items: Option<Id>,
    /// Limits as they were written.
    pub(super) minimum: Option<Box<str>>,
    pub(super) maximum: Option<Box<str>>,
    pub(super) above: Option<Box<str>>,
    pub(super) below: Option<Box<str>>,
    pub(super) length: Span,
    pub(super) count: Span,
    pub(super) entries: Span,
    pub(super) unique: bool,
    /// All of these must match as well; references are among them.
    pub(super) all: Vec<Id>,
    /// At least one of each group must match.
    pub(super) any: Vec<Vec<Id>>,
    /// Exactly one of these must match.
    pub(super) one: Vec<Id>,
    pub(super) sensitive: bool,
    pub(super) format: Option<Box<str>>,
}

/// A range of sizes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

/// A type in the terms of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("null", Self::Null),
        ("boolean", Self::Boolean),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("string", Self::String),
        ("array", Self::Array),
        ("object", Self::Object),
    ];

    /// Returns its name in the words of an error.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

impl Schema {
    /// Parses a schema from which a tool was created before.
    pub(crate) fn read(
        text: &str,
        unchecked: &[String],
        sensitive: &[String],
    ) -> Result<Self, String> {
        let mut schema = super::compile::compile(text, unchecked)?;
        for path in sensitive {
            schema.hide(path)?;
        }
        Ok(schema)
    }

    /// Parses the schema of a tool that is a Rust type.
    pub(crate) fn read_typed(text: &str, sensitive: &[String]) -> Result<Self, String> {
        let mut schema = Self::read(text, &[], sensitive)?;
        schema.read_as_rust();
        Ok(schema)
    }

    /// Returns these nodes, and all others that describe the same value: references and
    /// alternatives, whether they fit or not.
    pub(super) fn with_all(&self, ids: impl IntoIterator<Item = Id>) -> Vec<Id> {
        let mut found: Vec<Id> = Vec::new();
        let mut open: Vec<Id> = ids.into_iter().collect();
        while let Some(id) = open.pop() {
            if !found.contains(&id) {
                found.push(id);
                open.extend(self.nodes[id].same_value());
            }
        }
        found
    }

    /// Returns the nodes for the entry `key` of an object that `nodes` describe.
    pub(super) fn entry(&self, nodes: &[Id], key: &str) -> Vec<Id> {
        self.with_all(nodes.iter().filter_map(|id| {
            let node = &self.nodes[*id];
            let named = node.properties.iter().find(|(name, _)| name == key).map(|(_, id)| *id);
            named.or(node.additional)
        }))
    }

    /// Returns the nodes for any of the items of an array that `nodes` describe.
    pub(super) fn items(&self, nodes: &[Id]) -> Vec<Id> {
        self.with_all(nodes.iter().flat_map(|id| {
            let node = &self.nodes[*id];
            node.prefix.iter().copied().chain(node.items)
        }))
    }

    /// Returns the nodes for one item of an array that `nodes` describe.
    pub(super) fn item(&self, nodes: &[Id], index: usize) -> Vec<Id> {
        self.with_all(nodes.iter().filter_map(|id| self.nodes[*id].item(index)))
    }

    pub(super) fn has_prefix(&self, nodes: &[Id]) -> bool {
        nodes.iter().any(|id| !self.nodes[*id].prefix.is_empty())
    }

    pub(super) fn is_sensitive(&self, nodes: &[Id]) -> bool {
        nodes.iter().any(|id| self.nodes[*id].sensitive)
    }
}

impl Node {
    /// Returns the node for the item at `index`.
    pub(super) fn item(&self, index: usize) -> Option<Id> {
        self.prefix.get(index).copied().or(self.items)
    }

    pub(super) fn same_value(&self) -> impl Iterator<Item = Id> + '_ {
        self.all.iter().chain(self.any.iter().flatten()).chain(&self.one).copied()
    }
}
