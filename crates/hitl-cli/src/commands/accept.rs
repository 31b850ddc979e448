//! `hitl policy accept`: a person accepts a rule file that may relax the accepted rules.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hitl_base::display::visible;
use hitl_core::approval::{KnownBy, ReviewerIdentity};
use hitl_core::audit::JsonlAudit;
use hitl_core::policy::{AcceptError, AcceptanceFile, PendingRules};
use hitl_core::{Principal, RuleFile};
use serde::Serialize;

use super::{Output, named, terminal};
use crate::args::{AcceptArgs, BackendArgs};
use crate::backend::{Backend, read_keys};
use crate::exit::{Exit, Failure};
use crate::person::{CodeDesk, CodeSource, Deed, require_person};
use crate::seen_check::Interactivity;

/// The minimum number of digits that identify a text.
const DIGITS: usize = 8;

/// The version that is waiting or was accepted, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AcceptReport {
    accepted: bool,
    version: String,
    digest: String,
    /// The places where the file may be laxer than the accepted version.
    relaxations: Vec<String>,
    /// The removed and added lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<String>,
    /// The number of changed lines that are not listed, or not in full.
    unlisted: usize,
    /// The reason why the accepted version is not known, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    untrusted: Option<String>,
}

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: &AcceptArgs,
    output: &Output,
) -> Result<(), Failure> {
    // The host may require a signature, which is not known here: so only the person's word counts.
    let mut options = RuleFile::options(&wanted.file)
        .acceptance(acceptance_file(backend, &wanted.file, wanted.keyed.into())?)
        .only_people_accept();
    // A preview leaves no audit record.
    if let Some(folder) = wanted.audit.as_deref().filter(|_| !wanted.preview) {
        let log = JsonlAudit::in_folder(folder)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        options = options.audit(log);
    }
    let rules = options.open();
    let status = rules.status();
    if let Some(problem) = status.problem {
        return Err(Failure::new(Exit::Found, format!("{}: {problem}", wanted.file.display())));
    }
    let Some(waiting) = status.waiting else {
        let version = status.in_force.ok_or_else(|| {
            Failure::new(Exit::Failed, "the rule file is not in force, and no version is waiting")
        })?;
        let report = AcceptReport {
            accepted: true,
            version: version.to_string(),
            digest: version.digest().to_string(),
            relaxations: Vec::new(),
            changes: Vec::new(),
            unlisted: 0,
            untrusted: None,
        };
        return Ok(output.print_folded(&report, || format!("{version} is already accepted\n"))?);
    };
    if wanted.preview {
        return Ok(output.print_folded(&report(&waiting, false), || difference(&waiting))?);
    }
    let by = named(wanted.name.clone())?;
    // The accepted rules may let calls run without asking, so a person must be known.
    let known = authenticate(backend, wanted, &by).await?;
    check_seen(wanted, &waiting)?;
    let person = ReviewerIdentity::new(by.as_str()).known_by(known);
    rules.accept(waiting.version.digest(), person).map_err(|error| {
        let exit = match error {
            AcceptError::Changed => Exit::Conflict,
            AcceptError::Unsound(_) => Exit::Found,
            _ => Exit::Failed,
        };
        Failure::new(exit, error.to_string())
    })?;
    let report = report(&waiting, true);
    Ok(output.print_folded(&report, || {
        format!("{} is accepted by {}\n", report.version, visible(&by))
    })?)
}

/// Returns the proof of the accepting person's identity, given the credentials in the store.
/// Without a store, only a terminal is enough.
async fn authenticate(
    backend: &BackendArgs,
    wanted: &AcceptArgs,
    by: &str,
) -> Result<KnownBy, Failure> {
    let (name, code) = (Principal::new(by), wanted.code.as_deref());
    if backend.db.is_none() {
        return require_person(Deed::Loosen, &name, code, CodeSource::Unnamed).await;
    }
    match Backend::open(backend, None).await? {
        Backend::Store(store) => {
            require_person(Deed::Loosen, &name, code, CodeSource::Desk(&CodeDesk::new(&store)))
                .await
        }
        Backend::Console(_) => Err(Failure::usage(
            "a policy is accepted on the host that has its file: leave out --url",
        )),
    }
}

/// Checks that the person who accepts it has seen it.
fn check_seen(wanted: &AcceptArgs, waiting: &PendingRules) -> Result<(), Failure> {
    match (&wanted.digest, terminal::interactivity()) {
        (Some(digits), _) if digits.len() < DIGITS => Err(Failure::usage(format!(
            "--digest takes at least {DIGITS} hexadecimal digits, as `hitl policy accept --preview` prints them"
        ))),
        (Some(digits), _) if waiting.version.digest().starts_with(&digits.to_ascii_lowercase()) => {
            Ok(())
        }
        (Some(_), _) => Err(Failure::new(
            Exit::Conflict,
            "--digest does not match the rule file; check it again",
        )),
        (None, Interactivity::Person) => {
            let answer = terminal::ask(&difference(waiting), "Accept this policy? [y/N]")?;
            if terminal::is_yes(&answer) { Ok(()) } else { Err(terminal::declined()) }
        }
        (None, Interactivity::Nobody) => Err(Failure::usage(
            "nobody can be asked here, so name what you have seen: --digest DIGITS, as `hitl policy \
             accept --preview` prints them",
        )),
    }
}

/// What authenticates an acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptanceSeal {
    None,
    /// The host's key: that of `--key-file`, or of the store.
    HostKey,
}

impl From<bool> for AcceptanceSeal {
    /// Reads the option `--keyed`.
    fn from(keyed: bool) -> Self {
        if keyed { Self::HostKey } else { Self::None }
    }
}

/// Returns the file in which the host keeps the acceptance.
pub(crate) fn acceptance_file(
    backend: &BackendArgs,
    file: &Path,
    seal: AcceptanceSeal,
) -> Result<AcceptanceFile, Failure> {
    let store = match backend.db.as_deref() {
        Some(db) if db.contains("://") => None,
        db => db.map(Path::new),
    };
    let kept = match store {
        Some(store) => AcceptanceFile::beside_store(store, file),
        None => AcceptanceFile::beside_policy(file),
    };
    if seal == AcceptanceSeal::None {
        return Ok(kept);
    }
    let beside = store.map(|store| {
        let mut name = store.as_os_str().to_owned();
        name.push(".key");
        PathBuf::from(name)
    });
    let key = backend.key_file.clone().or(beside).ok_or_else(|| {
        Failure::usage(
            "--keyed needs the host's key: --key-file FILE, or --db FILE of an SQLite store",
        )
    })?;
    Ok(kept.keyed(read_keys(&key)?))
}

fn report(waiting: &PendingRules, accepted: bool) -> AcceptReport {
    AcceptReport {
        accepted,
        version: waiting.version.to_string(),
        digest: waiting.version.digest().to_string(),
        relaxations: waiting.relaxations.iter().map(ToString::to_string).collect(),
        changes: waiting.changes.clone(),
        unlisted: waiting.unlisted,
        untrusted: waiting.untrusted.clone(),
    }
}

/// Renders the changes for people: the same words as on every surface, each line safe for a
/// terminal.
fn difference(waiting: &PendingRules) -> String {
    let mut out = String::new();
    for line in waiting.to_string().lines() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", visible(line));
    }
    out
}
