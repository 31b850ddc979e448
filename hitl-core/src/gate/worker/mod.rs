//! The work of a gate without a caller: running approved calls, recovery, measuring.

pub(super) mod recover;
#[cfg(feature = "metrics")]
pub(super) mod sample_metrics;
pub(super) mod serve;
