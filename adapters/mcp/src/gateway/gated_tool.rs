//! The tool of an upstream as a tool of the gate.

use hitl_core::Risk;
use hitl_core::dynamic::{AnnotationTrust, DynSpec, DynTool, DynToolError, McpAnnotations};

use super::call::{CallFailure, CalledTool, call};
use super::tool_settings::ToolSettings;
use super::upstream::Upstream;
use crate::pins::{PinState, ToolDefinition};

/// The confidence in a tool that only reads, if that is believed: above the usual threshold of
/// Auto.
const READ_CONFIDENCE: u8 = 90;

/// Builds the tool of the gate for a tool of an upstream. The body is the only way to the upstream
/// tool, and only the gate starts it.
pub(super) fn gated_tool(
    upstream: &Upstream,
    definition: &ToolDefinition,
    name: &str,
    state: PinState,
    settings: &ToolSettings,
) -> Result<DynTool, DynToolError> {
    let spec = spec(upstream, definition, name, state, settings);
    if !settings.has_words() {
        return with_body(upstream, definition, spec);
    }
    let worded = with_body(upstream, definition, settings.worded(spec.clone()));
    worded.or_else(|error| {
        let plain = with_body(upstream, definition, spec)?;
        tracing::warn!(
            upstream = upstream.name(),
            %error,
            "the title, labels and approval type that the settings give a tool are left out"
        );
        Ok(plain)
    })
}

fn spec(
    upstream: &Upstream,
    definition: &ToolDefinition,
    name: &str,
    state: PinState,
    settings: &ToolSettings,
) -> DynSpec {
    let claimed: McpAnnotations = definition
        .field("annotations")
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    // What nobody has looked at is not believed.
    let trust = match state {
        PinState::Pinned => settings.trust_set().unwrap_or(upstream.spec().trust),
        _ => AnnotationTrust::OnlyTighten,
    };
    let mut spec = DynSpec::new(name, definition.text("description").unwrap_or_default());
    if let Some(title) = definition.text("title") {
        spec = spec.title(title);
    }
    spec = spec
        .annotations(claimed, trust)
        // Title, annotations and output schema count for what was approved, too.
        .version(definition.digest());
    spec.config = spec.config.timeout(upstream.spec().timeout);
    if spec.config.hints.read_only {
        // Only a believed claim makes it so: the operator trusts this server's reads, also where
        // they leave the machine.
        spec.config = spec.config.risk(Risk::Low).base_confidence(READ_CONFIDENCE);
    }
    if let Some(risk) = settings.risk_set() {
        spec.config = spec.config.risk(risk);
    }
    if state != PinState::Pinned {
        // Level Full for each call, until a person has pinned the definition: neither a rule nor a
        // grant lifts what is critical.
        spec.config = spec.config.risk(Risk::Critical).base_confidence(0);
    }
    spec
}

fn with_body(
    upstream: &Upstream,
    definition: &ToolDefinition,
    spec: DynSpec,
) -> Result<DynTool, DynToolError> {
    let called = CalledTool {
        name: definition.name().into(),
        digest: definition.digest().into(),
        read_only: spec.config.hints.read_only,
    };
    let schema = definition.field("inputSchema").unwrap_or_default();
    let upstream = upstream.clone();
    DynTool::new(spec, &schema, move |permit: hitl_core::call::Permit<_>| {
        let (upstream, called) = (upstream.clone(), called.clone());
        async move {
            let (arguments, cx): (hitl_core::dynamic::DynArguments, _) = permit.open();
            let answered = call(&upstream, &called, arguments.json(), &cx).await;
            answered.map_err(CallFailure::into_error)
        }
    })
}
