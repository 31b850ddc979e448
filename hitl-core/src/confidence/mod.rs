//! The gate's confidence that a call needs no human, and its reasons.

mod amount;
mod assess;
mod factors;
mod scorer;
mod signal;
mod standard;
mod view;

pub use assess::{Assessment, assess};
pub(crate) use assess::{CONTENT, OWN_FILE};
pub use factors::{ReviewerFactor, reviewer_factors, weighted};
pub(crate) use scorer::{NoOpinion, weigh};
pub use scorer::{Opinion, ScoreError, ScoredCall, Scorer};
pub use signal::{Factor, FactorSource, Signal, Signals};
pub use standard::{
    AdminRole, BulkAction, LargeAmount, ManyRecipients, TimeSensitive, VerifiedWorkspace,
};
pub use view::{ArgumentsView, CallView};
pub(crate) use view::{LazyTree, OwnedCall};
