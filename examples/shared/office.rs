//! The calls of an office: a contract, and a clean-up. For the console's example and its tests.

use hitl::prelude::*;

/// Registers both tools.
pub(crate) fn register(gate: GateBuilder) -> GateBuilder {
    gate.tool::<SignContract>().tool::<DeleteProject>()
}

/// Signs a contract.
#[hitl_tool(
    approval_type = "contract",
    risk = "high",
    base_confidence = 50,
    auto_threshold = 95,
    quick_threshold = 70,
    requires_reason,
    expires = "8h",
    destructive,
    approve_label = "Sign Contract",
    reject_label = "Cancel",
    describe = "Sign contract {contract_id} for ${amount}"
)]
pub(crate) async fn sign_contract(
    /// The contract's id.
    contract_id: String,
    /// In dollars.
    amount: f64,
    signatory: String,
    terms: String,
    #[hitl(sensitive)] pin: String,
) -> String {
    let _ = (amount, signatory, terms, pin);
    format!("signed {contract_id}")
}

/// Deletes a project and everything in it.
#[hitl_tool(
    approval_type = "deletion",
    risk = "high",
    base_confidence = 40,
    expires = "8h",
    destructive,
    approve_label = "Delete Project",
    reject_label = "Keep Project",
    describe = "Delete project {project_id}"
)]
pub(crate) async fn delete_project(project_id: String) -> String {
    format!("deleted {project_id}")
}
