//! The settings of a gate.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Clock;
use hitl_base::json::Limits;

use crate::approval::{Approver, Uncovering, link_fault, link_of};
use crate::audit::AuditSink;
use crate::call::{CallKey, InvalidSpec, Principal, StateMap, Tool};
use crate::confidence::{Scorer, Signal, Signals};
use crate::dynamic::DynTool;
use crate::gate::build_error::{BuildError, BuildErrorKind};
use crate::gate::evaluation::identities::SelfApproval;
use crate::gate::gate::Gate;
use crate::gate::notices::decide_hint::console_url_fault;
use crate::gate::notices::notice::Notice;
use crate::gate::notices::notifier::NoticeHandler;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::grant::Envelope;
use crate::policy::{Policy, PrincipalDirectory};
use crate::queue::Caps;
use crate::seal::HostKeys;
use crate::store::Store;

/// The default time limit for each of the host's own signals and policies.
const EVALUATION_TIMEOUT: Duration = Duration::from_secs(1);
/// The default time limit for a tool's own reconcile.
const RECONCILE_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings of a gate. Without a store it keeps calls in memory; without an approver, a call
/// that needs Quick waits in the queue like Full; without an audit, records go to `tracing`.
#[must_use = "a builder does nothing until `build`"]
pub struct GateBuilder {
    pub(super) tools: Vec<RegisteredTool>,
    pub(super) states: StateMap,
    pub(super) mistakes: Vec<BuildError>,
    pub(super) signals: Signals,
    pub(super) policies: Vec<Arc<dyn Policy>>,
    pub(super) candidates: Vec<Arc<dyn Policy>>,
    pub(super) scorers: Vec<(Arc<dyn Scorer>, Duration)>,
    pub(super) directory: Option<(Arc<dyn PrincipalDirectory>, Duration)>,
    pub(super) evaluation_timeout: Duration,
    pub(super) reconcile_timeout: Duration,
    pub(super) self_approval: SelfApproval,
    /// The clock; `None` for the machine's.
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) store: Option<Arc<dyn Store>>,
    pub(super) approver: Option<Arc<dyn Approver>>,
    pub(super) audit: Option<Arc<dyn AuditSink>>,
    pub(super) keys: Option<HostKeys>,
    pub(super) uncovering: Uncovering,
    pub(super) limits: Limits,
    pub(super) caps: Caps,
    pub(super) recover: bool,
    pub(super) protected: Vec<PathBuf>,
    pub(super) console_url: Option<String>,
    pub(super) conversation: Option<String>,
    pub(super) on_notice: Option<NoticeHandler>,
    pub(super) envelopes: Vec<Envelope>,
}

impl GateBuilder {
    pub(in crate::gate) fn new() -> Self {
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
            reconcile_timeout: RECONCILE_TIMEOUT,
            self_approval: SelfApproval::default(),
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
            console_url: None,
            conversation: None,
            on_notice: None,
            envelopes: Vec::new(),
        }
    }

    /// Registers a tool. Its spec is checked at compile time, and the names in it are compared with
    /// its schema by [`build`](Self::build).
    pub fn tool<T: Tool>(mut self) -> Self {
        const { assert_valid(T::SPEC.check()) };
        match RegisteredTool::typed::<T>() {
            Ok(tool) => self.tools.push(tool),
            Err(mistake) => self.mistakes.push(mistake),
        }
        self
    }

    /// Registers a tool that is known only at run time.
    pub fn dyn_tool(mut self, tool: DynTool) -> Self {
        self.tools.push(RegisteredTool::dynamic(tool));
        self
    }

    /// Provides host state to the tools that ask for this exact type.
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

    /// Asks this approver about calls that need Quick.
    pub fn approver(mut self, approver: impl Approver) -> Self {
        self.approver = Some(Arc::new(approver));
        self
    }

    /// Writes audit records to this sink.
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

    /// Adds the host's own rules. Among several policies, the strictest wins.
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.policies.push(Arc::new(policy));
        self
    }

    /// Evaluates a candidate policy beside the policies in force, which it would replace, and
    /// counts the calls that it would have decided differently: see [`Gate::shadow_report`]. It
    /// decides nothing. Several candidates act together as one policy. A call is counted when it is
    /// new, not when it is re-attached to.
    pub fn shadow(mut self, candidate: impl Policy) -> Self {
        self.candidates.push(Arc::new(candidate));
        self
    }

    /// Asks this scorer about calls that would run or need Quick, and waits for it this long. See
    /// [`Scorer`] for its powers and limits.
    pub fn scorer(mut self, scorer: impl Scorer, deadline: Duration) -> Self {
        self.scorers.push((Arc::new(scorer), deadline));
        self
    }

    /// Asks this directory for the current rights of a principal before a call that waited runs in
    /// their name, and waits for it this long. Without a directory, the rights at submission apply.
    /// See [`PrincipalDirectory`] for the effect of an answer, and of a missing one.
    pub fn principal_directory(
        mut self,
        directory: impl PrincipalDirectory,
        deadline: Duration,
    ) -> Self {
        self.directory = Some((Arc::new(directory), deadline));
        self
    }

    /// Waits this long for each of the host's own signals and policies, instead of one second. If
    /// the time is exceeded, a signal makes the confidence 0 and demands a full review, and a
    /// policy denies the call. The caller's thread waits meanwhile.
    ///
    /// The contents that a tool declares with `#[hitl(content_of)]` are read within this time as
    /// well; if a content is not read by then, the call is reviewed in full, with the content
    /// unread.
    ///
    /// Such code runs on threads of the gate, so that code that hangs blocks nobody else. It costs
    /// a copy of the call and two switches between threads; a signal or policy whose `runs_inline`
    /// returns `true` runs on the caller's thread and has no deadline. The standard signals and
    /// rule sets do so.
    pub fn evaluation_timeout(mut self, timeout: Duration) -> Self {
        self.evaluation_timeout = timeout;
        self
    }

    /// Sets how long a tool's own [reconcile](crate::call::Reconciler) may take each time that it
    /// is asked how an attempt ended; 10 seconds by default. Without an answer in this time the
    /// call stays parked, and the tool is asked again later.
    pub fn reconcile_timeout(mut self, timeout: Duration) -> Self {
        self.reconcile_timeout = timeout;
        self
    }

    /// Lets requesters decide their own calls at every level, and give grants on them, for every
    /// tool that does not require four eyes. Without this, a call that needs Full, and every grant,
    /// needs another human; Quick may be answered by the requester.
    ///
    /// For a single tool:
    /// [`ToolConfig::requester_may_decide`](crate::ToolConfig::requester_may_decide).
    pub fn requester_may_decide(mut self) -> Self {
        self.self_approval.everywhere = true;
        self
    }

    /// Does what [`requester_may_decide`](Self::requester_may_decide) does, but only for calls that
    /// this agent or service submits in somebody's name
    /// ([`CallContext::submitted_by`](crate::CallContext::submitted_by)). Cards and audit say so.
    pub fn requester_may_decide_for(mut self, agent: impl Into<Principal>) -> Self {
        self.self_approval.agents.push(agent.into().not_human().folded());
        self
    }

    /// Uses this clock for rules, instead of the machine's. The time never goes back; if it jumps
    /// too far ahead, rules treat it as unknown.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Seals arguments and results under this key, instead of the one that the store keeps. Texts
    /// that were sealed under a [previous](HostKeys::with_previous) key are opened with that key.
    pub fn key(mut self, keys: impl Into<HostKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Sets whether reviewers who may decide a call may [uncover](Gate::uncover) the places that
    /// redaction masks in it; by default they may. If they may not, a call with a masked place
    /// needs [`Full`](crate::ApprovalLevel::Full), because its reviewer approves something unseen.
    pub fn uncovering(mut self, uncovering: Uncovering) -> Self {
        self.uncovering = uncovering;
        self
    }

    /// Limits the text that a model may send as arguments.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Limits the number of calls of one principal that may wait at a time in each tenant. More are
    /// refused with [`GateErrorKind::QueueFull`](crate::GateErrorKind::QueueFull).
    pub fn max_pending_per_principal(mut self, most: u32) -> Self {
        self.caps.principal = Some(most);
        self
    }

    /// Limits the number of calls of one tenant that may wait at a time. More are refused with
    /// [`GateErrorKind::QueueFull`](crate::GateErrorKind::QueueFull).
    pub fn max_pending_per_tenant(mut self, most: u32) -> Self {
        self.caps.tenant = Some(most);
        self
    }

    /// Declares what a person may let run by [breaking the glass](Gate::break_glass), beside what
    /// the policies declare. Without any, nobody may break it, and this gate ignores what another
    /// gate or an earlier version of the host has let somebody give. An envelope that is not one is
    /// refused when the gate is built.
    pub fn break_glass(mut self, envelope: Envelope) -> Self {
        if let Err(why) = envelope.check() {
            let why = format!("an envelope of break-glass is not used: {why}");
            self.mistakes.push(BuildError::new(BuildErrorKind::BreakGlass, why));
        }
        self.envelopes.push(envelope);
        self
    }

    /// Protects a file that this gate or its host depends on: a configuration, a key, pinned tools.
    /// A call whose arguments name it, or a folder above it, is never Auto, is reviewed in full,
    /// and runs on no grant. The files of the policies, of the store and of the audit are always
    /// protected.
    pub fn protect(mut self, file: impl Into<PathBuf>) -> Self {
        self.protected.push(file.into());
        self
    }

    /// Names the address of the console's page, like `https://ops.example.com/review/`, so that
    /// people who hear of a waiting call get a link to it. It is printed and logged: it must hold
    /// no user, query or fragment, or the gate is not built.
    pub fn console_url(mut self, url: impl Into<String>) -> Self {
        let url = url.into();
        if let Some(fault) = console_url_fault(&url) {
            let why = format!("the console's URL is not used: {fault}");
            self.mistakes.push(BuildError::new(BuildErrorKind::ConsoleUrl, why));
        }
        self.console_url = Some(url);
        self
    }

    /// Gives reviewers a link to the conversation of each call, made from this template with
    /// `{tenant}`, `{run}` and `{position}` in place of the parts of the call's key:
    /// `https://chat.example.com/runs/{run}`. A template that makes no link is refused when the
    /// gate is built. A call's own
    /// [`conversation_url`](crate::CallContext::conversation_url) comes first.
    pub fn conversation_url(mut self, template: impl Into<String>) -> Self {
        let template = template.into();
        if let Some(fault) = link_fault(&link_of(&template, &CallKey::new("run", 0))) {
            let why = format!("the template of links to conversations is not used: {fault}");
            self.mistakes.push(BuildError::new(BuildErrorKind::ConversationUrl, why));
        }
        self.conversation = Some(template);
        self
    }

    /// Calls this function with every [`Notice`], instead of writing it to standard error: that a
    /// call begins to wait for a person, and advice about the gate's settings.
    ///
    /// Without this, a notice goes to `tracing`; if no subscriber takes it, because there is none
    /// or because it filters the target `hitl` out, the gate writes the line to standard error. So
    /// a program that seems to hang says why, whether it logs or not. With this, `tracing` still
    /// gets its event.
    ///
    /// The function runs on the thread of the caller that waits: it should hand the notice over and
    /// return. A panic in it is caught.
    ///
    /// ```
    /// # async fn f() -> Result<(), hitl::gate::BuildError> {
    /// use hitl::Gate;
    ///
    /// // Always on standard error. For silence: `.on_notice(|_| {})`.
    /// let gate = Gate::builder().on_notice(|notice| eprintln!("{notice}")).build().await?;
    /// # Ok(()) }
    /// ```
    pub fn on_notice(mut self, handler: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Box::new(handler));
        self
    }

    /// Disables the recovery of calls that a dead process left; see [`Gate::recover`].
    pub fn skip_recovery(mut self) -> Self {
        self.recover = false;
        self
    }
}

impl Gate {
    /// Starts to build a gate.
    pub fn builder() -> GateBuilder {
        GateBuilder::new()
    }
}

impl std::fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GateBuilder({} tools)", self.tools.len())
    }
}

/// Fails the compilation of a program that registers an invalid spec.
#[expect(clippy::panic, reason = "evaluated by the compiler only")]
const fn assert_valid(checked: Result<(), InvalidSpec>) {
    match checked {
        Ok(()) => {}
        Err(InvalidSpec::Name) => panic!("a tool's name is 1 to 64 of A-Z a-z 0-9 _ -"),
        Err(InvalidSpec::DynName) => panic!("a tool's name is 1 to 128 of A-Z a-z 0-9 _ - ."),
        Err(InvalidSpec::OutOfRange) => panic!("base_confidence and thresholds are 0 to 100"),
        Err(InvalidSpec::ThresholdsCrossed) => {
            panic!("quick_threshold must not be above auto_threshold")
        }
        Err(InvalidSpec::Annotations) => panic!("a tool cannot be read_only and destructive"),
        Err(InvalidSpec::Effect) => panic!("a tool that is read_only has no effect"),
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
