//! The length of tests that race or kill many times.

/// Returns the first number if `HITL_TEST_FULL` is set, as `cargo xtask test --full` does, and the
/// second otherwise.
pub(crate) fn full_or_brief<N>(full: N, brief: N) -> N {
    if std::env::var_os("HITL_TEST_FULL").is_some() { full } else { brief }
}
