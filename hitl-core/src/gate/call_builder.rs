//! Typed calls, from `gate.call(..)` to the end of the body.

use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tracing::{Instrument as _, Span};

use super::call::{MAX_ON_THREAD, Ready, keyed};
use super::carried::check_carried;
use super::error::{CallError, GateError};
use super::execute::{Detached, Ended, execute};
use super::handle::Gate;
use super::observe;
use super::prepare::Judged;
use super::submit::AtOnce;
use crate::arguments::{ArgumentError, Snapshot, parse_text, snapshot};
use crate::call::{CallContext, RunId, Tool};

/// A call that still needs to say who asks.
#[derive(Debug)]
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct CallBuilder<'g, T> {
    gate: &'g Gate,
    call: T,
}

impl<'g, T: Tool> CallBuilder<'g, T> {
    pub(super) fn new(gate: &'g Gate, call: T) -> Self {
        Self { gate, call }
    }

    /// Says who asks, and where: a principal, or a whole [`CallContext`]. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> Attributed<'g, T> {
        Attributed { gate: self.gate, call: self.call, context: context.into(), key: None }
    }
}

/// A call, ready to be awaited.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Attributed<'g, T> {
    gate: &'g Gate,
    call: T,
    context: CallContext,
    key: Option<(RunId, u64)>,
}

impl<T: Tool> Attributed<'_, T> {
    /// Gives the call its key: the run and the position in it. The same key again re-attaches.
    pub fn key(mut self, run: impl Into<RunId>, position: u64) -> Self {
        self.key = Some((run.into(), position));
        self
    }
}

impl<'g, T: Tool> IntoFuture for Attributed<'g, T> {
    type Output = Result<T::Output, CallError<T::Error>>;
    type IntoFuture = BoxFuture<'g, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move {
            let (span, way) = self.begin()?;
            let calling = async {
                let result = way.run_to_its_end().await;
                observe::called(&result);
                result
            };
            calling.instrument(span).await
        }
        .boxed()
    }
}

impl<'g, T: Tool> Attributed<'g, T> {
    /// All that need not wait for anything. Not async, so that what it works with is on the stack
    /// and not in the future, which is allocated for every call.
    fn begin(self) -> Result<(Span, Way<'g, T>), GateError> {
        let Self { gate, call, context, key } = self;
        let tool = gate.inner.tool_of::<T>()?;
        let snapshot = snapshot(&call, tool.places.as_ref())?;
        if snapshot.text().len() > MAX_ON_THREAD {
            let long = judged_and_called(gate, (call, snapshot), context, key);
            return Ok((Span::none(), Way::Long(long.boxed())));
        }
        let key = key.map(|(run, position)| keyed(&context, run, position));
        let (span, at_once) = gate.inner.begin(tool, snapshot, context, key)?;
        let way = match at_once {
            AtOnce::Run(held) => Way::Short(execute(Arc::clone(&gate.inner), held, call)),
            AtOnce::No(judged) => Way::Long(called(gate, judged, call).boxed()),
        };
        Ok((span, way))
    }
}

/// How a typed call gets to its end.
enum Way<'g, T: Tool> {
    /// It runs.
    Short(Detached<Result<Ended<T>, GateError>>),
    /// The store is asked, or a human.
    Long(BoxFuture<'g, Result<T::Output, CallError<T::Error>>>),
}

impl<T: Tool> Way<'_, T> {
    async fn run_to_its_end(self) -> Result<T::Output, CallError<T::Error>> {
        match self {
            Self::Short(running) => ended(running.await?),
            Self::Long(calling) => calling.await,
        }
    }
}

fn ended<T: Tool>(ended: Ended<T>) -> Result<T::Output, CallError<T::Error>> {
    match ended {
        Ended::Returned(Ok(output), _) => Ok(output),
        Ended::Returned(Err(error), _) => Err(CallError::Tool(error)),
        Ended::Panicked(failure) => Err(CallError::ToolFailed(failure)),
        Ended::Unknown(key) => Err(CallError::Unknown(key)),
    }
}

/// A typed call with long arguments to its end.
async fn judged_and_called<T: Tool>(
    gate: &Gate,
    call: (T, Snapshot),
    context: CallContext,
    key: Option<(RunId, u64)>,
) -> Result<T::Output, CallError<T::Error>> {
    let (judged, call) = gate.typed(call, context, key).await?;
    let span = gate.inner.call_span(&judged);
    called(gate, judged, call).instrument(span).await
}

/// A typed call to its end.
async fn called<T: Tool>(
    gate: &Gate,
    judged: Box<Judged>,
    call: T,
) -> Result<T::Output, CallError<T::Error>> {
    if gate.inner.may_ask(&judged.routed) {
        check_carried(&call, &judged.snapshot).map_err(GateError::from)?;
    }
    let (held, call) = match gate.inner.attached(judged).await? {
        Ready::Run(held, None) => (held, call),
        // It waited for a human: what runs is what was shown, not what the caller still holds.
        Ready::Run(held, Some(_)) => {
            let read = || parse_text::<T>(held.snapshot().text());
            match catch_unwind(AssertUnwindSafe(read)) {
                Ok(Ok(call)) => (held, call),
                other => {
                    // Nothing has started, so nobody else need wait for it.
                    gate.inner.release(held).await;
                    let error = match other {
                        Ok(Err(error)) => error,
                        _ => ArgumentError::panicked(),
                    };
                    return Err(GateError::from(error).into());
                }
            }
        }
        Ready::Settled(record) => return gate.inner.earlier::<T>(&record).boxed().await,
    };
    ended(execute(Arc::clone(&gate.inner), held, call).await?)
}
