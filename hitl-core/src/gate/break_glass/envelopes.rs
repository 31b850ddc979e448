//! The envelopes that the host declares, in code and in its policies.

use crate::call::{Fingerprint, Risk, ToolFacts};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::grant::{EmergencyTool, Envelope};
use crate::store::StoreError;

/// A tool, as far as breaking the glass depends on it.
pub(in crate::gate) struct KnownTool {
    pub(in crate::gate) name: String,
    pub(in crate::gate) fingerprint: Fingerprint,
    pub(in crate::gate) amounts: Vec<String>,
    pub(in crate::gate) envelopes: Vec<Envelope>,
    risk: Risk,
    destructive: bool,
}

impl KnownTool {
    fn new(facts: &ToolFacts, envelopes: Vec<Envelope>) -> Self {
        Self {
            name: facts.name.clone(),
            fingerprint: facts.fingerprint,
            amounts: facts.amounts.clone(),
            envelopes,
            risk: facts.risk,
            destructive: facts.hints.destructive,
        }
    }

    /// Returns the tool as an envelope sees it, for a call that names these currencies.
    pub(in crate::gate) fn in_emergency<'t>(
        &'t self,
        currencies: &'t [String],
    ) -> EmergencyTool<'t> {
        EmergencyTool {
            name: &self.name,
            risk: self.risk,
            destructive: self.destructive,
            has_amount: !self.amounts.is_empty(),
            currencies,
        }
    }
}

/// Returns the envelopes in force that name a tool.
pub(in crate::gate) fn envelopes_of(core: &GateCore, tool: &str) -> Vec<Envelope> {
    let mut all = all_envelopes(core);
    all.retain(|envelope| envelope.names(tool));
    all
}

/// Returns a tool and the envelopes that name it: those of this gate if it has the tool, otherwise
/// those that the living executor declared which recorded the tool last.
pub(in crate::gate) async fn known_tool(
    core: &GateCore,
    name: &str,
) -> Result<KnownTool, GateError> {
    if let Some(tool) = core.tools.get(name) {
        return Ok(KnownTool::new(tool.facts(), envelopes_of(core, name)));
    }
    let executors = core.calls.executors().await?;
    let facts = executors.as_ref().and_then(|executors| executors.newest(name));
    let facts = facts.ok_or_else(|| GateError::unknown_tool(name))?;
    Ok(KnownTool::new(facts, facts.envelopes.clone()))
}

/// Returns a tool of this gate and the envelopes that name it.
pub(in crate::gate) fn own_tool(core: &GateCore, facts: &ToolFacts) -> KnownTool {
    KnownTool::new(facts, envelopes_of(core, &facts.name))
}

/// Describes the gate's tools to other processes, with the envelopes in force. Of several such
/// descriptions at once, the last one has the latest tools.
pub(in crate::gate) async fn publish_tools(core: &GateCore) -> Result<(), StoreError> {
    let mut has_tools = core.envelopes.publishing().await;
    let all = all_envelopes(core);
    let mut tools = core.tools.facts();
    for facts in &mut tools {
        facts.envelopes = all.iter().filter(|one| one.names(&facts.name)).cloned().collect();
    }
    // A gate without tools is no executor, unless it had some.
    if *has_tools || !tools.is_empty() {
        *has_tools = true;
        core.calls.store().record_tools(core.calls.session(), &tools).await?;
    }
    core.envelopes.set_published(all);
    Ok(())
}

/// Does so again if the envelopes have changed: a policy was accepted.
pub(in crate::gate) async fn publish_changes(core: &GateCore) -> Result<(), StoreError> {
    if core.envelopes.is_published(&all_envelopes(core)) {
        return Ok(());
    }
    publish_tools(core).await
}

fn all_envelopes(core: &GateCore) -> Vec<Envelope> {
    let mut all = core.envelopes.declared().to_vec();
    all.extend(core.evaluator.envelopes());
    all
}
