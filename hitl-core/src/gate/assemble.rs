//! Builds a gate from its settings. A missing or repeated part is an error here, not in a call.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;
use hitl_base::clock::{ForwardClock, SystemClock};

use crate::audit::TracingAudit;
use crate::gate::audit::ledger::AuditLedger;
use crate::gate::break_glass::declared::DeclaredEnvelopes;
use crate::gate::break_glass::envelopes::publish_tools;
use crate::gate::build_error::{BuildError, BuildErrorKind};
use crate::gate::builder::GateBuilder;
use crate::gate::calls::call_store::CallStore;
use crate::gate::calls::lifecycle::Lifecycle;
use crate::gate::contents::display::ContentDisplay;
use crate::gate::contents::file_lookup::FileLookup;
use crate::gate::contents::named_contents::NamedContents;
use crate::gate::contents::own_files::resolve_own_files;
use crate::gate::core::GateCore;
use crate::gate::evaluation::effects::Effects;
use crate::gate::evaluation::evaluator::{EvaluationRules, Evaluator};
use crate::gate::evaluation::identities::Identities;
use crate::gate::evaluation::principal_directory::DirectoryWithTimeout;
use crate::gate::evaluation::scorers::{ScorerWithTimeout, Scorers};
use crate::gate::execution::executor::Executor;
use crate::gate::freeze::freeze_check::FreezeCheck;
use crate::gate::gate::Gate;
use crate::gate::keys::digest_keys::{self, SealedUnder};
use crate::gate::keys::vault::Vault;
use crate::gate::notices::decide_hint::DecideHint;
use crate::gate::notices::notifier::{Asks, Notifier};
use crate::gate::parked::reconcilers::Reconcilers;
use crate::gate::telemetry;
use crate::gate::tools::host_bounds::HostBounds;
use crate::gate::tools::registry::ToolRegistry;
use crate::policy::{Policy, Shadow, bounded};
use crate::seal::{HostKey, HostKeys, KeyRing};
use crate::store::{MemoryStore, Store, StoreError, StoreErrorKind};
use crate::sync::{HostCode, HostThreads, Runtime};

impl GateBuilder {
    /// Builds the gate, and recovers the calls that a dead process left (see [`Gate::recover`]).
    /// Runs no body.
    pub async fn build(mut self) -> Result<Gate, BuildError> {
        if !self.mistakes.is_empty() {
            return Err(self.mistakes.swap_remove(0));
        }
        let recover = self.recover;
        let core = self.build_core().await?;
        register_gate(&core).await?;
        let gate = Gate { core: Arc::new(core) };
        gate.core.record_policies(&gate.core.evaluator.policy_versions());
        telemetry::meter::describe();
        if recover {
            gate.recover().await.map_err(|error| {
                let why = format!("the gate was not built: recovery failed: {error}");
                BuildError::new(BuildErrorKind::Store, why)
            })?;
        }
        gate.core.notifier.say_warnings();
        Ok(gate)
    }

    /// Builds the parts and opens a session in the store.
    async fn build_core(self) -> Result<GateCore, BuildError> {
        let runtime = Runtime::current().ok_or_else(|| {
            BuildError::new(BuildErrorKind::NoRuntime, "a gate is built inside a Tokio runtime")
        })?;
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let mut hint = DecideHint::new(store.address(), self.console_url.as_deref());
        if self.keys.is_some() {
            hint = hint.with_own_key();
        }
        let asks = if self.approver.is_some() { Asks::Approver } else { Asks::Nobody };
        let keys = host_keys(self.keys, &*store)?;
        let redactor = Redactor::standard().with_key(keys.current().mac("hitl.redact.v1", b""));
        let mut ring = KeyRing::new(keys);
        digest_keys::learn(&*store, &mut ring, SealedUnder::Any).await?;
        let vault = Arc::new(Vault::new(ring));
        let sink = self.audit.unwrap_or_else(|| Arc::new(TracingAudit));
        let mut own_files = self.protected;
        for policy in &self.policies {
            own_files.extend(policy.files());
        }
        own_files.extend(store.files());
        own_files.extend(sink.files());
        let session = store.open_session().await?;
        let threads = runtime.host_threads();
        let timeout = self.evaluation_timeout;
        let clock = match self.clock {
            Some(clock) => ForwardClock::new(clock, None),
            // By the store's clock, a time that had passed before this process started has still
            // passed.
            None => ForwardClock::new(Arc::new(SystemClock), store.now().await.ok()),
        };
        let rules = EvaluationRules {
            signals: self.signals.bounded(&threads, timeout),
            policies: with_timeout(self.policies, &threads, timeout),
            shadow: Shadow::new(with_timeout(self.candidates, &threads, timeout)),
            scorers: Scorers::new(self.scorers.into_iter().map(|(scorer, deadline)| {
                ScorerWithTimeout::new(scorer, HostCode::new(&threads, deadline))
            })),
            clock,
            uncovering: self.uncovering,
            conversation: self.conversation,
        };
        let directory = self.directory.map(|(directory, deadline)| {
            let status_bound = HostCode::new(&threads, deadline);
            DirectoryWithTimeout::new(directory, status_bound, HostCode::new(&threads, timeout))
        });
        let identities = Identities::new(directory, self.self_approval, redactor.clone());
        let files = Arc::new(FileLookup::new(resolve_own_files(own_files), &threads));
        let display = ContentDisplay::new(redactor.clone(), Arc::clone(&vault), self.uncovering);
        let states = Arc::new(self.states);
        let bounds = HostBounds::new(&threads, timeout, self.reconcile_timeout);
        let tools = ToolRegistry::new(self.tools, Arc::clone(&states), self.limits, bounds)?;
        let contents = NamedContents::new(
            Arc::clone(&states),
            Arc::clone(&files),
            Arc::clone(&vault),
            display,
        );
        let calls = Arc::new(CallStore::new(store, session, self.caps, runtime.clone()));
        let audit = AuditLedger::new(sink, Arc::clone(&calls), redactor.clone(), runtime.clone());
        let audit = Arc::new(audit);
        let notifier = Arc::new(Notifier::new(hint, self.on_notice, asks));
        let executor = Executor::new(
            Arc::clone(&calls),
            Arc::clone(&audit),
            Arc::clone(&vault),
            redactor.clone(),
            runtime.clone(),
            Arc::clone(&notifier),
        );
        Ok(GateCore {
            tools,
            evaluator: Evaluator::new(rules, files, Arc::clone(&vault), redactor.clone()),
            identities,
            contents,
            envelopes: DeclaredEnvelopes::new(self.envelopes),
            effects: Effects::new(Arc::clone(&calls)),
            freezes: FreezeCheck::new(Arc::clone(&calls), Arc::clone(&notifier)),
            reconcilers: Reconcilers::default(),
            lifecycle: Arc::new(Lifecycle::new(Arc::clone(&calls), Arc::clone(&audit))),
            executor: Arc::new(executor),
            calls,
            vault,
            audit,
            approver: self.approver,
            notifier,
            redactor,
            runtime,
        })
    }
}

/// Registers the gate's audit chains and tools in the store.
async fn register_gate(core: &GateCore) -> Result<(), StoreError> {
    let unsupported = |error: &StoreError| error.kind() == StoreErrorKind::Unsupported;
    let store = core.calls.store();
    // Before anything is written, so that the loss of a chain is noticed.
    for stream in core.audit.streams() {
        match store.writer_register(&stream).await {
            Err(error) if unsupported(&error) => {
                tracing::warn!(%error, "the audit's writer is not registered");
            }
            other => other?,
        }
    }
    match publish_tools(core).await {
        Err(error) if unsupported(&error) => {
            tracing::warn!(%error, "other gates cannot see which tools run here");
            Ok(())
        }
        other => other,
    }
}

/// Returns the host's keys, the keys that the store keeps, or a new random one.
fn host_keys(given: Option<HostKeys>, store: &dyn Store) -> Result<HostKeys, BuildError> {
    match given.or_else(|| store.host_keys()) {
        Some(keys) => Ok(keys),
        None => Ok(HostKey::generate()
            .map_err(|e| BuildError::new(BuildErrorKind::NoKey, e.to_string()))?
            .into()),
    }
}

/// Limits the time of each policy.
fn with_timeout(
    policies: Vec<Arc<dyn Policy>>,
    threads: &Arc<HostThreads>,
    timeout: Duration,
) -> Vec<Arc<dyn Policy>> {
    policies.into_iter().map(|policy| bounded(policy, threads, timeout)).collect()
}
