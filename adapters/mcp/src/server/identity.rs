//! Who calls: the operator's word on stdio, a verified token on HTTP, and never the client's say.

use std::fmt;
use std::sync::Arc;

use hitl_core::{CallContext, KnownBy, Principal, ReviewerIdentity};

/// The name of the agent in whose hands the client is, if the host names none.
const AGENT: &str = "mcp";

/// The person for whom a client calls tools, as the host has verified them.
///
/// Calls are made by an *agent for a person*: an MCP client acts on what a model wrote. The name of
/// the agent is the host's too: what a client says of itself (`clientInfo`) is not verified.
#[derive(Clone, Debug)]
pub struct Caller {
    context: CallContext,
    known_by: KnownBy,
}

impl Caller {
    /// Creates a caller from the context of its calls: the person's name, roles and tenant. A
    /// context that names no agent is an agent's of the name `mcp`.
    pub fn new(context: impl Into<CallContext>) -> Self {
        let mut context = context.into();
        if context.agent.is_none() {
            context = context.submitted_by(Principal::agent(AGENT));
        }
        Self { context, known_by: KnownBy::Name }
    }

    /// Sets the means by which the person was verified, for the audit of what they decide in their
    /// client: [`KnownBy::Name`] if this is not called.
    #[must_use]
    pub fn known_by(mut self, how: KnownBy) -> Self {
        self.known_by = how;
        self
    }

    /// Returns the context of the person's calls.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// Returns the person as the one who answers a form of their client. They may decide calls of
    /// their own tenant only.
    pub(super) fn reviewer(&self) -> ReviewerIdentity {
        let named = ReviewerIdentity::new(self.context.principal.clone())
            .tenant(self.context.tenant.clone())
            .known_by(self.known_by);
        self.context.roles.iter().fold(named, |person, role| person.role(role.clone()))
    }
}

/// The error for a request whose caller is not known. Nothing runs.
///
/// The client reads its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownCaller(String);

impl UnknownCaller {
    /// Creates the error with what the client is to do, like "sign in again". It must contain no
    /// secret.
    pub fn new(what_to_do: impl Into<String>) -> Self {
        Self(what_to_do.into())
    }
}

/// The rule by which a server knows who calls.
#[derive(Clone)]
pub struct Identity(Source);

#[cfg(feature = "http")]
type OfRequest = Arc<dyn Fn(&http::request::Parts) -> Result<Caller, UnknownCaller> + Send + Sync>;

#[derive(Clone)]
enum Source {
    Fixed(Arc<Caller>),
    #[cfg(feature = "http")]
    Http(OfRequest),
}

impl Identity {
    /// Takes every request as this person's. The operator who starts the server vouches for that:
    /// right for stdio, where client and server belong to one user.
    ///
    /// ```
    /// use hitl_core::CallContext;
    /// use hitl_mcp::server::Identity;
    ///
    /// let ann = Identity::fixed("ann");
    /// let ann = Identity::fixed(CallContext::new("ann").role("admin").submitted_by("claude-desktop"));
    /// ```
    pub fn fixed(context: impl Into<CallContext>) -> Self {
        Self::caller(Caller::new(context))
    }

    /// Does what [`fixed`](Self::fixed) does, for a caller that says how it was verified.
    pub fn caller(caller: Caller) -> Self {
        Self(Source::Fixed(Arc::new(caller)))
    }

    /// Asks the host who sent an HTTP request, by its head: what a layer before the server has
    /// verified and put in the request's extensions, or a token that the function verifies itself.
    /// Do not take a name from a header that a client can set.
    ///
    /// Over stdio there is no such request, and every call is refused.
    ///
    /// ```
    /// use hitl_mcp::server::{Caller, Identity, UnknownCaller};
    ///
    /// /// Put in the request by the layer that has verified the bearer token.
    /// #[derive(Clone)]
    /// struct SignedIn(String);
    ///
    /// let identity = Identity::of_request(|request| {
    ///     let person = request.extensions.get::<SignedIn>();
    ///     let person = person.ok_or_else(|| UnknownCaller::new("sign in first"))?;
    ///     Ok(Caller::new(person.0.as_str()))
    /// });
    /// ```
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn of_request(
        verify: impl Fn(&http::request::Parts) -> Result<Caller, UnknownCaller> + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Http(Arc::new(verify)))
    }

    /// Returns who sent an HTTP request with this head.
    #[cfg(feature = "http")]
    pub(super) fn of_head(
        &self,
        head: &http::request::Parts,
    ) -> Result<Arc<Caller>, UnknownCaller> {
        match &self.0 {
            Source::Fixed(caller) => Ok(Arc::clone(caller)),
            Source::Http(verify) => verify(head).map(Arc::new),
        }
    }

    /// Returns who sent the request with these extensions.
    #[cfg_attr(
        not(feature = "http"),
        expect(clippy::unnecessary_wraps, reason = "without HTTP every caller is known")
    )]
    pub(super) fn of(
        &self,
        extensions: &rmcp::model::Extensions,
    ) -> Result<Arc<Caller>, UnknownCaller> {
        #[cfg(not(feature = "http"))]
        let _ = extensions;
        match &self.0 {
            Source::Fixed(caller) => Ok(Arc::clone(caller)),
            #[cfg(feature = "http")]
            Source::Http(_) => {
                let Some(head) = extensions.get::<http::request::Parts>() else {
                    let why = "this server knows its callers by their HTTP requests only";
                    return Err(UnknownCaller::new(why));
                };
                self.of_head(head)
            }
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(caller) => {
                f.debug_tuple("Identity").field(&caller.context.principal).finish()
            }
            #[cfg(feature = "http")]
            Source::Http(_) => f.write_str("Identity(of the request)"),
        }
    }
}
