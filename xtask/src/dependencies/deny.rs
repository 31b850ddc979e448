//! deny.toml, as far as the rules read it.

use serde::Deserialize;
use serde::de::IgnoredAny;
use spdx::Licensee;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deny {
    /// Needs the database of advisories.
    #[serde(rename = "advisories")]
    _advisories: Option<IgnoredAny>,
    pub(super) licenses: Licenses,
    pub(super) bans: Bans,
    pub(super) sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Licenses {
    pub(super) allow: Vec<Allowed>,
    #[serde(default)]
    pub(super) include_dev: bool,
    #[serde(default)]
    pub(super) exceptions: Vec<Exception>,
}

/// A licence that a package may have.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Allowed(pub(super) Licensee);

impl TryFrom<String> for Allowed {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Licensee::parse(&name).map(Self).map_err(|error| format!("{error}, in \"{name}\""))
    }
}

/// The licences that one package may have besides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    #[serde(rename = "crate")]
    pub(super) package: Name,
    pub(super) allow: Vec<Allowed>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bans {
    pub(super) multiple_versions: Level,
    pub(super) wildcards: Level,
    pub(super) allow_wildcard_paths: bool,
    pub(super) deny: Vec<Name>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sources {
    pub(super) unknown_registry: Level,
    pub(super) unknown_git: Level,
}

/// Only what is denied fails here; cargo-deny warns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Allow,
    #[default]
    Warn,
    Deny,
}

/// A package in every version.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Name(pub(super) String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name.contains(['@', ':', ' ']) {
            return Err(format!("\"{name}\" names versions, which this does not compare"));
        }
        Ok(Self(name))
    }
}

impl Deny {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            format!("deny.toml says what xtask/src/dependencies/deny.rs cannot read: {error}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "[licenses]\nallow = [\"MIT\"]\n[bans]\n[sources]\n";

    #[test]
    fn what_is_not_named_has_the_defaults_of_cargo_deny() {
        let deny = Deny::read(LEAST).expect("readable");
        assert!(!deny.licenses.include_dev && !deny.bans.allow_wildcard_paths);
        assert_eq!(deny.bans.wildcards, Level::Warn);
        assert_eq!(deny.sources.unknown_git, Level::Warn);
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        let refused = [
            ("[bans]", "[bans]\nskip = [\"a\"]", "unknown field `skip`"),
            ("[bans]", "[bans]\ndeny = [\"a@1\"]", "a@1"),
            ("[sources]", "[sources]\nallow-git = [\"https://x.y\"]", "unknown field `allow-git`"),
            ("[sources]", "[sources]\nunknown-git = \"no\"", "unknown variant `no`"),
            ("MIT", "MITT", "MITT"),
            ("[licenses]", "[graph]\n[licenses]", "unknown field `graph`"),
        ];
        for (from, to, why) in refused {
            let error = Deny::read(&LEAST.replace(from, to)).err().unwrap_or_default();
            assert!(error.contains(why), "{to}: {error}");
        }
    }
}
