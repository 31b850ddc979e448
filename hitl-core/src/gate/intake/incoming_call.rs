//! Reads calls, from a model's text or from code, and evaluates them.

use std::sync::Arc;

use tracing::Span;

use crate::arguments::{Snapshot, snapshot};
use crate::call::{CallContext, CallKey, RunId, Tenant, Tool};
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::evaluation::evaluated_call::{EvaluatedCall, GivenKey, KeySource, NewCall};
use crate::gate::execution::bound_call::{BoundCall, TypedCall};
use crate::gate::intake::round_trip::check_round_trip;
use crate::gate::stored_text::MAX_ON_THREAD;
use crate::gate::tools::registered_tool::ParsedCall;
use crate::sync::off_thread;

/// A call that was read and evaluated, and its arguments.
pub(in crate::gate) struct IncomingCall<C> {
    pub(in crate::gate) evaluated: Box<EvaluatedCall>,
    pub(in crate::gate) call: C,
}

/// A call from a model: the name of its tool, and the text of its arguments.
#[derive(Clone, Copy)]
pub(in crate::gate) struct CallText<'t> {
    pub(in crate::gate) tool: &'t str,
    pub(in crate::gate) arguments: &'t str,
}

/// The position of a call in a run: its key without the tenant, which comes from the context.
#[derive(Clone, Debug)]
pub(in crate::gate) struct RunPosition {
    run: RunId,
    position: u64,
    source: KeySource,
}

impl RunPosition {
    pub(in crate::gate) fn new(run: impl Into<RunId>, position: u64) -> Self {
        Self { run: run.into(), position, source: KeySource::Host }
    }

    /// Returns a position in a run that no other call has.
    pub(in crate::gate) fn generate(run: RunId) -> Self {
        Self { run, position: CallKey::generate_position(), source: KeySource::Run }
    }

    /// Returns the key of the call at this position in a tenant.
    pub(in crate::gate) fn key_in(self, tenant: &Tenant) -> GivenKey {
        let Self { run, position, source } = self;
        GivenKey { key: CallKey { tenant: tenant.clone(), run, position }, source }
    }
}

/// Reads and evaluates a model's call. Cancel safe: nothing is stored.
pub(in crate::gate) async fn read_text(
    core: &Arc<GateCore>,
    text: CallText<'_>,
    context: CallContext,
    at: Option<RunPosition>,
) -> Result<IncomingCall<Box<dyn BoundCall>>, GateError> {
    if text.arguments.len() <= MAX_ON_THREAD {
        return read_text_here(core, text, context, at);
    }
    let shared = Arc::clone(core);
    let (tool, arguments) = (text.tool.to_owned(), text.arguments.to_owned());
    evaluate_off_thread(move || {
        let text = CallText { tool: &tool, arguments: &arguments };
        read_text_here(&shared, text, context, at)
    })
    .await
}

fn read_text_here(
    core: &GateCore,
    text: CallText<'_>,
    context: CallContext,
    at: Option<RunPosition>,
) -> Result<IncomingCall<Box<dyn BoundCall>>, GateError> {
    let tool = core.tools.require(text.tool)?;
    let ParsedCall { snapshot, tree, call } = core.tools.bind(&tool, text.arguments)?;
    let key = at.map(|at| at.key_in(&context.tenant));
    let evaluated = core.evaluator.evaluate_new(NewCall { tool, snapshot, tree, context, key })?;
    Ok(IncomingCall { evaluated: Box::new(evaluated), call })
}

/// Does what [`read_text`] does, for a typed call.
pub(in crate::gate) async fn read_typed<T: Tool>(
    core: &Arc<GateCore>,
    call: T,
    context: CallContext,
    at: RunPosition,
) -> Result<IncomingCall<Box<dyn BoundCall>>, GateError> {
    let snapshot = snapshot_of(core, &call)?;
    let IncomingCall { evaluated, call } =
        evaluate_typed(core, call, snapshot, context, Some(at)).await?;
    Ok(IncomingCall { evaluated, call: Box::new(TypedCall(call)) })
}

/// Takes the snapshot of a typed call.
pub(in crate::gate) fn snapshot_of<T: Tool>(
    core: &GateCore,
    call: &T,
) -> Result<Snapshot, GateError> {
    Ok(snapshot(call, core.tools.require_typed::<T>()?.places())?)
}

/// Evaluates the snapshot of a typed call. Only the snapshot goes to another thread, so that a call
/// need not be `Sync`.
pub(in crate::gate) async fn evaluate_typed<T: Tool>(
    core: &Arc<GateCore>,
    call: T,
    snapshot: Snapshot,
    context: CallContext,
    at: Option<RunPosition>,
) -> Result<IncomingCall<T>, GateError> {
    let tool = core.tools.require_typed::<T>()?;
    let key = at.map(|at| at.key_in(&context.tenant));
    let is_long = snapshot.text().len() > MAX_ON_THREAD;
    let new = NewCall { tool, snapshot, tree: None, context, key };
    let evaluated = if is_long {
        let shared = Arc::clone(core);
        evaluate_off_thread(move || shared.evaluator.evaluate_new(new).map(Box::new)).await?
    } else {
        Box::new(core.evaluator.evaluate_new(new)?)
    };
    if core.evaluator.may_ask(&evaluated.evaluation.routed) {
        check_round_trip(&call, &evaluated.snapshot)?;
    }
    Ok(IncomingCall { evaluated, call })
}

/// Evaluates a call off the runtime's threads. If the evaluation does not complete, the call is
/// refused: nothing of it is stored, and nothing runs.
async fn evaluate_off_thread<E: Send + 'static>(
    evaluate: impl FnOnce() -> Result<E, GateError> + Send + 'static,
) -> Result<E, GateError> {
    let span = Span::current();
    off_thread(move || span.in_scope(evaluate)).await.unwrap_or_else(|| {
        let why = "the call's arguments could not be looked through to the end; nothing ran";
        Err(GateError::new(GateErrorKind::Refused, why))
    })
}
