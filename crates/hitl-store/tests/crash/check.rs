//! The properties that must hold after a death.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use hitl_core::machine::{CallRecord, CallState};
use hitl_core::{DecisionId, PageRequest, RequestId, Store};
use hitl_store::SqliteStore;

use crate::database;
use crate::desk::gate;
use crate::worker::tenant;

/// The amounts that were checked.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The number of lives that ended.
    pub(crate) deaths: u64,
    /// Acknowledgements that had to hold, counted again after each death.
    pub(crate) acknowledged: u64,
    /// Calls that were running when their worker died.
    pub(crate) interrupted: u64,
    /// Bodies that had run, counted again after each death.
    pub(crate) ran: u64,
    /// Changes that only the survivor has audited.
    pub(crate) audited_late: u64,
}

impl Checked {
    pub(crate) fn add(&mut self, other: Self) {
        self.deaths += other.deaths;
        self.acknowledged += other.acknowledged;
        self.interrupted += other.interrupted;
        self.ran += other.ran;
        self.audited_late += other.audited_late;
    }
}

/// Returns the complete lines of a file. A line that its writer did not finish was not
/// acknowledged.
pub(crate) fn lines(folder: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

async fn all(store: &SqliteStore) -> BTreeMap<RequestId, CallRecord> {
    let mut records = BTreeMap::new();
    let mut after = None;
    loop {
        let mut page = PageRequest::all().limit(1000);
        page.after = after;
        let page = store.list(&tenant(), page).await.unwrap();
        let Some(last) = page.last() else { return records };
        after = Some(last.id());
        records.extend(page.into_iter().map(|record| (record.id(), record)));
    }
}

/// Opens the store that a dead worker left, recovers it, and checks it.
pub(crate) async fn after_a_death(folder: &Path) -> Checked {
    let store = SqliteStore::open(database(folder)).await.unwrap();
    let found = all(&store).await;
    let before_recovery = lines(folder, "audited");
    let recovered = gate(store.clone(), folder).build().await.unwrap();
    let records = all(&store).await;
    assert_eq!(found.len(), records.len(), "putting in order neither adds nor removes a call");
    let mut checked = Checked { deaths: 1, ..Checked::default() };

    // Every interrupted run has an unknown outcome; nothing else has changed.
    for (id, before) in &found {
        let now = &records[id];
        if before.state() == CallState::Claimed {
            assert_eq!(now.state(), CallState::OutcomeUnknown, "its executor is dead");
            checked.interrupted += 1;
        } else {
            assert_eq!(before, now);
        }
    }

    let by_key: HashMap<String, &CallRecord> =
        records.values().map(|record| (record.key().to_string(), record)).collect();
    checked.ran = bodies(folder, &by_key);
    checked.acknowledged = acknowledgements(folder, &records);
    checked.audited_late = recovered_late(folder, &store, &before_recovery).await;

    // A payload lives as long as its call may run.
    for record in records.values() {
        let payload = store.payload(&tenant(), record.id()).await.unwrap();
        assert_eq!(payload.is_some(), !record.state().is_terminal(), "{record:?}");
    }
    drop(recovered);
    checked
}

/// Checks that no body ran twice or without its intent, and that the state of each call that ran
/// says so. Returns the number of bodies that ran.
fn bodies(folder: &Path, by_key: &HashMap<String, &CallRecord>) -> u64 {
    let ran = lines(folder, "ran");
    let once: HashSet<&String> = ran.iter().collect();
    assert_eq!(once.len(), ran.len(), "a body ran twice: {ran:?}");
    let intents = lines(folder, "intents");
    let intents: HashSet<&String> = intents.iter().collect();
    for key in &once {
        assert!(intents.contains(key), "{key} ran without its intent");
        let state = by_key[key.as_str()].state();
        let says_so = matches!(state, CallState::Executed | CallState::OutcomeUnknown);
        assert!(says_so, "{key} ran and is {state}");
    }
    for (key, record) in by_key {
        let executed = record.state() == CallState::Executed;
        assert!(!executed || once.contains(key), "{key} is executed and never ran");
        assert!(record.attempts() <= 1, "{key} was claimed {} times", record.attempts());
    }
    ran.len() as u64
}

/// Checks that every change is in the audit, even if its worker died before writing it there.
/// Returns the number of those that the dead worker had not written.
async fn recovered_late(folder: &Path, store: &SqliteStore, before: &[String]) -> u64 {
    let before: HashSet<&String> = before.iter().collect();
    let audited = lines(folder, "audited");
    let audited: HashSet<&String> = audited.iter().collect();
    let (mut last, mut late) = (0, 0);
    loop {
        let stretch = store.history(last, 1000).await.unwrap();
        let Some((seq, _)) = stretch.entries.last() else { return late };
        last = *seq;
        for (_, entry) in &stretch.entries {
            // A claim has the intent, and so does a call that was admitted; the owner of a call is
            // not audited.
            let claimed = entry.state == CallState::Claimed;
            if claimed || entry.event == "attach" {
                continue;
            }
            let line = format!("{} {}", entry.id, entry.version);
            assert!(audited.contains(&line), "no chain has {entry:?}");
            late += u64::from(!before.contains(&line));
        }
    }
}

/// Checks that every acknowledgement that the workers received holds.
fn acknowledgements(folder: &Path, records: &BTreeMap<RequestId, CallRecord>) -> u64 {
    let acknowledged = lines(folder, "acknowledged");
    for line in &acknowledged {
        let mut words = line.split(' ');
        let (what, id) = (words.next().unwrap(), words.next().unwrap());
        let id: RequestId = id.parse().unwrap();
        let record = records.get(&id).unwrap_or_else(|| panic!("lost: {line}"));
        let decision = words.next().map(|id| id.parse::<DecisionId>().unwrap());
        let decided = record.decision().map(|decided| decided.id);
        let state = record.state();
        let holds = match what {
            "submitted" => true,
            "left" => state == CallState::Pending,
            "approved" => {
                let on = [CallState::Approved, CallState::Executed, CallState::OutcomeUnknown];
                decided == decision && on.contains(&state)
            }
            "rejected" => decided == decision && state == CallState::Rejected,
            "cancelled" => state == CallState::Cancelled,
            "executed" => state == CallState::Executed,
            other => panic!("who said {other}?"),
        };
        assert!(holds, "{line}, and yet: {record:?}");
    }
    acknowledged.len() as u64
}

/// Checks the file as a whole: it is sound, and its history is that of its calls.
pub(crate) async fn whole_file(folder: &Path) {
    let store = SqliteStore::open(database(folder)).await.unwrap();
    store.check().await.unwrap();
    let changes: u64 = all(&store).await.values().map(hitl_core::CallRecord::version).sum();
    let mut last = 0;
    loop {
        let stretch = store.history(last, 1000).await.unwrap();
        assert!(!stretch.gap);
        if stretch.entries.is_empty() {
            break;
        }
        for (seq, _) in stretch.entries {
            assert_eq!(seq, last + 1);
            last = seq;
        }
    }
    assert_eq!(last, changes, "each change has its line, and no other has");
}
