//! The exact text of checked arguments: numbers as they were written, keys in the order of their
//! bytes, secrets marked.

use std::ops::Range;

use hitl_base::Json;
use hitl_base::json::write_string;

use super::schema::{Id, Schema};
use crate::arguments::{ArgumentError, ArgumentErrorKind, Snapshot};

/// The deepest value that is written, as with typed arguments.
const DEEPEST: usize = 256;

/// The work limit of one snapshot, in nodes that describe a value and in steps of expressions.
const STEPS: u64 = 8_000_000;

impl Schema {
    /// Takes the snapshot of arguments that were checked.
    pub(crate) fn snapshot(&self, arguments: &Json) -> Result<Snapshot, ArgumentError> {
        let mut writer =
            Writer { schema: self, out: String::new(), hidden: Vec::new(), left: STEPS };
        writer.value(arguments, &self.with_all([self.root]), false, DEEPEST)?;
        Ok(Snapshot::written(writer.out, writer.hidden))
    }
}

struct Writer<'s> {
    schema: &'s Schema,
    out: String,
    hidden: Vec<Range<usize>>,
    left: u64,
}

impl Writer<'_> {
    /// Counts the work for one entry of an object, or one item of an array.
    fn step(&mut self, nodes: &[Id], key: Option<&str>) -> Result<(), ArgumentError> {
        let of = |id: &Id| {
            let node = &self.schema.nodes[*id];
            let known = node.properties.len() as u64 / 16;
            let patterns = node.patterns.iter().filter_map(|(pattern, _)| pattern.as_ref());
            key.map_or(1, |key| patterns.map(|pattern| pattern.steps(key)).sum::<u64>() + known + 1)
        };
        let steps = nodes.iter().map(of).fold(0, u64::saturating_add);
        self.left = self.left.checked_sub(steps).ok_or_else(|| {
            let why = "finding the secrets in these arguments takes too long";
            ArgumentError::new(ArgumentErrorKind::TooLarge, why)
        })?;
        Ok(())
    }

    fn value(
        &mut self,
        value: &Json,
        nodes: &[Id],
        hiding: bool,
        levels: usize,
    ) -> Result<(), ArgumentError> {
        let Some(levels) = levels.checked_sub(1) else {
            let why = "the value is nested too deeply";
            return Err(ArgumentError::new(ArgumentErrorKind::TooLarge, why));
        };
        let start = self.out.len();
        let secret = self.schema.is_sensitive(nodes);
        let inside = hiding || secret;
        match value {
            Json::Array(items) => {
                // If all items have the same schema, its nodes are found once.
                let alike = !self.schema.has_prefix(nodes);
                let every = self.schema.items(nodes);
                self.out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.step(nodes, None)?;
                    if alike {
                        self.value(item, &every, inside, levels)?;
                    } else {
                        self.value(item, &self.schema.item(nodes, i), inside, levels)?;
                    }
                }
                self.out.push(']');
            }
            Json::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
                self.out.push('{');
                for (i, (key, value)) in entries.into_iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    write_string(&mut self.out, key);
                    self.out.push(':');
                    self.step(nodes, Some(key))?;
                    let nodes = self.schema.entry(nodes, key);
                    self.value(value, &nodes, inside, levels)?;
                }
                self.out.push('}');
            }
            Json::Number(lexeme) => {
                let spelled = self.schema.spell_number(nodes, lexeme);
                self.out.push_str(spelled.as_deref().unwrap_or(lexeme));
            }
            plain => plain.write(&mut self.out),
        }
        if secret && !hiding {
            self.hidden.push(start..self.out.len());
        }
        Ok(())
    }
}
