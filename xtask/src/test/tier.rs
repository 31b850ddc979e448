//! The tiers of checks.

/// The extent of `cargo xtask test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Format, lints, unit tests and the contracts on memory and SQLite: while one works.
    Fast,
    /// The conditions for a merge. CI runs them.
    Standard,
    /// That, and what takes long: release builds, long races, many deaths.
    Full,
}

/// The variables that tell tests to run at full length.
pub(crate) const FULL: [(&str, &str); 2] = [
    ("HITL_TEST_FULL", "1"),
    // The number of orders in which a race of the scheduler is tried.
    ("HITL_ROUNDS", "5000"),
];

impl Tier {
    /// Returns the flag that selects it, with a space before it.
    pub(crate) const fn flag(self) -> &'static str {
        match self {
            Self::Fast => " --fast",
            Self::Standard => "",
            Self::Full => " --full",
        }
    }
}
