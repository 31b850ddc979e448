//! How a gate is put together. What is missing or twice there is found here, not in a call.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::clock::{ForwardClock, SystemClock};
use hitl_base::id::EphemeralIds;
use hitl_base::json::Limits;
use hitl_base::{Clock, Redactor};

use super::handle::{Gate, Inner};
use super::identity::TwoEyes;
use super::keys::learn;
use super::observe;
use super::own_files::{self, own_files};
use super::registry::Registered;
use super::score::Timed;
use super::standing::Asked;
use super::tool_set::ToolSet;
use crate::approval::{Approver, Uncovering};
use crate::audit::{AuditPipeline, AuditSink, TracingAudit};
use crate::call::{InvalidSpec, Principal, StateMap, Tool};
use crate::confidence::{Scorer, Signal, Signals};
use crate::dynamic::DynTool;
use crate::policy::{Policy, PrincipalDirectory, Shadow, bounded};
use crate::queue::Caps;
use crate::seal::{HostKey, HostKeys, KeyRing};
use crate::store::{MemoryStore, Store, StoreError, StoreErrorKind};
use crate::sync::{HostCode, Mutex, Runtime};

/// How long one of the host's own signals or policies may take.
const EVALUATION_TIMEOUT: Duration = Duration::from_secs(1);

/// What kind of mistake was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// Two tools have the same name.
    DuplicateTool,
    /// A tool's host state is missing.
    MissingState,
    /// The same type of host state was given twice.
    DuplicateState,
    /// A tool's spec is not sound.
    InvalidSpec,
    /// Built outside of a Tokio runtime.
    NoRuntime,
    /// No host key: none was given, the store keeps none, and no random one could be made.
    NoKey,
    /// The store failed.
    Store,
}

/// A gate could not be built. Says which part is at fault and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    kind: BuildErrorKind,
    message: String,
    #[source]
    source: Option<StoreError>,
}

impl BuildError {
    fn new(kind: BuildErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// What kind of mistake it is.
    pub fn kind(&self) -> BuildErrorKind {
        self.kind
    }
}

impl From<StoreError> for BuildError {
    fn from(error: StoreError) -> Self {
        let message = format!("the gate was not built: the store failed: {error}");
        Self { source: Some(error), ..Self::new(BuildErrorKind::Store, message) }
    }
}

/// Puts a gate together. Without a store it keeps calls in memory; without an approver, Quick waits
/// in the queue like Full; without an audit, records go to `tracing`.
#[must_use = "a builder does nothing until `build`"]
pub struct GateBuilder {
    tools: Vec<Registered>,
    states: StateMap,
    mistakes: Vec<BuildError>,
    signals: Signals,
    policies: Vec<Arc<dyn Policy>>,
    candidates: Vec<Arc<dyn Policy>>,
    scorers: Vec<(Arc<dyn Scorer>, Duration)>,
    directory: Option<(Arc<dyn PrincipalDirectory>, Duration)>,
    evaluation_timeout: Duration,
    two_eyes: TwoEyes,
    /// None: the machine's.
    clock: Option<Arc<dyn Clock>>,
    store: Option<Arc<dyn Store>>,
    approver: Option<Arc<dyn Approver>>,
    audit: Option<Arc<dyn AuditSink>>,
    keys: Option<HostKeys>,
    uncovering: Uncovering,
    limits: Limits,
    caps: Caps,
    recover: bool,
    protected: Vec<PathBuf>,
}

impl GateBuilder {
    pub(super) fn new() -> Self {
        Self {
            tools: Vec::new(),
            states: StateMap::default(),
            mistakes: Vec::new(),
            signals: Signals::standard(),
            policies: Vec::new(),
            candidates: Vec::new(),
            scorers: Vec::new(),
            directory: None,
            evaluation_timeout: EVALUATION_TIMEOUT,
            two_eyes: TwoEyes::default(),
            clock: None,
            store: None,
            approver: None,
            audit: None,
            keys: None,
            uncovering: Uncovering::Allowed,
            limits: Limits::default(),
            caps: Caps::default(),
            recover: true,
            protected: Vec::new(),
        }
    }

    /// Registers a tool. Its spec is checked at compile time.
    pub fn tool<T: Tool>(mut self) -> Self {
        const { assert_sound(T::SPEC.check()) };
        self.tools.push(Registered::of::<T>());
        self
    }

    /// Registers all tools of a service, and gives it to them: those are the methods that
    /// `#[hitl_tools]` has made tools of. It is held in an `Arc`; keep a clone to share it.
    pub fn tools<S: ToolSet>(self, service: impl Into<Arc<S>>) -> Self {
        S::register(self).state::<Arc<S>>(service.into())
    }

    /// Registers a tool that is known only at run time.
    pub fn dyn_tool(mut self, tool: DynTool) -> Self {
        self.tools.push(Registered::dynamic(tool));
        self
    }

    /// Gives host state to the tools that ask for this exact type.
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        if !self.states.insert(state) {
            let name = std::any::type_name::<T>();
            let why = format!(
                "host state of type {name} was given twice; wrap one of them in a type of its own"
            );
            self.mistakes.push(BuildError::new(BuildErrorKind::DuplicateState, why));
        }
        self
    }

    /// Keeps calls in this store.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Asks this approver when a call needs Quick.
    pub fn approver(mut self, approver: impl Approver) -> Self {
        self.approver = Some(Arc::new(approver));
        self
    }

    /// Keeps audit records here.
    pub fn audit(mut self, sink: impl AuditSink) -> Self {
        self.audit = Some(Arc::new(sink));
        self
    }

    /// Adds a signal to the standard ones.
    pub fn signal(mut self, signal: impl Signal) -> Self {
        self.signals = self.signals.with(signal);
        self
    }

    /// Replaces the signals.
    pub fn signals(mut self, signals: Signals) -> Self {
        self.signals = signals;
        self
    }

    /// Adds the host's own rules. Among several, the strictest wins.
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.policies.push(Arc::new(policy));
        self
    }

    /// Evaluates a candidate beside the policies in force, which it would replace, and counts where
    /// it would have decided otherwise: see [`Gate::shadow`]. It decides nothing. Several
    /// candidates are one policy together. Calls are counted when they are new, not when they are
    /// re-attached to.
    pub fn shadow(mut self, candidate: impl Policy) -> Self {
        self.candidates.push(Arc::new(candidate));
        self
    }

    /// Asks this scorer about calls that would run or need Quick, and waits for it this long. See
    /// [`Scorer`] for what it can do and cannot.
    pub fn scorer(mut self, scorer: impl Scorer, deadline: Duration) -> Self {
        self.scorers.push((Arc::new(scorer), deadline));
        self
    }

    /// Asks this directory what a principal may do now, before a call runs in their name that
    /// waited, and waits for it this long. Without one, the rights of when it was submitted hold.
    /// See [`PrincipalDirectory`] for what an answer does, and what happens without.
    pub fn directory(mut self, directory: impl PrincipalDirectory, deadline: Duration) -> Self {
        self.directory = Some((Arc::new(directory), deadline));
        self
    }

    /// Waits this long for each of the host's own signals and policies, instead of one second. One
    /// that has not answered by then cannot say: a signal makes the confidence 0 and demands a full
    /// review, a policy denies the call. The caller's thread waits meanwhile.
    ///
    /// What a tool declares with `#[hitl(content_of)]` is read within this time as well; what is
    /// not read by then is reviewed in full as unread.
    ///
    /// Such code runs on threads of the gate's own, so that one that hangs hangs nobody. It costs a
    /// copy of the call and two switches between threads; a signal or policy whose `runs_inline`
    /// says so is asked on the caller's thread and has no deadline. The standard signals and rule
    /// sets do.
    pub fn evaluation_timeout(mut self, timeout: Duration) -> Self {
        self.evaluation_timeout = timeout;
        self
    }

    /// Lets the person who asks decide their own calls at every level, and give grants on them: two
    /// eyes are enough, for every tool that does not want four. Without this, a call that needs
    /// Full, and every grant, is another human's to answer; Quick may be answered by who asks.
    ///
    /// For a tool alone:
    /// [`ToolConfig::requester_may_decide`](crate::ToolConfig::requester_may_decide).
    pub fn requester_may_decide(mut self) -> Self {
        self.two_eyes.everywhere = true;
        self
    }

    /// The same for what this agent or service submits in somebody's name
    /// ([`CallContext::submitted_by`](crate::CallContext::submitted_by)), and for nothing else:
    /// that person may decide it alone. Cards and audit say so.
    pub fn requester_may_decide_for(mut self, agent: impl Into<Principal>) -> Self {
        self.two_eyes.agents.push(agent.into().not_human().folded());
        self
    }

    /// Takes the time at which rules look from this clock, instead of the machine's. It never goes
    /// back, and where it leaps ahead too far, rules do not know the time.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Seals arguments and results under this key, instead of the one that the store keeps; opens
    /// what was sealed under a [previous](HostKeys::with_previous) one.
    pub fn key(mut self, keys: impl Into<HostKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Says whether reviewers who may decide a call may [uncover](Gate::uncover) what redaction
    /// masks in it. Unless said, they may. Where they may not, a call with a masked place needs
    /// [`Full`](crate::ApprovalLevel::Full), because its reviewer approves what they cannot see.
    pub fn uncovering(mut self, uncovering: Uncovering) -> Self {
        self.uncovering = uncovering;
        self
    }

    /// Limits the text that a model may send as arguments.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets at most so many calls of one principal wait at a time, in each tenant. More are refused
    /// with [`GateErrorKind::QueueFull`](super::GateErrorKind::QueueFull).
    pub fn most_pending_per_principal(mut self, most: u32) -> Self {
        self.caps.principal = Some(most);
        self
    }

    /// Lets at most so many calls of one tenant wait at a time. More are refused with
    /// [`GateErrorKind::QueueFull`](super::GateErrorKind::QueueFull).
    pub fn most_pending_per_tenant(mut self, most: u32) -> Self {
        self.caps.tenant = Some(most);
        self
    }

    /// Names a file that this gate or its host lives by: a configuration, a key, pinned tools. A
    /// call whose arguments name it, or a folder above it, is never Auto, is reviewed in full, and
    /// runs on no grant. The files of the policies, of the store and of the audit are protected
    /// without it.
    pub fn protect(mut self, file: impl Into<PathBuf>) -> Self {
        self.protected.push(file.into());
        self
    }

    /// Leaves what a dead process left as it is; see [`Gate::recover`].
    pub fn without_recovery(mut self) -> Self {
        self.recover = false;
        self
    }

    /// Builds the gate, and puts in order what a dead process left (see [`Gate::recover`]). Runs
    /// nothing.
    pub async fn build(mut self) -> Result<Gate, BuildError> {
        if !self.mistakes.is_empty() {
            return Err(self.mistakes.swap_remove(0));
        }
        let tools = by_name(self.tools, &self.states)?;
        let runtime = Runtime::current().ok_or_else(|| {
            BuildError::new(BuildErrorKind::NoRuntime, "a gate is built inside a Tokio runtime")
        })?;
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let keys = match self.keys.or_else(|| store.host_keys()) {
            Some(keys) => keys,
            None => HostKey::generate()
                .map_err(|e| BuildError::new(BuildErrorKind::NoKey, e.to_string()))?
                .into(),
        };
        let redactor = Redactor::standard().with_key(keys.current().mac("hitl.redact.v1", b""));
        let mut keys = KeyRing::new(keys);
        learn(&*store, &mut keys, false).await?;
        let audit = self.audit.unwrap_or_else(|| Arc::new(TracingAudit));
        let mut files = self.protected;
        for policy in &self.policies {
            files.extend(policy.files());
        }
        files.extend(store.files());
        files.extend(audit.files());
        let session = store.open_session().await?;
        let threads = runtime.host_threads();
        let timeout = self.evaluation_timeout;
        let in_time = |policies: Vec<Arc<dyn Policy>>| -> Vec<Arc<dyn Policy>> {
            policies.into_iter().map(|policy| bounded(policy, &threads, timeout)).collect()
        };
        let scorers = self
            .scorers
            .into_iter()
            .map(|(scorer, deadline)| Timed { scorer, bound: HostCode::new(&threads, deadline) });
        let directory = self.directory.map(|(directory, deadline)| Asked {
            directory,
            bound: HostCode::new(&threads, deadline),
            names: HostCode::new(&threads, timeout),
        });
        let reads = tools.iter().filter(|(_, tool)| tool.reads_contents());
        let reading = reads.map(|(name, _)| (name.clone(), HostCode::new(&threads, timeout)));
        let clock = match self.clock {
            Some(clock) => ForwardClock::new(clock, None),
            // What was over before this process started stays over, by the store's time.
            None => ForwardClock::new(Arc::new(SystemClock), store.now().await.ok()),
        };
        let inner = Inner {
            reading: reading.collect(),
            tools,
            states: Arc::new(self.states),
            signals: self.signals.bounded(&threads, timeout),
            policies: in_time(self.policies),
            shadow: Shadow::new(in_time(self.candidates)),
            scorers: scorers.collect(),
            directory,
            two_eyes: self.two_eyes,
            clock,
            in_force: Mutex::default(),
            store,
            approver: self.approver,
            trail: AuditPipeline::new(audit),
            redactor,
            uncovering: self.uncovering,
            keys,
            session,
            runs: EphemeralIds::new(),
            runtime,
            limits: self.limits,
            own_files: Arc::new(own_files(files)),
            links: HostCode::new(&threads, own_files::DEADLINE),
            caps: self.caps,
        };
        inner.register().await?;
        let gate = Gate { inner: Arc::new(inner) };
        gate.inner.note_policies_in_force();
        observe::meter::describe();
        if self.recover {
            gate.recover().await.map_err(|error| {
                let why = format!("the gate was not built: recovery failed: {error}");
                BuildError::new(BuildErrorKind::Store, why)
            })?;
        }
        Ok(gate)
    }
}

impl Inner {
    /// Says in the store which audit chains and which tools this gate has.
    async fn register(&self) -> Result<(), StoreError> {
        let unsupported = |error: &StoreError| error.kind() == StoreErrorKind::Unsupported;
        // Before anything is written: a chain that goes missing is missed.
        for stream in self.trail.streams() {
            match self.store.writer_register(&stream).await {
                Err(error) if unsupported(&error) => {
                    tracing::warn!(%error, "the audit's writer is not registered");
                }
                other => other?,
            }
        }
        if self.tools.is_empty() {
            return Ok(());
        }
        let facts: Vec<_> = self.tools.values().map(|tool| tool.facts.clone()).collect();
        match self.store.record_tools(self.session, &facts).await {
            Err(error) if unsupported(&error) => {
                tracing::warn!(%error, "other gates cannot see which tools run here");
                Ok(())
            }
            other => other,
        }
    }
}

/// The tools by their names, when each has a name of its own and the host state that it needs.
fn by_name(
    tools: Vec<Registered>,
    states: &StateMap,
) -> Result<BTreeMap<Cow<'static, str>, Arc<Registered>>, BuildError> {
    let mut by_name = BTreeMap::new();
    for tool in tools {
        let name = tool.spec.name.clone();
        for state in tool.spec.states {
            if !states.has(state) {
                let why = format!(
                    "the tool `{name}` needs host state of type {}; give it with `.state(..)`",
                    state.type_name()
                );
                return Err(BuildError::new(BuildErrorKind::MissingState, why));
            }
        }
        if by_name.insert(name.clone(), Arc::new(tool)).is_some() {
            let why = format!("two tools are named `{name}`; give one another name");
            return Err(BuildError::new(BuildErrorKind::DuplicateTool, why));
        }
    }
    Ok(by_name)
}

impl std::fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GateBuilder({} tools)", self.tools.len())
    }
}

/// Stops the compilation of a program that registers an unsound spec.
#[expect(clippy::panic, reason = "evaluated by the compiler only")]
const fn assert_sound(checked: Result<(), InvalidSpec>) {
    match checked {
        Ok(()) => {}
        Err(InvalidSpec::Name) => panic!("a tool's name is 1 to 64 of A-Z a-z 0-9 _ -"),
        Err(InvalidSpec::OutOfRange) => panic!("base_confidence and thresholds are 0 to 100"),
        Err(InvalidSpec::ThresholdsCrossed) => {
            panic!("quick_threshold must not be above auto_threshold")
        }
        Err(InvalidSpec::Annotations) => panic!("a tool cannot be read_only and destructive"),
        Err(InvalidSpec::ZeroDuration) => {
            panic!("expires, timeout and the time to escalate within must be longer than zero")
        }
        Err(InvalidSpec::Decisions) => {
            panic!("decisions must hold one of reject, respond and abort")
        }
        Err(InvalidSpec::Stages) => panic!("each stage needs at least one person"),
        Err(InvalidSpec::Attempts) => panic!("attempts must be at least 1"),
        Err(InvalidSpec::Version) => {
            panic!("a tool's version is 1 to 128 visible ASCII characters")
        }
    }
}
