//! `hitl policy accept`: a person accepts a rule file that may relax what was accepted before.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hitl_base::display::visible;
use hitl_core::approval::{KnownBy, ReviewerIdentity};
use hitl_core::audit::JsonlAudit;
use hitl_core::policy::{AcceptError, AcceptanceFile, PendingRules};
use hitl_core::{Principal, RuleFile};
use serde::Serialize;

use super::{Output, named, terminal};
use crate::arguments::Place;
use crate::exit::{Exit, Failure};
use crate::look::Audience;
use crate::person::{Codes, Deed, Desk, require_person};
use crate::source::{Source, read_keys};

/// The fewest digits that name a text.
const DIGITS: usize = 8;

/// What the command line says.
pub(super) struct Wanted {
    pub(super) file: PathBuf,
    pub(super) digest: Option<String>,
    pub(super) preview: bool,
    pub(super) keyed: bool,
    pub(super) name: Option<String>,
    pub(super) audit: Option<PathBuf>,
    pub(super) code: Option<String>,
}

/// What waits, or was accepted, as programs get it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    accepted: bool,
    version: String,
    digest: String,
    /// Where the file may be laxer than what was accepted.
    relaxations: Vec<String>,
    /// The lines that go and come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<String>,
    /// How many lines that go or come are not listed, or not in full.
    unlisted: usize,
    /// Why it is not known what was accepted, when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    untrusted: Option<String>,
}

pub(super) async fn run(place: &Place, wanted: &Wanted, output: &Output) -> Result<(), Failure> {
    // The host may want a signature, which is not known here: so nothing but the person's word
    // counts.
    let mut options =
        RuleFile::options(&wanted.file).acceptance(kept(place, wanted)?).only_people_accept();
    // What is only looked at leaves no log.
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
            Failure::new(Exit::Failed, "the rule file is not in force, and nothing waits")
        })?;
        let shown = Shown {
            accepted: true,
            version: version.to_string(),
            digest: version.digest.to_string(),
            relaxations: Vec::new(),
            changes: Vec::new(),
            unlisted: 0,
            untrusted: None,
        };
        return Ok(output.print(&shown, || format!("{version} is accepted already\n"))?);
    };
    if wanted.preview {
        return Ok(output.print(&shown(&waiting, false), || difference(&waiting))?);
    }
    let by = named(wanted.name.clone())?;
    // What is accepted may let calls run unasked, so a person has to be known for it.
    let known = known(place, wanted, &by).await?;
    looked_at(wanted, &waiting)?;
    let person = ReviewerIdentity::new(by.as_str()).known_by(known);
    rules.accept(&waiting.version.digest, person).map_err(|error| {
        let exit = match error {
            AcceptError::Changed => Exit::Changed,
            AcceptError::Unsound(_) => Exit::Found,
            _ => Exit::Failed,
        };
        Failure::new(exit, error.to_string())
    })?;
    let shown = shown(&waiting, true);
    Ok(output.print(&shown, || format!("{} is accepted by {}\n", shown.version, visible(&by)))?)
}

/// How the person is known who accepts it, by who has enrolled in the store. Where none is named,
/// nothing but a terminal is enough.
async fn known(place: &Place, wanted: &Wanted, by: &str) -> Result<KnownBy, Failure> {
    let (name, code) = (Principal::new(by), wanted.code.as_deref());
    if place.db.is_none() {
        return require_person(Deed::Loosen, &name, code, Codes::Unnamed).await;
    }
    match Source::open(place, None).await? {
        Source::Store(store) => {
            require_person(Deed::Loosen, &name, code, Codes::Desk(&Desk::of(&store))).await
        }
        Source::Console(_) => Err(Failure::usage("a policy is accepted where its file is")),
    }
}

/// Sees to it that whoever accepts it has seen it.
fn looked_at(wanted: &Wanted, waiting: &PendingRules) -> Result<(), Failure> {
    match (&wanted.digest, terminal::audience()) {
        (Some(digits), _) if digits.len() < DIGITS => Err(Failure::usage(format!(
            "--digest takes at least {DIGITS} hexadecimal digits, as `hitl policy accept --preview` prints them"
        ))),
        (Some(digits), _) if waiting.version.digest.starts_with(&digits.to_ascii_lowercase()) => {
            Ok(())
        }
        (Some(_), _) => Err(Failure::new(
            Exit::Changed,
            "the rule file is not the one that --digest names; look at it again",
        )),
        (None, Audience::Person) => {
            let answer = terminal::ask(&difference(waiting), "Accept this policy? [y/N]")?;
            if terminal::is_yes(&answer) { Ok(()) } else { Err(terminal::declined()) }
        }
        (None, Audience::Nobody) => Err(Failure::usage(
            "nobody can be asked here, so say what you have looked at: --digest DIGITS, as `hitl policy \
             accept --preview` prints them",
        )),
    }
}

/// Where the host keeps what is accepted.
fn kept(place: &Place, wanted: &Wanted) -> Result<AcceptanceFile, Failure> {
    let store = match place.db.as_deref() {
        Some(db) if db.contains("://") => None,
        db => db.map(Path::new),
    };
    let kept = match store {
        Some(store) => AcceptanceFile::beside_store(store, &wanted.file),
        None => AcceptanceFile::beside_policy(&wanted.file),
    };
    if !wanted.keyed {
        return Ok(kept);
    }
    let beside = store.map(|store| {
        let mut name = store.as_os_str().to_owned();
        name.push(".key");
        PathBuf::from(name)
    });
    let key = place.key_file.clone().or(beside).ok_or_else(|| {
        Failure::usage(
            "--keyed needs the host's key: --key-file FILE, or --db FILE of an SQLite store",
        )
    })?;
    Ok(kept.keyed(read_keys(&key)?))
}

fn shown(waiting: &PendingRules, accepted: bool) -> Shown {
    Shown {
        accepted,
        version: waiting.version.to_string(),
        digest: waiting.version.digest.to_string(),
        relaxations: waiting.relaxations.iter().map(ToString::to_string).collect(),
        changes: waiting.changes.clone(),
        unlisted: waiting.unlisted,
        untrusted: waiting.untrusted.clone(),
    }
}

/// For people: the words that every surface has, safe for a terminal line by line.
fn difference(waiting: &PendingRules) -> String {
    let mut out = String::new();
    for line in waiting.to_string().lines() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", visible(line));
    }
    out
}
