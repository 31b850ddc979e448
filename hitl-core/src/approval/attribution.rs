//! The compiler's error for a decision or a grant that nobody gives.

use super::Decision;
use crate::grant::GrantDraft;

/// An answer that names the person who gives it: a [`Decision`] or a [`GrantDraft`]. An answer
/// without `.by(..)` does not implement it, and the compiler says so.
#[diagnostic::on_unimplemented(
    message = "nobody gives this answer: say who with `.by(..)`",
    label = "`.by(..)` is missing",
    note = "an answer names its person before it is sent: `request.approve().by(\"bob\")`, or `.by(reviewer)` with a `ReviewerIdentity`"
)]
pub trait SaysWhoDecides<T> {
    /// Returns the answer.
    fn attributed(self) -> T;
}

impl SaysWhoDecides<Self> for Decision {
    fn attributed(self) -> Self {
        self
    }
}

impl SaysWhoDecides<Self> for GrantDraft {
    fn attributed(self) -> Self {
        self
    }
}
