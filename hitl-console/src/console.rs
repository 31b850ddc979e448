//! The console is put together.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use hitl_core::Gate;
use hitl_core::audit::AuditReader;

use crate::auth::Auth;
use crate::state::{Caps, State};
use crate::tasks::Tasks;
use crate::{api, assets, guard};

/// The console's routes, with their default settings. See [`Console`] for others.
///
/// An app serves it as it is, or nests it: `app.nest("/review/", router)`, with the slash at the
/// end. It answers to `localhost` and loopback addresses only, until [`Console::host`] names others.
pub fn router(gate: Gate, tasks: impl Into<Tasks>, auth: impl Auth) -> Router {
    Console::new(gate, tasks, auth).router()
}

/// A console and its settings.
#[must_use = "make its routes: `.router()`"]
pub struct Console {
    gate: Gate,
    tasks: Tasks,
    auth: Arc<dyn Auth>,
    hosts: Vec<String>,
    caps: Caps,
    audit: Option<Arc<dyn AuditReader>>,
}

impl Console {
    /// A console of a gate and of tasks, for the reviewers that `auth` knows.
    pub fn new(gate: Gate, tasks: impl Into<Tasks>, auth: impl Auth) -> Self {
        Self {
            gate,
            tasks: tasks.into(),
            auth: Arc::new(auth),
            hosts: Vec::new(),
            caps: Caps::default(),
            audit: None,
        }
    }

    /// Also answers to this host name, without a port, as browsers see it: `review.example.com`.
    /// Serve it over TLS there; a token in plain text is everybody's.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Where the gate's audit can be read: what it says of a call is shown with the call. Without it,
    /// or when it cannot be read, the store's history is, and the page says so.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use hitl_console::{Console, Tasks, Tokens};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let audit = Arc::new(hitl_core::JsonlAudit::open("audit.jsonl")?);
    /// let gate = hitl_core::Gate::builder().audit(Arc::clone(&audit)).build().await?;
    /// let console = Console::new(gate, Tasks::none(), Tokens::new()).audit(audit);
    /// # Ok(()) }
    /// ```
    pub fn audit(mut self, reader: impl AuditReader) -> Self {
        self.audit = Some(Arc::new(reader));
        self
    }

    /// How large a request may be, in bytes; 64 KiB unless set.
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.caps.body = bytes;
        self
    }

    /// How many event streams may be open at once; 4096 unless set.
    pub fn most_streams(mut self, streams: usize) -> Self {
        self.caps.streams = streams;
        self
    }

    /// The routes. Their background work starts with the first request and ends when the last clone
    /// of the router is dropped.
    pub fn router(self) -> Router {
        let body = self.caps.body;
        let reader = self.audit;
        let state = State::new(self.gate, self.tasks, self.auth, self.hosts, self.caps, reader);
        let routes = api::routes(&state).merge(assets::routes());
        guard::around(routes.fallback(assets::nowhere), state, body)
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
