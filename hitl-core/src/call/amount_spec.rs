//! An argument that is an amount.

/// An argument that is an amount, of money or of anything else of which more is worse, and the
/// limit up to which it is ordinary.
///
/// ```
/// use hitl::call::{AmountSpec, ToolConfig};
///
/// const AMOUNTS: &[AmountSpec] = &[AmountSpec::new("price").limit(250)];
/// let config = ToolConfig::DEFAULT.amounts(AMOUNTS);
/// assert_eq!(config.amounts[0].limit, 250);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AmountSpec {
    /// The argument's name, as in the schema.
    pub argument: &'static str,
    /// The limit, in the argument's own unit. Confidence falls as the amount approaches and exceeds
    /// it.
    pub limit: u64,
}

impl AmountSpec {
    /// The limit of an amount without a limit of its own: 1000.
    pub const DEFAULT_LIMIT: u64 = 1000;

    /// Declares that an argument is an amount.
    pub const fn new(argument: &'static str) -> Self {
        Self { argument, limit: Self::DEFAULT_LIMIT }
    }

    /// Sets the limit, in the argument's own unit.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }
}
