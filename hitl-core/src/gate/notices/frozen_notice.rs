//! That nothing starts any more, and how it is thawed.

use std::fmt;

use hitl_base::display::{clip, visible};

use crate::store::Freeze;

/// The most characters of a reason in a line.
const REASON: usize = 300;

/// A freeze that stops calls of this gate. It may be displayed, sent and logged.
#[derive(Clone, Debug)]
pub struct FrozenNotice {
    freeze: Freeze,
}

impl FrozenNotice {
    pub(in crate::gate) fn new(freeze: Freeze) -> Self {
        Self { freeze }
    }

    /// Returns the freeze: who, when, why.
    pub fn freeze(&self) -> &Freeze {
        &self.freeze
    }
}

/// Writes one line: what is frozen, by whom and why, and how it is thawed.
impl fmt::Display for FrozenNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Freeze { scope, by, at, reason, .. } = &self.freeze;
        let (scope, by) = (scope.to_string(), by.to_string());
        write!(
            f,
            "nothing starts: {} frozen by {} at {at}: {}; a person thaws with `hitl thaw` or the console",
            visible(&scope),
            visible(&by),
            visible(&clip(reason, REASON)),
        )
    }
}
