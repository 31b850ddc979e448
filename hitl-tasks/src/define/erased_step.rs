//! A step with its types erased, as the driver runs it.

use futures::future::BoxFuture;
use serde_json::value::RawValue;

use crate::define::attempt_policy::AttemptPolicy;
use crate::define::erased_body::ErasedBody;
use crate::define::undo_spec::UndoSpec;
use crate::journal::output::{OutputCodec, OutputError};
use crate::run::context::StepContext;
use crate::run::step_failure::StepFailure;
use crate::run::value_cell::ValueCell;
use crate::sync::lock;

/// A step with its types erased and its place between two others fixed.
///
/// All methods may run user code, and so may panic.
pub(crate) trait ErasedStep: Send + Sync {
    /// Starts one attempt. Takes the input instead of cloning it if no other attempt can follow.
    fn start(&self, cx: StepContext, last: IsLast) -> BoxFuture<'static, Result<(), StepFailure>>;

    fn policy(&self) -> &AttemptPolicy;

    /// Returns whether its body blocks a thread, and so cannot be dropped.
    fn is_blocking(&self) -> bool;

    fn is_durable(&self) -> bool;

    fn has_undo(&self) -> bool;

    /// Saves a clone of the output, which undoing the step needs.
    fn save_for_undo(&self);

    /// Starts one attempt to undo the step; `None` if no output was saved.
    fn undo(&self, cx: StepContext) -> Option<BoxFuture<'static, Result<(), StepFailure>>>;

    /// Writes the output as JSON, and replaces it by the value that is read back, as it would be
    /// after a restart.
    fn write_output(&self) -> Result<Box<RawValue>, OutputError>;

    /// Reads a journaled output in place of running the step.
    fn read_output(&self, json: &RawValue) -> Result<(), OutputError>;

    /// Returns the names of its input and output types.
    fn types(&self) -> StepTypes;
}

/// The names of the types of a step.
pub(crate) struct StepTypes {
    pub(crate) input: &'static str,
    pub(crate) output: &'static str,
}

/// Tells whether no other attempt can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IsLast {
    Yes,
    No,
}

pub(crate) struct StepNode<I, O> {
    pub(crate) body: Box<dyn ErasedBody<I, O>>,
    pub(crate) policy: AttemptPolicy,
    pub(crate) copy: Option<fn(&I) -> I>,
    pub(crate) extras: Option<Box<Extras<O>>>,
    pub(crate) input: ValueCell<I>,
    pub(crate) output: ValueCell<O>,
}

/// The parts that few steps have.
pub(crate) struct Extras<O> {
    pub(crate) undo: Option<UndoSpec<O>>,
    pub(crate) codec: Option<OutputCodec<O>>,
}

impl<O> Default for Extras<O> {
    fn default() -> Self {
        Self { undo: None, codec: None }
    }
}

impl<I, O> StepNode<I, O> {
    fn undo_spec(&self) -> Option<&UndoSpec<O>> {
        self.extras.as_ref()?.undo.as_ref()
    }

    fn codec(&self) -> Result<&OutputCodec<O>, OutputError> {
        let codec = self.extras.as_ref().and_then(|extras| extras.codec.as_ref());
        codec.ok_or_else(|| "the step is not durable".to_owned())
    }
}

impl<I: Send + 'static, O: Send + 'static> ErasedStep for StepNode<I, O> {
    fn start(&self, cx: StepContext, last: IsLast) -> BoxFuture<'static, Result<(), StepFailure>> {
        let input = match (last, self.copy) {
            (IsLast::No, Some(copy)) => self.input.clone_with(copy),
            _ => self.input.take(),
        };
        match input {
            Some(input) => self.body.run(cx, input, self.output.clone()),
            // Unreachable: the driver runs the steps in order, and every attempt but the last
            // clones.
            None => Box::pin(async { Err(StepFailure::returned("its input is gone")) }),
        }
    }

    fn policy(&self) -> &AttemptPolicy {
        &self.policy
    }

    fn is_blocking(&self) -> bool {
        self.body.is_blocking()
    }

    fn is_durable(&self) -> bool {
        self.codec().is_ok()
    }

    fn has_undo(&self) -> bool {
        self.undo_spec().is_some()
    }

    fn save_for_undo(&self) {
        if let Some(undo) = self.undo_spec() {
            let copy = self.output.clone_with(undo.copy);
            let old = std::mem::replace(&mut *lock(&undo.saved), copy);
            drop(old);
        }
    }

    fn undo(&self, cx: StepContext) -> Option<BoxFuture<'static, Result<(), StepFailure>>> {
        let undo = self.undo_spec()?;
        let output = lock(&undo.saved).as_ref().map(undo.copy)?;
        Some(undo.body.run(cx, output, ValueCell::Discard))
    }

    fn write_output(&self) -> Result<Box<RawValue>, OutputError> {
        let codec = self.codec()?;
        let written = self.output.with(|output| codec.round_trip(output));
        let (text, read_back) = written.ok_or("there is no output")??;
        self.output.put(read_back);
        Ok(text)
    }

    fn read_output(&self, json: &RawValue) -> Result<(), OutputError> {
        self.output.put(self.codec()?.read(json)?);
        Ok(())
    }

    fn types(&self) -> StepTypes {
        StepTypes { input: std::any::type_name::<I>(), output: std::any::type_name::<O>() }
    }
}
