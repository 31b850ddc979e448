//! The gate's confidence that a call needs no human, and its reasons.

mod amount;
mod amount_text;
mod asked;
mod assess;
mod currency;
mod factors;
mod general;
mod original;
mod scorer;
mod signal;
mod view;

pub use assess::{Assessment, assess};
pub(crate) use assess::{CONTENT, OWN_FILE, PREVIEW_NOT_SHOWN, PREVIEW_WARNING};
pub use factors::{ReviewerFactor, reviewer_factors, weighted};
pub use general::{AmountSize, Annotations};
pub use original::{
    AdminRole, BulkAction, LargeAmount, ManyRecipients, TimeSensitive, VerifiedWorkspace,
};
pub(crate) use scorer::{NoOpinion, weigh};
pub use scorer::{Opinion, ScoreError, ScoredCall, Scorer};
pub use signal::{Factor, FactorSource, Signal, Signals};
pub use view::{ArgumentsView, CallView};
pub(crate) use view::{LazyTree, OwnedCall};
