//! The columns of a call repeat what its record says, whatever has happened to it.
#![expect(clippy::unwrap_used, reason = "a helper fails as its test does")]

use std::path::Path;

use hitl_core::ApprovalLevel;
use hitl_core::machine::{CallRecord, CallState, Event};
use hitl_core::queue::rank;
use hitl_core::store::suite::{
    Draft, Subject, approved, claimed, failure, fixture, host, start_clock,
};
use hitl_store::SqliteStore;
use rusqlite::Connection;
use rusqlite::types::Value;

async fn subject(path: &Path) -> Subject {
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(path).await.unwrap();
    Subject::new(store, clock)
}

/// Compares every call. Returns their states.
fn compared(path: &Path) -> Vec<CallState> {
    let on = Connection::open(path).unwrap();
    let sql = "SELECT record, id, tenant, run, position, content, state, version, tool, priority, \
               created_at, due_at, expires_at, updated_at, session, principal, level, rank, root \
               FROM calls ORDER BY n";
    let mut statement = on.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let columns: Vec<Value> = (1..19).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        Ok((row.get::<_, String>(0)?, columns))
    });
    let mut states = Vec::new();
    for row in rows.unwrap() {
        let (text, columns) = row.unwrap();
        let record: CallRecord = serde_json::from_str(&text).unwrap();
        let (request, key) = (&record.request, record.key());
        let text = |text: &str| Value::Text(text.to_owned());
        let runs = record.claim.filter(|_| record.state == CallState::Claimed);
        let expected = vec![
            text(&record.id().to_string()),
            text(key.tenant.as_str()),
            text(key.run.as_str()),
            Value::Integer(key.position.cast_signed()),
            text(&record.content.to_string()),
            text(record.state.name()),
            Value::Integer(record.version.cast_signed()),
            text(&request.tool),
            text(request.priority.name()),
            Value::Integer(request.created_at.as_millis()),
            Value::Integer(request.due_at.as_millis()),
            Value::Integer(request.expires_at.as_millis()),
            Value::Integer(record.updated_at.as_millis()),
            runs.map_or(Value::Null, |claim| text(&claim.session.to_string())),
            text(request.principal.as_str()),
            text(request.level.name()),
            Value::Integer(rank(request.priority)),
            text(record.context.root_of(&key.run).as_str()),
        ];
        assert_eq!(columns, expected, "{:?}", record.state);
        states.push(record.state);
    }
    states
}

/// Whatever way a change takes into the file: some change a call's state only, some what it asks for.
#[tokio::test]
async fn columns_repeat_the_record_after_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = subject(&path).await;

    // The state and nothing else.
    let (record, token, _) = claimed(&s, &Draft::new("run", 1)).await;
    assert_eq!(compared(&path), [CallState::Claimed]);
    s.apply(record.id(), Event::Fail { token, failure: failure("no") }).await;
    let rejected = s.create(&Draft::new("run", 2)).await;
    s.apply(rejected.id(), Event::Decide(rejected.request.reject("no").by("bob"))).await;
    let cancelled = approved(&s, &Draft::new("run", 3)).await;
    s.apply(cancelled.id(), host("not needed")).await;
    assert_eq!(compared(&path), [CallState::Failed, CallState::Rejected, CallState::Cancelled]);

    // What it asks for, too: an edit, and whom nobody answered.
    let edited = s.create(&Draft::new("run", 4)).await;
    let decision = edited.request.edit(r#"{"contract_id": 2}"#).by("alice");
    let event = fixture::edit(&edited, decision, 2, ApprovalLevel::Full);
    s.apply(edited.id(), event).await;
    let ignored = s.create(&Draft::new("run", 5).escalate("director", 60)).await;
    s.pass(600);
    let escalated = s.apply(ignored.id(), Event::Expire).await;
    assert_eq!(escalated.state, CallState::Pending);
    assert!(escalated.request.expires_at > ignored.request.expires_at);
    compared(&path);

    // And after it has waited once more.
    s.pass(60);
    s.apply(escalated.id(), Event::Expire).await;
    assert_eq!(compared(&path)[4], CallState::Expired);
}
