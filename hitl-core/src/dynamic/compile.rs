//! Compiles the text of a JSON Schema to nodes. Anything that it does not understand is an error.

use std::collections::HashMap;

use hitl_base::Json;
use hitl_base::json::parse_json;

use super::schema::{Condition, Id, Kind, Node, Schema, Span};
use super::values::{flag, list, number, object, size, step, text, types};
use crate::arguments::{Pattern, resolve};

/// The longest schema, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The most schemas in one, references to definitions counted once.
const MAX_NODES: usize = 10_000;

/// The most states of all regular expressions together.
const MAX_WEIGHT: u64 = 20_000;

/// Keywords that annotate and restrict nothing.
const SAYING: [&str; 18] = [
    "title",
    "description",
    "default",
    "examples",
    "example",
    "$schema",
    "$comment",
    "$id",
    "$defs",
    "definitions",
    "deprecated",
    "readOnly",
    "contentEncoding",
    "contentMediaType",
    "discriminator",
    "nullable",
    "$anchor",
    "$vocabulary",
];

/// Compiles the schema of a tool's arguments.
pub(super) fn compile(text: &str, unchecked: &[String]) -> Result<Schema, String> {
    let mut schema = compile_any(text, unchecked)?;
    let types = &mut schema.nodes[schema.root].types;
    // Arguments are an object, even if the schema does not say so.
    if !(types.is_empty() || types.contains(&Kind::Object))
        || text.trim_start().get(..1) != Some("{")
    {
        return Err("the schema of a tool's arguments says `\"type\": \"object\"`".to_owned());
    }
    *types = vec![Kind::Object];
    Ok(schema)
}

/// Compiles the schema of any value.
fn compile_any(text: &str, unchecked: &[String]) -> Result<Schema, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the schema is longer than {MAX_BYTES} bytes"));
    }
    let document = parse_json(text).map_err(|error| format!("the schema is not JSON: {error}"))?;
    let mut compiler = Compiler {
        document: &document,
        unchecked,
        nodes: Vec::new(),
        named: HashMap::new(),
        open: Vec::new(),
        weight: 0,
    };
    let root = compiler.node(&document, "#")?;
    // One after the other, not inside each other: a chain of references may be long.
    while let Some((id, definition, at)) = compiler.open.pop() {
        compiler.fill(id, definition, &at)?;
    }
    let schema = Schema { nodes: compiler.nodes, root, spells_as_rust: false };
    schema.check_loops()?;
    Ok(schema)
}

struct Compiler<'d> {
    document: &'d Json,
    unchecked: &'d [String],
    nodes: Vec<Node>,
    /// Definitions, by reference.
    named: HashMap<String, Id>,
    /// Definitions that are not compiled yet.
    open: Vec<(Id, &'d Json, String)>,
    /// The size of the regular expressions so far.
    weight: u64,
}

impl<'d> Compiler<'d> {
    fn reserve(&mut self) -> Result<Id, String> {
        let id = self.nodes.len();
        if id >= MAX_NODES {
            return Err(format!("the schema has more than {MAX_NODES} schemas in it"));
        }
        self.nodes.push(Node::default());
        Ok(id)
    }

    fn node(&mut self, json: &'d Json, at: &str) -> Result<Id, String> {
        let id = self.reserve()?;
        self.fill(id, json, at)?;
        Ok(id)
    }

    fn fill(&mut self, id: Id, json: &'d Json, at: &str) -> Result<(), String> {
        let mut node = Node::default();
        match json {
            Json::Bool(accepts) => node.never = !accepts,
            Json::Object(entries) => {
                for (key, value) in entries {
                    let place = format!("{at}/{key}");
                    self.keyword(&mut node, key, value, &place)?;
                }
                self.items(&mut node, json, at)?;
                self.condition(&mut node, json, at)?;
                containing(&mut node, json, at)?;
                exclusive(&mut node, json, at)?;
            }
            other => {
                return Err(format!(
                    "at `{at}`: a schema is an object or a bool, not {}",
                    other.kind()
                ));
            }
        }
        self.nodes[id] = node;
        Ok(())
    }

    fn keyword(
        &mut self,
        node: &mut Node,
        key: &str,
        value: &'d Json,
        at: &str,
    ) -> Result<(), String> {
        match key {
            "type" => node.types = types(value, at)?,
            "enum" => node.accepted = Some(list(value, at)?.to_vec()),
            "const" => node.constant = Some(value.clone()),
            "properties" => {
                for (name, schema) in object(value, at)? {
                    let id = self.node(schema, &format!("{at}/{name}"))?;
                    node.properties.push((name.clone(), id));
                }
            }
            "required" if matches!(value, Json::Bool(_)) => {
                return Err(format!(
                    "at `{at}`: a list of names was expected; `required` beside a property's own keywords \
                     is of draft 3, so list the names beside `properties`"
                ));
            }
            "required" => {
                for name in list(value, at)? {
                    node.required.push(text(name, at)?.to_owned());
                }
            }
            "patternProperties" => {
                for (source, schema) in object(value, at)? {
                    let place = format!("{at}/{source}");
                    let pattern = self.pattern(source, key, &place)?;
                    let id = self.node(schema, &place)?;
                    node.patterns.push((pattern, id));
                }
            }
            "dependentRequired" | "dependentSchemas" | "dependencies" => {
                for (name, needed) in object(value, at)? {
                    let place = format!("{at}/{name}");
                    match needed {
                        // The dependencies of older drafts are of both kinds.
                        Json::Array(names) if key != "dependentSchemas" => {
                            let names = names.iter().map(|name| text(name, &place));
                            let names: Result<Vec<_>, _> =
                                names.map(|n| n.map(str::to_owned)).collect();
                            node.dependents.push((name.clone(), names?));
                        }
                        schema if key != "dependentRequired" => {
                            let id = self.node(schema, &place)?;
                            node.dependent_schemas.push((name.clone(), id));
                        }
                        other => {
                            list(other, &place)?;
                        }
                    }
                }
            }
            "additionalProperties" => node.additional = Some(self.node(value, at)?),
            "propertyNames" => node.names = Some(self.node(value, at)?),
            // Their meanings depend on each other.
            "items" | "prefixItems" | "additionalItems" | "minContains" | "maxContains" | "if"
            | "then" | "else" => {}
            "contains" => node.contains = Some(self.node(value, at)?),
            "pattern" => node.pattern = self.pattern(text(value, at)?, key, at)?,
            "minimum" => node.minimum = Some(number(value, at)?),
            "maximum" => node.maximum = Some(number(value, at)?),
            // In draft 4 it modifies the limit beside it.
            "exclusiveMinimum" | "exclusiveMaximum" if matches!(value, Json::Bool(_)) => {}
            "multipleOf" => node.step = Some(step(value, at)?),
            "exclusiveMinimum" => node.above = Some(number(value, at)?),
            "exclusiveMaximum" => node.below = Some(number(value, at)?),
            "minLength" => node.length.least = size(value, at)?,
            "maxLength" => node.length.most = Some(size(value, at)?),
            "minItems" => node.count.least = size(value, at)?,
            "maxItems" => node.count.most = Some(size(value, at)?),
            "minProperties" => node.entries.least = size(value, at)?,
            "maxProperties" => node.entries.most = Some(size(value, at)?),
            "uniqueItems" => node.unique = flag(value, at)?,
            "allOf" => node.all.extend(self.several(value, at)?),
            "anyOf" => node.any.push(self.several(value, at)?),
            "oneOf" => node.one = self.several(value, at)?,
            "not" => node.not = Some(self.node(value, at)?),
            "$ref" => node.all.push(self.reference(text(value, at)?, at)?),
            // An annotation too, as in the standard.
            "format" => node.format = value.as_str().map(Into::into),
            "writeOnly" | "x-sensitive" => node.sensitive |= flag(value, at)?,
            // A base of its own would change the meaning of the references under it.
            "$id" if at != "#/$id" => return Err(unknown("$id", at)),
            // Draft 4's name for it.
            "id" if at == "#/id" && matches!(value, Json::String(_)) => {}
            key if SAYING.contains(&key) || key.starts_with("x-") => {}
            key if self.is_unchecked(key) => {
                if marks_secrets(value) {
                    return Err(format!(
                        "at `{at}`: a schema under `{key}`, which is not checked, marks a secret, and it would \
                         not be found; name the secret with `.sensitive(..)` and take the mark away"
                    ));
                }
            }
            key => return Err(unknown(key, at)),
        }
        Ok(())
    }

    fn is_unchecked(&self, key: &str) -> bool {
        self.unchecked.iter().any(|name| name == key)
    }

    /// Translates a regular expression. `None` if it cannot be, and the host accepts that.
    fn pattern(&mut self, source: &str, key: &str, at: &str) -> Result<Option<Pattern>, String> {
        match Pattern::new(source) {
            Ok(pattern) => {
                self.weight = self.weight.saturating_add(pattern.weight());
                if self.weight > MAX_WEIGHT {
                    return Err(format!(
                        "at `{at}`: the regular expressions of the schema unfold to more than {MAX_WEIGHT} states"
                    ));
                }
                Ok(Some(pattern))
            }
            Err(_) if self.is_unchecked(key) => Ok(None),
            Err(why) => Err(format!(
                "at `{at}`: the regular expression cannot be checked here exactly as ECMA-262 defines it: \
                 {why}; change it, or accept that it is not checked with `.unchecked(\"{key}\")`"
            )),
        }
    }

    /// Compiles `if` with what depends on it. Without it, `then` and `else` mean nothing, but are
    /// still schemas.
    fn condition(&mut self, node: &mut Node, json: &'d Json, at: &str) -> Result<(), String> {
        let mut part = |key: &str| {
            json.get(key).map(|schema| self.node(schema, &format!("{at}/{key}"))).transpose()
        };
        let (when, then, otherwise) = (part("if")?, part("then")?, part("else")?);
        node.condition = when.map(|when| Condition { when, then, otherwise });
        if when.is_none() {
            // Neither applies to any value. Secrets in them are still hidden.
            node.unused.extend(then.into_iter().chain(otherwise));
        }
        Ok(())
    }

    /// Compiles the items of an array. A list under `items` is the prefix of older drafts, whose
    /// further items are under `additionalItems`.
    fn items(&mut self, node: &mut Node, json: &'d Json, at: &str) -> Result<(), String> {
        let prefix = json.get("prefixItems");
        let items = json.get("items");
        let (prefix, rest) = match (prefix, items) {
            (Some(_), Some(Json::Array(_))) => {
                return Err(format!(
                    "at `{at}`: `prefixItems` and a list under `items` say the same of two drafts; keep \
                     one of them"
                ));
            }
            (Some(prefix), rest) => {
                (Some(("prefixItems", prefix)), rest.map(|rest| ("items", rest)))
            }
            (None, Some(list @ Json::Array(_))) => {
                let rest = json.get("additionalItems");
                (Some(("items", list)), rest.map(|rest| ("additionalItems", rest)))
            }
            (None, rest) => (None, rest.map(|rest| ("items", rest))),
        };
        if let Some((key, prefix)) = prefix {
            let at = format!("{at}/{key}");
            for (i, schema) in list(prefix, &at)?.iter().enumerate() {
                let id = self.node(schema, &format!("{at}/{i}"))?;
                node.prefix.push(id);
            }
        }
        if let Some((key, rest)) = rest {
            node.items = Some(self.node(rest, &format!("{at}/{key}"))?);
        }
        Ok(())
    }

    fn several(&mut self, value: &'d Json, at: &str) -> Result<Vec<Id>, String> {
        let list = list(value, at)?;
        if list.is_empty() {
            return Err(format!("at `{at}`: the list is empty"));
        }
        list.iter().enumerate().map(|(i, schema)| self.node(schema, &format!("{at}/{i}"))).collect()
    }

    /// Resolves a definition of this document. Nothing is ever fetched.
    fn reference(&mut self, to: &str, at: &str) -> Result<Id, String> {
        if let Some(id) = self.named.get(to) {
            return Ok(*id);
        }
        let found = resolve(self.document, to);
        let Some(found @ (Json::Object(_) | Json::Bool(_))) = found else {
            return Err(format!(
                "at `{at}`: `$ref` names a schema in the same document, like `#/$defs/Address` or, with an \
                 `$anchor`, `#address`; nothing is fetched"
            ));
        };
        let id = self.reserve()?;
        self.named.insert(to.to_owned(), id);
        self.open.push((id, found, to.to_owned()));
        Ok(id)
    }
}

/// Sets how many items match `contains`. Without it, the numbers restrict nothing.
fn containing(node: &mut Node, json: &Json, at: &str) -> Result<(), String> {
    let part = |key: &str| json.get(key).map(|most| size(most, &format!("{at}/{key}"))).transpose();
    let (least, most) = (part("minContains")?, part("maxContains")?);
    node.containing = Span { least: least.unwrap_or(1), most };
    Ok(())
}

/// Returns whether a part of a schema marks a secret.
fn marks_secrets(json: &Json) -> bool {
    let mut open = vec![json];
    while let Some(json) = open.pop() {
        for (key, value) in json.entries() {
            let is_mark = matches!(key.as_str(), "writeOnly" | "x-sensitive");
            if is_mark && *value == Json::Bool(true) {
                return true;
            }
            open.push(value);
        }
        open.extend(json.as_array().unwrap_or_default());
    }
    false
}

/// Applies draft 4's rule: `true` means that the limit beside it is itself excluded.
fn exclusive(node: &mut Node, json: &Json, at: &str) -> Result<(), String> {
    let says = |key: &str| json.get(key) == Some(&Json::Bool(true));
    for (key, limit, inclusive, exclusive) in [
        ("exclusiveMinimum", "minimum", &mut node.minimum, &mut node.above),
        ("exclusiveMaximum", "maximum", &mut node.maximum, &mut node.below),
    ] {
        if says(key) {
            let taken = inclusive.take();
            if taken.is_none() {
                return Err(format!(
                    "at `{at}/{key}`: `true` is about a `{limit}`, and there is none"
                ));
            }
            *exclusive = taken;
        }
    }
    Ok(())
}

fn unknown(key: &str, at: &str) -> String {
    format!(
        "at `{at}`: the gate does not check `{key}`, and what restricts a value and is not checked is \
         no restriction; leave it out, or accept that with `.unchecked(\"{key}\")`"
    )
}

impl Span {
    pub(super) fn holds(self, size: usize) -> bool {
        let size = size as u64;
        self.least <= size && self.most.is_none_or(|most| size <= most)
    }
}

#[cfg(test)]
#[path = "standard_tests.rs"]
mod standard_tests;
