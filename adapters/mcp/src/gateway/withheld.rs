//! Why a tool of an upstream is not served, in words for the model that calls it. Pure.

use hitl_base::display::visible;

use crate::pins::PinState;

/// The reason for which a tool that exists, or did, is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withheld {
    /// Its definition is not the one that a person approved.
    Changed,
    /// A person approved it, and its server no longer lists it.
    Vanished,
    /// The pins cannot be read.
    PinsUnreadable,
    /// It cannot be offered as its server defines it.
    Refused,
}

impl Withheld {
    /// Returns the reason for a tool that stands so to the pins. `None` if it is served.
    pub(super) fn of(state: PinState) -> Option<Self> {
        match state {
            PinState::Changed => Some(Self::Changed),
            PinState::Vanished => Some(Self::Vanished),
            PinState::Pinned | PinState::New => None,
        }
    }

    /// Returns the text for the model that calls the tool of this name.
    pub(super) fn for_model(self, name: &str) -> String {
        let name = visible(name);
        match self {
            Self::Changed => format!(
                "Nothing ran: the definition of `{name}` changed since a person approved it; it does not run until an \
                 operator has looked at `hitl mcp pins diff` and approved. Tell your user; do not look for another way."
            ),
            Self::Vanished => format!(
                "Nothing ran: the server of `{name}` no longer offers it, although a person approved it. An operator \
                 can look at `hitl mcp pins list`."
            ),
            Self::PinsUnreadable => format!(
                "Nothing ran: the record of what people have approved cannot be read, so `{name}` does not run until \
                 an operator has repaired it. The log of the gateway says what is wrong."
            ),
            Self::Refused => format!(
                "Nothing ran: `{name}` cannot be offered as its server defines it. The log of the gateway says why."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_2_what_is_withheld_is_what_is_not_served() {
        assert_eq!(Withheld::of(PinState::Pinned), None);
        assert_eq!(Withheld::of(PinState::New), None);
        assert_eq!(Withheld::of(PinState::Changed), Some(Withheld::Changed));
        assert_eq!(Withheld::of(PinState::Vanished), Some(Withheld::Vanished));
    }

    #[test]
    fn every_text_names_the_tool_says_that_nothing_ran_and_hides_nothing() {
        for reason in
            [Withheld::Changed, Withheld::Vanished, Withheld::PinsUnreadable, Withheld::Refused]
        {
            let text = reason.for_model("a\u{200b}b");
            assert!(text.starts_with("Nothing ran: ") && text.contains(r"`a\u{200b}b`"), "{text}");
        }
        assert!(Withheld::Changed.for_model("x").contains("`hitl mcp pins diff`"));
    }
}
