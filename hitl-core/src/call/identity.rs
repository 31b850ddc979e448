//! The kind of a principal, and the comparison of names that may belong to one person. Pure.
//!
//! The kind is part of the name, as in `agent:claude-code`, so that no code that stores, sends or
//! shows a name can lose it. A name without a kind is a human's: the host that provides it vouches
//! for that.

use std::borrow::Cow;
use std::fmt;

use hitl_base::display::{has_equivalent, is_unseen, lookalike};
use serde::{Deserialize, Serialize};

use super::Principal;

/// The kind of a principal.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person. The default for a name without a kind.
    #[default]
    Human,
    /// A program that a model controls: its name has the prefix `agent:`.
    Agent,
    /// A program that no model controls: its name has the prefix `service:`.
    Service,
}

impl PrincipalKind {
    /// Returns its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const AGENT: &str = "agent:";
const SERVICE: &str = "service:";

impl Principal {
    /// Creates an agent of this name: a program that a model controls. It may ask; it answers no
    /// question, unless the host lets agents decide about a tool.
    ///
    /// ```
    /// use hitl::{call::PrincipalKind, Principal};
    /// let agent = Principal::agent("claude-code");
    /// assert_eq!((agent.as_str(), agent.kind()), ("agent:claude-code", PrincipalKind::Agent));
    /// assert_eq!(Principal::new("ann").kind(), PrincipalKind::Human);
    /// ```
    pub fn agent(name: impl AsRef<str>) -> Self {
        Self::new(format!("{AGENT}{}", name.as_ref()))
    }

    /// Creates a service of this name: a program that no model controls. It may ask; it answers no
    /// question, unless the host lets services decide about a tool.
    pub fn service(name: impl AsRef<str>) -> Self {
        Self::new(format!("{SERVICE}{}", name.as_ref()))
    }

    /// Returns the kind in the name; human if there is none.
    pub fn kind(&self) -> PrincipalKind {
        let spelling = spelling(self.as_str());
        match () {
            () if spelling.starts_with(AGENT) => PrincipalKind::Agent,
            () if spelling.starts_with(SERVICE) => PrincipalKind::Service,
            () => PrincipalKind::Human,
        }
    }

    /// Returns whether the name has any visible character besides its kind.
    pub(crate) fn is_named(&self) -> bool {
        !without_kind(&spelling(self.as_str())).is_empty()
    }

    /// Returns the name as identities are compared unless a directory knows better: ASCII letters
    /// in lower case, without invisible characters and surrounding spaces.
    #[must_use]
    pub fn folded(&self) -> Self {
        match folded(self.as_str()) {
            Cow::Borrowed(_) => self.clone(),
            Cow::Owned(folded) => Self::new(folded),
        }
    }

    /// Returns the name in the form that detects two spellings of one person:
    /// [folded](Self::folded), without spaces, in the lower case of any alphabet, and without full
    /// width.
    #[cfg(feature = "people")]
    pub(crate) fn spelling(&self) -> Cow<'_, str> {
        spelling(self.as_str())
    }

    /// Makes a name without a kind an agent's.
    pub(crate) fn not_human(self) -> Self {
        match self.kind() {
            PrincipalKind::Human => Self::agent(self.as_str()),
            _ => self,
        }
    }
}

fn folded(name: &str) -> Cow<'_, str> {
    let trimmed = name.trim();
    if trimmed.len() == name.len() && !name.chars().any(|c| c.is_ascii_uppercase() || is_unseen(c))
    {
        return Cow::Borrowed(name);
    }
    let seen: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    Cow::Owned(seen.trim().to_ascii_lowercase())
}

/// A principal in comparable form: its name, and the name that the directory gives it, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'p> {
    name: &'p Principal,
    canonical: Option<&'p Principal>,
    /// Further names that the directory gives them now.
    also: &'p [Principal],
}

impl<'p> Identity<'p> {
    pub(crate) fn new(name: &'p Principal, canonical: Option<&'p Principal>) -> Self {
        Self { name, canonical, also: &[] }
    }

    /// Adds further names of the same person.
    pub(crate) fn also(self, also: &'p [Principal]) -> Self {
        Self { also, ..self }
    }

    /// Returns whether both may be one person: any of their names is the same. A gate without the
    /// directory knows fewer names, and must not take one person for two because of that; and a
    /// program that has a person's name counts as that person.
    pub(crate) fn is(&self, other: &Identity<'_>) -> bool {
        self.names().any(|own| other.names().any(|their| are_one(&own, &their)))
    }

    fn names(&self) -> impl Iterator<Item = Cow<'p, str>> {
        let names = [Some(self.name), self.canonical].into_iter().flatten().chain(self.also);
        names.map(|name| match spelling(name.as_str()) {
            Cow::Borrowed(name) => Cow::Borrowed(without_kind(name)),
            Cow::Owned(name) => Cow::Owned(without_kind(&name).to_owned()),
        })
    }
}

/// Returns whether two names in normalized spelling may belong to one person: they are equal, or
/// both have letters beyond ASCII and one has another spelling that looks the same, so that they
/// cannot be told apart.
fn are_one(own: &str, their: &str) -> bool {
    let beyond = || !own.is_ascii() && !their.is_ascii();
    own == their || (beyond() && (has_equivalent(own) || has_equivalent(their)))
}

/// Returns a name [folded](Principal::folded), and without what its writer may have left out or
/// written differently: spaces, and the case of any alphabet; full-width letters and signs become
/// those of ASCII.
fn spelling(name: &str) -> Cow<'_, str> {
    let folded = folded(name);
    if folded.bytes().all(|byte| byte.is_ascii() && byte != b' ') {
        return folded;
    }
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => lookalike(c).unwrap_or(c),
        c => c,
    };
    let seen = folded.chars().filter(|c| !c.is_whitespace()).map(narrow);
    let lower = seen.collect::<String>().to_lowercase();
    Cow::Owned(lower.replace('\u{df}', "ss").replace('\u{3c2}', "\u{3c3}"))
}

fn without_kind(name: &str) -> &str {
    let bare = name.strip_prefix(AGENT).or_else(|| name.strip_prefix(SERVICE));
    bare.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let (one, other) = (Principal::new(one), Principal::new(other));
        Identity::new(&one, None).is(&Identity::new(&other, None))
    }

    #[test]
    fn invariant_7_one_person_in_two_spellings_is_one_person() {
        for other in [
            "ann@x",
            "Ann@X",
            " ann@x",
            "ann@x\n",
            "an\u{200b}n@x",
            "\u{a0}ANN@x\u{feff}",
            "agent:Ann@x",
        ] {
            assert!(same("ann@x", other) && same(other, "ann@x"), "{other:?}");
        }
        for (one, other) in [
            ("\u{e9}mile", "\u{c9}MILE"),
            ("\u{e9}mile", "e\u{301}mile"),
            ("kim", "\u{212a}im"),
            ("ann lee", "ann\u{a0}lee"),
            ("ann lee", "ann  LEE"),
            ("ann", "\u{ff41}\u{ff2e}n"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{3a3}\u{399}\u{3a3}", "\u{3c3}\u{3b9}\u{3c2}"),
            ("\u{438}\u{432}\u{430}\u{43d}", "\u{418}\u{412}\u{410}\u{41d}"),
        ] {
            assert!(same(one, other) && same(other, one), "{one:?} {other:?}");
        }
        assert!(!same("\u{e9}mile", "\u{e9}mil") && !same("\u{e9}mile", "emile"));
        for other in ["ann", "ann@y", "bann@x", "", "agent:", "ann@x agent:", "ann.x"] {
            assert!(!same("ann@x", other) && !same(other, "ann@x"), "{other:?}");
        }
    }

    #[test]
    fn invariant_7_a_name_in_which_nothing_is_seen_is_nobodys() {
        for nameless in ["", " ", "\u{200b}", "agent:", "agent: \u{feff}", "service:\u{2800}"] {
            assert!(!Principal::new(nameless).is_named(), "{nameless:?}");
        }
        assert!(Principal::new("a").is_named() && Principal::agent("x").is_named());
    }

    #[test]
    fn invariant_7_names_that_a_directory_gives_are_compared_with_both() {
        let (ann, number, card) =
            (Principal::new("ann@x"), Principal::new("u-17"), Principal::new("CARD 4"));
        let known = Identity::new(&card, Some(&number));
        assert!(known.is(&Identity::new(&ann, Some(&number))));
        // A gate without a directory knows only the name.
        assert!(known.is(&Identity::new(&number, None)) && known.is(&Identity::new(&card, None)));
        assert!(!known.is(&Identity::new(&ann, None)));
    }

    #[test]
    fn invariant_7_a_kind_is_read_however_it_is_spelt() {
        for agent in [
            "agent:x",
            "Agent:x",
            " AGENT:x",
            "ag\u{200b}ent:x",
            "agent:",
            "agent :x",
            "\u{ff41}gent\u{ff1a}x",
        ] {
            assert_eq!(Principal::new(agent).kind(), PrincipalKind::Agent, "{agent:?}");
        }
        assert_eq!(Principal::service("ci").kind(), PrincipalKind::Service);
        for human in ["ann", "agent", "agent smith", "agents:x", "x:agent:", ""] {
            assert_eq!(Principal::new(human).kind(), PrincipalKind::Human, "{human:?}");
        }
        assert_eq!(Principal::new("codex").not_human(), Principal::agent("codex"));
        assert_eq!(Principal::service("ci").not_human(), Principal::service("ci"));
    }
}
