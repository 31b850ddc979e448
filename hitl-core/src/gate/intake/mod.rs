//! A call arrives: it is read, evaluated and submitted.

pub(super) mod attach;
pub(super) mod attribution;
pub(super) mod batch;
pub(super) mod call_builder;
pub(super) mod cancel_on_drop;
pub(super) mod complete_evaluation;
pub(super) mod entry;
pub(super) mod grant_use;
pub(super) mod incoming_call;
pub(super) mod preview;
pub(super) mod prior_rejection;
pub(super) mod read_model_call;
pub(super) mod repeat;
pub(super) mod repeated_effect;
pub(super) mod resubmit;
pub(super) mod retry_failed;
pub(super) mod round_trip;
pub(super) mod store_call;
pub(super) mod submit;
pub(super) mod submit_builder;
pub(super) mod submit_options;
