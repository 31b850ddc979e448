//! One file per path.

mod auto_call;
mod compile;
mod denied;
mod full;
mod growth;
mod policy;
mod postgres;
pub(crate) mod processes;
mod progress;
mod quick;
mod redaction;
mod render;
mod shutdown;
mod sqlite;
mod submit;

use crate::measure::Effort;
use crate::pair::Pair;

/// A path's name on the command line, and its pairs.
pub type Entry = (&'static str, fn(Effort) -> Vec<Pair>);

/// Every path, in the order of the table.
pub const ALL: &[Entry] = &[
    ("auto_call", auto_call::pairs),
    ("denied", denied::pairs),
    ("quick", quick::pairs),
    ("full", full::pairs),
    ("sqlite", sqlite::pairs),
    ("postgres", postgres::pairs),
    ("processes", processes::pairs),
    ("policy", policy::pairs),
    ("redaction", redaction::pairs),
    ("render", render::pairs),
    ("submit", submit::pairs),
    ("progress", progress::pairs),
    ("shutdown", shutdown::pairs),
    ("growth", growth::pairs),
    ("compile", compile::pairs),
];

/// Returns the pairs of the path of this name.
pub fn of(name: &str, effort: Effort) -> Option<Vec<Pair>> {
    ALL.iter().find(|(path, _)| *path == name).map(|(_, pairs)| pairs(effort))
}
