//! Reads the call of a model, and explains why it cannot be read if its tool has changed.

use std::sync::Arc;

use futures::FutureExt as _;

use crate::call::CallContext;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluated_call::{GivenKey, KeySource};
use crate::gate::execution::bound_call::BoundCall;
use crate::gate::intake::incoming_call::{CallText, IncomingCall, RunPosition, read_text};
use crate::gate::intake::resubmit::{RefusedCall, explain_tool_change};

/// Reads a model's call. If its text is refused because the tool has changed since the call was
/// first submitted under this key, the error says so.
pub(in crate::gate) async fn read_model_call(
    core: &Arc<GateCore>,
    text: CallText<'_>,
    context: CallContext,
    at: Option<RunPosition>,
) -> Result<IncomingCall<Box<dyn BoundCall>>, GateError> {
    let given = at.clone().map(|at| at.key_in(&context.tenant));
    let principal = context.principal.clone();
    let error = match read_text(core, text, context, at).await {
        Ok(incoming) => return Ok(incoming),
        Err(error) => error,
    };
    let Some(GivenKey { key, source: KeySource::Host }) = given else { return Err(error) };
    let call = RefusedCall { tool: text.tool, key: &key, principal: &principal };
    Err(explain_tool_change(core, error, call).boxed().await)
}
