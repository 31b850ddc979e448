//! Who settled a call after its decision. Pure.

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::Principal;

use super::{ChangeEntry, exactly};

/// The maximum number of characters of a name.
const NAME: usize = 60;

/// Who or what settled a call whose outcome was unknown, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settlement {
    /// The person; `None` if the tool's own reconcile did.
    by: Option<Principal>,
    at: Timestamp,
}

impl Settlement {
    /// A person's settlement.
    pub(crate) fn by(person: Principal, at: Timestamp) -> Self {
        Self { by: Some(person), at }
    }

    /// Returns the settlement that a change is, if it is one.
    pub(crate) fn of(change: &ChangeEntry) -> Option<Self> {
        match change.event.as_str() {
            "resolve" => Some(Self { by: change.by.clone(), at: change.at }),
            "reconcile" => Some(Self { by: None, at: change.at }),
            _ => None,
        }
    }

    /// Renders it as a part of a sentence.
    pub(crate) fn text(&self, now: Timestamp) -> String {
        let by = self.by.as_ref().map(|by| visible(&clip(by.as_str(), NAME)).into_owned());
        let by = by.unwrap_or_else(|| "its tool's own reconcile".to_owned());
        format!("settled by {by} {}", exactly(self.at, now))
    }
}
