//! The channels through which decisions come, and the sets of them that may approve a call.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most characters of a channel's name.
const LONGEST: usize = 32;

/// The channel through which a decision came: where a person saw the request and answered it.
///
/// The code that takes the answer names its own channel
/// ([`DecisionDraft::through`](crate::approval::DecisionDraft::through)); it must not take the
/// channel from the client that sends the answer. Without one, the channel is
/// [`HOST`](Self::HOST). The record, the history and the audit keep it, and a policy can restrict
/// the channels through which a call may be approved
/// ([`Rule::channels`](crate::policy::Rule::channels)).
///
/// The set is open: a host names its own channels. A name has 1 to 32 characters of `a` to `z`,
/// `0` to `9` and `-`, and begins with a letter.
///
/// ```
/// use hitl::approval::DecisionChannel;
/// # fn main() -> Result<(), hitl::approval::InvalidChannel> {
/// let pager = DecisionChannel::new("pager")?;
/// assert_eq!(pager.name(), "pager");
/// assert!(DecisionChannel::new("The pager").is_err());
/// # Ok(())
/// # }
/// # fn decide(request: &hitl::ApprovalRequest, pager: DecisionChannel) {
/// let decision = request.approve().through(pager).by("ann");
/// # drop(decision);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionChannel(Cow<'static, str>);

/// The error for a text that is no name of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the name of a channel: it has 1 to 32 characters of a to z, 0 to 9 and -, and begins with a letter"
)]
pub struct InvalidChannel(());

impl DecisionChannel {
    /// The host's own code. The default.
    pub const HOST: Self = Self(Cow::Borrowed("host"));
    /// A person at a terminal, who is shown the request and asked.
    pub const TERMINAL: Self = Self(Cow::Borrowed("terminal"));
    /// A command, like `hitl approve`.
    pub const COMMAND_LINE: Self = Self(Cow::Borrowed("command-line"));
    /// The console: its page, and its REST interface.
    pub const CONSOLE: Self = Self(Cow::Borrowed("console"));
    /// A form that the agent's own client shows (MCP elicitation).
    ///
    /// The client also runs the agent, and can answer by itself. So an approval or an edit through
    /// this channel counts only where the request
    /// [may be approved through](crate::ApprovalRequest::may_be_approved_through) it. Rejections
    /// always count.
    pub const ELICITATION: Self = Self(Cow::Borrowed("elicitation"));
    /// A message in a chat.
    pub const CHAT: Self = Self(Cow::Borrowed("chat"));

    /// The channels that hitl names.
    const KNOWN: [Self; 6] = [
        Self::HOST,
        Self::TERMINAL,
        Self::COMMAND_LINE,
        Self::CONSOLE,
        Self::ELICITATION,
        Self::CHAT,
    ];

    /// Returns the channel with this name.
    ///
    /// # Errors
    /// The text is no name of a channel.
    pub fn new(name: &str) -> Result<Self, InvalidChannel> {
        if let Some(known) = Self::KNOWN.into_iter().find(|known| known.name() == name) {
            return Ok(known);
        }
        let is_sign = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && name.len() <= LONGEST && name.chars().all(is_sign) {
            return Ok(Self(Cow::Owned(name.to_owned())));
        }
        Err(InvalidChannel(()))
    }

    /// Returns its name, as in JSON and in rule files.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Returns whether it is the default, so that it need not be written.
    pub(crate) fn is_host(&self) -> bool {
        *self == Self::HOST
    }
}

impl Default for DecisionChannel {
    fn default() -> Self {
        Self::HOST
    }
}

impl fmt::Display for DecisionChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DecisionChannel {
    type Err = InvalidChannel;

    fn from_str(name: &str) -> Result<Self, InvalidChannel> {
        Self::new(name)
    }
}

impl Serialize for DecisionChannel {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DecisionChannel {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(from)?;
        Self::new(&name).map_err(serde::de::Error::custom)
    }
}

/// The channels through which a call may be approved: any, or only those of a list. A
/// join-semilattice like [`Requirement`](super::Requirement): the [`join`](Self::join) of two
/// contains only what both contain.
///
/// Of an empty list, no channel is left: nobody can approve the call.
///
/// In JSON it is a list of names, or `null` for any.
///
/// ```
/// use hitl::approval::DecisionChannel;
/// use hitl::policy::DecisionChannels;
///
/// let desk = DecisionChannels::only([DecisionChannel::CONSOLE, DecisionChannel::TERMINAL]);
/// let page = DecisionChannels::only([DecisionChannel::CONSOLE]);
/// assert_eq!(desk.join(&page), page);
/// assert_eq!(desk.join(&DecisionChannels::ANY), desk);
/// assert!(!desk.include(&DecisionChannel::CHAT));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionChannels(Option<BTreeSet<DecisionChannel>>);

impl DecisionChannels {
    /// Any channel. Joining it to others adds nothing.
    pub const ANY: Self = Self(None);

    /// Returns the channels of this list, and no others.
    pub fn only(channels: impl IntoIterator<Item = DecisionChannel>) -> Self {
        Self(Some(channels.into_iter().collect()))
    }

    /// Returns whether any channel is included.
    pub fn is_any(&self) -> bool {
        self.0.is_none()
    }

    /// Returns whether no channel is included.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Returns whether this channel is included.
    pub fn include(&self, channel: &DecisionChannel) -> bool {
        self.0.as_ref().is_none_or(|channels| channels.contains(channel))
    }

    /// Returns the channels of the list, in alphabetical order; `None` for any channel.
    pub fn list(&self) -> Option<impl Iterator<Item = &DecisionChannel>> {
        self.0.as_ref().map(BTreeSet::iter)
    }

    /// Returns the channels that both include.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => Self(Some(one.intersection(two).cloned().collect())),
            (one, two) => Self(one.clone().or_else(|| two.clone())),
        }
    }

    /// Returns whether every channel that `other` includes is included here.
    pub fn contain(&self, other: &Self) -> bool {
        self.join(other) == *other
    }
}

/// Lists the names, separated by commas: `console, terminal`; `any`, or `none`.
impl fmt::Display for DecisionChannels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(channels) = &self.0 else { return f.write_str("any") };
        if channels.is_empty() {
            return f.write_str("none");
        }
        for (at, channel) in channels.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            f.write_str(channel.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for known in DecisionChannel::KNOWN {
            assert_eq!(DecisionChannel::new(known.name()), Ok(known.clone()));
        }
        let longest = "a".repeat(LONGEST);
        for name in ["pager", "slack-2", "x", longest.as_str()] {
            let channel: DecisionChannel = name.parse().unwrap();
            let json = serde_json::to_string(&channel).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<DecisionChannel>(&json).unwrap(), channel);
        }
        let too_long = "a".repeat(LONGEST + 1);
        for name in ["", "-a", "2fa", "Console", "a b", "a\u{202e}", "é", too_long.as_str()] {
            assert_eq!(DecisionChannel::new(name), Err(InvalidChannel(())), "{name}");
            let json = serde_json::to_string(name).unwrap();
            assert!(serde_json::from_str::<DecisionChannel>(&json).is_err(), "{name}");
        }
    }

    fn any_channels() -> impl Strategy<Value = DecisionChannels> {
        let some = proptest::collection::vec(0..DecisionChannel::KNOWN.len(), 0..4);
        proptest::option::of(some).prop_map(|listed| match listed {
            None => DecisionChannels::ANY,
            Some(listed) => {
                let known = |at: usize| DecisionChannel::KNOWN[at].clone();
                DecisionChannels::only(listed.into_iter().map(known))
            }
        })
    }

    proptest! {
        #[test]
        fn invariant_5_joined_channels_are_those_that_both_include(
            one in any_channels(), two in any_channels(),
        ) {
            let both = one.join(&two);
            prop_assert_eq!(&both, &two.join(&one));
            prop_assert_eq!(&both.join(&one), &both);
            for channel in &DecisionChannel::KNOWN {
                prop_assert_eq!(both.include(channel), one.include(channel) && two.include(channel));
            }
            prop_assert!(one.contain(&both) && two.contain(&both));
            let json = serde_json::to_string(&both).unwrap();
            prop_assert_eq!(serde_json::from_str::<DecisionChannels>(&json).unwrap(), both);
        }
    }
}
