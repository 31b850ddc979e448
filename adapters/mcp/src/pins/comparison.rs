//! The pins of an upstream against its list of tools. Pure.

use std::collections::BTreeSet;

use super::{ToolDefinition, UpstreamPins};

/// The state of a tool under the pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: a listed tool is pinned, pinned differently, or not at all.
pub enum PinState {
    /// It is listed exactly as a person has approved it.
    Pinned,
    /// It is listed and was never approved: every call needs an approval at level Full.
    New,
    /// It is listed differently from what was approved: it is left out, and its calls are denied.
    Changed,
    /// It was approved and is no longer listed.
    Vanished,
}

impl PinState {
    /// Returns the word for lists: `pinned`, `new`, `changed` or `vanished`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Vanished => "vanished",
        }
    }
}

/// A tool, and how it stands to the pins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinEntry {
    /// Its name at the upstream.
    pub name: String,
    /// Its state.
    pub state: PinState,
    /// The name under which a tool with otherwise the same definition was approved and is no longer
    /// listed. The new name is new all the same: a name decides what a model takes a tool for.
    pub renamed_from: Option<String>,
}

/// All tools of one upstream, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinComparison {
    entries: Vec<PinEntry>,
}

impl PinComparison {
    /// Compares what is listed with the pins of its upstream.
    pub fn new(pins: &UpstreamPins, listed: &[ToolDefinition]) -> Self {
        let listed_names: BTreeSet<&str> = listed.iter().map(ToolDefinition::name).collect();
        let vanished: Vec<_> =
            pins.pinned().filter(|(name, _)| !listed_names.contains(name)).collect();
        let mut entries: Vec<PinEntry> = listed
            .iter()
            .map(|tool| {
                let state = match pins.pin(tool.name()) {
                    Some(pin) if pin.definition() == tool => PinState::Pinned,
                    Some(_) => PinState::Changed,
                    None => PinState::New,
                };
                let renamed_from = (state == PinState::New)
                    .then(|| {
                        vanished.iter().find(|(_, pin)| tool.is_renamed_from(pin.definition()))
                    })
                    .flatten()
                    .map(|(name, _)| (*name).to_owned());
                PinEntry { name: tool.name().to_owned(), state, renamed_from }
            })
            .collect();
        entries.extend(vanished.iter().map(|(name, _)| PinEntry {
            name: (*name).to_owned(),
            state: PinState::Vanished,
            renamed_from: None,
        }));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Self { entries }
    }

    /// Returns the tools in the order of their names.
    pub fn entries(&self) -> &[PinEntry] {
        &self.entries
    }

    /// Returns the state of a tool; `None` if it is neither listed nor pinned.
    pub fn state(&self, name: &str) -> Option<PinState> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pins::Pin;

    fn tool(name: &str, description: &str) -> ToolDefinition {
        let text =
            format!(r#"{{"name":"{name}","description":"{description}","inputSchema":{{}}}}"#);
        ToolDefinition::parse(&text).unwrap()
    }

    #[test]
    fn every_state_and_a_rename() {
        let mut pins = UpstreamPins::default();
        for name in ["same", "other", "gone", "old"] {
            pins.pin_tool(Pin::new(tool(name, name), "ann", "2026-12-01T00:00:00Z"));
        }
        let listed =
            [tool("same", "same"), tool("other", "else"), tool("brand", "x"), tool("now", "old")];
        let comparison = PinComparison::new(&pins, &listed);
        let states: Vec<_> = comparison
            .entries()
            .iter()
            .map(|it| (it.name.as_str(), it.state.as_str(), it.renamed_from.as_deref()))
            .collect();
        assert_eq!(
            states,
            [
                ("brand", "new", None),
                ("gone", "vanished", None),
                ("now", "new", Some("old")),
                ("old", "vanished", None),
                ("other", "changed", None),
                ("same", "pinned", None),
            ]
        );
        assert_eq!(comparison.state("none"), None);
    }
}
