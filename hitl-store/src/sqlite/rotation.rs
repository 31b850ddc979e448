//! The host's keys: which ones the file opens with, what is sealed under others, and how they are
//! replaced and retired.

use std::path::Path;
use std::time::Duration;

use hitl_core::seal::Sealed;
use hitl_core::store::{
    SealedPage, SealedPart, SealedText, Store as _, StoreError, StoreErrorKind,
};
use hitl_core::{HostKey, HostKeys, KeyId, SessionId, Tenant};
use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params};

use super::error::{Fault, file_error};
use super::operation::{meta, set_meta};
use super::query::{count, parse};
use super::schema::beside;
use super::session::Sessions;
use super::store::SqliteStore;
use super::{SqliteOptions, key};
use crate::known_keys::{self, Admission, DIGESTS, KEY_CHECK, Uses, admission};

/// How long one waits for others who open the store.
const PATIENCE: Duration = Duration::from_secs(5);

/// The keys that the file's texts are sealed under: those of the host, or of the file beside it.
pub(super) fn host_keys(
    connection: &mut Connection,
    path: &Path,
    sessions: &Sessions,
    options: &SqliteOptions,
) -> Result<HostKeys, StoreError> {
    let at = |fault: Fault| fault.at(path);
    let key_path = beside(path, ".key");
    let given = match &options.keys {
        Some(keys) => Some(keys.clone()),
        None => key::read(&key_path)?,
    };
    let keys = match given {
        Some(keys) => keys,
        None if options.replace_lost_key || meta(connection, KEY_CHECK).map_err(at)?.is_none() => {
            key::create(&key_path)?.into()
        }
        None => {
            return Err(StoreError::new(
                StoreErrorKind::Key,
                format!(
                    "the key file {} is missing; restore it from your backup, or, if it is lost \
                     for good, open the store once with `replace_lost_key`",
                    key_path.display()
                ),
            ));
        }
    };
    let replace = options.replace_lost_key;
    let kept = meta(connection, KEY_CHECK).map_err(at)?;
    if admission(kept.as_deref(), &keys, replace) == Admission::Open {
        return Ok(keys);
    }
    // Nobody changes it, or seals anything, between the look and the write.
    let uses = |on: &Connection| -> Result<Result<Uses, StoreError>, Fault> {
        let mark = meta(on, DIGESTS)?;
        let texts = others(on, &keys)?;
        let folder = beside(path, ".sessions");
        Ok(match sessions.under_other_keys(keys.current().id()) {
            Ok(sessions) => {
                let digests = known_keys::reads_digests(mark.as_deref(), &keys);
                Ok(Uses { texts, sessions, digests })
            }
            Err(error) => Err(file_error(&folder, error)),
        })
    };
    // What is to be undone if somebody turns out to use a key that was dropped.
    let mut dropped = None;
    let mut begin = |it: &mut Connection| -> Result<Result<(), StoreError>, Fault> {
        let within = it.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let kept = meta(&within, KEY_CHECK)?;
        let then = match admission(kept.as_deref(), &keys, replace) {
            Admission::Open => return Ok(Ok(())),
            Admission::Keep(then) => then,
            Admission::KeepUnlessUsed { then, missing } => {
                let uses = uses(&within)?;
                if let Err(why) = uses.and_then(|uses| uses.check(&name(path), &missing)) {
                    return Ok(Err(why));
                }
                dropped = Some((kept.unwrap_or_default(), then.clone(), missing));
                then
            }
            Admission::Retired(id) => {
                return Ok(Err(known_keys::retired_before(&name(path), &id)));
            }
            Admission::Newer(id) => return Ok(Err(known_keys::newer(&name(path), &id))),
            Admission::Foreign => return Ok(Err(known_keys::foreign(&name(path)))),
        };
        set_meta(&within, KEY_CHECK, &then)?;
        within.commit()?;
        Ok(Ok(()))
    };
    begin(connection).map_err(at)??;
    if let Some((before, then, missing)) = dropped {
        // Who has opened a session before the commit has read the former list, and is seen now.
        let uses = uses(connection).map_err(at)?;
        if let Err(why) = uses.and_then(|uses| uses.check(&name(path), &missing)) {
            put_back(connection, &then, &before).map_err(at)?;
            return Err(why);
        }
    }
    Ok(keys)
}

/// Puts back what was kept before, if nobody has changed it since.
fn put_back(on: &Connection, from: &str, to: &str) -> Result<(), Fault> {
    let swap = "UPDATE meta SET value = ?3 WHERE name = ?1 AND value = ?2";
    on.execute(swap, params![KEY_CHECK, from, to])?;
    Ok(())
}

/// Opens a session, if this process may still seal under its current key.
pub(super) async fn open_session(store: &SqliteStore) -> Result<SessionId, StoreError> {
    let (sessions, keys) = (store.shared().sessions.clone(), store.shared().keys.clone());
    let open = move |on: &Connection| {
        // Its file names the key before the list is read: who retires the key sees the session, or
        // the session sees that.
        let opened = sessions.open(keys.current().id());
        Ok(match opened {
            Ok(session) => match meta(on, KEY_CHECK)? {
                kept if known_keys::may_seal(kept.as_deref(), &keys) => Ok(Some(session)),
                _ => sessions.close(session).map(|()| None),
            },
            Err(error) => Err(error),
        })
    };
    let opened = store.read(open).await?;
    let opened = opened.map_err(|error| file_error(store.path(), error))?;
    opened.ok_or_else(|| known_keys::retired(&name(store.path())))
}

/// What is not sealed under a key, of so many texts after a place.
pub(super) fn texts(
    on: &Connection,
    part: SealedPart,
    not_under: KeyId,
    after: u64,
    limit: usize,
) -> Result<SealedPage, Fault> {
    let sql = match part {
        SealedPart::Payload => {
            "SELECT t.call, calls.tenant, calls.id, \
             CASE WHEN substr(t.sealed, 1, 9) = ?1 THEN NULL ELSE t.sealed END \
             FROM payloads t JOIN calls ON calls.n = t.call WHERE t.call > ?2 \
             ORDER BY t.call LIMIT ?3"
        }
        SealedPart::Result => {
            "SELECT t.call, calls.tenant, calls.id, \
             CASE WHEN substr(t.sealed, 1, 9) = ?1 THEN NULL ELSE t.sealed END \
             FROM results t JOIN calls ON calls.n = t.call WHERE t.call > ?2 \
             ORDER BY t.call LIMIT ?3"
        }
    };
    let mut statement = on.prepare_cached(sql)?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![not_under.prefix(), after, count(limit)], |row| {
        let (n, sealed) = (row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(3)?);
        Ok((n.cast_unsigned(), row.get::<_, String>(1)?, row.get::<_, String>(2)?, sealed))
    })?;
    let mut looked_at = Vec::new();
    for row in rows {
        let (n, tenant, id, sealed) = row?;
        let of = (Tenant::new(tenant), parse(&id)?);
        let text = sealed.map(|sealed| SealedText::new(of, part, n, Sealed::from_bytes(sealed)));
        looked_at.push((n, text));
    }
    Ok(SealedPage::new(looked_at, limit))
}

/// Puts a text in the place of one that is still there. A commit that was lost may be done again.
pub(super) fn reseal(on: &Connection, text: &SealedText, to: &Sealed) -> Result<bool, Fault> {
    let sql = match text.part {
        SealedPart::Payload => {
            "UPDATE payloads SET sealed = ?5 WHERE call = ?1 AND sealed IN (?4, ?5) \
             AND EXISTS (SELECT 1 FROM calls WHERE n = ?1 AND id = ?2 AND tenant = ?3)"
        }
        SealedPart::Result => {
            "UPDATE results SET sealed = ?5 WHERE call = ?1 AND sealed IN (?4, ?5) \
             AND EXISTS (SELECT 1 FROM calls WHERE n = ?1 AND id = ?2 AND tenant = ?3)"
        }
    };
    let (n, id) = (text.at.cast_signed(), text.id.to_string());
    let given = params![n, id, text.tenant.as_str(), text.sealed.as_bytes(), to.as_bytes()];
    Ok(on.prepare_cached(sql)?.execute(given)? == 1)
}

/// How many texts are sealed under none of these keys.
fn others(on: &Connection, keys: &HostKeys) -> Result<u64, Fault> {
    let prefixes = known_keys::prefixes(keys);
    let places = vec!["?"; prefixes.len()].join(", ");
    let mut sum = 0;
    for table in ["payloads", "results"] {
        let sql =
            format!("SELECT count(*) FROM {table} WHERE substr(sealed, 1, 9) NOT IN ({places})");
        let given = rusqlite::params_from_iter(prefixes.iter().cloned().map(Value::Blob));
        sum += on.query_row(&sql, given, |row| row.get::<_, i64>(0))?.cast_unsigned();
    }
    Ok(sum)
}

/// Notes that only the current key is used, if it is.
///
/// Who opens a session afterwards under another key finds that it may not, and who has opened one
/// before is seen: before the note, or after it, and then the note is taken back.
pub(super) async fn retire(store: &SqliteStore, current: &HostKey) -> Result<(), StoreError> {
    let keys = HostKeys::new(current.clone());
    StoreError::check_retired(store.sessions_under_other_keys().await?, 0)?;
    let only = keys.clone();
    let noted = move |on: &Connection, _: &_| {
        let used = others(on, &only)?;
        let before = meta(on, KEY_CHECK)?.unwrap_or_default();
        let then = known_keys::only_current(&before, &only);
        if used == 0 {
            set_meta(on, KEY_CHECK, &then)?;
        }
        Ok((used, before, then))
    };
    let (used, before, then) = store.write(noted).await?;
    StoreError::check_retired(0, used)?;
    let sessions = store.sessions_under_other_keys().await?;
    let used = store.read(move |on| others(on, &keys)).await?;
    if sessions + used > 0 {
        store.write(move |on, _| put_back(on, &then, &before)).await?;
    }
    StoreError::check_retired(sessions, used)
}

impl SqliteStore {
    /// Makes a new key the current one in the key file beside the store at `path`, and keeps the
    /// others in it as previous ones. Returns the new key's id.
    ///
    /// Who opens the store from then on seals under the new key. Processes that have it open keep
    /// the key that they have read, and do not open what others seal from now on: restart them,
    /// then [`Gate::reseal`](hitl_core::Gate::reseal), then
    /// [`retire_key_file`](Self::retire_key_file).
    ///
    /// A crash leaves the file as it was before or after. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// The kind [`Key`](StoreErrorKind::Key) if there is no key file: a store whose host keeps the
    /// key is opened with a new one and the former one.
    pub fn rotate_key_file(path: impl AsRef<Path>) -> Result<KeyId, StoreError> {
        let path = canonical(path.as_ref())?;
        while_nobody_opens(&path, || {
            key::rotate(&beside(&path, ".key")).map(|keys| keys.current().id())
        })
    }

    /// Removes the previous keys from the key file, once nothing is sealed under them and nobody
    /// seals under them.
    ///
    /// A gate keeps what is needed to recognise calls of before: use
    /// [`Gate::retire_keys`](hitl_core::Gate::retire_keys) first.
    ///
    /// # Errors
    ///
    /// The kind [`Key`](StoreErrorKind::Key) while something is sealed under another key, or while
    /// another process may still seal so; and if the store was opened with keys of the host's own.
    /// Nothing has changed then.
    pub async fn retire_key_file(&self) -> Result<(), StoreError> {
        let current = self.shared().keys.current().clone();
        let path = self.path().to_owned();
        let file = beside(&path, ".key");
        key::check_current(&file, &current)?;
        retire(self, &current).await?;
        while_nobody_opens(&path, || key::forget_previous(&file, &current))
    }
}

fn canonical(path: &Path) -> Result<std::path::PathBuf, StoreError> {
    std::fs::canonicalize(path).map_err(|error| file_error(path, error))
}

fn while_nobody_opens<T>(
    path: &Path,
    change: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let folder = beside(path, ".sessions");
    let io = |error| file_error(&folder, error);
    let sessions = Sessions::in_folder(folder.clone()).map_err(io)?;
    let Some(_opening) = sessions.lock_opening(PATIENCE).map_err(io)? else {
        return Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!("another process is still opening {}; try again", path.display()),
        ));
    };
    change()
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
