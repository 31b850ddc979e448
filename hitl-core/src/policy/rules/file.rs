//! A rule file that is in use, and can be read again.
//!
//! Fail closed: a file that does not load when it is opened denies every call until one does. A file
//! that does not load later changes nothing; what is wrong with it can be asked for. A file that may be
//! laxer than what was accepted last waits for a person, and until then the stricter of both decides.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use hitl_base::Timestamp;

use super::acceptance::Baseline;
use super::in_force::InForce;
use super::{AcceptanceFile, Relaxation, RuleError, RuleErrorKind, RuleErrors, RuleSet};
use crate::confidence::{Assessment, CallView};
use crate::policy::{Answer, Policy, PolicyVersion, Ruling};

/// The most bytes of a rule file.
const LARGEST: u64 = 4 << 20;
/// Who accepted what needed nobody.
const FIRST_USE: &str = "first use";
const ONLY_TIGHTENS: &str = "at least as strict as what was accepted before";

/// A [`Policy`] that is read from a TOML file, and can be read again while it is in use. Clones are
/// the same file.
///
/// What is in the file is compared with what was last [accepted](AcceptanceFile) whenever it is read,
/// the first time included. It comes into force by itself when it is at least as strict for every call,
/// as far as that can be proven ([`RuleSet::relaxations_of`]). Otherwise it waits for a person
/// ([`accept`](Self::accept), `hitl policy accept`), and until then the stricter of both decides.
///
/// ```no_run
/// use hitl_core::{Gate, policy::RuleFile};
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let rules = RuleFile::open("policy.toml");
/// let gate = Gate::builder().policy(rules.clone()).build().await?;
/// // After an edit: what is wrong with it is said here, and the old rules stay in force.
/// if let Err(mistakes) = rules.reload() {
///     eprintln!("{mistakes}");
/// }
/// // An edit that relaxes something waits until a person who has seen it says so.
/// if let Some(waiting) = rules.status().waiting {
///     rules.accept(&waiting.version.digest, "alice")?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RuleFile(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    acceptance: AcceptanceFile,
    state: RwLock<State>,
}

#[derive(Clone, Debug)]
struct State {
    in_force: InForce,
    loaded_at: Option<Timestamp>,
    problem: Option<RuleErrors>,
}

/// What came of reading a rule file again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reload {
    /// It says what it said before.
    Unchanged,
    /// It is in force from now on.
    Loaded(PolicyVersion),
    /// It may be laxer than what was accepted: the stricter of both decides until it is accepted.
    Waiting(PendingRules),
}

/// A rule file that nobody has accepted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingRules {
    /// Which version waits.
    pub version: PolicyVersion,
    /// Where it may be laxer than what was accepted.
    pub relaxations: Vec<Relaxation>,
    /// Why it is not known what was accepted, when it is not: then every call is denied meanwhile.
    pub untrusted: Option<String>,
}

/// How a rule file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleFileStatus {
    /// What was accepted and is in force. None: every call is denied, because the file never loaded or
    /// because it is not known what was accepted.
    pub in_force: Option<PolicyVersion>,
    /// Since when.
    pub loaded_at: Option<Timestamp>,
    /// What was wrong with the file when it was last read, if anything. Then the rules in force are
    /// older than the file.
    pub problem: Option<RuleErrors>,
    /// What is in the file and waits for somebody to accept it. Where it is stricter it counts already.
    pub waiting: Option<PendingRules>,
}

/// A rule file was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The file does not load.
    #[error("the rule file does not load: {0}")]
    Unsound(#[from] RuleErrors),
    /// The file is not the one that was looked at.
    #[error("the rule file has changed since it was looked at; look at it again")]
    Changed,
    /// What was accepted could not be written down.
    #[error("what is accepted cannot be written to {}: {source}", path.display())]
    Unwritable {
        /// The acceptance file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RuleFile {
    /// Opens a rule file, accepted [beside it](AcceptanceFile::beside_policy). One that does not load
    /// (it cannot be read, is not TOML, has mistakes, or fails its own tests) denies every call and says
    /// so; see [`status`](Self::status).
    #[must_use]
    pub fn open(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let acceptance = AcceptanceFile::beside_policy(&path);
        Self::open_with(path, acceptance)
    }

    /// Opens a rule file whose acceptance is kept elsewhere: beside a store, and under a key.
    #[must_use]
    pub fn open_with(path: impl Into<PathBuf>, acceptance: AcceptanceFile) -> Self {
        let path = path.into();
        let state = match load(&path) {
            Ok(loaded) => State::of(settle(&acceptance, loaded, None)),
            Err(problem) => {
                tracing::error!(path = %path.display(), %problem, "a policy did not load; every call is denied");
                State { problem: Some(problem), ..State::of(InForce::Nothing) }
            }
        };
        Self(Arc::new(Shared { path, acceptance, state: RwLock::new(state) }))
    }

    /// Opens a rule file that must load, and be accepted: for hosts that would rather not start. One
    /// that is laxer than what was accepted does load: both decide.
    pub fn open_strict(path: impl Into<PathBuf>) -> Result<Self, RuleErrors> {
        let file = Self::open(path);
        let state = file.state();
        match (state.problem, state.in_force) {
            (Some(problem), _) => Err(problem),
            (None, InForce::Refused { why, .. }) => {
                Err(RuleErrors::one(RuleError::new(RuleErrorKind::NotAccepted, why)))
            }
            (None, _) => Ok(file),
        }
    }

    /// Reads the file again, and what was accepted of it. If it does not load, the rules in force stay
    /// in force.
    ///
    /// Blocks while it reads; calls go on meanwhile.
    pub fn reload(&self) -> Result<Reload, RuleErrors> {
        // Read and compared before the lock: calls go by the rules in force meanwhile.
        let accepted = self.state().in_force.accepted().cloned();
        let settled =
            load(&self.0.path).map(|loaded| settle(&self.0.acceptance, loaded, accepted.as_ref()));
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        match settled {
            Ok(next) => {
                state.problem = None;
                if state.in_force.is_same_as(&next) {
                    return Ok(Reload::Unchanged);
                }
                *state = State::of(next);
                let Some(waiting) = pending(&state.in_force) else {
                    let version = state.in_force.version().cloned();
                    let version = version.unwrap_or_else(|| PolicyVersion::new("", "", ""));
                    tracing::info!(path = %self.0.path.display(), %version, digest = %version.digest, "a policy is in force");
                    return Ok(Reload::Loaded(version));
                };
                Ok(Reload::Waiting(waiting))
            }
            Err(problem) => {
                if state.problem.as_ref() != Some(&problem) {
                    tracing::error!(path = %self.0.path.display(), %problem, "a policy did not load; what was in force stays in force");
                }
                state.problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    /// Accepts what is in the file, and puts it in force. `digest` is that of the version that the
    /// person looked at, and the host vouches for who they are (`by`).
    ///
    /// Never called for an agent: whoever may call it may relax the policy.
    pub fn accept(&self, digest: &str, by: &str) -> Result<PolicyVersion, AcceptError> {
        let loaded = load(&self.0.path)?;
        let version = loaded.rules.id().clone();
        if *version.digest != *digest {
            return Err(AcceptError::Changed);
        }
        let acceptance = &self.0.acceptance;
        acceptance.write(&loaded.text, by, Timestamp::now()).map_err(|source| {
            AcceptError::Unwritable { path: acceptance.path().to_owned(), source }
        })?;
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State::of(InForce::Rules(Arc::new(loaded.rules)));
        tracing::info!(path = %self.0.path.display(), %version, digest = %version.digest, by, "a policy was accepted");
        Ok(version)
    }

    /// How it stands.
    pub fn status(&self) -> RuleFileStatus {
        let state = self.state();
        RuleFileStatus {
            in_force: state.in_force.accepted().map(|rules| rules.id().clone()),
            loaded_at: state.loaded_at,
            waiting: pending(&state.in_force),
            problem: state.problem,
        }
    }

    /// The rules that were accepted and are in force; none when there are none.
    pub fn rules(&self) -> Option<Arc<RuleSet>> {
        self.state().in_force.accepted().cloned()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Where it is kept what was accepted.
    pub fn acceptance(&self) -> &AcceptanceFile {
        &self.0.acceptance
    }

    fn state(&self) -> State {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl State {
    fn of(in_force: InForce) -> Self {
        let loaded_at = in_force.newer().map(|_| Timestamp::now());
        Self { in_force, loaded_at, problem: None }
    }
}

/// A rule file that was read.
struct Loaded {
    text: String,
    rules: RuleSet,
    /// The rule set's name, when its text gives none.
    name: String,
}

/// What decides, now that this was read. `known`: what this process had accepted before.
///
/// Writes down what needs nobody's acceptance. Where that fails, this process knows it all the same, and
/// the next one asks again.
fn settle(acceptance: &AcceptanceFile, loaded: Loaded, known: Option<&Arc<RuleSet>>) -> InForce {
    let Loaded { text, rules, name } = loaded;
    let newer = Arc::new(rules);
    let keep = |by: &str| {
        if let Err(error) = acceptance.write(&text, by, Timestamp::now()) {
            tracing::warn!(path = %acceptance.path().display(), %error, "what was accepted of a policy was not written down");
        }
    };
    let (accepted, trusted) = match (acceptance.read(), known) {
        (Baseline::Accepted(accepted), _) => match RuleSet::parse_named(&accepted.text, &name) {
            Ok(rules) => (Arc::new(rules), true),
            Err(error) => {
                let why = format!("what was accepted does not load any more: {error}");
                return untrusted(acceptance, why, newer, known);
            }
        },
        (Baseline::FirstUse, Some(known)) => (Arc::clone(known), true),
        (Baseline::FirstUse, None) => {
            keep(FIRST_USE);
            return InForce::Rules(newer);
        }
        (Baseline::Untrusted(why), known) => return untrusted(acceptance, why, newer, known),
    };
    let changed = accepted.id().digest != newer.id().digest;
    let in_force = InForce::of(&accepted, newer);
    match &in_force {
        InForce::Rules(_) if changed && trusted => keep(ONLY_TIGHTENS),
        InForce::Both(both) => {
            for relaxation in &both.relaxations {
                tracing::warn!(path = %acceptance.path().display(), %relaxation, "a policy may be laxer than what was accepted; the stricter of both decides until somebody accepts it");
            }
        }
        _ => {}
    }
    in_force
}

/// It is not known what was accepted: what this process knows counts, and nothing is written down.
fn untrusted(
    acceptance: &AcceptanceFile,
    why: String,
    newer: Arc<RuleSet>,
    known: Option<&Arc<RuleSet>>,
) -> InForce {
    tracing::error!(path = %acceptance.path().display(), %why, "it is not known what was accepted of a policy");
    match known {
        Some(known) => InForce::of(known, newer),
        None => InForce::Refused { why, newer },
    }
}

fn pending(in_force: &InForce) -> Option<PendingRules> {
    match in_force {
        InForce::Nothing | InForce::Rules(_) => None,
        InForce::Refused { why, newer } => Some(PendingRules {
            version: newer.id().clone(),
            relaxations: Vec::new(),
            untrusted: Some(why.clone()),
        }),
        InForce::Both(both) => Some(PendingRules {
            version: both.newer.id().clone(),
            relaxations: both.relaxations.clone(),
            untrusted: None,
        }),
    }
}

fn load(path: &Path) -> Result<Loaded, RuleErrors> {
    let unreadable = |why: String| RuleErrors::one(RuleError::new(RuleErrorKind::Unreadable, why));
    let cannot = |error: io::Error| {
        unreadable(format!("the rule file {} cannot be read: {error}", path.display()))
    };
    let mut text = String::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > LARGEST {
        return Err(unreadable(format!("the rule file {} is larger than 4 MiB", path.display())));
    }
    let name = path.file_name().map_or_else(|| "policy".into(), |name| name.to_string_lossy());
    let name = name.into_owned();
    let rules = RuleSet::parse_named(&text, &name)?.tested()?;
    for warning in rules.warnings() {
        tracing::warn!(path = %path.display(), %warning, "a policy says less than it seems to");
    }
    Ok(Loaded { text, rules, name })
}

impl Policy for RuleFile {
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling> {
        self.answer(call, assessment).into_ruling()
    }

    fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> Answer {
        let (in_force, first) = {
            let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
            let first = state.problem.as_ref().and_then(|problem| problem.iter().next().cloned());
            (state.in_force.clone(), first)
        };
        in_force.answer(call, assessment).unwrap_or_else(|| {
            let why = first.map(|problem| problem.to_string()).unwrap_or_default();
            let file = self.0.path.file_name().unwrap_or_default().to_string_lossy();
            Answer::failed(format!(
                "the policy {file} did not load, so every call is denied; mend it and reload: {why}"
            ))
        })
    }

    fn version(&self) -> Option<PolicyVersion> {
        self.state().in_force.version().cloned()
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.0.path.clone(), self.0.acceptance.path().to_owned()]
    }

    fn runs_inline(&self) -> bool {
        true
    }
}
