//! The tools of a gate by name, and the data that they share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use hitl_base::json::Limits;

use crate::approval::ToolChange;
use crate::call::{StateMap, Tool, ToolFacts};
use crate::gate::error::GateError;
use crate::gate::tools::registered_tool::{ParsedCall, RegisteredTool};
use crate::machine::CallRecord;

/// The tools of a gate, with the host state and the limits of text that they share.
pub(in crate::gate) struct ToolRegistry {
    tools: BTreeMap<Cow<'static, str>, Arc<RegisteredTool>>,
    states: Arc<StateMap>,
    limits: Limits,
}

impl ToolRegistry {
    pub(in crate::gate) fn new(
        tools: BTreeMap<Cow<'static, str>, Arc<RegisteredTool>>,
        states: Arc<StateMap>,
        limits: Limits,
    ) -> Self {
        Self { tools, states, limits }
    }

    /// Returns the tool of this name, if it is registered.
    pub(in crate::gate) fn get(&self, name: &str) -> Option<&Arc<RegisteredTool>> {
        self.tools.get(name)
    }

    /// Returns the tool of this name, or an error if it is not registered.
    pub(in crate::gate) fn require(&self, name: &str) -> Result<Arc<RegisteredTool>, GateError> {
        let found = self.tools.get(name).cloned();
        found.ok_or_else(|| GateError::no_such_tool(name, self.tools.keys().map(AsRef::as_ref)))
    }

    /// Returns the tool of this type, or an error if it is not registered.
    pub(in crate::gate) fn require_typed<T: Tool>(&self) -> Result<Arc<RegisteredTool>, GateError> {
        let tool = self.require(T::SPEC.name)?;
        if tool.has_type::<T>() { Ok(tool) } else { Err(GateError::unknown_tool(T::SPEC.name)) }
    }

    /// Returns the tool of a call, if it is the same tool that the call was asked about.
    pub(in crate::gate) fn require_as_shown(
        &self,
        record: &CallRecord,
    ) -> Result<Arc<RegisteredTool>, GateError> {
        let tool = self.require(&record.request.tool)?;
        match ToolChange::between(&record.request, None, tool.facts()) {
            None => Ok(tool),
            Some(change) => {
                let then = "nothing was done; the call is asked about again before it runs";
                Err(GateError::tool_changed(change, record.clone(), then))
            }
        }
    }

    /// Returns the tools in the order of their names.
    pub(in crate::gate) fn all(&self) -> impl ExactSizeIterator<Item = &Arc<RegisteredTool>> {
        self.tools.values()
    }

    /// Returns the descriptions of the tools for other processes.
    pub(in crate::gate) fn facts(&self) -> Vec<ToolFacts> {
        self.all().map(|tool| tool.facts().clone()).collect()
    }

    /// Returns the host state of the tools.
    pub(in crate::gate) fn states(&self) -> &Arc<StateMap> {
        &self.states
    }

    /// Returns the limits of text that people and models send.
    pub(in crate::gate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Binds a model's text to a tool's body.
    pub(in crate::gate) fn bind(
        &self,
        tool: &RegisteredTool,
        arguments: &str,
    ) -> Result<ParsedCall, GateError> {
        Ok(tool.bind(arguments, self.limits)?)
    }
}
