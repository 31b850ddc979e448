//! Everything that a gate says to its host unasked.

use std::fmt;

use super::break_glass_notice::BreakGlassNotice;
use super::build_warning::BuildWarning;
use super::frozen_notice::FrozenNotice;
use super::parked_notice::ParkedNotice;
use super::waiting_notice::WaitingNotice;

/// One line for the people who run a program with a gate. By default the gate says it to `tracing`,
/// or on standard error; see [`GateBuilder::on_notice`](crate::GateBuilder::on_notice).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A call begins to wait for a person. Said once for each revision of a call.
    Waiting(WaitingNotice),
    /// A call was started and nobody knows how it ended: a person finds out, and settles it. Said
    /// by the process that parks the call, once for each time that it is parked.
    Parked(ParkedNotice),
    /// Somebody has frozen everything: nothing starts. Said once for each freeze, when the gate
    /// first finds it.
    Frozen(FrozenNotice),
    /// A person broke the glass, a call runs because of that, or what was given has ended. Said by
    /// the process in which it happens.
    BreakGlass(BreakGlassNotice),
    /// Advice about the settings of the gate, said when it is built.
    Warning(BuildWarning),
}

/// Writes the notice in one line without an end, ready for a terminal: nothing in it hides or moves
/// anything, however hostile the call.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(waiting) => write!(f, "hitl: {waiting}"),
            Self::Parked(parked) => write!(f, "hitl: {parked}"),
            Self::Frozen(frozen) => write!(f, "hitl: {frozen}"),
            Self::BreakGlass(glass) => write!(f, "hitl: {glass}"),
            Self::Warning(warning) => write!(f, "hitl: {warning}"),
        }
    }
}
