//! Compiles the text of a JSON Schema to nodes. Anything that it does not understand is an error.

use std::collections::HashMap;

use hitl_base::Json;
use hitl_base::json::{is_whole, parse_json, same_number};

use super::schema::{Id, Kind, Node, Schema, Span};
use crate::arguments::resolve;

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

pub(super) fn compile(text: &str, unchecked: &[String]) -> Result<Schema, String> {
    let document = parse_json(text).map_err(|error| format!("the schema is not JSON: {error}"))?;
    let mut compiler =
        Compiler { document: &document, unchecked, nodes: Vec::new(), named: HashMap::new() };
    let root = compiler.node(&document, "#")?;
    let mut schema = Schema { nodes: compiler.nodes, root, spells_as_rust: false };
    schema.check_loops()?;
    let types = &mut schema.nodes[root].types;
    // Arguments are an object, even if the schema does not say so.
    if !(types.is_empty() || types.contains(&Kind::Object)) || !matches!(document, Json::Object(_))
    {
        return Err("the schema of a tool's arguments says `\"type\": \"object\"`".to_owned());
    }
    *types = vec![Kind::Object];
    Ok(schema)
}

struct Compiler<'d> {
    document: &'d Json,
    unchecked: &'d [String],
    nodes: Vec<Node>,
    /// Definitions, by reference.
    named: HashMap<String, Id>,
}

impl Compiler<'_> {
    fn node(&mut self, json: &Json, at: &str) -> Result<Id, String> {
        let id = self.nodes.len();
        self.nodes.push(Node::default());
        self.fill(id, json, at)?;
        Ok(id)
    }

    fn fill(&mut self, id: Id, json: &Json, at: &str) -> Result<(), String> {
        let mut node = Node::default();
        match json {
            Json::Bool(accepts) => node.never = !accepts,
            Json::Object(entries) => {
                for (key, value) in entries {
                    let place = format!("{at}/{key}");
                    self.keyword(&mut node, key, value, &place)?;
                }
                self.items(&mut node, json, at)?;
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
        value: &Json,
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
            "additionalProperties" => node.additional = Some(self.node(value, at)?),
            "propertyNames" => node.names = Some(self.node(value, at)?),
            // Their meanings depend on each other.
            "items" | "prefixItems" | "additionalItems" => {}
            "minimum" => node.minimum = Some(number(value, at)?),
            "maximum" => node.maximum = Some(number(value, at)?),
            // In draft 4 it modifies the limit beside it.
            "exclusiveMinimum" | "exclusiveMaximum" if matches!(value, Json::Bool(_)) => {}
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
            "$ref" => node.all.push(self.reference(text(value, at)?, at)?),
            // An annotation too, as in the standard.
            "format" => node.format = value.as_str().map(Into::into),
            "writeOnly" | "x-sensitive" => node.sensitive |= flag(value, at)?,
            // A base of its own would change the meaning of the references under it.
            "$id" if at != "#/$id" => return Err(unknown("$id", at)),
            // Draft 4's name for it.
            "id" if at == "#/id" && matches!(value, Json::String(_)) => {}
            key if SAYING.contains(&key) || key.starts_with("x-") => {}
            key if self.unchecked.iter().any(|name| name == key) => {}
            key => return Err(unknown(key, at)),
        }
        Ok(())
    }

    /// Compiles the items of an array. A list under `items` is the prefix of older drafts, whose
    /// further items are under `additionalItems`.
    fn items(&mut self, node: &mut Node, json: &Json, at: &str) -> Result<(), String> {
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

    fn several(&mut self, value: &Json, at: &str) -> Result<Vec<Id>, String> {
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
                "at `{at}`: `$ref` names a schema in the same document, like `#/$defs/Address`"
            ));
        };
        // The id is registered before the node is filled, for the references in it.
        let id = self.nodes.len();
        self.nodes.push(Node::default());
        self.named.insert(to.to_owned(), id);
        self.fill(id, found, to)?;
        Ok(id)
    }
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

impl Schema {
    /// Finds schemas that refer to themselves for the same value, which would never end.
    fn check_loops(&self) -> Result<(), String> {
        let mut done = vec![false; self.nodes.len()];
        (0..self.nodes.len()).try_for_each(|id| self.descend(id, &mut Vec::new(), &mut done))
    }

    fn descend(&self, id: Id, above: &mut Vec<Id>, done: &mut [bool]) -> Result<(), String> {
        if above.contains(&id) {
            return Err("the schema refers to itself without end".to_owned());
        }
        if !done[id] {
            above.push(id);
            self.nodes[id].same_value().try_for_each(|next| self.descend(next, above, done))?;
            above.pop();
            done[id] = true;
        }
        Ok(())
    }
}

fn unknown(key: &str, at: &str) -> String {
    format!(
        "at `{at}`: the gate does not check `{key}`, and what restricts a value and is not checked is \
         no restriction; leave it out, or accept that with `.unchecked(\"{key}\")`"
    )
}

fn types(value: &Json, at: &str) -> Result<Vec<Kind>, String> {
    let one = |name: &Json| {
        let name = name.as_str().unwrap_or_default();
        let kind = Kind::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        kind.ok_or_else(|| format!("at `{at}`: this is no type of JSON Schema"))
    };
    match value {
        Json::Array(names) if !names.is_empty() => names.iter().map(one).collect(),
        name => Ok(vec![one(name)?]),
    }
}

fn list<'j>(value: &'j Json, at: &str) -> Result<&'j [Json], String> {
    value.as_array().ok_or_else(|| format!("at `{at}`: expected a list, found {}", value.kind()))
}

fn object<'j>(value: &'j Json, at: &str) -> Result<&'j [(String, Json)], String> {
    match value {
        Json::Object(entries) => Ok(entries),
        other => Err(format!("at `{at}`: expected an object, found {}", other.kind())),
    }
}

fn text<'j>(value: &'j Json, at: &str) -> Result<&'j str, String> {
    value.as_str().ok_or_else(|| format!("at `{at}`: expected a string, found {}", value.kind()))
}

fn flag(value: &Json, at: &str) -> Result<bool, String> {
    match value {
        Json::Bool(flag) => Ok(*flag),
        other => Err(format!("at `{at}`: expected true or false, found {}", other.kind())),
    }
}

fn number(value: &Json, at: &str) -> Result<Box<str>, String> {
    match value {
        Json::Number(lexeme) if same_number(lexeme, lexeme) => Ok(lexeme.clone()),
        other => Err(format!("at `{at}`: expected a number, found {}", other.kind())),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size beyond the exact range of a double is beyond any value"
)]
fn size(value: &Json, at: &str) -> Result<u64, String> {
    let lexeme = number(value, at)?;
    match value.as_f64() {
        Some(size) if is_whole(&lexeme) && size >= 0.0 => Ok(size as u64),
        _ => Err(format!("at `{at}`: expected a whole number from 0")),
    }
}

impl Span {
    pub(super) fn holds(self, size: usize) -> bool {
        let size = size as u64;
        self.least <= size && self.most.is_none_or(|most| size <= most)
    }
}
