//! Fills a long queue through the store's own schema, without going through the store.

use hitl_base::Timestamp;
use hitl_core::RequestId;
use hitl_core::machine::{CallRecord, HistoryEntry};
use hitl_core::store::suite::Draft;
use rusqlite::{Connection, params};

/// Adds `count` pending calls to a file that has the tables, in one transaction.
pub(super) fn fill(connection: &Connection, count: u64) -> Result<(), Box<dyn std::error::Error>> {
    let draft = Draft::new("scale", 0).expires_in(std::time::Duration::from_secs(1_000_000));
    let template: CallRecord = draft.call().stamped(Timestamp::now());
    let (record, entry) = (
        serde_json::to_string(&template)?,
        serde_json::to_string(&HistoryEntry::new("submitted", &template, None))?,
    );
    let old_id = template.id().to_string();
    let request = template.request();
    connection.execute_batch("BEGIN IMMEDIATE")?;
    {
        let mut call = connection.prepare(
            "INSERT INTO calls (id, tenant, run, position, content, state, version, tool, priority, \
             created_at, due_at, expires_at, updated_at, record, principal, level, rank, turn) \
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 1, ?6, ?7, ?8, ?9, ?10, ?8, ?11, ?12, 'full', 0, ?4)",
        )?;
        let mut payload = connection.prepare("INSERT INTO payloads VALUES (?1, ?2)")?;
        let mut line = connection.prepare("INSERT INTO history (call, entry) VALUES (?1, ?2)")?;
        for position in 0..count {
            let id = RequestId::new().to_string();
            let own = |text: &str| {
                let key = format!("\"position\":{position}");
                text.replace(&old_id, &id).replace("\"position\":0", &key)
            };
            call.execute(params![
                id,
                template.key().tenant.as_str(),
                template.key().run.as_str(),
                position.cast_signed(),
                template.content().to_string(),
                request.tool,
                request.priority.to_string(),
                request.created_at.as_millis(),
                request.due_at.as_millis(),
                request.expires_at.as_millis(),
                own(&record),
                request.principal.as_str(),
            ])?;
            let n = connection.last_insert_rowid();
            payload.execute(params![n, [7_u8; 200]])?;
            line.execute(params![n, own(&entry)])?;
        }
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}
