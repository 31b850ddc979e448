//! A request with its masks taken off, and the selection of the masks.

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
    /// The arguments that these JSON Pointers name, as [`Mask::at`] gives them; at most 200. An
    /// argument is uncovered as a whole, with its key and with what it names.
    At(BTreeSet<String>),
}

impl MaskSelection {
    /// Selects the place that this JSON Pointer names, as [`Mask::at`] gives it.
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

/// A request without the masks of redaction, for the eye of the reviewer who asked for it.
///
/// Its arguments hold secrets. Show them, and do not log, send or keep them. `Debug` does not write
/// them.
#[derive(Clone)]
pub struct UncoveredRequest {
    pub(super) request: ApprovalRequest,
    pub(super) places: Vec<UncoveredPlace>,
}

/// A place in the arguments that was uncovered.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UncoveredPlace {
    /// A JSON Pointer into the arguments of the request that was shown.
    pub at: String,
    /// The key that the pointer ends with, if that was masked.
    pub key: Option<String>,
    /// The value, exactly as it will run, or the text that the argument names; without what the
    /// host declared sensitive.
    pub value: JsonText,
}

impl UncoveredRequest {
    /// Returns the arguments, with masks for places that were not selected and for what the host
    /// declared sensitive.
    pub fn arguments(&self) -> &JsonText {
        &self.request.arguments
    }

    /// Returns the uncovered places in the order of the arguments, at most a thousand. The
    /// [arguments](Self::arguments) have all.
    pub fn places(&self) -> &[UncoveredPlace] {
        &self.places
    }

    /// Returns the masks that are left.
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
