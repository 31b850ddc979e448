//! A compiled JSON Schema.
//!
//! Supports a documented subset of draft 2020-12, and older drafts' names for it, on our own exact
//! tree. A keyword that restricts values and is not in the subset is refused when the tool is
//! created: a restriction that nobody checks is none.

use hitl_base::Json;

use super::multiple::Step;
use crate::arguments::Pattern;

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
    /// The schemas of the entries whose names match an expression. Without an expression, which
    /// the host has accepted unchecked, any name may match.
    pub(super) patterns: Vec<(Option<Pattern>, Id)>,
    /// The schema of the names of an object's entries, as strings.
    pub(super) names: Option<Id>,
    /// The names that must be there if another one is.
    pub(super) dependents: Vec<(String, Vec<String>)>,
    /// The schemas that must match as well if a name is there.
    pub(super) dependent_schemas: Vec<(String, Id)>,
    /// The schemas of the first items of an array, one by one.
    pub(super) prefix: Vec<Id>,
    /// The schema of the items after those.
    pub(super) items: Option<Id>,
    /// The schema that some of the items match.
    pub(super) contains: Option<Id>,
    /// The number of those items.
    pub(super) containing: Span,
    /// Limits as they were written.
    pub(super) minimum: Option<Box<str>>,
    pub(super) maximum: Option<Box<str>>,
    pub(super) above: Option<Box<str>>,
    pub(super) below: Option<Box<str>>,
    /// The number of which it is a multiple.
    pub(super) step: Option<Step>,
    pub(super) length: Span,
    /// The expression that a text matches.
    pub(super) pattern: Option<Pattern>,
    pub(super) count: Span,
    pub(super) entries: Span,
    pub(super) unique: bool,
    /// All of these must match as well; references are among them.
    pub(super) all: Vec<Id>,
    /// At least one of each group must match.
    pub(super) any: Vec<Vec<Id>>,
    /// Exactly one of these must match.
    pub(super) one: Vec<Id>,
    /// This one must not match.
    pub(super) not: Option<Id>,
    pub(super) condition: Option<Condition>,
    /// Schemas of the same value that never apply.
    pub(super) unused: Vec<Id>,
    pub(super) sensitive: bool,
    pub(super) format: Option<Box<str>>,
}

/// Two schemas, of which a third chooses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) when: Id,
    /// Applies to what matches `when`.
    pub(super) then: Option<Id>,
    /// Applies to everything else.
    pub(super) otherwise: Option<Id>,
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
        // Most values have few nodes.
        let mut seen: Vec<bool> = Vec::new();
        while let Some(id) = open.pop() {
            let is_known = match seen.get(id) {
                Some(known) => *known,
                None => found.contains(&id),
            };
            if is_known {
                continue;
            }
            found.push(id);
            open.extend(self.nodes[id].same_value());
            if !seen.is_empty() {
                seen[id] = true;
            } else if found.len() > 16 {
                seen = vec![false; self.nodes.len()];
                for id in &found {
                    seen[*id] = true;
                }
            }
        }
        found
    }

    /// Returns the nodes for the entry `key` of an object that `nodes` describe.
    pub(super) fn entry(&self, nodes: &[Id], key: &str) -> Vec<Id> {
        self.with_all(nodes.iter().flat_map(|id| {
            let node = &self.nodes[*id];
            node.named(key, |pattern| pattern.is_none_or(|pattern| pattern.matches(key)))
        }))
    }

    /// Does the same for a key of which only a part is known: any of the expressions may match it.
    pub(super) fn possible_entry(&self, nodes: &[Id], key: &str) -> Vec<Id> {
        self.with_all(nodes.iter().flat_map(|id| {
            let node = &self.nodes[*id];
            node.named(key, |_| true).into_iter().chain(node.additional)
        }))
    }

    /// Returns the nodes for any entry of an object that `nodes` describe.
    pub(super) fn entries(&self, nodes: &[Id]) -> Vec<Id> {
        self.with_all(nodes.iter().flat_map(|id| self.nodes[*id].entries()))
    }

    /// Returns the nodes for any of the items of an array that `nodes` describe.
    pub(super) fn items(&self, nodes: &[Id]) -> Vec<Id> {
        self.with_all(nodes.iter().flat_map(|id| {
            let node = &self.nodes[*id];
            node.prefix.iter().copied().chain(node.items).chain(node.contains)
        }))
    }

    /// Returns the nodes for one item of an array that `nodes` describe.
    pub(super) fn item(&self, nodes: &[Id], index: usize) -> Vec<Id> {
        self.with_all(nodes.iter().flat_map(|id| {
            let node = &self.nodes[*id];
            node.item(index).into_iter().chain(node.contains)
        }))
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

    /// Returns the schemas of the entry `key`: that of its name, those of the expressions that
    /// match it, or that of all other names.
    fn named(&self, key: &str, matches: impl Fn(Option<&Pattern>) -> bool) -> Vec<Id> {
        let known = self.properties.iter().find(|(name, _)| name == key).map(|(_, id)| *id);
        let mut found: Vec<Id> = known.into_iter().collect();
        // An expression that is not checked may not match after all.
        let mut is_known = known.is_some();
        for (pattern, id) in &self.patterns {
            if matches(pattern.as_ref()) {
                found.push(*id);
                is_known |= pattern.is_some();
            }
        }
        if !is_known {
            found.extend(self.additional);
        }
        found
    }

    /// Returns the schemas of entries of an object, under any name.
    pub(super) fn entries(&self) -> impl Iterator<Item = Id> + '_ {
        let named = self.properties.iter().map(|(_, id)| *id);
        named.chain(self.patterns.iter().map(|(_, id)| *id)).chain(self.additional)
    }

    /// Returns the other schemas of the same value, whether they must match or not.
    pub(super) fn same_value(&self) -> impl Iterator<Item = Id> + '_ {
        let condition = self.condition.into_iter().flat_map(|condition| {
            [Some(condition.when), condition.then, condition.otherwise].into_iter().flatten()
        });
        let alternatives = self.any.iter().flatten().chain(&self.one);
        let others = self.not.iter().chain(&self.unused);
        let dependent = self.dependent_schemas.iter().map(|(_, id)| *id);
        let all = self.all.iter().chain(alternatives).chain(others).copied();
        all.chain(condition).chain(dependent)
    }
}
