//! The calls of a run before the one that is shown.

use hitl_base::Timestamp;
use hitl_core::approval::{EarlierLeftOut, EarlierLine, earlier_text};
use hitl_core::gate::EarlierCalls;
use hitl_core::{CallRecord, CallState, RequestId};
use serde::{Deserialize, Serialize};

/// The number of earlier calls that a card lists.
pub const EARLIER_SHOWN: usize = EarlierCalls::SHOWN;

/// The calls of the run, and of those that it delegated to, before this one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EarlierList {
    /// The newest of them, the newest first.
    pub newest: Vec<EarlierCall>,
    /// The number of those before them.
    pub more: usize,
    /// True if they are too many to be looked through: then none is listed, and `more` is what was
    /// counted.
    #[serde(default)]
    pub too_many: bool,
}

/// An earlier call in one line. Redacted; the title may hold text from a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EarlierCall {
    /// The call's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RequestId,
    /// The tool's name.
    pub tool: String,
    /// One line that says what would happen. Empty once the call is erased.
    pub title: String,
    /// `pending`, `executed`, `rejected`, ..
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: CallState,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
}

impl From<&CallRecord> for EarlierCall {
    fn from(record: &CallRecord) -> Self {
        let request = record.request();
        Self {
            id: request.id,
            tool: request.tool.clone(),
            title: request.title.clone(),
            state: record.state(),
            updated_at: record.updated_at(),
        }
    }
}

impl From<&EarlierCalls> for EarlierList {
    fn from(found: &EarlierCalls) -> Self {
        let EarlierCalls { newest, more, too_many, .. } = found;
        let newest = newest.iter().map(EarlierCall::from).collect();
        Self { newest, more: *more, too_many: *too_many }
    }
}

impl EarlierList {
    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.more == 0
    }

    /// Returns them as lines of text that are safe to show.
    pub fn to_text(&self) -> String {
        let lines = self.newest.iter().map(|call| EarlierLine {
            at: call.updated_at,
            state: call.state,
            title: &call.title,
            tool: &call.tool,
        });
        let left_out = match (self.too_many, self.more) {
            (true, counted) => EarlierLeftOut::All { counted },
            (false, more) => EarlierLeftOut::Before { more },
        };
        earlier_text(lines, left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_9_an_earlier_call_is_one_line_in_which_nothing_hides() {
        let call = |title: &str| EarlierCall {
            id: RequestId::new(),
            tool: "pay".to_owned(),
            title: title.to_owned(),
            state: CallState::Rejected,
            updated_at: Timestamp::EPOCH,
        };
        let newest = vec![call("Pay bob\nexecuted\u{202e}"), call(""), call(&"x".repeat(9_000))];
        let list = EarlierList { newest, more: 12, too_many: false };
        let text = list.to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].ends_with("rejected Pay bob\\nexecuted\\u{202e}"), "{text}");
        assert!(lines[1].ends_with("rejected pay") && lines[2].len() < 300, "{text}");
        assert_eq!(lines[3], "  and 12 more before them");
        assert!(EarlierList::default().is_empty() && !list.is_empty());
        let many = EarlierList { newest: Vec::new(), more: 1_000, too_many: true };
        assert_eq!(many.to_text(), "  more than 1000 earlier calls, not listed\n");
    }
}
