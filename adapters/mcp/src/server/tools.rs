//! The entries of `tools/list`. Pure.

use std::sync::Arc;

use hitl_core::gate::ToolInfo;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};

/// Returns the entry of a gate's tool.
pub(super) fn entry_of(info: &ToolInfo) -> Tool {
    let schema = schema_of(info.schema.as_str());
    let (name, description) = (info.name.clone(), info.description.clone());
    let hints = info.config.hints;
    let annotations = ToolAnnotations::new()
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world);
    let tool = Tool::new(name, description, Arc::new(schema)).with_annotations(annotations);
    match &info.title {
        Some(title) => tool.with_title(title.clone()),
        None => tool,
    }
}

/// Returns the schema as the protocol wants it: an object whose `type` is `object`.
fn schema_of(text: &str) -> JsonObject {
    let mut schema: JsonObject = serde_json::from_str(text).unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    schema
}
