//! A request without its masks, and the selection of the masks to remove.

use std::collections::BTreeSet;
use std::fmt;

use hitl_base::{JsonText, Timestamp};

use crate::approval::{ApprovalRequest, DetailLevel, Mask, ReviewCard};

/// A selection of masked places of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaskSelection {
    /// All of them.
    #[default]
    All,
    /// The arguments at these JSON Pointers, as in [`Mask::at`]; at most 200. An argument is
    /// uncovered as a whole, with its key and with the content that it names. A place in the
    /// preview uncovers the whole preview, as `preview:` does.
    At(BTreeSet<String>),
}

impl MaskSelection {
    /// Selects the place at this JSON Pointer, as in [`Mask::at`].
    pub fn at(pointer: impl Into<String>) -> Self {
        Self::At(BTreeSet::from([pointer.into()]))
    }

    /// Returns whether the selection includes a place.
    pub(super) fn has(&self, pointer: &str) -> bool {
        match self {
            Self::All => true,
            Self::At(pointers) => pointers.contains(pointer),
        }
    }
}

/// A request without the masks of redaction, only for the reviewer who asked for it.
///
/// Its arguments contain secrets. Show them, and do not log, send or store them. `Debug` does not
/// print them.
#[derive(Clone)]
pub struct UncoveredRequest {
    pub(super) request: ApprovalRequest,
    pub(super) places: Vec<UncoveredPlace>,
}

/// A place in the arguments that was uncovered.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UncoveredPlace {
    /// A JSON Pointer into the arguments of the request that was shown; `preview:` for its preview.
    pub at: String,
    /// The last key of the pointer, if that was masked.
    pub key: Option<String>,
    /// The value, exactly as it will run, or the text that the argument names, or the items of the
    /// preview by their labels; without values that the host declared sensitive.
    pub value: JsonText,
}

impl UncoveredRequest {
    /// Returns the arguments, with masks for places that were not selected and for values that the
    /// host declared sensitive.
    pub fn arguments(&self) -> &JsonText {
        &self.request.arguments
    }

    /// Returns the uncovered places in the order of the arguments, at most a thousand. The
    /// [arguments](Self::arguments) contain all.
    pub fn places(&self) -> &[UncoveredPlace] {
        &self.places
    }

    /// Returns the remaining masks.
    pub fn masks(&self) -> &[Mask] {
        &self.request.masks
    }

    /// Renders the uncovered request, as [`ApprovalRequest::render`] does.
    pub fn render(&self, now: Timestamp, extent: DetailLevel) -> ReviewCard {
        self.request.render(now, extent)
    }
}

impl fmt::Debug for UncoveredRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UncoveredRequest({}, {} places)", self.request.id, self.places.len())
    }
}

impl fmt::Debug for UncoveredPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UncoveredPlace({:?})", self.at)
    }
}
