//! The tools of all upstreams, compared with the pins and put into the gate.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hitl_base::Timestamp;
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
        Self { gate, pins, first_use, upstreams, catalog, tools, changes }
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
        for (tools, upstream) in all.iter_mut().zip(&self.upstreams) {
            let Some(pins) = document.upstream(&upstream.spec().pin_name) else { continue };
            *tools = tools_of(upstream, pins, pins.listed());
            tools.served.retain(|tool| tool.state == PinState::Pinned);
        }
        self.put_into_gate(&all).await;
        Ok(())
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
                let pins = document.upstream_mut(&name);
                if first_use == FirstUse::Pin && pins.is_unknown() {
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
            Err(_) => self.pins.read().map(|_| UpstreamPins::default()),
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
        // With an error of the store the tools are replaced all the same, and only other processes
        // do not know it yet.
        if let Err(error) = self.gate.replace_dyn_tools(tools).await {
            tracing::error!(%error, "the tools could not be recorded for other processes");
        }
        if changes {
            self.changes.send_modify(|changes| *changes += 1);
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
        let is_servable = Withheld::of(state).is_none();
        is_servable.then(|| ServedTool { definition: tool.clone(), state, settings })
    });
    let withheld = comparison
        .entries()
        .iter()
        .filter_map(|entry| Some((entry.name.clone(), Withheld::of(entry.state)?)));
    UpstreamTools { served: served.collect(), withheld: withheld.collect() }
}
