//! A server's claims about its tool, in the terms of the Model Context Protocol.

use serde::{Deserialize, Serialize};

use crate::call::ToolAnnotations;

/// The annotations of a tool as its server sends them (`readOnlyHint` and so on). Missing hints
/// have the protocol's defaults: not read-only, destructive, not idempotent, open-world.
///
/// ```
/// # use hitl::dynamic::{McpAnnotations, AnnotationTrust};
/// # use hitl::call::ToolAnnotations;
/// let claimed: McpAnnotations = serde_json::from_str(r#"{"readOnlyHint": true}"#)?;
/// // A server that is not trusted cannot talk its tools past the reviewer.
/// assert!(!claimed.applied_to(ToolAnnotations::default(), AnnotationTrust::OnlyTighten).read_only);
/// assert!(claimed.applied_to(ToolAnnotations::default(), AnnotationTrust::Believe).read_only);
/// # Ok::<(), serde_json::Error>(())
/// ```
/// A proxy that reads them with other types sets the fields:
///
/// ```
/// # use hitl::dynamic::McpAnnotations;
/// let mut claimed = McpAnnotations::default();
/// claimed.title = Some("Read file".to_owned());
/// claimed.read_only_hint = Some(true);
/// assert_eq!(claimed, McpAnnotations::new().title("Read file").read_only(true));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct McpAnnotations {
    /// The tool's name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// True if the tool changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// True if the tool may destroy something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// True if a repeated call takes effect once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// True if the tool reaches systems that the host does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

/// The host's trust in the server that annotated a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
// Exhaustive: the claims are believed, or only tighten.
pub enum AnnotationTrust {
    /// No trust: the claims can only make the gate stricter than the host's own hints.
    #[default]
    OnlyTighten,
    /// Full trust, as if the host itself had made the claims.
    Believe,
}

impl McpAnnotations {
    /// Returns annotations that say nothing, so that the protocol's defaults apply.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the tool's name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Claims that the tool changes nothing, or that it may.
    #[must_use]
    pub fn read_only(self, claim: impl Into<Option<bool>>) -> Self {
        Self { read_only_hint: claim.into(), ..self }
    }

    /// Claims that the tool may destroy something, or that it does not.
    #[must_use]
    pub fn destructive(self, claim: impl Into<Option<bool>>) -> Self {
        Self { destructive_hint: claim.into(), ..self }
    }

    /// Claims that a repeated call takes effect once, or that it takes effect again.
    #[must_use]
    pub fn idempotent(self, claim: impl Into<Option<bool>>) -> Self {
        Self { idempotent_hint: claim.into(), ..self }
    }

    /// Claims that the tool reaches systems that the host does not know, or that it does not.
    #[must_use]
    pub fn open_world(self, claim: impl Into<Option<bool>>) -> Self {
        Self { open_world_hint: claim.into(), ..self }
    }

    /// Returns the effective hints: the host's `own`, and the server's claims to the extent that it
    /// is trusted. If two contradict each other, the stricter one applies.
    #[must_use]
    pub fn applied_to(&self, own: ToolAnnotations, trust: AnnotationTrust) -> ToolAnnotations {
        // A permission needs a trusted source that grants it and no source that denies it.
        let allowed = |own: bool, claimed: Option<bool>| match trust {
            AnnotationTrust::OnlyTighten => own && claimed != Some(false),
            AnnotationTrust::Believe => (own || claimed == Some(true)) && claimed != Some(false),
        };
        let destroys = own.destructive || self.destructive_hint == Some(true);
        let read_only = allowed(own.read_only, self.read_only_hint) && !destroys;
        ToolAnnotations {
            read_only,
            destructive: destroys || (!read_only && self.destructive_hint.is_none()),
            idempotent: allowed(own.idempotent, self.idempotent_hint),
            open_world: own.open_world || self.open_world_hint != Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: [Option<bool>; 3] = [None, Some(false), Some(true)];

    fn every() -> impl Iterator<Item = (ToolAnnotations, McpAnnotations)> {
        (0..16 * 81_usize).map(|n| {
            let (own, said) = (n % 16, n / 16);
            let own = ToolAnnotations {
                read_only: own & 1 != 0,
                destructive: own & 2 != 0,
                idempotent: own & 4 != 0,
                open_world: own & 8 != 0,
            };
            let claimed = McpAnnotations {
                read_only_hint: SAID[said % 3],
                destructive_hint: SAID[said / 3 % 3],
                idempotent_hint: SAID[said / 9 % 3],
                open_world_hint: SAID[said / 27 % 3],
                title: None,
            };
            (own, claimed)
        })
    }

    #[test]
    fn invariant_5_a_server_that_is_not_trusted_only_tightens() {
        for (own, claimed) in every() {
            let with = claimed.applied_to(own, AnnotationTrust::OnlyTighten);
            assert!(!with.read_only || own.read_only, "{own:?} {claimed:?}");
            assert!(!with.idempotent || own.idempotent, "{own:?} {claimed:?}");
            assert!(with.destructive || !own.destructive, "{own:?} {claimed:?}");
            assert!(with.open_world || !own.open_world, "{own:?} {claimed:?}");
        }
    }

    #[test]
    fn invariant_5_hints_never_contradict_each_other() {
        for (own, claimed) in every() {
            for trust in [AnnotationTrust::OnlyTighten, AnnotationTrust::Believe] {
                let with = claimed.applied_to(own, trust);
                assert!(!(with.read_only && with.destructive), "{own:?} {claimed:?} {trust:?}");
            }
        }
    }
}
