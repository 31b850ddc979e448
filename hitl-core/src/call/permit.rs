//! The only way into a body.

use std::fmt;
use std::sync::Arc;

use super::{CallContext, CallKey, Given, StateMap};

/// Permission to run one call once: it owns the arguments, and only a gate makes it.
///
/// ```compile_fail,E0451
/// // A permit cannot be made by hand, not even with everything that is in it.
/// fn forge(cx: hitl_core::RunContext) -> hitl_core::Permit<()> {
///     hitl_core::Permit { arguments: (), cx }
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

    /// The world to run in, before the permit is opened.
    pub fn cx(&self) -> &RunContext {
        &self.cx
    }

    /// The arguments that were approved, and the world to run them in.
    pub fn open(self) -> (T, RunContext) {
        (self.arguments, self.cx)
    }

    /// As [`open`](Self::open), with the proof of it: what the bodies of `#[hitl_tool]` take.
    #[doc(hidden)]
    pub fn enter(self) -> (Entry, T, RunContext) {
        (Entry(()), self.arguments, self.cx)
    }
}

/// The proof that a permit was opened, and what comes with it. Shows nothing of that.
#[doc(hidden)]
pub struct Entry<T = ()>(T);

impl Entry {
    /// The same proof, with something.
    pub fn with<T>(self, held: T) -> Entry<T> {
        Entry(held)
    }
}

impl<T> Entry<T> {
    /// What comes with it.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry")
    }
}

/// What a running body may know: who asked, under which key, and the host's state.
#[derive(Clone, Debug)]
pub struct RunContext {
    inner: Arc<PermitContext>,
}

/// What a permit was issued for.
#[derive(Debug)]
pub(crate) struct PermitContext {
    pub(crate) context: CallContext,
    pub(crate) key: CallKey,
    /// The key of the first try, where this is a further one of a call that failed.
    pub(crate) first: Option<CallKey>,
    pub(crate) attempt: u32,
    pub(crate) states: Arc<StateMap>,
    /// What the arguments name, as it was approved.
    pub(crate) contents: Given,
}

impl RunContext {
    pub(crate) fn new(issued: Arc<PermitContext>) -> Self {
        Self { inner: issued }
    }

    /// Who asked, and where.
    pub fn context(&self) -> &CallContext {
        &self.inner.context
    }

    /// The call's key. It stays the same when the call is tried again, so its text is a good
    /// idempotency key for the systems that the body calls.
    pub fn key(&self) -> &CallKey {
        &self.inner.key
    }

    /// The context for calls that the body makes through a gate on behalf of the requester: the
    /// same principal and tenant, with this call as their parent, so that they show up under the
    /// root run.
    pub fn delegate(&self) -> CallContext {
        self.inner.context.delegated_by(&self.inner.key)
    }

    /// The call's key as text, of the first try where an earlier one failed: the same in every
    /// attempt, unlike that of any other call. What to give to a system that does a thing once for
    /// each idempotency key.
    pub fn idempotency_key(&self) -> String {
        self.inner.first.as_ref().unwrap_or(&self.inner.key).to_string()
    }

    /// Which attempt this is, from 1; those of tries that failed before count too.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// What an argument names, as it was shown and approved, for arguments declared with
    /// `#[hitl(content_of)]`. Of one item of a list the place is a JSON Pointer: `"/files/0"`.
    ///
    /// Use this and do not read it again: a file may have changed since it was compared. `None` of
    /// what was not read, and of what is too large to be kept (more than 256 KiB, or 512 KiB with
    /// the contents before it). Whoever approved such a call was told so.
    pub fn content_of(&self, argument: &str) -> Option<&[u8]> {
        self.inner.contents.get(argument)
    }

    /// The host's state of type `T`.
    ///
    /// # Panics
    /// When the gate holds no `T`. A gate is not built while a registered tool's declared state is
    /// missing, so this happens only to a hand-written tool that does not declare what it uses; the
    /// gate records the panic as a failed call.
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
