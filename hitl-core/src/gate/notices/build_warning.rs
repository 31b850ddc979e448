//! Advice about the settings of a gate.

use std::fmt;

/// The kind of a [`BuildWarning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildWarningKind {
    /// The gate asks nobody, and no other process can see its calls: a call that needs a person
    /// waits until this process decides it.
    OnlyThisProcessDecides,
}

/// Advice about the settings of a gate that was built nevertheless: it may be what the host wants.
/// [`Gate::warnings`](crate::Gate::warnings) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildWarning {
    kind: BuildWarningKind,
}

impl BuildWarning {
    pub(in crate::gate) fn new(kind: BuildWarningKind) -> Self {
        Self { kind }
    }

    /// Returns the kind of the advice.
    pub fn kind(&self) -> BuildWarningKind {
        self.kind
    }
}

/// Writes the advice, and how to follow it, in one line.
impl fmt::Display for BuildWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            BuildWarningKind::OnlyThisProcessDecides => {
                "the gate has no approver, and its store is the memory of this process: a call \
                 that needs a person waits until this process decides it with `Gate::decide` or a \
                 console. Give the gate an `approver`, a `store` in a file, or the `console_url`"
            }
        })
    }
}
