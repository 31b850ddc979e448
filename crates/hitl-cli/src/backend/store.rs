//! A store, and a gate over it.
//!
//! The gate has no tools: it lists and takes decisions, and the process that has the tools runs
//! what was approved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hitl_core::AuditSink as _;
use hitl_core::store::{GrantQuery, Store};
use hitl_core::{
    CallRecord, CallState, Gate, GrantId, GrantRecord, HostKey, HostKeys, JsonlAudit, PageRequest,
    RequestId, ReviewScope, RuleFile, Tenant,
};
use hitl_store::{SqliteStore, StoreInspection};
use hitl_tasks::journal::{mark_for_retry, read_result_json};
use hitl_tasks::{Journal, JournalSummary, ResultError, TaskId};
use hitl_wire::EarlierList;
use hitl_wire::earlier::EARLIER_SHOWN;
use serde_json::value::RawValue;

use crate::args::{BackendArgs, IdArg, IdSearch};
use crate::exit::{Exit, Failure};
use crate::view::{Card, NumberedEntry};

/// The number of tenants or tasks of one page.
const TENANTS: usize = 1000;
/// The number of calls or grants of one page.
const PAGE: usize = 200;

/// Which tasks are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    All,
    Failed,
}

/// A store, and a gate over it.
pub(crate) struct StoreBackend {
    pub(crate) gate: Gate,
    pub(crate) store: Box<dyn Store>,
    journal: Arc<dyn Journal>,
    tenants: Vec<Tenant>,
    /// The file of the audit that this program writes.
    pub(crate) audit_file: Option<PathBuf>,
}

impl StoreBackend {
    /// Opens the store; decisions are also written to the audit in this folder.
    pub(crate) async fn open(
        db: &str,
        backend: &BackendArgs,
        audit: Option<&Path>,
    ) -> Result<Self, Failure> {
        Self::open_under(db, backend, audit, None).await
    }

    /// Opens the store under a policy, which is asked again about calls that are edited.
    pub(crate) async fn open_under(
        db: &str,
        backend: &BackendArgs,
        audit: Option<&Path>,
        policy: Option<RuleFile>,
    ) -> Result<Self, Failure> {
        let keys = backend.key_file.as_deref().map(read_keys).transpose()?;
        let tenants = backend.tenant.iter().map(|name| Tenant::new(name.as_str())).collect();
        if db.starts_with("postgres://") || db.starts_with("postgresql://") {
            let store = postgres(db, keys, backend.schema.as_deref()).await?;
            return Self::over(store, tenants, audit, policy).await;
        }
        if backend.schema.is_some() {
            return Err(Failure::usage("only a PostgreSQL store has a schema: leave out --schema"));
        }
        // A store that does not exist would be created.
        if let Err(error) = std::fs::metadata(db) {
            return Err(Failure::file(Path::new(db), &error));
        }
        let mut options = SqliteStore::options();
        if let Some(keys) = keys {
            options = options.key(keys);
        }
        Self::over(options.open(db).await?, tenants, audit, policy).await
    }

    async fn over(
        store: impl Store + Journal + Clone,
        tenants: Vec<Tenant>,
        audit: Option<&Path>,
        policy: Option<RuleFile>,
    ) -> Result<Self, Failure> {
        let mut gate = Gate::builder().store(store.clone()).skip_recovery();
        if let Some(policy) = policy {
            gate = gate.policy(policy);
        }
        let mut audit_file = None;
        if let Some(folder) = audit {
            let log = JsonlAudit::in_folder(folder)
                .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
            audit_file = log.files().pop();
            gate = gate.audit(log);
        }
        Ok(Self {
            gate: gate.build().await?,
            store: Box::new(store.clone()),
            journal: Arc::new(store),
            tenants,
            audit_file,
        })
    }

    /// Returns the journal of tasks.
    #[cfg(feature = "serve")]
    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&self.journal)
    }

    /// Returns the scope of the visible calls.
    pub(crate) fn viewer(&self) -> ReviewScope {
        if self.tenants.is_empty() {
            return ReviewScope::all_tenants();
        }
        ReviewScope::tenants(self.tenants.iter().cloned())
    }

    /// Returns the tenants that the command line names.
    pub(crate) fn named_tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// Returns the tenants whose calls are visible.
    pub(crate) async fn tenants(&self) -> Result<Vec<Tenant>, Failure> {
        if !self.tenants.is_empty() {
            return Ok(self.tenants.clone());
        }
        let mut all: Vec<Tenant> = Vec::new();
        loop {
            let some = self.store.tenants(all.last(), TENANTS).await?;
            let is_last = some.len() < TENANTS;
            all.extend(some);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Returns everything that is known of a call.
    pub(crate) async fn card(&self, record: &CallRecord) -> Result<Card, Failure> {
        let history = self
            .gate
            .scoped_to(self.viewer())
            .history_of(&record.key().tenant, record.id())
            .await?;
        let steps =
            history.iter().map(|(number, entry)| NumberedEntry::new(*number, entry)).collect();
        let waits = record.state() == CallState::Pending;
        let status = if waits { Some(self.gate.tool_status(record).await?) } else { None };
        let warning = status.and_then(|status| status.warning());
        let scoped = self.gate.scoped_to(self.viewer());
        let earlier = EarlierList::from(&scoped.earlier_calls(record, EARLIER_SHOWN).await?);
        let away = self.gate.absences().await?;
        let card = Card::new(record, steps, self.gate.now().await?, warning, earlier);
        Ok(card.with_absences(&away).neglected(self.neglect(record).await?))
    }

    /// Returns the youngest tasks in the journal of the visible tenants, at most `limit`.
    pub(crate) async fn tasks(
        &self,
        which: Which,
        limit: usize,
    ) -> Result<Vec<JournalSummary>, Failure> {
        let (mut tasks, mut before) = (Vec::new(), None);
        loop {
            let some = match which {
                Which::All => self.journal.recent(before, TENANTS).await?,
                Which::Failed => self.journal.failed(before, TENANTS).await?,
            };
            before = some.last().copied();
            for id in &some {
                let known = JournalSummary::read(*id, &self.journal.load(*id).await?)?;
                tasks.extend(known.filter(|task| self.is_seen(task)));
                if tasks.len() >= limit {
                    return Ok(tasks);
                }
            }
            if some.len() < TENANTS {
                return Ok(tasks);
            }
        }
    }

    /// Returns the id of a task in the journal. A part is compared with every task of the visible
    /// tenants.
    pub(crate) async fn task_id(&self, id: &IdArg<TaskId>) -> Result<TaskId, Failure> {
        let part = match id {
            IdArg::Whole(id) => return Ok(*id),
            IdArg::Part(part) => part,
        };
        let mut search = IdSearch::new(part, "task");
        for task in self.tasks(Which::All, usize::MAX).await? {
            search.add(task.progress.task_id, || {
                format!("{}: {}", task.state, task.progress.task_name)
            });
        }
        search.finish()
    }

    /// Returns a task of the journal, and its result as JSON.
    pub(crate) async fn task(
        &self,
        id: TaskId,
    ) -> Result<(JournalSummary, Result<Box<RawValue>, ResultError>), Failure> {
        let entries = self.journal.load(id).await?;
        let known = JournalSummary::read(id, &entries)?.filter(|task| self.is_seen(task));
        let Some(known) = known else {
            let was_erased = self.tenants.is_empty() && self.journal.is_erased(id).await?;
            let why = if was_erased { "was erased" } else { "is not in the journal" };
            return Err(Failure::new(Exit::NotFound, format!("task {id} {why}")));
        };
        Ok((known, read_result_json(&entries)))
    }

    /// Marks a failed task, which its program then continues.
    pub(crate) async fn retry_task(&self, id: TaskId) -> Result<(), Failure> {
        let _is_there_and_visible = self.task(id).await?;
        mark_for_retry(&*self.journal, id).await?;
        Ok(())
    }

    fn is_seen(&self, task: &JournalSummary) -> bool {
        let tenant = task.tenant.as_deref().map(Tenant::from).unwrap_or_default();
        self.tenants.is_empty() || self.tenants.contains(&tenant)
    }

    /// Returns a grant of any of the visible tenants.
    pub(crate) async fn grant(&self, id: &IdArg<GrantId>) -> Result<GrantRecord, Failure> {
        let id = match id {
            IdArg::Whole(id) => *id,
            IdArg::Part(part) => self.find_grant(part).await?,
        };
        for tenant in self.tenants().await? {
            if let Some(record) = self.gate.grant(&tenant, id).await? {
                return Ok(record);
            }
        }
        Err(Failure::new(Exit::NotFound, format!("there is no grant {id}")))
    }

    async fn find_grant(&self, part: &str) -> Result<GrantId, Failure> {
        let mut search = IdSearch::new(part, "grant");
        for tenant in self.tenants().await? {
            let mut page = GrantQuery::all().limit(PAGE);
            loop {
                let grants = self.gate.grants(&tenant, page.clone()).await?;
                let Some(last) = grants.last().map(GrantRecord::id) else { break };
                page = page.after(last);
                for record in &grants {
                    search.add(record.id(), || record.grant.tool.clone());
                }
            }
        }
        search.finish()
    }

    /// Returns a call of any of the visible tenants. A part of an id is compared with every call
    /// that the store keeps.
    pub(crate) async fn call(&self, id: &IdArg<RequestId>) -> Result<CallRecord, Failure> {
        let id = match id {
            IdArg::Whole(id) => *id,
            IdArg::Part(part) => self.find_call(part).await?,
        };
        for tenant in self.tenants().await? {
            if let Some(record) = self.gate.scoped_to(self.viewer()).get(&tenant, id).await? {
                return Ok(record);
            }
        }
        Err(Failure::new(Exit::NotFound, format!("there is no call {id}")))
    }

    async fn find_call(&self, part: &str) -> Result<RequestId, Failure> {
        let mut search = IdSearch::new(part, "call");
        let scoped = self.gate.scoped_to(self.viewer());
        for tenant in self.tenants().await? {
            let mut page = PageRequest::all().limit(PAGE);
            loop {
                let records = scoped.list(&tenant, page.clone()).await?;
                let Some(last) = records.last().map(CallRecord::id) else { break };
                page = page.after(last);
                for record in &records {
                    search.add(record.id(), || {
                        format!("{}: {}", record.state(), record.request().title)
                    });
                }
            }
        }
        search.finish()
    }
}

/// Looks at a PostgreSQL schema without opening it as a store.
#[cfg(feature = "postgres")]
pub(crate) async fn inspect_postgres(
    url: &str,
    backend: &BackendArgs,
) -> Result<StoreInspection, Failure> {
    let mut options = hitl_store::PostgresStore::options(url);
    if let Some(schema) = &backend.schema {
        options = options.schema(schema);
    }
    Ok(options.inspect().await?)
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the twin of the one that connects")]
pub(crate) async fn inspect_postgres(_: &str, _: &BackendArgs) -> Result<StoreInspection, Failure> {
    Err(Failure::usage("this `hitl` was built without the feature `postgres`"))
}

#[cfg(feature = "postgres")]
pub(crate) async fn postgres(
    url: &str,
    keys: Option<HostKeys>,
    schema: Option<&str>,
) -> Result<hitl_store::PostgresStore, Failure> {
    let Some(keys) = keys else {
        return Err(Failure::usage("a PostgreSQL store needs the host key: --key-file FILE"));
    };
    let mut options = hitl_store::PostgresStore::options(url).key(keys);
    if let Some(schema) = schema {
        options = options.schema(schema);
    }
    Ok(options.open().await?)
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the twin of the one that connects")]
pub(crate) async fn postgres(
    _: &str,
    _: Option<HostKeys>,
    _: Option<&str>,
) -> Result<SqliteStore, Failure> {
    Err(Failure::usage("this `hitl` was built without the feature `postgres`"))
}

/// Reads the keys in a file, one per line, the current one first.
pub(crate) fn read_keys(path: &Path) -> Result<HostKeys, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    keys_of(text.trim()).ok_or_else(|| {
        let why = format!(
            "{} holds no key: 64 hexadecimal digits, and those of former keys one a line",
            path.display()
        );
        Failure::new(Exit::Failed, why)
    })
}

fn keys_of(text: &str) -> Option<HostKeys> {
    let mut keys = text.lines().map(|line| key_of(line.trim()));
    let current = HostKeys::new(keys.next()??);
    keys.try_fold(current, |keys, key| Some(keys.with_previous(key?)))
}

fn key_of(text: &str) -> Option<HostKey> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(HostKey::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_digits() {
        let text = "00ff".repeat(16);
        assert_eq!(key_of(&text).unwrap().expose()[..3], [0, 255, 0]);
        for wrong in ["", &text[1..], &text.replace('f', "g"), &"é".repeat(32)] {
            assert!(key_of(wrong).is_none(), "{wrong}");
            assert!(keys_of(&format!("{text}\n{wrong}\n{text}")).is_none(), "{wrong}");
        }
        let two = keys_of(&format!("{text}\n{}", "01".repeat(32))).unwrap();
        assert_eq!((two.current().expose()[1], two.previous().len()), (255, 1));
    }
}
