//! The errors that the check of a spec finds.

/// A reason why a [`ToolSpec`](super::ToolSpec) is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSpec {
    /// The name is not 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    #[error("a tool's name is 1 to 64 of A-Z a-z 0-9 _ -")]
    Name,
    /// The name of a tool that is known only at run time is not 1 to 128 characters of `A-Z a-z 0-9
    /// _ - .`.
    #[error("the name of a tool that is known only at run time is 1 to 128 of A-Z a-z 0-9 _ - .")]
    DynName,
    /// Base confidence or a threshold is above 100.
    #[error("base_confidence and thresholds are 0 to 100")]
    OutOfRange,
    /// `quick_threshold` is above `auto_threshold`.
    #[error("quick_threshold must not be above auto_threshold")]
    ThresholdsCrossed,
    /// The tool is read-only and destructive at once.
    #[error("a tool cannot be read_only and destructive")]
    Annotations,
    /// The tool is read-only and has an effect.
    #[error("a tool that is read_only has no effect")]
    Effect,
    /// `expires`, `timeout`, `grace` or the escalation time is zero.
    #[error("expires, timeout, grace and the time to escalate within must be longer than zero")]
    ZeroDuration,
    /// No answer says no.
    #[error("decisions must hold one of reject, respond and abort")]
    Decisions,
    /// A stage has no people.
    #[error("each stage needs at least one person")]
    Stages,
    /// The number of attempts is zero.
    #[error("attempts must be at least 1")]
    Attempts,
    /// The version is not 1 to 128 visible ASCII characters.
    #[error("a tool's version is 1 to 128 visible ASCII characters")]
    Version,
}
