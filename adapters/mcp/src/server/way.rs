//! The way in which a client learns of a call that waits. Pure.

use hitl_base::Timestamp;
use hitl_core::ApprovalRequest;
use hitl_core::approval::{Choice, DecisionChannel, DetailLevel, ReviewCard};
use rmcp::model::{ClientCapabilities, ProtocolVersion};

use super::form_text::form_text;
use super::options::Elicitation;
use super::pending::Place;

/// The longest text of a form, in bytes. A call with a longer one is decided where it can be read.
const MAX_TEXT: usize = 16 * 1024;

/// The part of the protocol's history that a client belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// Before 2026-07-28: a handshake, and requests from the server to the client.
    Sessions,
    /// Since 2026-07-28: requests that stand for themselves.
    Stateless,
}

/// The abilities of a client, as it declared them with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientKind {
    pub(super) era: Era,
    pub(super) forms: bool,
    pub(super) tasks: bool,
}

impl ClientKind {
    pub(super) fn of(
        version: Option<&ProtocolVersion>,
        capabilities: Option<&ClientCapabilities>,
    ) -> Self {
        // Versions are dates, so their texts are in their order.
        let since = |first: &ProtocolVersion| {
            version.is_some_and(|version| version.as_str() >= first.as_str())
        };
        let stateless = since(&ProtocolVersion::V_2026_07_28);
        let declared = capabilities.and_then(|declared| declared.elicitation.as_ref());
        // A client that declares neither kind has forms.
        let forms = declared.is_some_and(|kinds| kinds.form.is_some() || kinds.url.is_none());
        Self {
            era: if stateless { Era::Stateless } else { Era::Sessions },
            forms: forms && since(&ProtocolVersion::V_2025_06_18),
            tasks: stateless && capabilities.is_some_and(ClientCapabilities::supports_tasks),
        }
    }
}

/// The way in which a client learns of a call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is asked by the answer to its request, and comes back with what its user said.
    InputRequired,
    /// It is asked by a request of the server.
    Elicit,
    /// It gets a task.
    Task,
    /// The answer is held back.
    Hold,
}

/// The answer to whether the client's user can be asked about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Askable {
    Yes,
    /// The call needs more than a form can give, or its user was asked and did not decide.
    No,
}

/// Returns the way for a call that waits for a decision.
pub(super) fn way(setting: Elicitation, askable: Askable, client: ClientKind) -> Way {
    let asks = setting == Elicitation::Quick && askable == Askable::Yes && client.forms;
    match (asks, client.era, client.tasks) {
        (true, Era::Stateless, _) => Way::InputRequired,
        (true, Era::Sessions, _) => Way::Elicit,
        (false, _, true) => Way::Task,
        (false, _, false) => Way::Hold,
    }
}

/// Returns the text of a form about a call, if one person's quick yes decides the call and the text
/// shows all of it.
pub(super) fn text_for_form(
    request: &ApprovalRequest,
    place: &Place,
    now: Timestamp,
) -> Option<String> {
    let has = |choice| request.choices.contains(&choice);
    let one_quick_yes = request.may_be_approved_through(&DecisionChannel::ELICITATION).is_ok()
        && request.requester_may_approve()
        && has(Choice::Approve)
        && has(Choice::Reject);
    if !one_quick_yes {
        return None;
    }
    let card = request.render(now, DetailLevel::Full);
    if card.to_uncover > 0 || !shows_everything(&card) {
        return None;
    }
    Some(form_text(request, &card, place)).filter(|text| text.len() <= MAX_TEXT)
}

fn shows_everything(card: &ReviewCard) -> bool {
    card.sections.iter().flat_map(|section| &section.lines).all(|line| line.withheld.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_the_first_that_client_and_call_allow() {
        for setting in [Elicitation::Off, Elicitation::Quick] {
            for askable in [Askable::Yes, Askable::No] {
                for era in [Era::Sessions, Era::Stateless] {
                    for (forms, tasks) in
                        [(false, false), (false, true), (true, false), (true, true)]
                    {
                        let asks =
                            setting == Elicitation::Quick && askable == Askable::Yes && forms;
                        let expected = if asks && era == Era::Stateless {
                            Way::InputRequired
                        } else if asks {
                            Way::Elicit
                        } else if tasks {
                            Way::Task
                        } else {
                            Way::Hold
                        };
                        let client = ClientKind { era, forms, tasks };
                        assert_eq!(way(setting, askable, client), expected, "{client:?}");
                    }
                }
            }
        }
    }

    fn kind(version: &str, capabilities: &str) -> ClientKind {
        let version: ProtocolVersion = serde_json::from_value(serde_json::json!(version)).unwrap();
        let capabilities: ClientCapabilities = serde_json::from_str(capabilities).unwrap();
        ClientKind::of(Some(&version), Some(&capabilities))
    }

    #[test]
    fn a_client_can_do_what_it_declared_in_its_version() {
        let all = r#"{"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}"#;
        let sessions = |forms| ClientKind { era: Era::Sessions, forms, tasks: false };
        assert_eq!(kind("2024-11-05", all), sessions(false));
        assert_eq!(kind("2025-03-26", all), sessions(false));
        assert_eq!(kind("2025-06-18", all), sessions(true));
        assert_eq!(kind("2025-11-25", all), sessions(true));
        let stateless = |forms, tasks| ClientKind { era: Era::Stateless, forms, tasks };
        assert_eq!(kind("2026-07-28", all), stateless(true, true));
        assert_eq!(kind("2026-07-28", "{}"), stateless(false, false));
        assert_eq!(kind("2026-07-28", r#"{"elicitation": {"form": {}}}"#), stateless(true, false));
        assert_eq!(kind("2026-07-28", r#"{"elicitation": {"url": {}}}"#), stateless(false, false));
        let both = r#"{"elicitation": {"url": {}, "form": {}}}"#;
        assert_eq!(kind("2026-07-28", both), stateless(true, false));
        assert_eq!(ClientKind::of(None, None), sessions(false));
    }
}
