//! The two things that the server asks of its gate for every call.

use hitl_core::{CallContext, CallKey, Gate, GateError, Repeat, RequestId, Submission, Tenant};

/// A call as a client sent it.
pub(super) struct SentCall {
    pub(super) tool: String,
    /// The text of its arguments.
    pub(super) arguments: String,
    pub(super) context: CallContext,
    /// Its key, if no identical call of its run is found.
    pub(super) key: CallKey,
}

/// Submits a call, or attaches to the identical one of its run that has not ended, or whose outcome
/// nobody has yet. Nobody is asked inline: the client is, or it waits.
pub(super) async fn submit(gate: &Gate, call: SentCall) -> Result<Submission, GateError> {
    let SentCall { tool, arguments, context, key } = call;
    let submitting = gate.submit_text(tool, arguments).by(context).key(key.run, key.position);
    submitting.repeat(Repeat::Attach).ask_later().await
}

/// Notes that the outcome of a call reached its client.
pub(super) async fn mark_delivered(gate: &Gate, tenant: &Tenant, id: RequestId) {
    if let Err(error) = gate.mark_delivered(tenant, id).await {
        // An identical call gets it once more, which is better than never.
        tracing::warn!(%error, call = %id, "an outcome could not be marked as delivered");
    }
}
