//! A worker that runs calls on grants: admitted, claimed alone, claimed together, and given back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hitl_core::grant::{GrantRecord, GrantUse};
use hitl_core::machine::{CallRecord, Event};
use hitl_core::store::suite::{Draft, Subject, fixture, start_clock, tenant};
use hitl_core::store::{ApplyRequest, GrantQuery, PageRequest};
use hitl_core::{ClaimToken, DecisionId, GrantId, SessionId, Store as _};
use hitl_store::SqliteStore;

use crate::check::lines;
use crate::database;
use crate::desk::acknowledged;
use crate::worker::say;

/// The amount that each call draws.
const AMOUNT: u32 = 3;

pub(crate) async fn work(folder: PathBuf, life: u64) {
    let store = SqliteStore::open(database(&folder)).await.unwrap();
    let acks = acknowledged(&folder);
    let grant = store.save_grant(fixture::grant(None, Some(1_000_000))).await.unwrap();
    let session = store.open_session().await.unwrap();
    let s = Subject::new(store, start_clock());
    say("ready");
    let run = format!("life {life}");
    for position in (0..).step_by(4) {
        let draft = |nth: u64| Draft::new(&run, position + nth);
        let drawn = GrantUse::new(grant.id(), AMOUNT.into());
        let admitted = draft(0).admitted(ClaimToken::new(), session).granted(drawn);
        let record = s.create(&admitted).await;
        acks.add(&format!("claimed {}", record.id()));
        let alone = allowed(&s, &draft(1), &grant).await;
        let token = ClaimToken::new();
        s.apply(alone.id(), fixture::claim(&alone, token, session)).await;
        s.apply(alone.id(), Event::Release { token }).await;
        let both = [allowed(&s, &draft(2), &grant).await, allowed(&s, &draft(3), &grant).await];
        let events = both.iter().map(|record| together(record, session)).collect();
        for record in s.store.apply_all(&tenant(), events).await.unwrap() {
            acks.add(&format!("claimed {}", record.id()));
        }
    }
}

async fn allowed(s: &Subject, draft: &Draft, grant: &GrantRecord) -> CallRecord {
    let record = s.create(draft).await;
    let (decision, binding) = (DecisionId::new(), record.request().binding);
    let drawn = GrantUse::new(grant.id(), AMOUNT.into());
    let event = Event::ApproveByGrant { decision, binding, drawn, by: "alice".into() };
    s.apply(record.id(), event).await
}

fn together(record: &CallRecord, session: SessionId) -> ApplyRequest {
    ApplyRequest::new(record.id(), fixture::claim(record, ClaimToken::new(), session))
}

/// Checks that there is no draw without a claim, no claim without a draw, and both of two or
/// neither. Returns the number of claims.
pub(crate) async fn after_a_death(folder: &Path) -> u64 {
    let store = SqliteStore::open(database(folder)).await.unwrap();
    let mut records = BTreeMap::new();
    let mut page = PageRequest::all().limit(1000);
    loop {
        let found = store.list(&tenant(), page.clone()).await.unwrap();
        let Some(last) = found.last() else { break };
        page = page.after(last.id());
        records.extend(found.into_iter().map(|record| (record.id().to_string(), record)));
    }
    for line in lines(folder, "acknowledged") {
        let (_, id) = line.split_once(' ').unwrap();
        assert_eq!(records[id].attempts(), 1, "it was acknowledged");
    }
    let mut claimed: BTreeMap<GrantId, u64> = BTreeMap::new();
    let mut attempts = BTreeMap::new();
    for record in records.values() {
        let key = record.key();
        attempts.insert((key.run.as_str(), key.position), record.attempts());
        if let Some(drawn) = record.grant_use() {
            *claimed.entry(drawn.grant).or_default() += u64::from(record.attempts());
        }
    }
    for ((run, position), tried) in &attempts {
        if position % 4 == 3 {
            assert_eq!(attempts[&(*run, position - 1)], *tried, "both, or neither");
        }
    }
    let all = GrantQuery::all().limit(1000);
    for grant in store.grants(&tenant(), all).await.unwrap() {
        let starts = claimed.get(&grant.id()).copied().unwrap_or(0);
        assert_eq!(grant.used, starts);
        assert_eq!(grant.spent, (u32::try_from(starts).unwrap() * AMOUNT).into());
    }
    claimed.values().sum()
}
