//! What a person should know of a call, and its record does not say. Pure.

/// A call that nobody takes care of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Neglect {
    /// It is claimed, and the process that ran it is dead: no process has looked yet.
    ClaimantDead,
    /// It is approved, and no living process has its tool.
    NoExecutor,
    /// It is approved for a while, and no process that has its tool starts it.
    NotStarted,
}

impl Neglect {
    /// Returns the fact, and what follows from it.
    pub(crate) const fn says(self) -> &'static str {
        match self {
            Self::ClaimantDead => {
                "the process that ran it has died, and its outcome is unknown: the next program \
                 that opens the store with its tools settles or parks it"
            }
            Self::NoExecutor => {
                "nobody runs it: no program that has its tool is running; it runs when the program \
                 that asked starts again and submits it, or serves the queue"
            }
            Self::NotStarted => {
                "nobody has started it: the program that has its tool is running, and neither asks \
                 for it nor serves the queue"
            }
        }
    }

    /// Returns what is beside the state in a table.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::ClaimantDead => "process died",
            Self::NoExecutor | Self::NotStarted => "nobody runs it",
        }
    }
}
