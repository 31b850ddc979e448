//! The names of a tool's arguments, for the parts of its configuration that name arguments.

use std::collections::{HashMap, HashSet};

use hitl_base::Json;

use super::nearest::{known_instead, nearest};
use super::pattern::Pattern;
use super::places::{all_of_value, alternatives};

/// The most schemas that are searched for the secrets of one argument. In a larger one, everything
/// counts as secret.
const MAX_SCHEMAS: usize = 10_000;

/// The names of a tool's arguments, by its schema.
#[derive(Debug)]
pub(crate) struct ArgumentNames<'s> {
    document: &'s Json,
    /// The arguments in the order of the schema, each with the schemas that describe it.
    known: Vec<(&'s str, Vec<&'s Json>)>,
    /// The paths of secrets that the schema does not mark.
    sensitive: Vec<&'s str>,
    /// True if the tool accepts arguments that its schema does not name.
    open: bool,
    /// The schemas of arguments by an expression for their names. Without one, it has no exact
    /// counterpart here and may match any name.
    matched: Vec<(Option<Pattern>, &'s Json)>,
    /// All schemas of arguments by their names, those that restrict nothing included.
    marked: Vec<(&'s str, &'s Json)>,
    /// The schemas of all other arguments.
    others: Vec<&'s Json>,
}

/// The part of an argument that is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Secrecy {
    Nothing,
    Part,
    Whole,
}

impl<'s> ArgumentNames<'s> {
    /// Finds the names in a schema, in all of its alternatives. `sensitive` are the paths of
    /// secrets that the schema does not mark, as in [`DynSpec`](crate::DynSpec::sensitive).
    pub(crate) fn of_schema(
        document: &'s Json,
        sensitive: impl IntoIterator<Item = &'s str>,
    ) -> Self {
        let nodes = alternatives(document, vec![document]);
        let mut known: Vec<(&str, Vec<&Json>)> = Vec::new();
        let mut at: HashMap<&str, usize> = HashMap::new();
        // The first one is the schema itself, whose order counts most.
        for node in &nodes {
            for (name, property) in node.get("properties").map_or(&[][..], Json::entries) {
                let next = known.len();
                match known.get_mut(*at.entry(name).or_insert(next)) {
                    Some((_, schemas)) => schemas.push(property),
                    None => known.push((name, vec![property])),
                }
            }
        }
        // A mark under `if` or `not` hides the argument too.
        let mut marked: Vec<(&str, &Json)> = Vec::new();
        for node in all_of_value(document, vec![document]) {
            let properties = node.get("properties").map_or(&[][..], Json::entries);
            marked.extend(properties.iter().map(|(name, schema)| (&**name, schema)));
        }
        let others = |node: &Json| match node.get("additionalProperties") {
            Some(Json::Bool(accepts)) => Some(*accepts),
            Some(_) => Some(true),
            None => node.get("patternProperties").map(|_| true),
        };
        let others: Vec<bool> = nodes.iter().filter_map(|node| others(node)).collect();
        let (mut matched, mut rest) = (Vec::new(), Vec::new());
        for node in &nodes {
            for (source, schema) in node.get("patternProperties").map_or(&[][..], Json::entries) {
                matched.push((Pattern::new(source).ok(), schema));
            }
            rest.extend(node.get("additionalProperties"));
        }
        // A schema without properties restricts nothing, unless it says so.
        let open = if known.is_empty() { !others.contains(&false) } else { others.contains(&true) };
        let sensitive = sensitive.into_iter().collect();
        Self { document, known, sensitive, open, matched, marked, others: rest }
    }

    /// Returns whether any argument is or holds a secret.
    pub(crate) fn has_secrets(&self) -> bool {
        let known = self.known.iter().flat_map(|(_, schemas)| schemas);
        let matched = self.matched.iter().map(|(_, schema)| schema);
        let known = known.chain(self.marked.iter().map(|(_, schema)| schema));
        let all = known.chain(matched).chain(&self.others).copied().collect();
        !self.sensitive.is_empty() || secrecy(self.document, all) != Secrecy::Nothing
    }

    /// Returns the secrecy of the argument `name`, or a sentence's end that says which arguments
    /// there are.
    ///
    /// Where a tool accepts any name, one that is nearly that of an argument counts as a mistake.
    pub(crate) fn find(&self, name: &str) -> Result<Secrecy, String> {
        let fits = |pattern: &Option<Pattern>| pattern.as_ref().is_none_or(|p| p.matches(name));
        let matched = self.matched.iter().filter(|(pattern, _)| fits(pattern));
        let matched = matched.map(|(_, schema)| *schema);
        if let Some((_, schemas)) = self.known.iter().find(|(known, _)| *known == name) {
            let same = self.marked.iter().filter(|(known, _)| *known == name);
            let all = schemas.iter().copied().chain(same.map(|(_, schema)| *schema)).chain(matched);
            let marked = secrecy(self.document, all.collect());
            return Ok(marked.max(declared(name, &self.sensitive)));
        }
        if self.matched.iter().any(|(pattern, _)| fits(pattern)) {
            let marked = secrecy(self.document, matched.collect());
            return Ok(marked.max(declared(name, &self.sensitive)));
        }
        let names = || self.known.iter().map(|(name, _)| *name);
        let outer = name.split(['.', '[', '/']).find(|part| !part.is_empty()).unwrap_or(name);
        if outer != name && names().any(|known| known == outer) {
            return Err(format!("; name the whole argument, `{outer}`: parts have no names here"));
        }
        if self.open && nearest(name, names()).is_none() {
            let marked = secrecy(self.document, self.others.clone());
            return Ok(marked.max(declared(name, &self.sensitive)));
        }
        if self.known.is_empty() {
            return Err("; the tool has no arguments".to_owned());
        }
        Err(format!("; {}", known_instead(name, names())))
    }
}

/// Returns the secrecy that the host's paths declare for an argument.
fn declared(name: &str, paths: &[&str]) -> Secrecy {
    let of = |path: &&str| {
        if *path == name || *path == "*" {
            return Secrecy::Whole;
        }
        let first = path.split(['.', '[']).next().unwrap_or(path);
        if first == name || first == "*" { Secrecy::Part } else { Secrecy::Nothing }
    };
    paths.iter().map(of).max().unwrap_or(Secrecy::Nothing)
}

/// Returns the secrecy that a schema marks, of the values that these parts of it describe.
fn secrecy<'s>(document: &'s Json, parts: Vec<&'s Json>) -> Secrecy {
    let marked = |node: &Json| {
        ["writeOnly", "x-sensitive"].iter().any(|key| node.get(key) == Some(&Json::Bool(true)))
    };
    let mut found = all_of_value(document, parts);
    if found.iter().any(|node| marked(node)) {
        return Secrecy::Whole;
    }
    let address = |node: &Json| std::ptr::from_ref(node).addr();
    let mut seen: HashSet<usize> = found.iter().map(|node| address(node)).collect();
    let mut at = 0;
    while let Some(node) = found.get(at).copied() {
        if marked(node) || found.len() > MAX_SCHEMAS {
            return Secrecy::Part;
        }
        at += 1;
        let mut below: Vec<&Json> = Vec::new();
        for (key, value) in node.entries() {
            match (key.as_str(), value) {
                ("properties" | "patternProperties", held) => {
                    below.extend(held.entries().iter().map(|(_, schema)| schema));
                }
                ("items" | "prefixItems", Json::Array(each)) => below.extend(each),
                ("items" | "additionalItems" | "additionalProperties" | "contains", held) => {
                    below.push(held);
                }
                _ => {}
            }
        }
        let below = all_of_value(document, below);
        found.extend(below.into_iter().filter(|node| seen.insert(address(node))));
    }
    Secrecy::Nothing
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
