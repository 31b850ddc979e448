//! How confident the gate is that a call needs no human, and why.

mod amount;
mod assess;
mod factors;
mod signal;
mod standard;
mod view;

pub use assess::{Assessment, assess};
pub use factors::{ReviewerFactor, reviewer_factors, weighted};
pub use signal::{Factor, Signal, Signals};
pub use standard::{
    AdminRole, BulkAction, LargeAmount, ManyRecipients, TimeSensitive, VerifiedWorkspace,
};
pub use view::CallView;
