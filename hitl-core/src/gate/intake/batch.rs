//! The parallel tool calls of one model turn: submitted together, each with its own answer.

use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::oneshot;

use crate::call::{CallContext, CallKey, Outcome, Principal, RunId, Tool};
use crate::gate::calls::lifecycle::BatchObstacle;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::evaluation::effects::{CallEffect, SameEffect, first_same_effect};
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::execution::bound_call::BoundCall;
use crate::gate::gate::Gate;
use crate::gate::intake::incoming_call::{
    CallText, IncomingCall, RunPosition, read_text, read_typed,
};
use crate::gate::intake::resubmit::{RefusedCall, explain_tool_change};
use crate::gate::intake::store_call::Attachment;
use crate::gate::intake::submit::{Admission, SubmitOutcome, prepare_call, submit_prepared};
use crate::gate::intake::submit_options::InlineApprover;
use crate::gate::waiting::inline_review::review_inline;
use crate::gate::waiting::outcome::outcome_of_record;
use crate::gate::waiting::receipt::Receipt;
use crate::gate::waiting::waiter::wait_for_outcome;
use crate::machine::{BatchId, CallRecord, CallState, Membership};

/// A call of a batch that was read.
struct PreparedPart {
    prepared: PreparedCall,
    call: Box<dyn BoundCall>,
}

/// A function that reads a call of a batch, once its requester is known.
type ReadPart<'g> = Box<
    dyn FnOnce(CallContext, RunPosition) -> BoxFuture<'g, Result<PreparedPart, GateError>>
        + Send
        + 'g,
>;

/// A future for the outcome of one call of a batch.
type PartAnswer = BoxFuture<'static, Result<Outcome, GateError>>;

/// A call of a batch that was submitted.
struct SubmittedPart {
    /// `None` if it was not accepted.
    receipt: Option<Receipt>,
    answer: PartAnswer,
}

impl Gate {
    /// Submits the parallel tool calls of one model turn. Give each its position in the run, as
    /// with any call, and name the requester:
    ///
    /// ```no_run
    /// # use hitl::{Gate, GateError};
    /// # async fn turn(gate: Gate, calls: Vec<(String, String)>) {
    /// let mut batch = gate.submit_all("run-7");
    /// for (position, (tool, arguments)) in (0..).zip(&calls) {
    ///     batch = batch.json(position, tool, arguments);
    /// }
    /// let batch = batch.by("ann").await;
    /// for answer in batch.wait().await {
    ///     // in the order in which the calls were given: an outcome, or why there is none
    /// }
    /// # }
    /// ```
    ///
    /// The calls are independent: a call that is Auto runs at once and keeps its result, a call
    /// that needs a human waits, a call that cannot be submitted gets an error of its own, and none
    /// affects its siblings. Submitting the same batch again after a restart re-attaches to each
    /// call.
    pub fn submit_all(&self, run: impl Into<RunId>) -> BatchBuilder<'_> {
        BatchBuilder { gate: self, run: run.into(), calls: Vec::new(), together: false }
    }
}

/// A batch that is not submitted yet.
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct BatchBuilder<'g> {
    gate: &'g Gate,
    run: RunId,
    calls: Vec<PlannedCall<'g>>,
    together: bool,
}

/// A call of a batch that is not submitted yet.
struct PlannedCall<'g> {
    position: u64,
    tool: String,
    /// The reason that the model states.
    reason: Option<String>,
    read: ReadPart<'g>,
}

impl<'g> BatchBuilder<'g> {
    /// Adds a call as a model asked for it, at its position in the run.
    pub fn json(mut self, position: u64, tool: &str, arguments: &str) -> Self {
        let (core, name, arguments) = (&self.gate.core, tool.to_owned(), arguments.to_owned());
        let read = move |context: CallContext, at: RunPosition| {
            let reading = async move {
                let text = CallText { tool: &name, arguments: &arguments };
                let IncomingCall { evaluated, call } =
                    read_text(core, text, context, Some(at)).await?;
                Ok(PreparedPart { prepared: prepare_call(core, *evaluated), call })
            };
            reading.boxed()
        };
        let (tool, reason) = (tool.to_owned(), None);
        self.calls.push(PlannedCall { position, tool, reason, read: Box::new(read) });
        self
    }

    /// Adds a typed call, at its position in the run.
    pub fn call<T: Tool>(mut self, position: u64, call: T) -> Self {
        let core = &self.gate.core;
        let read = move |context: CallContext, at: RunPosition| {
            let reading = async move {
                let IncomingCall { evaluated, call } = read_typed(core, call, context, at).await?;
                Ok(PreparedPart { prepared: prepare_call(core, *evaluated), call })
            };
            reading.boxed()
        };
        let tool = T::SPEC.name.to_owned();
        self.calls.push(PlannedCall { position, tool, reason: None, read: Box::new(read) });
        self
    }

    /// States why the model makes the call that was added last, in its own words: see
    /// [`CallContext::because`]. Without a call it does nothing.
    pub fn because(mut self, words: impl Into<String>) -> Self {
        if let Some(call) = self.calls.last_mut() {
            call.reason = Some(words.into());
        }
        self
    }

    /// Runs all of them or none: nothing starts before every call is approved, including calls that
    /// are Auto, and if one of them is rejected, denied, withdrawn or times out, the others are
    /// withdrawn.
    ///
    /// If two of them have the same [effect](crate::call::ToolConfig::effect), none is entered, and
    /// each answer is [`GateErrorKind::SameEffect`].
    ///
    /// They are *released* together, in one transaction. Execution is not atomic: once they are
    /// released the bodies are independent, and one that fails undoes nothing of the others.
    pub fn all_or_none(mut self) -> Self {
        self.together = true;
        self
    }

    /// Names the requester of all of them: a principal, or a whole [`CallContext`]. The host
    /// vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> ReadyBatch<'g> {
        ReadyBatch { builder: self, context: context.into() }
    }
}

impl fmt::Debug for BatchBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchBuilder({} calls)", self.calls.len())
    }
}

/// A batch, ready to be awaited.
#[derive(Debug)]
#[must_use = "a batch does nothing until it is awaited"]
pub struct ReadyBatch<'g> {
    builder: BatchBuilder<'g>,
    context: CallContext,
}

impl<'g> IntoFuture for ReadyBatch<'g> {
    type Output = Batch;
    type IntoFuture = BoxFuture<'g, Batch>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { builder, context } = self;
        let core = &builder.gate.core;
        submit_batch(core, builder, context).boxed()
    }
}

/// A call of a batch, with its receipt and its outcome.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchPart {
    /// Its key.
    pub key: CallKey,
    /// The gate's evaluation of it; `None` if it was not accepted.
    pub receipt: Option<Receipt>,
    /// Its outcome, once known, or the reason why it was not accepted or could not be waited for.
    pub answer: Option<Result<Outcome, GateError>>,
}

/// The submitted calls of one model turn. Calls that are Auto already run.
///
/// Dropping it cancels nothing: a body that runs continues and is recorded, a call that waits stays
/// in the queue, and submitting the same calls again re-attaches to them. An approved call is run
/// by the caller that waits for it here, or by a process that [serves](Gate::serve).
#[must_use = "wait for it, or keep its keys"]
pub struct Batch {
    id: BatchId,
    parts: Vec<BatchPart>,
    open: FuturesUnordered<BoxFuture<'static, IndexedAnswer>>,
}

impl Batch {
    /// Returns the id by which its calls' records name it.
    pub fn id(&self) -> &BatchId {
        &self.id
    }

    /// Returns the calls, in the order in which they were given, with the outcomes known so far.
    pub fn parts(&self) -> &[BatchPart] {
        &self.parts
    }

    /// Waits until another of them ends, in any order. Returns its index in [`parts`](Self::parts),
    /// which then has its answer. Returns `None` if all have ended.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<usize> {
        let IndexedAnswer { index, answer } = self.open.next().await?;
        if let Some(part) = self.parts.get_mut(index) {
            part.answer = Some(answer);
        }
        Some(index)
    }

    /// Waits until all have ended. The answers are in the order in which the calls were given,
    /// regardless of the order in which they were decided.
    ///
    /// Cancel safety: dropping the future drops the batch, which cancels nothing.
    pub async fn wait(mut self) -> Vec<Result<Outcome, GateError>> {
        while self.next().await.is_some() {}
        let answer = |part: BatchPart| part.answer.unwrap_or_else(|| Err(runtime_error(&part.key)));
        self.parts.into_iter().map(answer).collect()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} calls, {} open)", self.parts.len(), self.open.len())
    }
}

/// The outcome of the call at an index.
struct IndexedAnswer {
    index: usize,
    answer: Result<Outcome, GateError>,
}

/// Returns the error for a call whose runtime ended while its body ran.
fn runtime_error(key: &CallKey) -> GateError {
    let why = format!("the call {key} is no longer waited for here; submit it again");
    GateError::new(GateErrorKind::Refused, why)
}

async fn submit_batch(
    core: &Arc<GateCore>,
    batch: BatchBuilder<'_>,
    context: CallContext,
) -> Batch {
    let BatchBuilder { run, calls, together, .. } = batch;
    let key = |position| RunPosition::new(run.clone(), position).key_in(&context.tenant).key;
    let keys: Vec<CallKey> = calls.iter().map(|call| key(call.position)).collect();
    let id = BatchId::from_keys(&keys);
    let size = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let positions = calls.iter().map(|call| call.position);
    let positions: Vec<u64> = positions.filter(|_| together).collect();
    let reading = calls.into_iter().zip(&keys).map(|(call, key)| {
        let at = RunPosition::new(run.clone(), call.position);
        let own = match call.reason {
            Some(words) => context.clone().because(words),
            None => context.clone(),
        };
        let (reading, principal) = ((call.read)(own, at), &context.principal);
        async move { ReadCall { part: reading.await, tool: call.tool, key, principal } }
    });
    let membership = |index: u32| Membership {
        batch: id.clone(),
        index,
        size,
        together: positions.clone(),
        released: false,
    };
    let submitted: Vec<SubmittedPart> = if together {
        let read = refuse_same_effect(join_all(reading).await);
        join_all(read.into_iter().zip(0..).map(|(call, at)| call.submit(core, membership(at))))
            .await
    } else {
        // None waits for another one.
        let submit =
            async |reading, at| ReadCall::submit(reading.await, core, membership(at)).await;
        join_all(reading.zip(0..).map(|(reading, at)| submit(reading, at))).await
    };
    if together && submitted.iter().any(|part| part.receipt.is_none()) {
        let receipts = submitted.iter().filter_map(|part| part.receipt.as_ref());
        let keys: Vec<CallKey> = receipts.map(|receipt| receipt.key.clone()).collect();
        cancel_submitted(core, &keys).await;
    }
    let mut batch = Batch { id, parts: Vec::new(), open: FuturesUnordered::new() };
    for (index, (key, part)) in keys.into_iter().zip(submitted).enumerate() {
        let SubmittedPart { receipt, answer } = part;
        batch.parts.push(BatchPart { key, receipt, answer: None });
        batch.open.push(answer.map(move |answer| IndexedAnswer { index, answer }).boxed());
    }
    batch
}

/// A call of a batch that was read, or the reason why it could not be.
struct ReadCall<'b> {
    part: Result<PreparedPart, GateError>,
    tool: String,
    key: &'b CallKey,
    principal: &'b Principal,
}

impl ReadCall<'_> {
    async fn submit(self, core: &Arc<GateCore>, membership: Membership) -> SubmittedPart {
        match self.part {
            Ok(part) => submit_part(core, part, membership).await,
            Err(error) => refuse_part(core, error, &self.tool, self.key, self.principal).await,
        }
    }
}

/// Refuses all calls of a batch that runs all of them or none, if two of them have one effect: only
/// one of the two could hold it, so they could never start together.
fn refuse_same_effect(mut calls: Vec<ReadCall<'_>>) -> Vec<ReadCall<'_>> {
    let effects = calls.iter().map(|call| {
        let prepared = &call.part.as_ref().ok()?.prepared;
        CallEffect::of(&prepared.tool, prepared.snapshot.text())
    });
    if let Some(SameEffect { first, second }) = first_same_effect(effects) {
        let positions = [first, second].map(|at| calls[at].key.position);
        for call in calls.iter_mut().filter(|call| call.part.is_ok()) {
            call.part = Err(GateError::same_effect_of(positions));
        }
    }
    calls
}

/// Withdraws the submitted calls of a batch of which one could not be submitted.
async fn cancel_submitted(core: &GateCore, submitted: &[CallKey]) {
    let reason = "none of its batch runs: a call of it could not be entered";
    for key in submitted {
        match core.calls.store().get_by_key(key).await {
            Ok(Some(record)) => {
                let obstacle = BatchObstacle { id: record.id(), reason: reason.to_owned() };
                let siblings = std::slice::from_ref(&record);
                core.lifecycle.cancel_batch(siblings, &obstacle).await;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a batch that cannot run expires"),
        }
    }
}

/// Returns the answer of a call of a batch that could not be read.
async fn refuse_part(
    core: &GateCore,
    error: GateError,
    tool: &str,
    key: &CallKey,
    principal: &Principal,
) -> SubmittedPart {
    let call = RefusedCall { tool, key, principal };
    let error = explain_tool_change(core, error, call).boxed().await;
    SubmittedPart { receipt: None, answer: std::future::ready(Err(error)).boxed() }
}

/// Submits one call of a batch.
async fn submit_part(
    core: &Arc<GateCore>,
    part: PreparedPart,
    membership: Membership,
) -> SubmittedPart {
    let PreparedPart { mut prepared, call } = part;
    prepared.record.batch = Some(membership);
    let key = prepared.record.key().clone();
    let submitted = submit_prepared(core, &mut prepared, Attachment::Detached).await;
    let Admission { outcome, receipt } = match submitted {
        Ok(admission) => admission,
        Err(error) => {
            let answer = std::future::ready(Err(error)).boxed();
            return SubmittedPart { receipt: None, answer };
        }
    };
    let shared = Arc::clone(core);
    let answer = match outcome {
        SubmitOutcome::Run(execution) => {
            let (ended, answer) = oneshot::channel();
            // Starts at once, whether anybody waits for it or not.
            core.runtime.spawn(async move {
                let _ = ended.send(call.execute(&shared.executor, execution).await);
            });
            async move { answer.await.unwrap_or_else(|_| Err(runtime_error(&key))) }.boxed()
        }
        SubmitOutcome::Ended(record) => {
            async move { outcome_of_record(&shared, &record).await }.boxed()
        }
        // Nobody is asked about it: it starts at once too.
        SubmitOutcome::Waiting(waiting) if starts_alone(&waiting.record) => {
            let (ended, answer) = oneshot::channel();
            core.runtime.spawn(async move {
                let _ = ended.send(wait_for_outcome(&shared, &waiting).await);
            });
            async move { answer.await.unwrap_or_else(|_| Err(runtime_error(&key))) }.boxed()
        }
        SubmitOutcome::Waiting(waiting) => async move {
            let record = review_inline(&shared, &waiting.record, &InlineApprover::Gates).await?;
            match record.state {
                CallState::Pending | CallState::Approved | CallState::Claimed => {
                    wait_for_outcome(&shared, &waiting).await
                }
                _ => outcome_of_record(&shared, &record).await,
            }
        }
        .boxed(),
    };
    SubmittedPart { receipt: Some(receipt), answer }
}

/// Returns whether a call that was just stored is approved, and does not run together with others.
fn starts_alone(record: &CallRecord) -> bool {
    let held = record.batch.as_ref().is_some_and(Membership::is_held);
    record.state == CallState::Approved && record.decision.is_none() && !held
}
