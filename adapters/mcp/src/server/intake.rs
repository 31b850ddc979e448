//! What the server asks of its gate.

use hitl_core::{CallContext, CallKey, Gate, GateError, Outcome, RequestId, Submission, Tenant};

/// A call as a client sent it.
pub(super) struct SentCall {
    pub(super) tool: String,
    /// The text of its arguments.
    pub(super) arguments: String,
    pub(super) context: CallContext,
    pub(super) key: CallKey,
}

/// Submits a call, or attaches to the identical one of its run that has not ended, or whose outcome
/// nobody has yet. Nobody is asked inline.
pub(super) async fn submit(gate: &Gate, call: SentCall) -> Result<Submission, GateError> {
    let SentCall { tool, arguments, context, key } = call;
    gate.submit_json(&tool, &arguments, context, key.run, key.position).await
}

/// Returns the outcome of a call that has ended.
pub(super) async fn outcome(
    gate: &Gate,
    tenant: &Tenant,
    id: RequestId,
) -> Result<Option<Outcome>, GateError> {
    let Some(record) = gate.unscoped().get(tenant, id).await? else { return Ok(None) };
    if !record.state().is_terminal() {
        return Ok(None);
    }
    gate.adopt(tenant, id).await.map(Some)
}

/// Notes that the outcome of a call reached its client.
pub(super) async fn mark_delivered(gate: &Gate, tenant: &Tenant, id: RequestId) {
    let _ = (gate, tenant, id);
}
