//! The exact text of checked arguments: numbers as they were written, keys in the order of their
//! bytes, secrets marked.

use std::ops::Range;

use hitl_base::Json;
use hitl_base::json::write_string;

use super::schema::{Id, Schema};
use crate::arguments::{ArgumentError, ArgumentErrorKind, Snapshot};

/// The deepest value that is written, as with typed arguments.
const DEEPEST: usize = 256;

impl Schema {
    /// Takes the snapshot of arguments that were checked.
    pub(crate) fn snapshot(&self, arguments: &Json) -> Result<Snapshot, ArgumentError> {
        let mut writer = Writer { schema: self, out: String::new(), hidden: Vec::new() };
        writer.value(arguments, &self.with_all([self.root]), false, DEEPEST)?;
        Ok(Snapshot::written(writer.out, writer.hidden))
    }
}

struct Writer<'s> {
    schema: &'s Schema,
    out: String,
    hidden: Vec<Range<usize>>,
}

impl Writer<'_> {
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
