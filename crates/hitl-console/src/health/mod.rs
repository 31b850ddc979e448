//! The state of the console, for supervisors and load balancers.

mod probe;
mod readiness;

pub(crate) use probe::Probe;
pub(crate) use readiness::{AuditHealth, PolicyHealth, Readiness, StoreHealth};
