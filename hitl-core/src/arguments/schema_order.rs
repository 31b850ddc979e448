//! The order of the properties in a JSON Schema, at every place.

use std::collections::{BTreeSet, HashMap};

use hitl_base::Json;

use super::declared_order::{ObjectOrder, OrderId};
use super::places::alternatives;

/// The most kinds of objects whose order is kept. Further ones are shown as they are.
const MAX_OBJECTS: usize = 10_000;

/// The most schemas that are read for them, again for each kind of object.
const MAX_SCHEMAS: usize = 1_000_000;

/// Finds the orders of a schema.
pub(super) struct OrderFinder<'s> {
    document: &'s Json,
    objects: Vec<ObjectOrder>,
    /// The orders, by the schemas that describe them. `None` for values without fields.
    known: HashMap<Vec<usize>, Option<OrderId>>,
    open: Vec<(OrderId, Vec<&'s Json>)>,
    /// The number of schemas that were read.
    read: usize,
}

impl<'s> OrderFinder<'s> {
    pub(super) fn new(document: &'s Json) -> Self {
        Self { document, objects: Vec::new(), known: HashMap::new(), open: Vec::new(), read: 0 }
    }

    /// Returns the orders, that of the arguments first. `names` are the arguments in their order,
    /// if the schema does not have it.
    pub(super) fn find(mut self, names: Option<&[&'s str]>) -> Vec<ObjectOrder> {
        let document = self.document;
        if self.order(vec![document]).is_none() {
            let names = names.unwrap_or_default().iter().map(|name| (*name, None));
            self.objects.extend(names.len().gt(&0).then(|| ObjectOrder::new(names)));
        }
        while let Some((id, nodes)) = self.open.pop() {
            let own = names.filter(|_| id == 0);
            self.objects[id] = self.describe(&nodes, own);
        }
        self.objects
    }

    /// Returns the order inside the values that these schemas describe.
    fn order(&mut self, schemas: Vec<&'s Json>) -> Option<OrderId> {
        if self.read > MAX_SCHEMAS {
            return None;
        }
        let nodes = alternatives(self.document, schemas);
        self.read += nodes.len();
        let mut key: Vec<usize> =
            nodes.iter().map(|node| std::ptr::from_ref(*node).addr()).collect();
        key.sort_unstable();
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let inner = [
            "properties",
            "patternProperties",
            "additionalProperties",
            "items",
            "prefixItems",
            "additionalItems",
        ];
        let has_inside = nodes.iter().any(|node| inner.iter().any(|key| node.get(key).is_some()));
        let id = (has_inside && self.objects.len() < MAX_OBJECTS).then_some(self.objects.len());
        self.known.insert(key, id);
        if let Some(id) = id {
            self.objects.push(ObjectOrder::default());
            self.open.push((id, nodes));
        }
        id
    }

    fn describe(&mut self, nodes: &[&'s Json], names: Option<&[&'s str]>) -> ObjectOrder {
        let mut fields: Vec<(&str, Vec<&Json>)> = Vec::new();
        let mut at: HashMap<&str, usize> = HashMap::new();
        let mut field = |name: &'s str, schema: Option<&'s Json>| {
            let index = *at.entry(name).or_insert(fields.len());
            if index == fields.len() {
                fields.push((name, Vec::new()));
            }
            fields[index].1.extend(schema);
        };
        for name in names.unwrap_or_default() {
            field(name, None);
        }
        let (mut other, mut items) = (Vec::new(), Vec::new());
        for node in nodes {
            for name in property_order(node) {
                field(name, None);
            }
            let properties = node.get("properties").map_or(&[][..], Json::entries);
            for (name, schema) in properties {
                field(name, Some(schema));
            }
            let matched = node.get("patternProperties").map_or(&[][..], Json::entries);
            other.extend(matched.iter().map(|(_, schema)| schema));
            other.extend(node.get("additionalProperties"));
            for key in ["items", "prefixItems", "additionalItems"] {
                match node.get(key) {
                    Some(Json::Array(each)) => items.extend(each),
                    schema => items.extend(schema),
                }
            }
        }
        let fields: Vec<_> =
            fields.into_iter().map(|(name, schemas)| (name, self.order(schemas))).collect();
        let mut order = ObjectOrder::new(fields);
        (order.other, order.items) = (self.order(other), self.order(items));
        order
    }
}

/// Returns the properties of a schema in the order of their declaration.
///
/// Some programs sort the properties of a schema by name, and keep the order of the required ones:
/// then those come first.
fn property_order(schema: &Json) -> Vec<&str> {
    let properties = schema.get("properties").map_or(&[][..], Json::entries);
    let names = || properties.iter().map(|(name, _)| &**name);
    if !names().is_sorted() {
        return names().collect();
    }
    let all: BTreeSet<&str> = names().collect();
    let required = schema.get("required").and_then(Json::as_array).unwrap_or_default();
    let required = required.iter().filter_map(Json::as_str);
    let mut order: Vec<&str> = required.filter(|name| all.contains(name)).collect();
    if order.is_sorted() {
        return all.into_iter().collect();
    }
    let first: BTreeSet<&str> = order.iter().copied().collect();
    order.extend(all.difference(&first));
    order
}

#[cfg(test)]
mod tests {
    use hitl_base::json::parse_json;

    use super::*;

    #[test]
    fn sorted_properties_follow_the_order_of_the_required_ones() {
        for (schema, order) in [
            (
                r#"{"properties":{"to":{},"amount":{}},"required":["amount"]}"#,
                &["to", "amount"][..],
            ),
            (r#"{"properties":{"a":{},"b":{},"c":{}},"required":["c","a"]}"#, &["c", "a", "b"]),
            (r#"{"properties":{"a":{},"b":{}},"required":["a","b"]}"#, &["a", "b"]),
            (r#"{"properties":{"a":{},"b":{}},"required":["x","b","a",7]}"#, &["b", "a"]),
            (r#"{"required":["b","a"]}"#, &[]),
            ("true", &[]),
        ] {
            assert_eq!(property_order(&parse_json(schema).unwrap()), order, "{schema}");
        }
    }
}
