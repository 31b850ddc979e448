//! The places that a reviewer does not see at first, and the reasons.

use std::fmt::Write as _;

use hitl_base::redact::MaskReason;
use serde::{Deserialize, Serialize};

use super::{ApprovalRequest, Content, RequestPreview};

/// The most masks that a request lists. Those beyond are only counted.
pub(crate) const MAX_MASKS: usize = 200;

/// A place in a request's arguments that is masked.
///
/// Only what the host declared sensitive is withheld from the person who decides. They can
/// [uncover](crate::Gate::uncover) every other mask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Mask {
    /// The place: a JSON Pointer (RFC 6901) into the request's arguments. In a preview, `preview:`
    /// and a pointer into its items.
    pub at: String,
    /// True if the mask is in the last key of the pointer, and not in the value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_key: bool,
    /// The offset of the mask in that text, in characters.
    #[serde(default)]
    pub start: usize,
    /// The reason for the mask.
    pub reason: MaskReason,
    /// The number of characters that it covers. `None` for what the host declared sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<usize>,
    /// A keyed digest of what it covers. Equal values in one request have equal fingerprints;
    /// across requests this holds only for values that are too long to be guessed. `None` for what
    /// the host declared sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// True if the host declared it sensitive: nobody can uncover it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub declared: bool,
}

impl Mask {
    /// Describes in words what the mask covers.
    pub fn says(&self) -> String {
        let mut says = self.reason.says().to_owned();
        if let Some(characters) = self.characters {
            let plural = if characters == 1 { "" } else { "s" };
            // Writing to a String cannot fail.
            let _ = write!(says, ": {characters} character{plural}");
        }
        if let Some(fingerprint) = &self.fingerprint {
            says.push_str(", fingerprint ");
            says.push_str(fingerprint);
        }
        says
    }
}

/// The host's rule on showing a reviewer, who may decide a request, what redaction masks in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: allowed or forbidden.
pub enum Uncovering {
    /// Reviewers may uncover masks, and the audit records it. What the host declared sensitive
    /// stays withheld.
    #[default]
    Allowed,
    /// Nobody may uncover masks. A call with a masked place then needs
    /// [`Full`](crate::ApprovalLevel::Full).
    Forbidden,
}

impl Uncovering {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_allowed(&self) -> bool {
        *self == Self::Allowed
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The first version of the binding whose requests list their masks.
const LISTED_SINCE: u16 = 2;

impl ApprovalRequest {
    /// Returns the number of masked places that the host did not declare sensitive.
    ///
    /// A request of a version that listed no masks has one if its arguments hold a mask. In later
    /// versions a text that only looks like a mask does not count: the model may write such a text.
    pub fn undeclared_masks(&self) -> usize {
        let listed = self.masks.iter().filter(|mask| !mask.declared).count();
        let lists_masks = self.binding_version >= LISTED_SINCE;
        let unlisted =
            !lists_masks && self.masks.is_empty() && self.arguments.as_str().contains("[redacted");
        let in_contents: usize = self.contents.iter().map(Content::undeclared_masks).sum();
        let in_preview = self.preview.as_ref().map_or(0, RequestPreview::undeclared_masks);
        listed + self.more_masks + in_contents + in_preview + usize::from(unlisted)
    }

    /// Returns whether a place is masked that a reviewer may uncover. A surface that cannot
    /// [uncover](crate::Gate::uncover) it does not decide this request: it says where to decide.
    pub fn needs_uncovering(&self) -> bool {
        self.uncovering.is_allowed() && self.undeclared_masks() > 0
    }
}
