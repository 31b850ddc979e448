//! What the airline's office asks for: a contract, and a clean-up.

use hitl::prelude::*;

/// Registers both tools.
pub(crate) fn register(gate: GateBuilder) -> GateBuilder {
    gate.tool::<SignContract>().tool::<DeleteProject>()
}

/// Sign a contract with a supplier on behalf of the airline.
#[hitl_tool(
    approval_type = "contract",
    risk = "high",
    base_confidence = 50,
    auto_threshold = 95,
    quick_threshold = 70,
    requires_reason,
    expires = "8h",
    destructive,
    approve_label = "Sign the contract",
    reject_label = "Do not sign",
    describe = "Sign contract {contract_id} with {supplier} for ${amount}"
)]
pub(crate) async fn sign_contract(
    /// Like `C-1042`.
    contract_id: String,
    supplier: String,
    /// In dollars.
    amount: f64,
    /// Who signs.
    signatory: String,
    terms: String,
    /// Of the account that pays.
    #[hitl(sensitive)]
    account_pin: String,
) -> String {
    let _ = (signatory, terms, account_pin);
    format!("contract {contract_id} with {supplier} over ${amount:.2} is signed")
}

/// Delete a planning project and everything in it.
#[hitl_tool(
    approval_type = "deletion",
    risk = "critical",
    base_confidence = 40,
    requires_reason,
    expires = "4h",
    destructive,
    approve_label = "Delete the project",
    reject_label = "Keep it",
    describe = "Delete project {project_name} with {file_count} files"
)]
pub(crate) async fn delete_project(
    /// Its exact name.
    project_name: String,
    file_count: u32,
) -> String {
    format!("project {project_name} with {file_count} files is deleted")
}
