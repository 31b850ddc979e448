//! The tools of all upstreams as the clients see them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hitl_base::Json;
use rmcp::model::Tool;

use super::withheld::Withheld;
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

/// The entries of `tools/list`, and the tools that are not served, by their names for clients.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    tools: Mutex<CatalogTools>,
}

#[derive(Debug, Default)]
struct CatalogTools {
    entries: BTreeMap<String, Tool>,
    withheld: BTreeMap<String, Withheld>,
}

impl Catalog {
    /// Replaces all tools, and returns whether the entries are others.
    pub(super) fn replace(
        &self,
        entries: BTreeMap<String, Tool>,
        withheld: BTreeMap<String, Withheld>,
    ) -> bool {
        let mut current = self.lock();
        let changes = current.entries != entries;
        *current = CatalogTools { entries, withheld };
        changes
    }

    pub(super) fn get(&self, name: &str) -> Option<Tool> {
        self.lock().entries.get(name).cloned()
    }

    /// Returns why a tool is not served. `None` if it is, or nothing is known of it.
    pub(super) fn withheld(&self, name: &str) -> Option<Withheld> {
        let tools = self.lock();
        if tools.entries.contains_key(name) {
            return None;
        }
        tools.withheld.get(name).copied()
    }

    fn lock(&self) -> MutexGuard<'_, CatalogTools> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner)
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
