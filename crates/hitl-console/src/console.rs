//! The assembly of the console.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hitl_core::Gate;
use hitl_core::audit::AuditReader;

use crate::auth::Auth;
use crate::client::Cidr;
use crate::middleware::HostPort;
use crate::policies::Policies;
use crate::state::{Limits, Recovery, Sources, State};
use crate::tasks::Tasks;
use crate::{api, assets, middleware};

/// Returns the console's routes, with their default settings. See [`Console`] for others.
///
/// An app serves it as it is, or nests it: `app.nest("/review/", router)`, with the slash at the
/// end. It answers to `localhost` and loopback addresses only, unless [`Console::host`] names
/// others.
pub fn router(gate: Gate, tasks: impl Into<Tasks>, auth: impl Auth) -> Router {
    Console::new(gate, tasks, auth).router()
}

/// A console and its settings.
#[must_use = "make its routes: `.router()`"]
pub struct Console {
    gate: Gate,
    tasks: Tasks,
    auth: Arc<dyn Auth>,
    sign_in: Router,
    hosts: Vec<String>,
    trusted_proxies: Vec<Cidr>,
    limits: Limits,
    recovery: Recovery,
    audit: Option<Arc<dyn AuditReader>>,
    policies: Policies,
}

impl Console {
    /// Creates a console of a gate and of tasks, for the reviewers that `auth` knows.
    pub fn new(gate: Gate, tasks: impl Into<Tasks>, auth: impl Auth) -> Self {
        Self {
            gate,
            tasks: tasks.into(),
            auth: Arc::new(auth),
            sign_in: Router::new(),
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            recovery: Recovery::default(),
            audit: None,
            policies: Policies::default(),
        }
    }

    /// Also answers to this host name, without a port, as browsers see it: `review.example.com`.
    /// Serve it over TLS there; a token in plain text can be read by anyone.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        // A text that is no host name matches no request.
        self.hosts.push(HostPort::parse(&name).map_or(name, HostPort::into_name));
        self
    }

    /// Adds routes of the host's own sign-in, such as the page that [`Auth::sign_in`] names. They
    /// are answered without credentials, behind the console's other checks: the host name, the
    /// origin, the size of a body, and for a change a header that other sites cannot set.
    ///
    /// # Panics
    ///
    /// When the routes are made, if one of these is the console's own.
    pub fn sign_in_routes(mut self, routes: Router) -> Self {
        self.sign_in = self.sign_in.merge(routes);
        self
    }

    /// Trusts the proxies at these addresses to name the origin of a request, in `X-Forwarded-For`
    /// or `Forwarded`. Failed logins are counted by that.
    ///
    /// A proxy should pass on only one of the two, and append to it; of the addresses in it, the
    /// right-most one counts that is not itself a trusted proxy's. Entries written by others are
    /// ignored.
    pub fn trusted_proxy(mut self, addresses: impl Into<Cidr>) -> Self {
        self.trusted_proxies.push(addresses.into());
        self
    }

    /// Sets the reader of the gate's audit: a call is shown with its audit records. Without it, or
    /// when it cannot be read, the store's history is shown, and the page says so.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use hitl_console::{Console, Tasks, Tokens};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let audit = Arc::new(hitl::JsonlAudit::open("audit.jsonl")?);
    /// let gate = hitl::Gate::builder().audit(Arc::clone(&audit)).build().await?;
    /// let console = Console::new(gate, Tasks::none(), Tokens::new()).audit(audit);
    /// # Ok(()) }
    /// ```
    pub fn audit(mut self, reader: impl AuditReader) -> Self {
        self.audit = Some(Arc::new(reader));
        self
    }

    /// Shows a rule file, and lets reviewers with this role accept a waiting version. Without that
    /// role they see only that one is waiting. Accepting a policy may relax it, so name a role that
    /// few people have.
    ///
    /// The gate's audit records each acceptance before it takes effect: the person, the proof of
    /// their identity, and the digests before and after.
    ///
    /// ```no_run
    /// # use hitl_console::{Console, Reviewer, Tasks, Tokens};
    /// # use hitl::{policy::RuleFile, Gate};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let rules = RuleFile::open("policy.toml");
    /// let gate = Gate::builder().policy(rules.clone()).build().await?;
    /// let console =
    ///     Console::new(gate, Tasks::none(), Tokens::new()).policy(rules, "policy-admin");
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "policy-files")]
    pub fn policy(mut self, rules: hitl_core::RuleFile, role: impl Into<String>) -> Self {
        self.policies.add(rules, role.into());
        self
    }

    /// Leaves it to other processes to recover calls ([`Gate::recover`]), for a gate without tools:
    /// it could only park a call whose process died, where the process that has the tool may know
    /// how it ended, or try it again. What has expired is refused here too.
    pub fn skip_recovery(mut self) -> Self {
        self.recovery = Recovery::Elsewhere;
        self
    }

    /// Limits the body of a request to this many bytes; 64 KiB by default.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.limits.body = bytes;
        self
    }

    /// Sets the time within which the body of a request must arrive, counted from when its reviewer
    /// is known; 30 seconds by default. A late body is refused.
    pub fn body_deadline(mut self, within: Duration) -> Self {
        self.limits.body_deadline = within;
        self
    }

    /// Limits the number of open event streams; 3072 by default.
    pub fn max_streams(mut self, streams: usize) -> Self {
        self.limits.streams = streams;
        self
    }

    /// Limits the number of open event streams of one principal; 32 by default. Each browser tab
    /// uses one.
    pub fn max_streams_per_principal(mut self, streams: usize) -> Self {
        self.limits.streams_per_principal = streams;
        self
    }

    /// Returns the routes. Their background work starts with the first request and ends when the
    /// last clone of the router is dropped.
    pub fn router(self) -> Router {
        let Self { gate, tasks, auth, sign_in, hosts, trusted_proxies, limits, .. } = self;
        let (recovery, audit, policies) = (self.recovery, self.audit, self.policies);
        let read = Sources { audit, policies };
        let state =
            State::new(gate, tasks, auth, (hosts, trusted_proxies), (limits, recovery), read);
        let health = api::health_routes(&state);
        let routes = api::routes(&state).merge(assets::routes()).merge(sign_in.with_state(()));
        middleware::around(routes.fallback(assets::not_found), state).merge(health)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("gate", &self.gate)
            .field("tasks", &self.tasks)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}
