//! The host's keys: the keys that the file opens with, texts that are sealed under others, and
//! replacing and retiring keys.

use std::path::Path;

use hitl_core::seal::Sealed;
use hitl_core::store::{SealedPage, SealedPart, SealedText, StoreError, StoreErrorKind};
use hitl_core::{HostKey, HostKeys, KeyId, SessionId, Tenant};
use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params};

use super::error::{Fault, file_error};
use super::host_key_file;
use super::metadata;
use super::options::SqliteOptions;
use super::query::{count, parse};
use super::schema::beside;
use super::session::Sessions;
use super::shared::Shared;
use crate::known_keys::{self, Admission, DIGESTS, KEY_CHECK, Uses, admission};

/// Returns the keys that the file's texts are sealed under: those of the host, or of the file
/// beside it.
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
        None => host_key_file::read(&key_path)?,
    };
    let keys = match given {
        Some(keys) => keys,
        None if options.replace_lost_key
            || metadata::get(connection, KEY_CHECK).map_err(at)?.is_none() =>
        {
            host_key_file::create(&key_path)?.into()
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
    let kept = metadata::get(connection, KEY_CHECK).map_err(at)?;
    if admission(kept.as_deref(), &keys, replace) == Admission::Open {
        return Ok(keys);
    }
    // In a transaction, no process changes the list, or seals anything, between the check and the
    // write.
    let uses = |on: &Connection| -> Result<Result<Uses, StoreError>, Fault> {
        let mark = metadata::get(on, DIGESTS)?;
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
    // The change to revert if some process turns out to use a key that was dropped.
    let mut dropped = None;
    let mut begin = |it: &mut Connection| -> Result<Result<(), StoreError>, Fault> {
        let within = it.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let kept = metadata::get(&within, KEY_CHECK)?;
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
        metadata::set(&within, KEY_CHECK, &then)?;
        within.commit()?;
        Ok(Ok(()))
    };
    begin(connection).map_err(at)??;
    if let Some((before, then, missing)) = dropped {
        // A session that was opened before the commit has read the former list, and is visible now.
        let uses = uses(connection).map_err(at)?;
        if let Err(why) = uses.and_then(|uses| uses.check(&name(path), &missing)) {
            put_back(connection, &then, &before).map_err(at)?;
            return Err(why);
        }
    }
    Ok(keys)
}

/// Restores the former list, if it was not changed since.
fn put_back(on: &Connection, from: &str, to: &str) -> Result<(), Fault> {
    let swap = "UPDATE meta SET value = ?3 WHERE name = ?1 AND value = ?2";
    on.execute(swap, params![KEY_CHECK, from, to])?;
    Ok(())
}

/// Opens a session, if this process may still seal under its current key.
pub(super) async fn open_session(store: &Shared) -> Result<SessionId, StoreError> {
    let (sessions, keys) = (store.sessions.clone(), store.keys.clone());
    let open = move |on: &Connection| {
        // The session's file names the key before the list is read: either the process that retires
        // the key sees the session, or the session sees that the key is retired.
        let opened = sessions.open(keys.current().id());
        Ok(match opened {
            Ok(session) => match metadata::get(on, KEY_CHECK)? {
                kept if known_keys::may_seal(kept.as_deref(), &keys) => Ok(Some(session)),
                _ => sessions.close(session).map(|()| None),
            },
            Err(error) => Err(error),
        })
    };
    let opened = store.read(open).await?;
    let opened = opened.map_err(|error| file_error(&store.path, error))?;
    opened.ok_or_else(|| known_keys::retired(&name(&store.path)))
}

/// Returns the texts after a position that are not sealed under a key, up to a limit.
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

/// Replaces a text, if it is still there. The write may be repeated after a lost commit.
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

/// Returns the number of texts that are sealed under none of these keys.
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

/// Records that only the current key is used, if that is so.
///
/// A session that is opened afterwards under another key finds that it may not seal, and one that
/// was opened before is found: before this is recorded, or after it, and then the record is
/// reverted.
pub(super) async fn retire(store: &Shared, current: &HostKey) -> Result<(), StoreError> {
    let keys = HostKeys::new(current.clone());
    StoreError::check_retired(store.sessions_under_other_keys().await?, 0)?;
    let only = keys.clone();
    let noted = move |on: &Connection, _: &_| {
        let used = others(on, &only)?;
        let before = metadata::get(on, KEY_CHECK)?.unwrap_or_default();
        let then = known_keys::only_current(&before, &only);
        if used == 0 {
            metadata::set(on, KEY_CHECK, &then)?;
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

fn name(path: &Path) -> String {
    path.display().to_string()
}
