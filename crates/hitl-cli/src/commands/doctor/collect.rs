//! Reads the facts of an installation with a store. What cannot be read is a fact, too: nothing
//! here fails because of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hitl_base::Timestamp;
use hitl_base::display::visible;
use hitl_core::audit::Verifier;
use hitl_core::policy::RuleFileStatus;
use hitl_core::store::Executors;
use hitl_core::{CallState, GrantRecord, HostKey, KeyId, Principal, RuleFile};
use hitl_store::{SqliteStore, StoreInspection};

use super::super::accept::acceptance_file;
use super::super::{freeze, named, policy};
use super::facts::{
    AuditFacts, CallFacts, ExecutorFacts, Facts, FileFacts, KeyFacts, Opened, PersonFacts,
    PolicyFacts, StoreFacts, VerifiedFacts,
};
use crate::args::{BackendArgs, DoctorArgs, short_id, without_password};
use crate::backend::{Backend, StoreBackend, inspect_postgres};
use crate::exit::Failure;
use crate::person::{CodeDesk, answer_presence};

/// The most approved and stale calls that are looked at.
const LOOKED_AT: usize = 1_000;

/// Collects the facts of the store and of what belongs to it.
pub(super) async fn facts(
    db: &str,
    backend: &BackendArgs,
    wanted: &DoctorArgs,
) -> Result<Facts, Failure> {
    let file = (!db.contains("://")).then(|| Path::new(db));
    let inspection = match file {
        Some(path) => SqliteStore::inspect(path).await.map_err(|error| error.to_string()),
        None => inspect_postgres(db, backend).await.map_err(|failure| failure.message),
    };
    let opens = inspection.as_ref().is_ok_and(StoreInspection::opens_unchanged);
    let (opened, store) = if opens {
        match Backend::open(backend, None).await {
            Ok(Backend::Store(store)) => (Opened::Yes, Some(store)),
            Ok(Backend::Console(_)) => (Opened::NotTried, None),
            Err(failure) => (Opened::Failed(failure.message), None),
        }
    } else {
        (Opened::NotTried, None)
    };
    let store = store.as_deref();
    let (audit, files) =
        wanted.audit.iter().map(|path| audit(path)).unzip::<_, _, Vec<_>, Vec<_>>();
    let files: Vec<PathBuf> = files.into_iter().flatten().collect();
    let verified = if files.is_empty() { None } else { Some(verified(&files, store).await) };
    let (mut key, mut executors, mut calls) = (None, None, None);
    if let Some(store) = store {
        key = Some(key_facts(store).await.map_err(|failure| failure.message));
        let known = store.store.executors().await.map_err(|error| error.to_string());
        executors = Some(known.as_ref().map(executor_facts).map_err(Clone::clone));
        calls =
            Some(call_facts(store, known.as_ref().ok()).await.map_err(|failure| failure.message));
    }
    Ok(Facts {
        store: StoreFacts {
            place: without_password(db),
            inspection,
            opened,
            file: file.map(file_facts),
            now: Timestamp::now(),
        },
        key,
        audit,
        verified,
        policy: wanted.policy.as_deref().map(|path| policy_facts(path, backend, wanted)),
        calls,
        executors,
        person: person_facts(wanted, store).await,
    })
}

fn file_facts(path: &Path) -> FileFacts {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    FileFacts {
        folder_takes_files: system::is_writable(folder),
        log_bytes: fs::metadata(log).map_or(0, |log| log.len()),
        free_bytes: system::free_bytes(folder),
    }
}

async fn key_facts(store: &StoreBackend) -> Result<KeyFacts, Failure> {
    let given = store.store.host_keys();
    let known: Vec<KeyId> = given.iter().flat_map(|keys| keys.all().map(HostKey::id)).collect();
    let (mut under_previous, mut under_unknown) = (0, 0);
    for uses in store.gate.key_uses().await? {
        // Texts of versions that did not record the key are opened by trying.
        let is_known = uses.key.is_none_or(|key| known.contains(&key));
        *if is_known { &mut under_previous } else { &mut under_unknown } += uses.texts;
    }
    Ok(KeyFacts {
        current: given.as_ref().map(|keys| keys.current().id().to_string()),
        under_previous,
        under_unknown,
        programs: store.store.sessions_under_other_keys().await?,
        devices: store.gate.people().devices_of_former_keys().await?,
    })
}

/// Returns what is known of an audit folder or file, and the files of its chains.
fn audit(path: &Path) -> (AuditFacts, Vec<PathBuf>) {
    let files = chain_files(path);
    let facts = AuditFacts {
        path: path.display().to_string(),
        is_writable: system::is_writable(path),
        chains: files.as_ref().map(Vec::len).map_err(ToString::to_string),
    };
    (facts, files.unwrap_or_default())
}

/// Returns the files of the chains in a folder, or the one file. Segments that were rotated out are
/// found by the name of the file that they belong to.
fn chain_files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        fs::File::open(path)?;
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // A segment has its number between the name and the ending.
        let stem = name.strip_suffix(".jsonl");
        if stem.is_some_and(|stem| !stem.contains('.')) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

async fn verified(
    files: &[PathBuf],
    store: Option<&StoreBackend>,
) -> Result<VerifiedFacts, String> {
    let mut verifier = Verifier::new();
    if store.is_some() {
        verifier = verifier.for_store();
    }
    for path in files {
        verifier = verifier.file(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let report = match store {
        Some(store) => {
            let tenants = store.tenants().await.map_err(|failure| failure.message)?;
            let finished = verifier.finish_with_store(store.store.as_ref(), &tenants).await;
            finished.map_err(|error| error.to_string())?
        }
        None => verifier.finish(),
    };
    Ok(VerifiedFacts {
        records: report.records,
        chains: report.heads.len(),
        findings: report.findings.iter().map(ToString::to_string).collect(),
    })
}

fn policy_facts(path: &Path, backend: &BackendArgs, wanted: &DoctorArgs) -> PolicyFacts {
    let mut facts = PolicyFacts { file: path.display().to_string(), ..PolicyFacts::default() };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            facts.unreadable = Some(error.to_string());
            return facts;
        }
    };
    let checked = policy::check(&text);
    let words = |all: Vec<policy::Diagnostic>| all.into_iter().map(|it| it.message).collect();
    facts.tests = checked.tests.len();
    let failed = checked.tests.into_iter().filter(|test| !test.passed);
    facts.failed_tests = failed.map(|test| test.message).collect();
    (facts.mistakes, facts.warnings) = (words(checked.mistakes), words(checked.warnings));
    match acceptance_file(backend, path, wanted.keyed.into()) {
        Ok(acceptance) => {
            let options = RuleFile::options(path).acceptance(acceptance).only_people_accept();
            let RuleFileStatus { in_force, waiting, .. } = options.open().status();
            facts.in_force = in_force.map(|version| version.to_string());
            facts.waiting = waiting.map(|waiting| waiting.version.to_string());
        }
        Err(failure) => facts.unreadable = Some(failure.message),
    }
    facts
}

fn executor_facts(executors: &Executors) -> Vec<ExecutorFacts> {
    let executors = executors.all().iter().map(|executor| ExecutorFacts {
        is_alive: executor.is_alive,
        tools: executor
            .tools
            .iter()
            .map(|tool| {
                let build = tool.build.as_deref().unwrap_or_default();
                (tool.name.clone(), format!("{} {build}", tool.fingerprint))
            })
            .collect(),
    });
    executors.collect()
}

async fn call_facts(
    store: &StoreBackend,
    executors: Option<&Executors>,
) -> Result<CallFacts, Failure> {
    let counts = store.gate.scoped_to(store.viewer()).queue().counts().await?;
    let shown = |state| hitl_wire::queue::Count::from(counts.state(state));
    let unknown = shown(CallState::OutcomeUnknown);
    let mut facts = CallFacts {
        pending: shown(CallState::Pending).to_string(),
        unknown: (unknown.counted > 0).then(|| unknown.to_string()),
        ..CallFacts::default()
    };
    let mut stale: BTreeMap<CallState, usize> = BTreeMap::new();
    for (_, _, state) in store.store.stale(LOOKED_AT).await? {
        *stale.entry(state).or_default() += 1;
    }
    let freezes = store.gate.freezes().await?;
    facts.freezes = freezes.iter().map(|freeze| freeze::sentence(&freeze.into())).collect();
    for tenant in store.tenants().await? {
        let in_force = store.gate.broken_glass(&tenant).await?;
        facts.broken_glass.extend(in_force.iter().map(glass_words));
    }
    facts.claimed_by_dead = stale.remove(&CallState::Claimed).unwrap_or_default();
    facts.expired = stale.into_values().sum();
    let now = store.store.now().await?;
    for (tenant, id) in store.store.approved(None, LOOKED_AT).await? {
        let Some(record) = store.store.get(&tenant, id).await? else { continue };
        if record.state() != CallState::Approved {
            continue;
        }
        facts.approved += 1;
        if !executors.is_some_and(|executors| executors.can_run(record.request())) {
            let waits = now.saturating_duration_since(record.updated_at());
            facts.oldest_orphan = facts.oldest_orphan.max(waits);
            facts.orphaned.push(short_id(&record.id()));
        }
    }
    Ok(facts)
}

/// Returns who broke the glass, for what, and until when.
fn glass_words(record: &GrantRecord) -> String {
    let grant = &record.grant;
    let until = grant.until.map(|until| format!(" until {until}")).unwrap_or_default();
    format!("{} lets `{}` run{until}", visible(grant.by.as_str()), visible(&grant.tool))
}

async fn person_facts(wanted: &DoctorArgs, store: Option<&StoreBackend>) -> PersonFacts {
    let name = named(wanted.name.clone()).map_err(|failure| failure.message);
    let (mut presence, mut is_enrolled) = (None, false);
    if let Some(store) = store {
        presence = answer_presence(&CodeDesk::new(store)).await.ok();
        if let (Ok((_, people)), Ok(name)) = (store.gate.people().list().await, &name) {
            // As names are enrolled: without spaces, and in lower case.
            let folded = Principal::new(name.as_str()).folded().as_str().replace(' ', "");
            is_enrolled = people.iter().any(|person| person.name == folded);
        }
    }
    PersonFacts { name, presence, is_enrolled }
}

#[cfg(unix)]
mod system {
    use std::path::Path;

    use rustix::fs::{Access, access, statvfs};

    /// Returns whether this user may write the file, or create files in the folder.
    pub(super) fn is_writable(path: &Path) -> bool {
        access(path, Access::WRITE_OK).is_ok()
    }

    /// Returns what is free for this user on the disk of this folder, in bytes.
    pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
        let disk = statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

#[cfg(not(unix))]
mod system {
    use std::path::Path;

    /// Returns whether the path is not marked as read-only.
    pub(super) fn is_writable(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|found| !found.permissions().readonly())
    }

    /// The standard library does not say it.
    pub(super) fn free_bytes(_: &Path) -> Option<u64> {
        None
    }
}
