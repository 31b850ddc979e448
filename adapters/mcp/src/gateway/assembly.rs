//! The tools of all upstreams, compared with the pins and put into the gate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use hitl_base::Timestamp;
use hitl_core::dynamic::DynTool;
use hitl_core::{Gate, Risk};
use rmcp::model::Tool;
use tokio::sync::{Mutex, watch};

use super::catalog::{Catalog, entry, served_name};
use super::gated_tool::gated_tool;
use super::tool_settings::{ToolSettings, UnmatchedSettings};
use super::upstream::Upstream;
use super::withheld::Withheld;
use crate::pins::{
    DefinitionList, Pin, PinComparison, PinError, PinFile, PinState, ToolDefinition, UpstreamPins,
};

/// Who pinned a tool that nobody has looked at.
const FIRST_USE: &str = "first use";

/// The treatment of an upstream's tools when they are listed for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
// Exhaustive: somebody looks at the tools first, or not.
pub enum FirstUse {
    /// New tools need an approval at level Full for each call, until a person pins them.
    #[default]
    Ask,
    /// The first list is trusted. Tools that come later are new, as above.
    Pin,
}

/// A tool that is served, with how it stands to the pins.
#[derive(Clone, Debug)]
struct ServedTool {
    definition: ToolDefinition,
    state: PinState,
    /// The operator's settings of it.
    settings: ToolSettings,
}

/// The tools of an upstream.
#[derive(Clone, Debug, Default)]
struct UpstreamTools {
    served: Vec<ServedTool>,
    /// By their names at the upstream.
    withheld: BTreeMap<String, Withheld>,
}

/// The tools that are served.
pub(super) struct Assembly {
    gate: Gate,
    pins: PinFile,
    first_use: FirstUse,
    upstreams: Vec<Upstream>,
    catalog: Arc<Catalog>,
    tools: Mutex<Vec<UpstreamTools>>,
    /// The names of the host's own tools.
    own: OnceLock<BTreeSet<String>>,
    /// Set at the end: no tool is served any more.
    is_ending: AtomicBool,
    /// Counts the changes of what clients see.
    changes: watch::Sender<u64>,
}

impl fmt::Debug for Assembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assembly({:?})", self.pins)
    }
}

impl Assembly {
    pub(super) fn new(
        gate: Gate,
        pins: PinFile,
        first_use: FirstUse,
        upstreams: Vec<Upstream>,
        catalog: Arc<Catalog>,
    ) -> Self {
        let tools = Mutex::new(vec![UpstreamTools::default(); upstreams.len()]);
        let changes = watch::Sender::new(0);
        let (own, is_ending) = (OnceLock::new(), AtomicBool::new(false));
        Self { gate, pins, first_use, upstreams, catalog, tools, own, is_ending, changes }
    }

    /// Returns the changes of what clients see, from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn pins(&self) -> &PinFile {
        &self.pins
    }

    /// Serves the pinned tools as they were last listed, before their servers have answered. Their
    /// calls wait for the servers, and for a new comparison.
    pub(super) async fn serve_pinned(&self) -> Result<(), PinError> {
        let document = self.pins.read()?;
        let mut all = self.tools.lock().await;
        self.note_own_tools().await;
        for (tools, upstream) in all.iter_mut().zip(&self.upstreams) {
            let Some(pins) = document.upstream(&upstream.spec().pin_name) else { continue };
            *tools = tools_of(upstream, pins, pins.listed());
            tools.served.retain(|tool| tool.state == PinState::Pinned);
        }
        self.put_into_gate(&all).await;
        Ok(())
    }

    /// Takes the tools out of the gate for good, so that no approved call begins: the next gateway
    /// runs it. Calls that have begun still find their servers.
    pub(super) async fn withdraw(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.replace_tools(Vec::new()).await;
    }

    /// Notes the tools that are left without those of run time: their names are taken.
    async fn note_own_tools(&self) {
        self.replace_tools(Vec::new()).await;
        let own = self.gate.tools().into_iter().map(|tool| tool.name.into_owned());
        let _first = self.own.set(own.collect());
    }

    /// Compares what an upstream lists now with its pins, and serves what may be served. Returns
    /// the digests of those tools. With an error, none of its tools is served.
    pub(super) async fn compare(
        &self,
        at: usize,
        list: &DefinitionList,
    ) -> Result<BTreeMap<String, String>, PinError> {
        let pins = self.pins_of(at, list).await;
        let mut all = self.tools.lock().await;
        let (Some(tools), Some(upstream)) = (all.get_mut(at), self.upstreams.get(at)) else {
            return Ok(BTreeMap::new());
        };
        let result = match pins {
            Ok(pins) => {
                report(upstream, &pins, list);
                *tools = tools_of(upstream, &pins, &list.tools);
                let digests = tools
                    .served
                    .iter()
                    .map(|tool| (tool.definition.name().to_owned(), tool.definition.digest()));
                Ok(digests.collect())
            }
            Err(error) => {
                let known = std::mem::take(tools).served.into_iter();
                let known = known.map(|tool| tool.definition.name().to_owned());
                let listed = list.tools.iter().map(|tool| tool.name().to_owned());
                let names = known.chain(listed);
                tools.withheld = names.map(|name| (name, Withheld::PinsUnreadable)).collect();
                Err(error)
            }
        };
        self.put_into_gate(&all).await;
        result
    }

    /// Notes the list in the pin file, pins it if that is wanted, and returns the pins.
    async fn pins_of(&self, at: usize, list: &DefinitionList) -> Result<UpstreamPins, PinError> {
        let Some(upstream) = self.upstreams.get(at) else { return Ok(UpstreamPins::default()) };
        let (file, name) = (self.pins.clone(), upstream.spec().pin_name.clone());
        let (list, first_use) = (list.clone(), self.first_use);
        let now = Timestamp::now().to_string();
        let changed = tokio::task::spawn_blocking(move || {
            file.change(|document| {
                // An upstream that once listed nothing is known: what it lists later is new.
                let is_first = document.upstream(&name).is_none();
                let pins = document.upstream_mut(&name);
                if first_use == FirstUse::Pin && is_first {
                    for tool in &list.tools {
                        pins.pin_tool(Pin::new(tool.clone(), FIRST_USE, now.as_str()));
                    }
                }
                pins.note_listed(&list);
                pins.clone()
            })
        });
        match changed.await {
            Ok(changed) => changed,
            Err(_) => Err(PinError::interrupted(self.pins.path())),
        }
    }

    async fn put_into_gate(&self, all: &[UpstreamTools]) {
        let are_several = self.upstreams.len() > 1;
        let mut found: BTreeMap<String, Option<(&Upstream, &ServedTool)>> = BTreeMap::new();
        let mut withheld = BTreeMap::new();
        for (upstream, tools) in self.upstreams.iter().zip(all) {
            let prefix = are_several.then(|| upstream.name());
            for (tool, reason) in &tools.withheld {
                withheld.extend(served_name(prefix, tool).map(|name| (name, *reason)));
            }
            for tool in &tools.served {
                let Some(name) = served_name(prefix, tool.definition.name()) else {
                    let tool = tool.definition.name();
                    tracing::warn!(
                        upstream = upstream.name(),
                        tool,
                        "a tool is left out: its name is too long"
                    );
                    continue;
                };
                // Two tools of one name: it is unclear which is meant.
                let entry = found.entry(name);
                entry.and_modify(|both| *both = None).or_insert(Some((upstream, tool)));
            }
        }
        let (mut tools, mut entries) = (Vec::new(), BTreeMap::<String, Tool>::new());
        for (name, one) in found {
            let Some((upstream, tool)) = one else {
                tracing::warn!(tool = name, "two tools have this name, and are left out");
                withheld.insert(name, Withheld::Refused);
                continue;
            };
            // The gate takes all tools of a list, or none.
            if self.own.get().is_some_and(|own| own.contains(&name)) {
                let upstream = upstream.name();
                tracing::warn!(upstream, tool = name, "a tool is left out: the host has this name");
                withheld.insert(name, Withheld::Refused);
                continue;
            }
            let built = gated_tool(upstream, &tool.definition, &name, tool.state, &tool.settings);
            match (built, entry(&tool.definition, &name)) {
                (Ok(built), Some(listed)) => {
                    tools.push(built);
                    entries.insert(name, listed);
                }
                (Err(error), _) => {
                    tracing::warn!(upstream = upstream.name(), %error, "a tool is left out");
                    withheld.insert(name, Withheld::Refused);
                }
                (_, None) => {
                    tracing::warn!(
                        upstream = upstream.name(),
                        tool = name,
                        "a tool is left out: its definition is not one of the protocol"
                    );
                    withheld.insert(name, Withheld::Refused);
                }
            }
        }
        let changes = self.catalog.replace(entries, withheld);
        self.replace_tools(tools).await;
        if changes {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    async fn replace_tools(&self, tools: Vec<DynTool>) {
        let tools = if self.is_ending.load(Ordering::SeqCst) { Vec::new() } else { tools };
        // With an error of the store the tools are replaced all the same, and only other processes
        // do not know it yet.
        if let Err(error) = self.gate.replace_dyn_tools(tools).await {
            tracing::error!(%error, "the tools could not be recorded for other processes");
        }
    }
}

/// Says what an operator has to know, on the log.
fn report(upstream: &Upstream, pins: &UpstreamPins, list: &DefinitionList) {
    let settings = unmatched(upstream, pins, &list.tools);
    let upstream = upstream.name();
    if !settings.patterns.is_empty() {
        let tools = settings.patterns.join(", ");
        if settings.is_strict {
            tracing::error!(
                upstream,
                tools,
                "settings are of no tool of this server, and would make calls stricter: each call of a tool whose risk \
                 nothing else sets needs a full approval until the names are right"
            );
        } else {
            tracing::warn!(upstream, tools, "settings are of no tool of this server");
        }
    }
    for refused in &list.refused {
        tracing::warn!(upstream, %refused, "a tool is left out");
    }
    let comparison = PinComparison::new(pins, &list.tools);
    let names = |state: PinState| {
        let of_state = comparison.entries().iter().filter(move |entry| entry.state == state);
        let names: Vec<_> = of_state.map(|entry| entry.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(tools) = names(PinState::New) {
        tracing::warn!(
            upstream,
            tools,
            "tools are not pinned: each call needs a full approval until `hitl mcp pins approve`"
        );
    }
    if let Some(tools) = names(PinState::Changed) {
        tracing::warn!(
            upstream,
            tools,
            "tools have changed and are left out: see `hitl mcp pins diff`"
        );
    }
    if let Some(tools) = names(PinState::Vanished) {
        tracing::warn!(upstream, tools, "pinned tools are no longer listed");
    }
}

/// Returns the settings that are of no tool which is listed or pinned.
fn unmatched(
    upstream: &Upstream,
    pins: &UpstreamPins,
    listed: &[ToolDefinition],
) -> UnmatchedSettings {
    let pinned = pins.pinned().map(|(name, _)| name);
    let names: Vec<_> = listed.iter().map(ToolDefinition::name).chain(pinned).collect();
    upstream.spec().tools.unmatched(&names)
}

/// Returns the tools that may be served, pinned and new ones, and the others with the reasons.
fn tools_of(upstream: &Upstream, pins: &UpstreamPins, listed: &[ToolDefinition]) -> UpstreamTools {
    let comparison = PinComparison::new(pins, listed);
    let is_strict = unmatched(upstream, pins, listed).is_strict;
    let served = listed.iter().filter_map(|tool| {
        let state = comparison.state(tool.name())?;
        let mut settings = upstream.spec().tools.of(tool.name());
        if is_strict && settings.risk_set().is_none() {
            settings = settings.risk(Risk::Critical);
        }
        // A pinned tool has the text that was approved: the order of keys in a new list is not to
        // change what waiting calls were shown.
        let definition = match state {
            PinState::Pinned => pins.pin(tool.name())?.definition(),
            PinState::New => tool,
            PinState::Changed | PinState::Vanished => return None,
        };
        Some(ServedTool { definition: definition.clone(), state, settings })
    });
    let withheld = comparison
        .entries()
        .iter()
        .filter_map(|entry| Some((entry.name.clone(), Withheld::of(entry.state)?)));
    UpstreamTools { served: served.collect(), withheld: withheld.collect() }
}

#[cfg(test)]
mod tests {
    use super::super::{UpstreamCommand, UpstreamSpec};
    use super::*;
    use crate::server::CallClients;

    fn upstream() -> Upstream {
        let spec = UpstreamSpec::command("a", UpstreamCommand::new("server", [""; 0]));
        Upstream::new(spec, CallClients::default())
    }

    #[test]
    fn a_pinned_tool_is_served_as_it_was_approved_in_any_order_of_its_keys() {
        let approved = r#"{"name":"read","inputSchema":{"type":"object","title":"T"}}"#;
        let listed = r#"{"inputSchema":{"title":"T","type":"object"},"name":"read"}"#;
        let new = r#"{"name":"new","inputSchema":{}}"#;
        let tool = |text: &str| ToolDefinition::parse(text).unwrap();
        let mut pins = UpstreamPins::default();
        pins.pin_tool(Pin::new(tool(approved), "ann", "2026-12-01T09:00:00Z"));
        let upstream = upstream();
        let served = tools_of(&upstream, &pins, &[tool(listed), tool(new)]).served;
        let [read, other] = served.as_slice() else { panic!("{served:?}") };
        assert_eq!((read.state, other.state), (PinState::Pinned, PinState::New));
        assert_eq!(read.definition.tree().to_text(), approved);
        let changed = approved.replace("\"T\"", "\"U\"");
        assert!(tools_of(&upstream, &pins, &[tool(&changed)]).served.is_empty());
    }

    #[tokio::test]
    async fn invariant_2_only_the_first_list_is_trusted_also_if_it_was_empty() {
        let mut list = DefinitionList::default();
        list.add_page(r#"{"tools":[{"name":"read","inputSchema":{}}]}"#).unwrap();
        for (first, state) in
            [(list.clone(), PinState::Pinned), (DefinitionList::default(), PinState::New)]
        {
            let folder = tempfile::tempdir().unwrap();
            let pins = PinFile::new(folder.path().join("pins.json"));
            let upstreams = vec![upstream()];
            let gate = Gate::builder().build().await.unwrap();
            let assembly =
                Assembly::new(gate, pins.clone(), FirstUse::Pin, upstreams, Arc::default());
            assembly.compare(0, &first).await.unwrap();
            assembly.compare(0, &list).await.unwrap();
            let document = pins.read().unwrap();
            let comparison = document.upstream("a").unwrap().comparison();
            assert_eq!(comparison.state("read"), Some(state));
        }
    }
}
