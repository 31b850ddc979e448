//! The names of a tool's arguments, for the parts of its configuration that name arguments.

use hitl_base::Json;

use super::nearest::{known_instead, nearest};
use super::places::alternatives;

/// The most schemas that are searched for the secrets of one argument. In a larger one, everything
/// counts as secret.
const MAX_SCHEMAS: usize = 10_000;

/// The names of a tool's arguments, by its schema.
#[derive(Debug)]
pub(crate) struct ArgumentNames<'s> {
    /// In the order of the schema.
    known: Vec<(&'s str, Secrecy)>,
    /// True if the tool accepts arguments that its schema does not name.
    open: bool,
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
    pub(crate) fn of_schema<'p>(
        schema: &'s Json,
        sensitive: impl IntoIterator<Item = &'p str>,
    ) -> Self {
        let paths: Vec<&str> = sensitive.into_iter().collect();
        let nodes = alternatives(schema, vec![schema]);
        let mut known: Vec<(&str, Secrecy)> = Vec::new();
        // The first one is the schema itself, whose order counts most.
        for node in &nodes {
            for (name, property) in node.get("properties").map_or(&[][..], Json::entries) {
                let secrecy = secrecy(schema, property).max(declared(name, &paths));
                match known.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => *known = secrecy.max(*known),
                    None => known.push((name, secrecy)),
                }
            }
        }
        let others = |node: &Json| match node.get("additionalProperties") {
            Some(Json::Bool(accepts)) => Some(*accepts),
            Some(_) => Some(true),
            None => node.get("patternProperties").map(|_| true),
        };
        let others: Vec<bool> = nodes.iter().filter_map(|node| others(node)).collect();
        // A schema without properties restricts nothing, unless it says so.
        let open = if known.is_empty() { !others.contains(&false) } else { others.contains(&true) };
        Self { known, open }
    }

    /// Returns the secrecy of the argument `name`, or a sentence's end that says which arguments
    /// there are.
    ///
    /// Where a tool accepts any name, one that is nearly that of an argument counts as a mistake.
    pub(crate) fn find(&self, name: &str) -> Result<Secrecy, String> {
        if let Some((_, secrecy)) = self.known.iter().find(|(known, _)| *known == name) {
            return Ok(*secrecy);
        }
        let names = || self.known.iter().map(|(name, _)| *name);
        let outer = name.split(['.', '[', '/']).find(|part| !part.is_empty()).unwrap_or(name);
        if outer != name && names().any(|known| known == outer) {
            return Err(format!("; name the whole argument, `{outer}`: parts have no names here"));
        }
        if self.open && nearest(name, names()).is_none() {
            return Ok(Secrecy::Nothing);
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

/// Returns the secrecy that a schema marks, of the values that `property` describes.
fn secrecy(document: &Json, property: &Json) -> Secrecy {
    let marked = |node: &Json| {
        ["writeOnly", "x-sensitive"].iter().any(|key| node.get(key) == Some(&Json::Bool(true)))
    };
    let mut found = alternatives(document, vec![property]);
    if found.iter().any(|node| marked(node)) {
        return Secrecy::Whole;
    }
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
                ("items" | "additionalItems" | "additionalProperties", held) => below.push(held),
                _ => {}
            }
        }
        for node in alternatives(document, below) {
            if !found.iter().any(|known| std::ptr::eq(*known, node)) {
                found.push(node);
            }
        }
    }
    Secrecy::Nothing
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
