//! Rule files that are in use, and can be read again.
//!
//! Fail closed: a file that does not load when it is opened denies every call until one does. A
//! file that does not load later changes nothing; its mistakes can be queried. A file that may be
//! laxer than the last accepted text waits for a person, and until then the stricter of both
//! decides.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use hitl_base::Timestamp;
use hitl_base::sync::{lock, read, write};

use super::acceptance::{Accepted, Baseline};
use super::in_force::InForce;
use super::judge::{Judge, Judged, Known, Loaded};
use super::text_file::read_text;
use super::{
    AcceptError, AcceptanceFile, PendingRules, PolicySignatures, Reload, RuleError, RuleErrorKind,
    RuleErrors, RuleFileOptions, RuleFileStatus, RuleSet,
};
use crate::approval::ReviewerIdentity;
use crate::audit::{AuditError, AuditRecord, AuditSink};
use crate::call::PrincipalKind;
use crate::confidence::{Assessment, CallView};
use crate::grant::Envelope;
use crate::policy::{Policy, PolicyAnswer, PolicyVersion, Ruling};

/// The most bytes of a rule file.
const LARGEST: u64 = 4 << 20;

/// A [`Policy`] that is read from a TOML file, and can be read again while it is in use. Clones
/// share the file.
///
/// The text of the file is compared with the last [accepted](AcceptanceFile) one whenever it is
/// read, the first time included. It comes into force by itself if it is at least as strict for
/// every call, as far as that can be proven ([`RuleSet::relaxations_of`]). Otherwise it waits for a
/// person ([`accept`](Self::accept), `hitl policy accept`, a console) or for a
/// [signature](RuleFileOptions::signatures), and until then the stricter of both decides.
///
/// ```no_run
/// use hitl::{policy::RuleFile, Gate};
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let rules = RuleFile::open("policy.toml");
/// let gate = Gate::builder().policy(rules.clone()).build().await?;
/// // After an edit: what is wrong with it is said here, and the old rules stay in force.
/// if let Err(mistakes) = rules.reload() {
///     eprintln!("{mistakes}");
/// }
/// // An edit that relaxes something waits until a person who has seen it says so.
/// if let Some(waiting) = rules.status().waiting {
///     rules.accept(waiting.version.digest(), "alice")?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[cfg(feature = "policy-files")]
pub struct RuleFile(Arc<Shared>);

struct Shared {
    path: PathBuf,
    acceptance: AcceptanceFile,
    signatures: Option<Arc<dyn PolicySignatures>>,
    audit: Option<Arc<dyn AuditSink>>,
    only_people: bool,
    /// Held while the file is read and put in force: an earlier reading never replaces a later one.
    reading: Mutex<()>,
    state: RwLock<State>,
}

#[derive(Clone, Debug)]
struct State {
    in_force: InForce,
    known: Option<Known>,
    loaded_at: Option<Timestamp>,
    problem: Option<RuleErrors>,
}

impl RuleFile {
    /// Opens a rule file, accepted [beside it](AcceptanceFile::beside_policy). One that does not
    /// load (it cannot be read, is not TOML, has mistakes, or fails its own tests) denies every
    /// call with the reason; see [`status`](Self::status).
    #[must_use]
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self::options(path).open()
    }

    /// Opens a rule file whose acceptance is kept elsewhere: beside a store, and under a key.
    #[must_use]
    pub fn open_with(path: impl Into<PathBuf>, acceptance: AcceptanceFile) -> Self {
        Self::options(path).acceptance(acceptance).open()
    }

    /// Opens a rule file that must load and be accepted: for hosts that must not start otherwise. A
    /// file that is laxer than the accepted text does load: both decide.
    pub fn open_strict(path: impl Into<PathBuf>) -> Result<Self, RuleErrors> {
        Self::options(path).open_strict()
    }

    /// Returns options for opening the file: where its acceptance is kept, whose signatures count,
    /// and which audit receives acceptances.
    pub fn options(path: impl Into<PathBuf>) -> RuleFileOptions {
        RuleFileOptions::new(path.into())
    }

    pub(super) fn opened(options: RuleFileOptions) -> Self {
        let RuleFileOptions { path, acceptance, signatures, audit, only_people } = options;
        let judge = Judge { acceptance: &acceptance, audit: audit.as_deref(), only_people };
        let state = match load(&path, signatures.as_deref()) {
            Ok(loaded) => State::new(judge.judge(loaded, None)),
            Err(problem) => {
                tracing::error!(path = %path.display(), %problem, "a policy did not load; every call is denied");
                let nothing = Judged { in_force: InForce::Nothing, known: None };
                State { problem: Some(problem), ..State::new(nothing) }
            }
        };
        let (reading, state) = (Mutex::new(()), RwLock::new(state));
        Self(Arc::new(Shared { path, acceptance, signatures, audit, only_people, reading, state }))
    }

    /// Returns this file, if it loaded and is accepted.
    pub(super) fn strict(self) -> Result<Self, RuleErrors> {
        let state = self.state();
        match (state.problem, state.in_force) {
            (Some(problem), _) => Err(problem),
            (None, InForce::Refused { why, .. }) => {
                Err(RuleErrors::one(RuleError::new(RuleErrorKind::NotAccepted, why)))
            }
            (None, _) => Ok(self),
        }
    }

    /// Reads the file and its acceptance again. If it does not load, the rules in force stay in
    /// force.
    ///
    /// Blocks while it reads; calls continue meanwhile.
    pub fn reload(&self) -> Result<Reload, RuleErrors> {
        let shared = &self.0;
        let _reading = lock(&shared.reading);
        // Read and compared before the state is locked: meanwhile calls use the rules in force.
        let known = self.state().known;
        let judge = Judge {
            acceptance: &shared.acceptance,
            audit: shared.audit.as_deref(),
            only_people: shared.only_people,
        };
        let judged = load(&shared.path, shared.signatures.as_deref())
            .map(|loaded| judge.judge(loaded, known.as_ref()));
        let mut state = write(&shared.state);
        match judged {
            Ok(next) => {
                state.problem = None;
                if state.in_force.is_same_as(&next.in_force) {
                    state.known = next.known;
                    return Ok(Reload::Unchanged);
                }
                *state = State::new(next);
                let Some(waiting) = pending(&state.in_force) else {
                    let version = state.in_force.version().cloned();
                    let version = version.unwrap_or_else(|| PolicyVersion::new("", "", ""));
                    tracing::info!(path = %shared.path.display(), %version, digest = %version.digest, "a policy is in force");
                    return Ok(Reload::Loaded(version));
                };
                Ok(Reload::Waiting(waiting))
            }
            Err(problem) => {
                if state.problem.as_ref() != Some(&problem) {
                    tracing::error!(path = %shared.path.display(), %problem, "a policy did not load; what was in force stays in force");
                }
                state.problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    /// Accepts the text in the file, and puts it in force. `digest` is that of the version that the
    /// person looked at, and the host vouches for their identity (`by`).
    ///
    /// The [audit](RuleFileOptions::audit) with which the file was opened receives it first.
    /// [`Gate::accept_policy`](crate::Gate::accept_policy) writes to the gate's audit instead.
    ///
    /// Never call this for an agent: the caller may relax the policy.
    ///
    /// # Errors
    ///
    /// The file does not load or is not the one that the person looked at, `by` is not a person, or
    /// the acceptance cannot be audited or written. Nothing is accepted then.
    pub fn accept(
        &self,
        digest: &str,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<PolicyVersion, AcceptError> {
        let audit = self.0.audit.clone();
        self.accept_after(digest, &by.into(), |entry| match &audit {
            Some(audit) => audit.append(entry),
            None => Ok(()),
        })
    }

    /// Accepts the text in the file after `announce` has written the audit record.
    pub(crate) fn accept_after(
        &self,
        digest: &str,
        by: &ReviewerIdentity,
        announce: impl FnOnce(&AuditRecord) -> Result<(), AuditError>,
    ) -> Result<PolicyVersion, AcceptError> {
        if by.principal.kind() != PrincipalKind::Human {
            return Err(AcceptError::NotHuman);
        }
        let shared = &self.0;
        let _reading = lock(&shared.reading);
        let loaded = load(&shared.path, shared.signatures.as_deref())?;
        let version = loaded.rules.id().clone();
        if *version.digest != *digest {
            return Err(AcceptError::Changed);
        }
        let State { in_force, known, .. } = self.state();
        let before = self.latest(known.as_ref());
        let number = loaded.signed.and_then(Result::ok).map(|signed| signed.number);
        let acceptance = &shared.acceptance;
        let who = by.principal.as_str();
        let next = acceptance.next_by_person((&loaded.text, who), number, before.as_ref());
        let from = in_force.accepted().map(|rules| rules.id());
        let why = format!("accepted by {who}");
        let entry = AuditRecord::policy_accepted(from, &version, &why, Timestamp::now()).known(by);
        announce(&entry).map_err(AcceptError::Audit)?;
        acceptance.write(&next).map_err(|source| AcceptError::Unwritable {
            path: acceptance.path().to_owned(),
            source,
        })?;
        let rules = Arc::new(loaded.rules);
        let known = Some(Known::accepted(Arc::clone(&rules), next));
        let mut state = write(&shared.state);
        *state = State::new(Judged { in_force: InForce::Rules(rules), known });
        tracing::info!(path = %shared.path.display(), %version, digest = %version.digest, by = who, "a policy was accepted");
        Ok(version)
    }

    /// Returns the last acceptance, by this process or by another one.
    fn latest(&self, known: Option<&Known>) -> Option<Accepted> {
        let known = known.map(|known| (*known.accepted).clone());
        match (self.0.acceptance.read(), known) {
            (Baseline::Accepted(read), Some(known)) if read.fault_after(&known).is_some() => {
                Some(known)
            }
            (Baseline::Accepted(read), _) => Some(*read),
            (_, known) => known,
        }
    }

    /// Returns the state of the file.
    pub fn status(&self) -> RuleFileStatus {
        let state = self.state();
        RuleFileStatus {
            in_force: state.in_force.accepted().map(|rules| rules.id().clone()),
            loaded_at: state.loaded_at,
            waiting: pending(&state.in_force),
            problem: state.problem,
        }
    }

    /// Returns the accepted rules in force; `None` if there are none.
    pub fn rules(&self) -> Option<Arc<RuleSet>> {
        self.state().in_force.accepted().cloned()
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the acceptance file.
    pub fn acceptance(&self) -> &AcceptanceFile {
        &self.0.acceptance
    }

    fn state(&self) -> State {
        read(&self.0.state).clone()
    }
}

impl State {
    fn new(Judged { in_force, known }: Judged) -> Self {
        let loaded_at = in_force.newer().map(|_| Timestamp::now());
        Self { in_force, known, loaded_at, problem: None }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("path", &self.path)
            .field("acceptance", &self.acceptance)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn pending(in_force: &InForce) -> Option<PendingRules> {
    match in_force {
        InForce::Nothing | InForce::Rules(_) => None,
        InForce::Refused { why, newer } => Some(PendingRules {
            version: newer.id().clone(),
            relaxations: Vec::new(),
            changes: Vec::new(),
            unlisted: 0,
            signature: None,
            untrusted: Some(why.clone()),
        }),
        InForce::Both(both) => Some(PendingRules {
            version: both.newer.id().clone(),
            relaxations: both.relaxations.clone(),
            changes: both.changes.lines.clone(),
            unlisted: both.changes.unlisted,
            signature: both.signature.clone(),
            untrusted: None,
        }),
    }
}

fn load(path: &Path, signatures: Option<&dyn PolicySignatures>) -> Result<Loaded, RuleErrors> {
    let text = read_text(path, LARGEST).map_err(|error| {
        let why = format!("the rule file {} cannot be read: {error}", path.display());
        RuleErrors::one(RuleError::new(RuleErrorKind::Unreadable, why))
    })?;
    let name = path.file_name().map_or_else(|| "policy".into(), |name| name.to_string_lossy());
    let name = name.into_owned();
    let rules = RuleSet::parse_named(&text, &name)?.tested()?;
    for warning in rules.warnings() {
        tracing::warn!(path = %path.display(), %warning, "a policy says less than it seems to");
    }
    let signed = signatures.map(|signatures| signatures.signed(&text));
    Ok(Loaded { text, rules, name, signed })
}

impl Policy for RuleFile {
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling> {
        self.answer(call, assessment).into_ruling()
    }

    fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> PolicyAnswer {
        let (in_force, first) = {
            let state = read(&self.0.state);
            let first = state.problem.as_ref().and_then(|problem| problem.iter().next().cloned());
            (state.in_force.clone(), first)
        };
        in_force.answer(call, assessment).unwrap_or_else(|| {
            let why = first.map(|problem| problem.to_string()).unwrap_or_default();
            let file = self.0.path.file_name().unwrap_or_default().to_string_lossy();
            PolicyAnswer::failed(format!(
                "the policy {file} did not load, so every call is denied; mend it and reload: {why}"
            ))
        })
    }

    fn version(&self) -> Option<PolicyVersion> {
        self.state().in_force.version().cloned()
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.0.path.clone(), self.0.acceptance.path().to_owned()];
        files.extend(self.0.signatures.iter().flat_map(|signatures| signatures.files()));
        files
    }

    fn runs_inline(&self) -> bool {
        true
    }

    fn envelopes(&self) -> Vec<Envelope> {
        self.state().in_force.envelopes()
    }
}
