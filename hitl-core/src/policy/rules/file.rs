//! A rule file that is in use, and can be read again.
//!
//! Fail closed: a file that does not load when it is opened denies every call until one does. A file
//! that does not load later changes nothing; what is wrong with it can be asked for.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use hitl_base::Timestamp;

use super::{RuleError, RuleErrorKind, RuleErrors, RuleSet};
use crate::confidence::{Assessment, CallView};
use crate::policy::{Answer, Policy, PolicyVersion, Ruling};

/// The most bytes of a rule file.
const LARGEST: u64 = 4 << 20;

/// A [`Policy`] that is read from a TOML file, and can be read again while it is in use. Clones are
/// the same file.
///
/// ```no_run
/// use hitl_core::{Gate, policy::RuleFile};
/// # async fn start() -> Result<(), hitl_core::BuildError> {
/// let rules = RuleFile::open("policy.toml");
/// let gate = Gate::builder().policy(rules.clone()).build().await?;
/// // After an edit: what is wrong with it is said here, and the old rules stay in force.
/// if let Err(mistakes) = rules.reload() {
///     eprintln!("{mistakes}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RuleFile(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Clone, Debug)]
struct State {
    /// What is in force; nothing when the file never loaded.
    rules: Option<Arc<RuleSet>>,
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
}

/// How a rule file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleFileStatus {
    /// What is in force. None: the file never loaded, and every call is denied.
    pub in_force: Option<PolicyVersion>,
    /// Since when.
    pub loaded_at: Option<Timestamp>,
    /// What was wrong with the file when it was last read, if anything. Then the rules in force are
    /// older than the file.
    pub problem: Option<RuleErrors>,
}

impl RuleFile {
    /// Opens a rule file. One that does not load (it cannot be read, is not TOML, has mistakes, or
    /// fails its own tests) denies every call and says so; see [`status`](Self::status).
    #[must_use]
    pub fn open(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let state = match load(&path) {
            Ok(rules) => State::of(rules),
            Err(problem) => {
                tracing::error!(path = %path.display(), %problem, "a policy did not load; every call is denied");
                State { rules: None, loaded_at: None, problem: Some(problem) }
            }
        };
        Self(Arc::new(Shared { path, state: RwLock::new(state) }))
    }

    /// Opens a rule file that must load: for hosts that would rather not start.
    pub fn open_strict(path: impl Into<PathBuf>) -> Result<Self, RuleErrors> {
        let path = path.into();
        let state = State::of(load(&path)?);
        Ok(Self(Arc::new(Shared { path, state: RwLock::new(state) })))
    }

    /// Reads the file again. If it does not load, the rules in force stay in force.
    ///
    /// Blocks while it reads; calls go on meanwhile.
    pub fn reload(&self) -> Result<Reload, RuleErrors> {
        let loaded = load(&self.0.path);
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(rules) => {
                state.problem = None;
                let same = state.rules.as_ref().is_some_and(|old| old.id() == rules.id());
                if same {
                    return Ok(Reload::Unchanged);
                }
                let version = rules.id().clone();
                *state = State::of(rules);
                tracing::info!(path = %self.0.path.display(), %version, digest = %version.digest, "a policy is in force");
                Ok(Reload::Loaded(version))
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

    /// How it stands.
    pub fn status(&self) -> RuleFileStatus {
        let state = self.state();
        RuleFileStatus {
            in_force: state.rules.map(|rules| rules.id().clone()),
            loaded_at: state.loaded_at,
            problem: state.problem,
        }
    }

    /// The rules in force; none when the file never loaded.
    pub fn rules(&self) -> Option<Arc<RuleSet>> {
        self.state().rules
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn state(&self) -> State {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl State {
    fn of(rules: RuleSet) -> Self {
        Self { rules: Some(Arc::new(rules)), loaded_at: Some(Timestamp::now()), problem: None }
    }
}

fn load(path: &Path) -> Result<RuleSet, RuleErrors> {
    let unreadable = |why: String| RuleErrors::one(RuleError::new(RuleErrorKind::Unreadable, why));
    let cannot = |error: std::io::Error| {
        unreadable(format!("the rule file {} cannot be read: {error}", path.display()))
    };
    let mut text = String::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > LARGEST {
        return Err(unreadable(format!("the rule file {} is larger than 4 MiB", path.display())));
    }
    let name = path.file_name().map_or_else(|| "policy".into(), |name| name.to_string_lossy());
    RuleSet::parse_named(&text, &name)?.tested()
}

impl Policy for RuleFile {
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling> {
        self.answer(call, assessment).into_ruling()
    }

    fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> Answer {
        let (rules, first) = {
            let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
            let first = state.problem.as_ref().and_then(|problem| problem.iter().next().cloned());
            (state.rules.clone(), first)
        };
        match (rules, first) {
            (Some(rules), _) => rules.answer(call, assessment),
            (None, problem) => {
                let why = problem.map(|problem| problem.to_string()).unwrap_or_default();
                let file = self.0.path.file_name().unwrap_or_default().to_string_lossy();
                Answer::failed(format!(
                    "the policy {file} did not load, so every call is denied; mend it and reload: {why}"
                ))
            }
        }
    }

    fn version(&self) -> Option<PolicyVersion> {
        self.rules().map(|rules| rules.id().clone())
    }

    fn runs_inline(&self) -> bool {
        true
    }
}
