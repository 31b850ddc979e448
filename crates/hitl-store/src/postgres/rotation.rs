//! The host's keys: the keys that the store opens with, texts that are sealed under others, and
//! retiring keys.

use hitl_core::seal::Sealed;
use hitl_core::store::{SealedPage, SealedPart, SealedText, StoreError, StoreErrorKind};
use hitl_core::{HostKeys, KeyId};
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::{Fault, ambiguous, unusable};
use super::row::{count, one, parse, storable, tenant_of};
use super::shared::Shared;
use super::statement::Statement;
use super::transaction::{WriteOutcome, WriteTarget};
use super::{metadata, session};
use crate::known_keys::{self, Admission, DIGESTS, KEY_CHECK, Uses, admission};

macro_rules! texts_of {
    ($table:literal) => {
        concat!(
            "SELECT c.tenant, c.id::text, t.call, \
             CASE WHEN substring(t.sealed FROM 1 FOR 9) = $1 THEN NULL ELSE t.sealed END FROM {s}.",
            $table,
            " t JOIN {s}.calls c ON c.n = t.call WHERE t.call > $2 ORDER BY t.call LIMIT $3"
        )
    };
}
macro_rules! reseal_in {
    ($table:literal) => {
        concat!(
            "WITH put AS (UPDATE {s}.",
            $table,
            " t SET sealed = $5 FROM {s}.calls c WHERE t.call = $1 AND t.sealed = $4 \
             AND c.n = t.call AND c.id = $2::text::uuid AND (c.tenant = $3) IS TRUE RETURNING 1) \
             SELECT count(*) FROM put"
        )
    };
}
macro_rules! others_in {
    ($table:literal) => {
        concat!(
            "SELECT count(*) FILTER (WHERE other), max(call), count(*) FROM ( \
             SELECT call, substring(sealed FROM 1 FOR 9) <> ALL ($1) AS other FROM {s}.",
            $table,
            " WHERE call > $2 ORDER BY call LIMIT $3) looked_at"
        )
    };
}
const LISTED: &[Type] = &[Type::BYTEA, Type::INT8, Type::INT8];
const PUT: &[Type] = &[Type::INT8, Type::TEXT, Type::TEXT, Type::BYTEA, Type::BYTEA];
const COUNTED: &[Type] = &[Type::BYTEA_ARRAY, Type::INT8, Type::INT8];
static PAYLOADS: Statement = Statement { text: texts_of!("payloads"), types: LISTED };
static RESULTS: Statement = Statement { text: texts_of!("results"), types: LISTED };
static PUT_PAYLOAD: Statement = Statement { text: reseal_in!("payloads"), types: PUT };
static PUT_RESULT: Statement = Statement { text: reseal_in!("results"), types: PUT };
static OTHER_PAYLOADS: Statement = Statement { text: others_in!("payloads"), types: COUNTED };
static OTHER_RESULTS: Statement = Statement { text: others_in!("results"), types: COUNTED };

/// The statements of this module.
pub(super) const ALL: &[&Statement] =
    &[&PAYLOADS, &RESULTS, &PUT_PAYLOAD, &PUT_RESULT, &OTHER_PAYLOADS, &OTHER_RESULTS];

/// The number of texts that are examined in one statement.
const AT_ONCE: i64 = 1000;
/// The number of times that another process may be faster.
const TRIES: u32 = 100;

/// Checks that the store opens with these keys, and records the keys that its texts may be under.
pub(super) async fn check_keys(
    on: &Database,
    keys: &HostKeys,
    replace: bool,
) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let stored = metadata::get(on, KEY_CHECK).await.map_err(|fault| on.error(fault))?;
        let then = match admission(stored.as_deref(), keys, replace) {
            Admission::Open => return Ok(()),
            Admission::Keep(then) => then,
            Admission::KeepUnlessUsed { then, missing } => {
                let used = async || uses(on, keys).await.map_err(|fault| on.error(fault));
                used().await?.check(&on.place, &missing)?;
                if !metadata::compare_and_set(on, KEY_CHECK, stored.as_deref(), &then).await? {
                    continue;
                }
                // As when a key is retired: a session that was opened before the list changed is
                // visible now at the latest.
                let again = used().await?.check(&on.place, &missing);
                if let (Err(_), Some(stored)) = (&again, &stored) {
                    metadata::compare_and_set(on, KEY_CHECK, Some(&then), stored).await?;
                }
                return again;
            }
            Admission::Retired(id) => return Err(known_keys::retired_before(&on.place, &id)),
            Admission::Newer(id) => return Err(known_keys::newer(&on.place, &id)),
            Admission::Foreign => return Err(known_keys::foreign(&on.place)),
        };
        if metadata::compare_and_set(on, KEY_CHECK, stored.as_deref(), &then).await? {
            return Ok(());
        }
    }
    Err(overtaken(on))
}

/// Returns the uses of keys other than these.
async fn uses(on: &Database, keys: &HostKeys) -> Result<Uses, Fault> {
    let mark = metadata::get(on, DIGESTS).await?;
    Ok(Uses {
        sessions: session::under_other_keys(on, keys.current().id()).await?,
        texts: others(on, keys).await?,
        digests: known_keys::reads_digests(mark.as_deref(), keys),
    })
}

/// Returns the texts after a position that are not sealed under a key, up to a limit.
pub(super) async fn texts(
    on: &Database,
    part: SealedPart,
    not_under: KeyId,
    after: u64,
    limit: usize,
) -> Result<SealedPage, Fault> {
    let sql = match part {
        SealedPart::Payload => &PAYLOADS,
        SealedPart::Result => &RESULTS,
    };
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let prefix = not_under.prefix();
    let rows = on.read(sql, &[&prefix.as_slice(), &after, &count(limit)]).await?;
    let mut looked_at = Vec::with_capacity(rows.len());
    for row in &rows {
        let of = (tenant_of(row)?, parse(row.try_get(1)?)?);
        let n = row.try_get::<_, i64>(2)?.cast_unsigned();
        let sealed: Option<Vec<u8>> = row.try_get(3)?;
        let text = sealed.map(|sealed| SealedText::new(of, part, n, Sealed::from_bytes(sealed)));
        looked_at.push((n, text));
    }
    Ok(SealedPage::new(looked_at, limit))
}

/// Replaces a text, if it is still there.
pub(super) async fn reseal(
    on: &Database,
    text: &SealedText,
    to: &Sealed,
) -> Result<bool, StoreError> {
    let sql = match text.part {
        SealedPart::Payload => &PUT_PAYLOAD,
        SealedPart::Result => &PUT_RESULT,
    };
    let (n, id, tenant) =
        (text.at.cast_signed(), text.id.to_string(), storable(text.tenant.as_str()));
    let (from, to) = (text.sealed.as_bytes(), to.as_bytes());
    let wrote = WriteTarget::SingleStatement(on).write(sql, &[&n, &id, &tenant, &from, &to]).await;
    match wrote.map_err(|fault| on.error(fault))? {
        WriteOutcome::Done => Ok(true),
        WriteOutcome::Missed => Ok(false),
        WriteOutcome::Unclear => Err(ambiguous(&on.place)),
    }
}

/// Returns the number of texts that are sealed under none of these keys.
async fn others(on: &Database, keys: &HostKeys) -> Result<u64, Fault> {
    let (prefixes, mut sum) = (known_keys::prefixes(keys), 0);
    for sql in [&OTHER_PAYLOADS, &OTHER_RESULTS] {
        let mut after = 0_i64;
        loop {
            let rows = on.read(sql, &[&prefixes, &after, &AT_ONCE]).await?;
            let row = one(&rows)?;
            sum += row.try_get::<_, i64>(0)?.cast_unsigned();
            match row.try_get::<_, Option<i64>>(1)? {
                Some(last) if row.try_get::<_, i64>(2)? == AT_ONCE => after = last,
                _ => break,
            }
        }
    }
    Ok(sum)
}

/// Records that only the current key is used, if that is so.
///
/// A session that is opened afterwards under another key finds that it may not seal, and one that
/// was opened before is found: before this is recorded, or after it, and then the record is
/// reverted.
pub(super) async fn retire(shared: &Shared) -> Result<(), StoreError> {
    let (on, current) = (&shared.database, shared.keys.current());
    let only = HostKeys::new(current.clone());
    let used = async || -> Result<(u64, u64), StoreError> {
        let sessions = session::under_other_keys(on, current.id()).await;
        let sessions = sessions.map_err(|fault| on.error(fault))?;
        let texts = others(on, &only).await.map_err(|fault| on.error(fault))?;
        Ok((sessions, texts))
    };
    let (sessions, texts) = used().await?;
    StoreError::check_retired(sessions, texts)?;
    let stored = metadata::get(on, KEY_CHECK).await.map_err(|fault| on.error(fault))?;
    let Some(stored) = stored else {
        return Err(unusable("the store keeps no check value".to_owned()));
    };
    let then = known_keys::only_current(&stored, &only);
    if stored == then {
        return Ok(());
    }
    if !metadata::compare_and_set(on, KEY_CHECK, Some(&stored), &then).await? {
        return Err(overtaken(on));
    }
    let (sessions, texts) = used().await?;
    if sessions + texts > 0
        && !metadata::compare_and_set(on, KEY_CHECK, Some(&then), &stored).await?
    {
        return Err(overtaken(on));
    }
    StoreError::check_retired(sessions, texts)
}

fn overtaken(on: &Database) -> StoreError {
    let why = format!("others changed the keys of {} each time; try again", on.place);
    StoreError::new(StoreErrorKind::Unavailable, why)
}
