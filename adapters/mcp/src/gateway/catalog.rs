//! The tools of all upstreams as the clients see them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hitl_base::Json;
use rmcp::model::Tool;

use crate::pins::ToolDefinition;

/// Between the name of an upstream and that of its tool, where there are several upstreams.
const SEPARATOR: &str = "__";
/// The longest name of a tool, in bytes.
const LONGEST_NAME: usize = 128;

/// Returns the name under which a tool is served. `None` if it would be too long.
pub(super) fn served_name(upstream: Option<&str>, tool: &str) -> Option<String> {
    let name = match upstream {
        Some(upstream) => format!("{upstream}{SEPARATOR}{tool}"),
        None => tool.to_owned(),
    };
    (name.len() <= LONGEST_NAME).then_some(name)
}

/// Returns the entry of `tools/list` for a definition under this name: all of it, as the upstream
/// sent it, as far as the protocol's library has a place for it.
pub(super) fn entry(definition: &ToolDefinition, name: &str) -> Option<Tool> {
    let entries = definition.tree().entries().iter().cloned().map(|(key, value)| {
        let value = if key == "name" { Json::String(name.to_owned()) } else { value };
        (key, value)
    });
    serde_json::from_str(&Json::Object(entries.collect()).to_text()).ok()
}

/// The entries of `tools/list`, by the names under which the tools are served.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    entries: Mutex<BTreeMap<String, Tool>>,
}

impl Catalog {
    /// Replaces the entries, and returns whether they are others.
    pub(super) fn replace(&self, entries: BTreeMap<String, Tool>) -> bool {
        let mut current = self.lock();
        let changes = *current != entries;
        *current = entries;
        changes
    }

    pub(super) fn get(&self, name: &str) -> Option<Tool> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Tool>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_several_upstreams_are_told_apart_and_long_ones_refused() {
        assert_eq!(served_name(None, "read").as_deref(), Some("read"));
        assert_eq!(served_name(Some("fs"), "read").as_deref(), Some("fs__read"));
        assert_eq!(served_name(Some(&"a".repeat(64)), &"b".repeat(63)), None);
    }

    #[test]
    fn an_entry_has_what_the_upstream_said() {
        let definition = ToolDefinition::parse(
            r#"{"name":"add","title":"Add","description":"Adds.","inputSchema":{"type":"object"},
                "outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"_meta":{"a":1}}"#,
        )
        .unwrap();
        let tool = entry(&definition, "calc__add").unwrap();
        assert_eq!((&*tool.name, tool.title.as_deref()), ("calc__add", Some("Add")));
        assert!(tool.output_schema.is_some() && tool.meta.is_some());
        assert_eq!(tool.annotations.unwrap().read_only_hint, Some(true));
    }
}
