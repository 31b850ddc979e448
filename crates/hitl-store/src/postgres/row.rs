//! Rows as the database keeps them: a call's record, ids, and texts that it cannot store unchanged.

use std::str::FromStr;

use hitl_base::Timestamp;
use hitl_core::Tenant;
use hitl_core::machine::CallRecord;
use tokio_postgres::Row;

use super::error::Fault;

/// A stored call, and what the database knows in addition to its record.
#[derive(Clone)]
pub(super) struct StoredCall {
    /// The time of the read, in microseconds by the database's clock.
    pub(super) read_at: i64,
    pub(super) record: CallRecord,
    /// The lease epoch of the claimant's session under which the claim was made.
    pub(super) epoch: Option<i64>,
    pub(super) claimant_dead: bool,
    /// The freezes in force at the time of the read.
    pub(super) freezes: Option<String>,
}

pub(super) fn stored(row: &Row) -> Result<StoredCall, Fault> {
    let record = record(row, 1)?;
    let claimant_dead = record.claim().is_some() && row.try_get(4)?;
    let (read_at, epoch, freezes) = (row.try_get(0)?, row.try_get(3)?, row.try_get(5)?);
    Ok(StoredCall { read_at, record, epoch, claimant_dead, freezes })
}

pub(super) fn record(row: &Row, at: usize) -> Result<CallRecord, Fault> {
    parse_record(row.try_get(at + 1)?, row.try_get(at)?)
}

/// Parses a record, which must have the version of its row.
pub(super) fn parse_record(text: &str, version: i64) -> Result<CallRecord, Fault> {
    let record: CallRecord =
        serde_json::from_str(text).map_err(|_| Fault::Damaged("a call's record"))?;
    if record.version() == version.cast_unsigned() {
        Ok(record)
    } else {
        Err(Fault::Damaged("a call's version differs"))
    }
}

pub(super) fn one(rows: &[Row]) -> Result<&Row, Fault> {
    rows.first().ok_or(Fault::Damaged("a row is missing"))
}

pub(super) fn tenant_of(row: &Row) -> Result<Tenant, Fault> {
    Ok(Tenant::new(original(row.try_get(0)?)))
}

pub(super) fn parse<T: FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::Damaged("an id"))
}

pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Converts microseconds to a timestamp, in milliseconds.
pub(super) fn millis(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.div_euclid(1000))
}

/// Returns a text of the host as the database can keep it: it cannot keep the character 0.
pub(super) fn storable(text: &str) -> String {
    if text.contains(['\0', '\u{1}']) {
        text.replace('\u{1}', "\u{1}1").replace('\0', "\u{1}0")
    } else {
        text.to_owned()
    }
}

pub(super) fn original(text: &str) -> String {
    if text.contains('\u{1}') {
        text.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_as_it_was() {
        for text in ["", "acme", "\0", "\u{1}", "\u{1}0", "\0\u{1}1\0", "a\u{1}1b"] {
            assert!(!storable(text).contains('\0'));
            assert_eq!(original(&storable(text)), text, "{text:?}");
        }
        assert_ne!(storable("\0"), storable("\u{1}0"));
    }
}
