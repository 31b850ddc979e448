//! The parts of a tool's schema that describe places in its arguments: the lists that are sets, the
//! fields, and the places of integers.
//!
//! A place is a position of one value. Alternatives of the schema (`anyOf`, references, ..) that
//! describe the same value are one place, whether they fit or not. Places are found once, when a
//! gate is built.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hitl_base::Json;

/// The most places that are distinguished. A schema that unfolds into more is not used.
const MAX_PLACES: usize = 10_000;

/// Formats of texts whose types accept several spellings of one value.
const RESPELLED: [&str; 12] = [
    "uuid",
    "uri",
    "date",
    "time",
    "date-time",
    "partial-time",
    "partial-date-time",
    "duration",
    "ip",
    "ipv4",
    "ipv6",
    "zoned-date-time",
];

/// A place, by its number.
pub(crate) type PlaceId = usize;

/// The places in a tool's arguments.
#[derive(Debug)]
pub(crate) struct Places {
    places: Vec<Place>,
    sets: bool,
}

#[derive(Debug, Default)]
struct Place {
    list: ListKind,
    integer: bool,
    null: Nulls,
    precision: Precision,
    /// True if texts at this place belong to a type that has several spellings for one value.
    respelled: bool,
    /// Some of the texts that the schema lists.
    texts: Vec<String>,
    /// Sorted by name.
    fields: Vec<(String, Field)>,
    other: Option<PlaceId>,
    items: Option<PlaceId>,
}

/// The precision of numbers in the schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Not specified, or the place also accepts integers.
    #[default]
    Unsaid,
    Single,
    Double,
}

/// The schema's rule for `null` at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Nulls {
    /// The schema names no type and lists no values.
    #[default]
    Unsaid,
    Taken,
    Refused,
}

/// A field that the schema names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Field {
    pub(crate) place: PlaceId,
    /// True if it is required.
    pub(crate) required: bool,
    /// True if it is read and never written, or a secret.
    pub(crate) write_only: bool,
}

/// The schema's rule for the order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// The order is kept, or not specified.
    #[default]
    Ordered,
    /// The order is meaningless: `uniqueItems`.
    Set,
    /// The alternatives contradict each other.
    Unclear,
}

impl Places {
    /// Finds the places of a schema. Returns `None` if there are too many.
    pub(crate) fn from_schema(schema: &Json) -> Option<Self> {
        let mut finder = Finder { document: schema, known: HashMap::new(), open: Vec::new() };
        let mut places = Vec::new();
        finder.place(vec![schema]);
        while let Some((id, nodes)) = finder.open.pop() {
            if finder.known.len() > MAX_PLACES {
                return None;
            }
            let place = finder.describe(&nodes);
            if places.len() <= id {
                places.resize_with(id + 1, Place::default);
            }
            places[id] = place;
        }
        let sets = places.iter().any(|place| place.list != ListKind::Ordered);
        Some(Self { places, sets })
    }

    /// The place of the arguments as a whole.
    pub(crate) const ROOT: PlaceId = 0;

    /// Returns whether any list is a set.
    pub(crate) fn has_sets(&self) -> bool {
        self.sets
    }

    pub(crate) fn list(&self, at: PlaceId) -> ListKind {
        self.places.get(at).map(|place| place.list).unwrap_or_default()
    }

    /// Returns whether numbers at this place are integers.
    pub(crate) fn is_integer(&self, at: PlaceId) -> bool {
        self.places.get(at).is_some_and(|place| place.integer)
    }

    pub(crate) fn takes_null(&self, at: PlaceId) -> bool {
        self.places.get(at).is_some_and(|place| place.null == Nulls::Taken)
    }

    /// Returns whether the schema allows `null` at this place.
    pub(crate) fn may_be_null(&self, at: PlaceId) -> bool {
        self.places.get(at).is_none_or(|place| place.null != Nulls::Refused)
    }

    pub(crate) fn precision(&self, at: PlaceId) -> Precision {
        self.places.get(at).map(|place| place.precision).unwrap_or_default()
    }

    /// Returns whether texts at this place belong to a type that has several spellings for one
    /// value: a UUID, a time.
    pub(crate) fn is_respelled(&self, at: PlaceId) -> bool {
        self.places.get(at).is_some_and(|place| place.respelled)
    }

    /// Returns texts that the schema lists for this place.
    pub(crate) fn texts(&self, at: PlaceId) -> &[String] {
        self.places.get(at).map_or(&[], |place| &place.texts)
    }

    /// Returns the field `key`, if the schema names it.
    pub(crate) fn field(&self, at: PlaceId, key: &str) -> Option<Field> {
        let fields = &self.places.get(at)?.fields;
        let found = fields.binary_search_by(|(name, _)| name.as_str().cmp(key)).ok()?;
        fields.get(found).map(|(_, field)| *field)
    }

    /// Returns the names of an object's fields.
    pub(crate) fn names(&self, at: PlaceId) -> impl Iterator<Item = &str> {
        let fields = self.places.get(at).map_or(&[][..], |place| &place.fields);
        fields.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the place of the value under `key`.
    pub(crate) fn entry(&self, at: PlaceId, key: &str) -> Option<PlaceId> {
        let named = self.field(at, key).map(|field| field.place);
        named.or_else(|| self.places.get(at)?.other)
    }

    /// Returns the place of a list's items.
    pub(crate) fn items(&self, at: PlaceId) -> Option<PlaceId> {
        self.places.get(at)?.items
    }
}

struct Finder<'s> {
    document: &'s Json,
    /// The places, by the schemas that describe them.
    known: HashMap<Vec<usize>, PlaceId>,
    open: Vec<(PlaceId, Vec<&'s Json>)>,
}

impl<'s> Finder<'s> {
    /// Returns the place that these schemas describe. `None` if there are none.
    fn place(&mut self, schemas: Vec<&'s Json>) -> Option<PlaceId> {
        let nodes = alternatives(self.document, schemas);
        if nodes.is_empty() {
            return None;
        }
        let mut key: Vec<usize> =
            nodes.iter().map(|node| std::ptr::from_ref(*node).addr()).collect();
        key.sort_unstable();
        let next = self.known.len();
        let id = *self.known.entry(key).or_insert(next);
        if id == next {
            self.open.push((id, nodes));
        }
        Some(id)
    }

    fn describe(&mut self, nodes: &[&'s Json]) -> Place {
        let (mut set, mut ordered) = (false, false);
        let (mut whole, mut number, mut null) = (false, false, false);
        let (mut items, mut other) = (Vec::new(), Vec::new());
        let mut texts = Vec::new();
        let (mut typed, mut single, mut double, mut respelled) = (false, false, false, false);
        for node in nodes {
            match node.get("format").and_then(Json::as_str) {
                Some("float") => single = true,
                Some("double") => double = true,
                Some(format) => respelled |= RESPELLED.contains(&format),
                None => {}
            }
            let says = |keyword: &&str| node.get(keyword).is_some();
            typed |= ["type", "enum", "const"].iter().any(says);
            let is = |kind: &str| match node.get("type") {
                Some(Json::Array(kinds)) => kinds.iter().any(|each| each.as_str() == Some(kind)),
                Some(named) => named.as_str() == Some(kind),
                None => false,
            };
            (whole, number, null) =
                (whole | is("integer"), number | is("number"), null | is("null"));
            if node.get("uniqueItems") == Some(&Json::Bool(true)) {
                set = true;
            } else if is("array") {
                ordered = true;
            }
            for (key, value) in node.entries() {
                match (key.as_str(), value) {
                    ("items" | "prefixItems", Json::Array(each)) => items.extend(each),
                    ("items" | "additionalItems", Json::Object(_)) => items.push(value),
                    ("additionalProperties", Json::Object(_)) => other.push((*node, value)),
                    ("patternProperties", patterns) => {
                        other.extend(patterns.entries().iter().map(|(_, schema)| (*node, schema)));
                    }
                    ("enum", Json::Array(each)) => {
                        texts.extend(each.iter().filter_map(Json::as_str));
                    }
                    ("const", Json::String(text)) => texts.push(text),
                    _ => {}
                }
            }
        }
        Place {
            list: match (set, ordered) {
                (true, true) => ListKind::Unclear,
                (true, false) => ListKind::Set,
                _ => ListKind::Ordered,
            },
            integer: whole && !number,
            null: match (null, typed) {
                (true, _) => Nulls::Taken,
                (false, true) => Nulls::Refused,
                (false, false) => Nulls::Unsaid,
            },
            precision: match (single, double) {
                (true, false) => Precision::Single,
                (false, true) if !whole => Precision::Double,
                _ => Precision::Unsaid,
            },
            respelled,
            texts: texts.into_iter().take(4).map(str::to_owned).collect(),
            fields: self.fields(nodes, &other),
            other: self.place(other.into_iter().map(|(_, schema)| schema).collect()),
            items: self.place(items),
        }
    }

    fn fields(
        &mut self,
        nodes: &[&'s Json],
        other: &[(&'s Json, &'s Json)],
    ) -> Vec<(String, Field)> {
        let properties = |node: &&'s Json| node.get("properties").map_or(&[][..], Json::entries);
        let mut named: Vec<(&str, &Json)> = Vec::new();
        for node in nodes {
            named.extend(properties(node).iter().map(|(name, schema)| (name.as_str(), schema)));
        }
        named.sort_by_key(|(name, _)| *name);
        let required = |name: &str| {
            let lists = nodes.iter().filter_map(|node| node.get("required")?.as_array());
            lists.flatten().any(|required| required.as_str() == Some(name))
        };
        let mut fields = Vec::new();
        for group in named.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((name, _)) = group.first() else { continue };
            let mut schemas: Vec<&Json> = group.iter().map(|(_, schema)| *schema).collect();
            let write_only = alternatives(self.document, schemas.clone())
                .iter()
                .any(|schema| schema.get("writeOnly") == Some(&Json::Bool(true)));
            // An alternative that does not name the field may still accept it.
            let names_it = |node: &Json| {
                node.get("properties").is_some_and(|properties| properties.get(name).is_some())
            };
            let unnamed = other.iter().filter(|(node, _)| !names_it(node));
            schemas.extend(unnamed.map(|(_, schema)| *schema));
            if let Some(place) = self.place(schemas) {
                let field = Field { place, required: required(name), write_only };
                fields.push(((*name).to_owned(), field));
            }
        }
        fields
    }
}

/// Returns these schemas, and all others that describe the same value: references, and alternatives
/// whether they fit or not.
pub(super) fn alternatives<'s>(document: &'s Json, schemas: Vec<&'s Json>) -> Vec<&'s Json> {
    found_with(document, schemas, &["then", "else"])
}

/// Does the same, with the schemas that only choose between others or exclude values.
pub(super) fn all_of_value<'s>(document: &'s Json, schemas: Vec<&'s Json>) -> Vec<&'s Json> {
    found_with(document, schemas, &["then", "else", "if", "not"])
}

fn found_with<'s>(document: &'s Json, schemas: Vec<&'s Json>, single: &[&str]) -> Vec<&'s Json> {
    let address = |node: &Json| std::ptr::from_ref(node).addr();
    let mut found: Vec<&Json> = Vec::new();
    // Most values have few schemas.
    let mut seen: HashSet<usize> = HashSet::new();
    let mut open = schemas;
    while let Some(node) = open.pop() {
        let is_known = if found.len() <= 16 {
            found.iter().any(|known| std::ptr::eq(*known, node))
        } else {
            if seen.is_empty() {
                seen.extend(found.iter().map(|known| address(known)));
            }
            !seen.insert(address(node))
        };
        if is_known {
            continue;
        }
        found.push(node);
        for (key, value) in node.entries() {
            match (key.as_str(), value) {
                ("$ref", Json::String(to)) => open.extend(resolve(document, to)),
                ("allOf" | "anyOf" | "oneOf", Json::Array(all)) => open.extend(all),
                (key, other) if single.contains(&key) => open.push(other),
                ("dependentSchemas" | "dependencies", Json::Object(each)) => {
                    open.extend(each.iter().map(|(_, schema)| schema));
                }
                _ => {}
            }
        }
    }
    found
}

/// Decodes the percent-encoding of a fragment: generators write `Record<string,any>` in it. Returns
/// `None` if it is not text.
fn percent_decoded(fragment: &str) -> Option<Cow<'_, str>> {
    if !fragment.contains('%') {
        return Some(Cow::Borrowed(fragment));
    }
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Returns the part of a document that a reference names: at a JSON Pointer, like
/// `#/$defs/Address`, or with an `$anchor`, like `#address`.
pub(crate) fn resolve<'d>(document: &'d Json, reference: &str) -> Option<&'d Json> {
    let pointer = percent_decoded(reference.strip_prefix('#')?)?;
    if !(pointer.is_empty() || pointer.starts_with('/')) {
        return anchored(document, &pointer);
    }
    pointer.split('/').skip(1).try_fold(document, |at, step| match at {
        Json::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => at.get(&step.replace("~1", "/").replace("~0", "~")),
    })
}

/// Returns the schema with this `$anchor`. `None` if several have it.
fn anchored<'d>(document: &'d Json, name: &str) -> Option<&'d Json> {
    let mut found = None;
    let mut open = vec![document];
    while let Some(node) = open.pop() {
        if node.get("$anchor").and_then(Json::as_str) == Some(name) && found.replace(node).is_some()
        {
            return None;
        }
        for (key, value) in node.entries() {
            // Values, in which the word is no keyword.
            if !matches!(key.as_str(), "const" | "enum" | "default" | "examples" | "example") {
                open.push(value);
            }
        }
        open.extend(node.as_array().unwrap_or_default());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_what_no_alternative_takes_as_a_fraction() {
        for (schema, integer) in [
            (r#"{"type":"integer"}"#, true),
            (r#"{"type":["integer","null"]}"#, true),
            (r#"{"type":["integer","number"]}"#, false),
            (r#"{"type":"number"}"#, false),
            (r#"{"type":"string"}"#, false),
            ("{}", false),
        ] {
            let schema = hitl_base::json::parse_json(schema).unwrap();
            let mut finder = Finder { document: &schema, known: HashMap::new(), open: Vec::new() };
            assert_eq!(finder.describe(&[&schema]).integer, integer, "{}", schema.to_text());
        }
    }

    #[test]
    fn a_fragment_is_read_without_its_percent_encoding() {
        let document = hitl_base::json::parse_json(
            r#"{"definitions":{"My Type":1,"Record<string,any>":2,"a/b":3,"%":4}}"#,
        )
        .unwrap();
        let at = |reference: &str| resolve(&document, reference).map(Json::to_text);
        for (reference, value) in [
            ("#/definitions/My%20Type", "1"),
            ("#/definitions/Record%3Cstring%2Cany%3e", "2"),
            ("#/definitions/a~1b", "3"),
            ("#/definitions/%25", "4"),
        ] {
            assert_eq!(at(reference).as_deref(), Some(value), "{reference}");
        }
        let anchors = hitl_base::json::parse_json(
            r#"{"$defs":{"a":{"$anchor":"one","x":1},"b":{"$anchor":"two"},"c":[{"$anchor":"two"}]},
                "const":{"$anchor":"three"},"properties":{"enum":{"$anchor":"four"}}}"#,
        )
        .unwrap();
        let one = resolve(&anchors, "#one").and_then(|found| found.get("x"));
        assert_eq!(one.map(Json::to_text).as_deref(), Some("1"));
        for reference in ["#two", "#three", "#five"] {
            assert_eq!(resolve(&anchors, reference), None, "{reference}");
        }
        for reference in ["#/definitions/%", "#/definitions/%2", "#/definitions/%zz", "#/x%ff"] {
            assert_eq!(at(reference), None, "{reference}");
        }
    }
}
