//! The only way into a body.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{CallContext, CallKey, Given, StateMap};

/// Permission to run one call once: it owns the arguments, and only a gate creates it.
///
/// ```compile_fail,E0451
/// // A permit cannot be made by hand, not even with everything that is in it.
/// fn forge(cx: hitl::RunContext) -> hitl::call::Permit<()> {
///     hitl::call::Permit { arguments: (), cx }
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is dropped runs nothing"]
pub struct Permit<T> {
    arguments: T,
    cx: RunContext,
}

impl<T> Permit<T> {
    pub(crate) fn issue(arguments: T, cx: RunContext) -> Self {
        Self { arguments, cx }
    }

    /// Returns the context to run in, before the permit is opened.
    pub fn cx(&self) -> &RunContext {
        &self.cx
    }

    /// Returns the arguments that were approved, and the context to run them in.
    pub fn open(self) -> (T, RunContext) {
        (self.arguments, self.cx)
    }

    /// Does what [`open`](Self::open) does, and also returns the proof of it, which the bodies of
    /// `#[hitl_tool]` take.
    #[doc(hidden)]
    pub fn enter(self) -> (Entry, T, RunContext) {
        (Entry(()), self.arguments, self.cx)
    }
}

/// The proof that a permit was opened, with an attached value. `Debug` does not show the value.
#[doc(hidden)]
pub struct Entry<T = ()>(T);

impl Entry {
    /// Returns the same proof with another value attached.
    pub fn with<T>(self, held: T) -> Entry<T> {
        Entry(held)
    }
}

impl<T> Entry<T> {
    /// Returns the attached value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry")
    }
}

/// The information available to a running body: who asked, under which key, and the host's state.
#[derive(Clone, Debug)]
pub struct RunContext {
    inner: Arc<PermitContext>,
}

/// The data of the call for which a permit was issued.
#[derive(Debug)]
pub(crate) struct PermitContext {
    pub(crate) context: CallContext,
    pub(crate) key: CallKey,
    /// The key of the first attempt, if this is a further attempt of a call that failed.
    pub(crate) first: Option<CallKey>,
    pub(crate) attempt: u32,
    pub(crate) states: Arc<StateMap>,
    /// The contents that the arguments name, as they were approved.
    pub(crate) contents: Given,
    /// The time for which the executor of the attempt has been dead, for the tool's own reconcile.
    pub(crate) over_for: Option<Duration>,
}

impl RunContext {
    pub(crate) fn new(issued: Arc<PermitContext>) -> Self {
        Self { inner: issued }
    }

    /// Returns the requester, and the context of the call.
    pub fn context(&self) -> &CallContext {
        &self.inner.context
    }

    /// Returns the call's key. It stays the same when the call is tried again, so its text is a
    /// good idempotency key for the systems that the body calls.
    pub fn key(&self) -> &CallKey {
        &self.inner.key
    }

    /// Returns the context for calls that the body makes through a gate on behalf of the requester:
    /// the same principal and tenant, with this call as their parent, so that they are shown under
    /// the root run.
    pub fn delegate(&self) -> CallContext {
        self.inner.context.delegated_by(&self.inner.key)
    }

    /// Returns the call's key as text; that of the first attempt if an earlier one failed. It is
    /// the same in every attempt and differs from that of any other call. Pass it to a system that
    /// performs an operation once for each idempotency key.
    pub fn idempotency_key(&self) -> String {
        self.inner.first.as_ref().unwrap_or(&self.inner.key).to_string()
    }

    /// Returns how long the executor of the attempt is known to have been dead, to a tool's own
    /// [reconcile](super::Reconciler): a provider that has not yet listed what it was asked for a
    /// moment ago may do so later. `None` in a body, and while the body may still be running.
    pub fn over_for(&self) -> Option<Duration> {
        self.inner.over_for
    }

    /// Returns the number of this attempt, from 1; earlier attempts that failed count too. A
    /// [preview](super::Tool::preview) is no attempt: there it is 0.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// Returns the content that an argument names, as it was shown and approved, for arguments
    /// declared with `#[hitl(content_of)]`. The place of an item of a list is a JSON Pointer:
    /// `"/files/0"`.
    ///
    /// Use this instead of reading the content again: a file may have changed since it was
    /// compared. `None` if the content was not read, or is too large to be kept (more than 256 KiB,
    /// or 512 KiB with the contents before it). The approver of such a call was informed of that.
    pub fn content_of(&self, argument: &str) -> Option<&[u8]> {
        self.inner.contents.get(argument)
    }

    /// Returns the host's state of type `T`.
    ///
    /// # Panics
    /// Panics if the gate has no `T`. A gate cannot be built while a registered tool's declared
    /// state is missing, so this happens only to a hand-written tool that does not declare the
    /// state that it uses; the gate records the panic as a failed call.
    #[expect(
        clippy::panic,
        reason = "an undeclared state is a bug of the tool; the gate catches it"
    )]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        match self.inner.states.get::<T>() {
            Some(state) => state,
            None => panic!(
                "no host state of type {}: declare it in Spec::states",
                std::any::type_name::<T>()
            ),
        }
    }
}
