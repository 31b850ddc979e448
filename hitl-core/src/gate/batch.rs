//! The parallel tool calls of one model turn: entered together, each with an answer of its own.

use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::oneshot;

use super::error::{GateError, GateErrorKind};
use super::handle::{Gate, Inner};
use super::prepare::Prepared;
use super::registry::Body;
use super::submission::Receipt;
use super::submit::{Attachment, Entered};
use crate::call::{CallContext, CallKey, Outcome, Principal, RunId, Tool};
use crate::machine::{BatchId, CallState, Membership};

type Made = Result<(Prepared, Box<dyn Body>), GateError>;
type Make<'g> = Box<dyn FnOnce(CallContext, CallKey) -> BoxFuture<'g, Made> + Send + 'g>;

impl Gate {
    /// Submits the parallel tool calls of one model turn. Give each its position in the run, as
    /// with any call, and say who asks:
    ///
    /// ```no_run
    /// # use hitl_core::{Gate, GateError};
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
    /// Each call goes its own way: what is Auto runs at once and keeps its result, what needs a
    /// human waits, what cannot be entered is an error of its own, and none costs its siblings
    /// anything. Submitting the same batch again after a restart re-attaches to each call.
    pub fn submit_all(&self, run: impl Into<RunId>) -> BatchBuilder<'_> {
        BatchBuilder { gate: self, run: run.into(), calls: Vec::new(), together: false }
    }
}

/// A batch in the making.
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct BatchBuilder<'g> {
    gate: &'g Gate,
    run: RunId,
    calls: Vec<Planned<'g>>,
    together: bool,
}

/// A call of a batch in the making.
struct Planned<'g> {
    position: u64,
    tool: String,
    make: Make<'g>,
}

impl<'g> BatchBuilder<'g> {
    /// Adds a call as a model asked for it, at its position in the run.
    pub fn json(mut self, position: u64, tool: &str, arguments: &str) -> Self {
        let (gate, name, arguments) = (self.gate, tool.to_owned(), arguments.to_owned());
        let make = move |cx: CallContext, key| {
            let made = async move {
                let (judged, body) = gate.read(&name, &arguments, cx, key).await?;
                Ok((gate.inner.prepared(*judged), body))
            };
            made.boxed()
        };
        self.calls.push(Planned { position, tool: tool.to_owned(), make: Box::new(make) });
        self
    }

    /// Adds a typed call, at its position in the run.
    pub fn call<T: Tool>(mut self, position: u64, call: T) -> Self {
        let gate = self.gate;
        let make = move |cx: CallContext, key| {
            let made = async move {
                let (judged, body) = gate.read_typed(call, cx, key).await?;
                Ok((gate.inner.prepared(*judged), body))
            };
            made.boxed()
        };
        let tool = T::SPEC.name.to_owned();
        self.calls.push(Planned { position, tool, make: Box::new(make) });
        self
    }

    /// All of them run, or none: nothing starts before every one is approved, what is Auto
    /// included, and when one of them is rejected, denied, withdrawn or not decided in time, the
    /// others are withdrawn.
    ///
    /// They are *released* together, in one transaction. Execution is not atomic: once they are
    /// released each body goes its own way, and one that fails undoes nothing of the others.
    pub fn all_or_none(mut self) -> Self {
        self.together = true;
        self
    }

    /// Says who asks, and where, for all of them. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> SubmittingBatch<'g> {
        SubmittingBatch { builder: self, context: context.into() }
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
pub struct SubmittingBatch<'g> {
    builder: BatchBuilder<'g>,
    context: CallContext,
}

impl<'g> IntoFuture for SubmittingBatch<'g> {
    type Output = Batch;
    type IntoFuture = BoxFuture<'g, Batch>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { builder, context } = self;
        let BatchBuilder { gate, run, calls, together } = builder;
        gate.inner.enter_all(run, calls, together, context).boxed()
    }
}

/// A call of a batch, as it was entered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Part {
    /// Its key.
    pub key: CallKey,
    /// How the gate took it; nothing when it was not entered.
    pub receipt: Option<Receipt>,
    /// How it ended, once that is known: an outcome, or why it was not entered or could not be
    /// waited for.
    pub answer: Option<Result<Outcome, GateError>>,
}

/// The calls of one model turn, entered. What is Auto runs already.
///
/// Dropping it cancels nothing: what runs goes on and is recorded, what waits stays in the queue,
/// and submitting the same calls again re-attaches to them. What is approved is run by whoever
/// waits for it here, or by a process that [serves](Gate::serve).
#[must_use = "wait for it, or keep its keys"]
pub struct Batch {
    id: BatchId,
    parts: Vec<Part>,
    open: FuturesUnordered<BoxFuture<'static, (usize, Result<Outcome, GateError>)>>,
}

impl Batch {
    /// What its calls' records name it by.
    pub fn id(&self) -> &BatchId {
        &self.id
    }

    /// The calls, in the order in which they were given, as far as their ends are known here.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Waits until the next of them ends, whichever it is, and says which: its place in
    /// [`parts`](Self::parts), where its answer is now. Nothing when all have.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<usize> {
        let (at, answer) = self.open.next().await?;
        if let Some(part) = self.parts.get_mut(at) {
            part.answer = Some(answer);
        }
        Some(at)
    }

    /// Waits until all have ended. Answers come in the order in which the calls were given, in
    /// whatever order they were decided.
    ///
    /// Cancel safety: dropping the future drops the batch, which cancels nothing.
    pub async fn wait(mut self) -> Vec<Result<Outcome, GateError>> {
        while self.next().await.is_some() {}
        let answer = |part: Part| part.answer.unwrap_or_else(|| Err(gone(&part.key)));
        self.parts.into_iter().map(answer).collect()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} calls, {} open)", self.parts.len(), self.open.len())
    }
}

/// The runtime ended under a body.
fn gone(key: &CallKey) -> GateError {
    let why = format!("the call {key} is no longer waited for here; submit it again");
    GateError::new(GateErrorKind::Refused, why)
}

impl Inner {
    async fn enter_all(
        self: &Arc<Self>,
        run: RunId,
        calls: Vec<Planned<'_>>,
        together: bool,
        context: CallContext,
    ) -> Batch {
        let key = |position| CallKey { tenant: context.tenant.clone(), run: run.clone(), position };
        let keys: Vec<CallKey> = calls.iter().map(|call| key(call.position)).collect();
        let id = BatchId::from_keys(&keys);
        let size = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let positions = calls.iter().map(|call| call.position);
        let positions: Vec<u64> = positions.filter(|_| together).collect();
        let entering = calls.into_iter().zip(&keys).zip(0..).map(|((call, key), index)| {
            let membership = Membership {
                batch: id.clone(),
                index,
                size,
                together: positions.clone(),
                released: false,
            };
            let (made, by) = ((call.make)(context.clone(), key.clone()), &context.principal);
            async move { self.enter_part(made.await, (call.tool, key, by), membership).await }
        });
        let entered = join_all(entering).await;
        if together && entered.iter().any(|(receipt, _)| receipt.is_none()) {
            let receipts = entered.iter().filter_map(|(receipt, _)| receipt.as_ref());
            let keys: Vec<CallKey> = receipts.map(|receipt| receipt.key.clone()).collect();
            self.give_up_what_entered(&keys).await;
        }
        let mut batch = Batch { id, parts: Vec::new(), open: FuturesUnordered::new() };
        for (at, (key, (receipt, answer))) in keys.into_iter().zip(entered).enumerate() {
            batch.parts.push(Part { key, receipt, answer: None });
            batch.open.push(answer.map(move |answer| (at, answer)).boxed());
        }
        batch
    }

    /// One of them could not be entered, so none of them runs.
    async fn give_up_what_entered(&self, entered: &[CallKey]) {
        let why = "none of its batch runs: a call of it could not be entered";
        for key in entered {
            match self.store.get_by_key(key).await {
                Ok(Some(record)) => {
                    self.give_up(std::slice::from_ref(&record), record.id(), why).await;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a batch that cannot run expires"),
            }
        }
    }

    /// Enters one call of a batch, and gives the way to its end.
    async fn enter_part(
        self: &Arc<Self>,
        made: Made,
        (tool, key, by): (String, &CallKey, &Principal),
        membership: Membership,
    ) -> (Option<Receipt>, BoxFuture<'static, Result<Outcome, GateError>>) {
        let ready = |answer| std::future::ready(answer).boxed();
        let (mut prepared, body) = match made {
            Ok(made) => made,
            Err(error) => {
                let error = self.with_the_change(error, &tool, (key, by)).boxed().await;
                return (None, ready(Err(error)));
            }
        };
        prepared.record.batch = Some(membership);
        let key = prepared.record.key().clone();
        let (entered, receipt) = match self.enter(&mut prepared, Attachment::Detached).await {
            Ok(entered) => entered,
            Err(error) => return (None, ready(Err(error))),
        };
        let gate = Arc::clone(self);
        let answer = match entered {
            Entered::Run(held) => {
                let (ended, answer) = oneshot::channel();
                // At once, whether anybody waits or not.
                self.runtime.spawn(async move {
                    let _ = ended.send(body.execute(gate, held).await);
                });
                async move { answer.await.unwrap_or_else(|_| Err(gone(&key))) }.boxed()
            }
            Entered::Settled(record) => async move { gate.settled(&record).await }.boxed(),
            Entered::Waiting(waiting) => async move {
                let record = gate.review(&waiting.record).await?;
                match record.state {
                    CallState::Pending | CallState::Approved | CallState::Claimed => {
                        gate.outcome_of(&waiting).await
                    }
                    _ => gate.settled(&record).await,
                }
            }
            .boxed(),
        };
        (Some(receipt), answer)
    }
}
