//! The tools of a gate by name, and the data that they share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use hitl_base::json::Limits;

use crate::approval::ToolChange;
use crate::call::{StateMap, Tool, ToolFacts, ToolKind};
use crate::gate::build_error::{BuildError, BuildErrorKind};
use crate::gate::error::GateError;
use crate::gate::tools::host_bounds::HostBounds;
use crate::gate::tools::registered_tool::{ParsedCall, RegisteredTool};
use crate::machine::CallRecord;
use crate::sync::{RwLock, read, write};

/// The tools by name, as they are at one moment.
pub(in crate::gate) type ToolsByName = BTreeMap<Cow<'static, str>, Arc<RegisteredTool>>;

/// The tools of a gate, with the host state and the limits of text that they share.
///
/// The tools that are known only at run time can be replaced. A caller takes a tool once and keeps
/// it; code that waits in between takes it again and compares.
pub(in crate::gate) struct ToolRegistry {
    tools: RwLock<Arc<ToolsByName>>,
    states: Arc<StateMap>,
    limits: Limits,
    bounds: HostBounds,
}

impl ToolRegistry {
    /// Creates a registry of tools, each with a unique name and the host state that it needs.
    pub(in crate::gate) fn new(
        tools: Vec<RegisteredTool>,
        states: Arc<StateMap>,
        limits: Limits,
        bounds: HostBounds,
    ) -> Result<Self, BuildError> {
        let mut by_name = ToolsByName::new();
        for tool in tools {
            for state in tool.states() {
                if !states.has(state) {
                    let why = format!(
                        "the tool `{}` needs host state of type {}; give it with `.state(..)`",
                        tool.name(),
                        state.type_name()
                    );
                    return Err(BuildError::new(BuildErrorKind::MissingState, why));
                }
            }
            insert(&mut by_name, bounds.bind(tool, None))?;
        }
        Ok(Self { tools: RwLock::new(Arc::new(by_name)), states, limits, bounds })
    }

    /// Replaces the tools that are known only at run time. The others stay.
    ///
    /// # Errors
    /// Two of the tools would have the same name. Nothing was replaced.
    pub(in crate::gate) fn replace_dynamic(
        &self,
        tools: Vec<RegisteredTool>,
    ) -> Result<(), BuildError> {
        let mut now = write(&self.tools);
        let typed = now.iter().filter(|(_, tool)| tool.facts().kind == ToolKind::Typed);
        let mut next: ToolsByName =
            typed.map(|(name, tool)| (name.clone(), Arc::clone(tool))).collect();
        for tool in tools {
            let before = now.get(tool.name());
            let tool = self.bounds.bind(tool, before.map(|before| &**before));
            insert(&mut next, tool)?;
        }
        for before in now.values() {
            let same = next.get(before.name()).is_some_and(|next| next.facts() == before.facts());
            if !same {
                before.retire();
            }
        }
        *now = Arc::new(next);
        Ok(())
    }

    /// Returns the tool of this name, if it is registered.
    pub(in crate::gate) fn get(&self, name: &str) -> Option<Arc<RegisteredTool>> {
        read(&self.tools).get(name).cloned()
    }

    /// Returns the tool of this name, or an error if it is not registered.
    pub(in crate::gate) fn require(&self, name: &str) -> Result<Arc<RegisteredTool>, GateError> {
        let tools = read(&self.tools);
        let found = tools.get(name).cloned();
        found.ok_or_else(|| GateError::no_such_tool(name, tools.keys().map(AsRef::as_ref)))
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

    /// Returns the tools as they are now.
    pub(in crate::gate) fn now(&self) -> Arc<ToolsByName> {
        Arc::clone(&read(&self.tools))
    }

    /// Returns the descriptions of the tools for other processes.
    pub(in crate::gate) fn facts(&self) -> Vec<ToolFacts> {
        self.now().values().map(|tool| tool.facts().clone()).collect()
    }

    /// Returns whether the tool of this name finds out itself how an attempt ended.
    pub(in crate::gate) fn reconciles(&self, name: &str) -> bool {
        read(&self.tools).get(name).is_some_and(|tool| tool.reconciles())
    }

    /// Returns whether any tool does.
    pub(in crate::gate) fn any_reconciles(&self) -> bool {
        read(&self.tools).values().any(|tool| tool.reconciles())
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

fn insert(tools: &mut ToolsByName, tool: RegisteredTool) -> Result<(), BuildError> {
    let name = tool.name().clone();
    if tools.insert(name.clone(), Arc::new(tool)).is_some() {
        let why = format!("two tools are named `{name}`; give one another name");
        return Err(BuildError::new(BuildErrorKind::DuplicateTool, why));
    }
    Ok(())
}
