//! The four example tools of the system that hitl re-creates, with its numbers. Their bodies are
//! tiny: only the routing of their calls matters here.

use hitl::prelude::*;

/// Registers the four.
pub(crate) fn register(gate: GateBuilder) -> GateBuilder {
    gate.tool::<SignContract>()
        .tool::<DeleteProject>()
        .tool::<ApproveExpense>()
        .tool::<SendBulkNotification>()
}

/// Sign a contract on behalf of the workspace.
#[hitl_tool(
    approval_type = "contract",
    risk = "high",
    base_confidence = 50,
    auto_threshold = 95,
    quick_threshold = 70,
    requires_reason,
    expires = "600s",
    destructive,
    approve_label = "Sign Contract",
    reject_label = "Cancel",
    describe = "Sign contract {contract_id} for ${amount}"
)]
pub(crate) async fn sign_contract(
    /// The contract's id, like C-1042.
    contract_id: String,
    /// In dollars.
    amount: f64,
) -> String {
    format!("contract {contract_id} over ${amount:.2} is signed")
}

/// Delete a project and everything in it.
#[hitl_tool(
    approval_type = "deletion",
    risk = "high",
    base_confidence = 40,
    auto_threshold = 90,
    quick_threshold = 60,
    requires_reason,
    expires = "300s",
    destructive,
    approve_label = "Delete Project",
    reject_label = "Keep Project",
    describe = "Delete project {project_id}"
)]
pub(crate) async fn delete_project(
    /// The project's id.
    project_id: String,
) -> String {
    format!("project {project_id} is deleted")
}

/// Approve an expense report.
#[hitl_tool(
    approval_type = "financial",
    risk = "medium",
    base_confidence = 60,
    auto_threshold = 85,
    quick_threshold = 65,
    expires = "300s",
    approve_label = "Approve Expense",
    describe = "Approve {amount} dollars for {category}"
)]
pub(crate) async fn approve_expense(
    /// The report's id.
    expense_id: String,
    /// In dollars.
    amount: f64,
    /// What it was spent on.
    category: String,
) -> String {
    format!("${amount:.2} for {category} ({expense_id}) is approved")
}

/// Send a notification to many people.
#[hitl_tool(
    approval_type = "communication",
    risk = "low",
    base_confidence = 70,
    auto_threshold = 80,
    quick_threshold = 50,
    expires = "120s",
    approve_label = "Send",
    describe = "Send \"{message}\" to {recipient_ids}"
)]
pub(crate) async fn send_bulk_notification(
    /// Who gets it.
    recipient_ids: Vec<String>,
    message: String,
) -> String {
    format!("\"{message}\" went to {} people", recipient_ids.len())
}
