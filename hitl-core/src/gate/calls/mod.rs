//! The stored calls of a gate, and the changes of state that need neither a tool nor a policy.

pub(super) mod call_store;
pub(super) mod lifecycle;
