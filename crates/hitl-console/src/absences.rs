//! Who is away, beside the calls that are assigned to them.

use hitl_core::Gate;
use hitl_core::queue::Absence;

/// Returns the reviewers who are away. If that cannot be read, nobody: it directs attention only.
pub(crate) async fn absences(gate: &Gate) -> Vec<Absence> {
    gate.absences().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "it is not known who is away");
        Vec::new()
    })
}
