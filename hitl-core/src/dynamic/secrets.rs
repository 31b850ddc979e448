//! Marks the secrets that the host names by path.

use hitl_base::display::{clip, visible};

use super::schema::{Id, Node, Schema};
use crate::arguments::ArgumentError;

impl Schema {
    /// Marks the values at `path` as secret. A path that names nothing is an error: the value that
    /// it was meant for would be shown.
    pub(super) fn hide(&mut self, path: &str) -> Result<(), String> {
        let dotted = path.replace("[]", ".[]");
        let mut steps: Vec<&str> = dotted.split('.').collect();
        let last = steps.pop().unwrap_or_default();
        let mut nodes = self.with_all([self.root]);
        for step in steps {
            nodes = match step {
                "[]" => self.items(&nodes),
                "*" => self.entries(&nodes),
                name => self.entry(&nodes, name),
            };
        }
        let mut found = false;
        for id in nodes {
            found |= self.hide_in(id, last);
        }
        if found {
            Ok(())
        } else {
            Err(format!("`{path}` names no property of the schema, so it cannot be hidden"))
        }
    }

    /// Returns whether a path names a secret, or a place inside one or above one. `None` if it
    /// names nothing.
    pub(super) fn is_secret_at(&self, path: &str) -> Option<bool> {
        let dotted = path.replace("[]", ".[]");
        let mut nodes = self.with_all([self.root]);
        let mut secret = false;
        for step in dotted.split('.') {
            nodes = match step {
                "[]" => self.items(&nodes),
                "*" => self.entries(&nodes),
                name => self.entry(&nodes, name),
            };
            nodes.retain(|id| !self.nodes[*id].never);
            secret |= self.is_sensitive(&nodes);
        }
        (!nodes.is_empty()).then(|| secret || self.has_secrets_below(&nodes))
    }

    fn has_secrets_below(&self, nodes: &[Id]) -> bool {
        let mut seen = Vec::new();
        let mut open = nodes.to_vec();
        while let Some(id) = open.pop() {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            let node = &self.nodes[id];
            if node.sensitive {
                return true;
            }
            open.extend(node.same_value());
            open.extend(node.entries());
            open.extend(node.items.iter().chain(&node.contains).chain(&node.prefix));
        }
        false
    }

    /// Hides one part of the values that `id` describes. The part gets a node of its own, because
    /// its schema may be used elsewhere too.
    fn hide_in(&mut self, id: Id, part: &str) -> bool {
        if part == "*" {
            // Every entry: those with a name in the schema, and all others.
            let properties = self.nodes[id].properties.iter().map(|(name, _)| name.clone());
            let mut found = false;
            for name in properties.collect::<Vec<_>>() {
                found |= self.hide_part(id, &name);
            }
            for at in 0..self.nodes[id].patterns.len() {
                let held = self.nodes[id].patterns[at].1;
                self.nodes[id].patterns[at].1 = self.secret_of(Some(held));
                found = true;
            }
            if found && self.nodes[id].additional.is_none() {
                // Other names are accepted without a schema of their own.
                self.nodes[id].additional = Some(self.secret_of(None));
            }
            return self.hide_part(id, part) || found;
        }
        if part == "[]" {
            let prefix = self.nodes[id].prefix.clone();
            for (at, held) in prefix.iter().enumerate() {
                self.nodes[id].prefix[at] = self.secret_of(Some(*held));
            }
            return self.hide_part(id, part) || !prefix.is_empty();
        }
        self.hide_part(id, part)
    }

    fn hide_part(&mut self, id: Id, part: &str) -> bool {
        let node = &self.nodes[id];
        let held = match part {
            "[]" => node.items,
            "*" => node.additional,
            name => node.properties.iter().find(|(known, _)| known == name).map(|(_, held)| *held),
        };
        // The schema has no such part, so nothing is hidden.
        let Some(held) = held else { return false };
        let secret = self.secret_of(Some(held));
        let node = &mut self.nodes[id];
        match part {
            "[]" => node.items = Some(secret),
            "*" => node.additional = Some(secret),
            name => {
                for (known, held) in &mut node.properties {
                    if known == name {
                        *held = secret;
                    }
                }
            }
        }
        true
    }

    /// Adds a node for a secret that another node describes, if one does.
    fn secret_of(&mut self, held: Option<Id>) -> Id {
        let secret = self.nodes.len();
        let all = held.into_iter().collect();
        self.nodes.push(Node { all, sensitive: true, ..Node::default() });
        secret
    }
}

impl Schema {
    /// Removes from a scanner's error, which knows no schema, the part of the path inside a secret.
    pub(crate) fn without_secrets(&self, error: ArgumentError) -> ArgumentError {
        if self.has_odd_names() {
            // The end of a step is ambiguous.
            return error.without_path();
        }
        let mut nodes = self.with_all([self.root]);
        let mut at = String::new();
        let path = error.path().to_owned();
        for (name, seam) in steps(&path) {
            at.push_str(seam);
            at.push_str(name);
            nodes = match name.strip_prefix('[') {
                // For any item: hiding one place too many is better than one too few.
                Some(_) => self.items(&nodes),
                None => self.possible_entry(&nodes, name),
            };
            if self.is_sensitive(&nodes) {
                return error.only_to(&at);
            }
        }
        error
    }
}

impl Schema {
    /// Returns whether a property has a name that a path cannot show as it is.
    fn has_odd_names(&self) -> bool {
        let shown =
            |name: &str| visible(&clip(name, 64)) == name && !name.contains(['.', '[', ']']);
        self.nodes.iter().flat_map(|node| &node.properties).any(|(name, _)| !shown(name))
    }
}

/// Returns the steps of an error's path, each with its preceding separator.
fn steps(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.split('.').enumerate().flat_map(|(i, part)| {
        let dot = if i == 0 { "" } else { "." };
        let (name, items) = part.split_at(part.find('[').unwrap_or(part.len()));
        let items = items.split_inclusive(']').map(|item| (item, ""));
        (!name.is_empty()).then_some((name, dot)).into_iter().chain(items)
    })
}
