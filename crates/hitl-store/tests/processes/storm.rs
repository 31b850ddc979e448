//! Thousands of races, sixty-four ways, from four processes: approve, reject, expire, cancel,
//! claim.
//!
//! Two of the processes have a clock on which every call has expired, and two do not, so that a
//! call's expiry races everything else, whichever process is first.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hitl_core::machine::{CallRecord, CallState, Event, Refusal};
use hitl_core::store::suite::{Draft, Subject, fixture, host, start_clock, tenant};
use hitl_core::store::{ApplyError, EventPayload, PageRequest};
use hitl_core::{ClaimToken, RequestId, SessionId, Store};
use hitl_store::SqliteStore;

use crate::child::{Child, Role, say, wait_for_go};
use crate::length::full_or_brief;

/// The number of races that run at a time.
const AT_ONCE: usize = 100;
const PROCESSES: usize = 4;
/// The action of each racer that a process sends into a race.
const WAYS: [Way; 16] = [
    Way::Approve,
    Way::Claim,
    Way::Reject,
    Way::Claim,
    Way::Expire,
    Way::Approve,
    Way::Claim,
    Way::Cancel,
    Way::Claim,
    Way::Reject,
    Way::Approve,
    Way::Claim,
    Way::Expire,
    Way::Approve,
    Way::Claim,
    Way::Cancel,
];

#[derive(Clone, Copy)]
enum Way {
    Approve,
    Reject,
    Expire,
    Cancel,
    Claim,
}

/// Returns all calls, in the order of their creation.
async fn calls(store: &dyn Store) -> Vec<CallRecord> {
    let mut calls: Vec<CallRecord> = Vec::new();
    loop {
        let mut page = PageRequest::all().limit(1000);
        page.after = calls.last().map(CallRecord::id);
        let page = store.list(&tenant(), page).await.unwrap();
        if page.is_empty() {
            return calls;
        }
        calls.extend(page);
    }
}

/// Runs one of the processes. It receives its number first, and `go` before each hundred races.
pub(crate) async fn storm(file: &Path) {
    let number: usize = wait_for_go().parse().unwrap();
    let clock = start_clock();
    if number % 2 == 1 {
        clock.advance(Duration::from_secs(3600));
    }
    let store = SqliteStore::options().clock(clock).open(file).await.unwrap();
    let session = store.open_session().await.unwrap();
    let calls = calls(&store).await;
    say("ready");
    for (chunk, calls) in calls.chunks(AT_ONCE).enumerate() {
        wait_for_go();
        let mut racers = tokio::task::JoinSet::new();
        // Way by way, so that the actions of the processes on one call interleave.
        for way in 0..WAYS.len() {
            for (index, record) in calls.iter().enumerate() {
                let way = WAYS[(way * (2 * number + 1) + index + 5 * number) % WAYS.len()];
                let (store, record) = (store.clone(), Arc::new(record.clone()));
                let index = chunk * AT_ONCE + index;
                racers.spawn(async move { (index, race(&store, &record, session, way).await) });
            }
        }
        let (mut lost, mut won) = (0, Vec::new());
        for (index, outcome) in racers.join_all().await {
            match outcome {
                Some(events) => won.extend(events.iter().map(|event| format!("{index} {event}"))),
                None => lost += 1,
            }
        }
        won.iter().for_each(say);
        say(format!("lost {lost}"));
    }
}

/// Runs one racer. Returns the changes that it made, or nothing if its events were refused.
async fn race(
    store: &SqliteStore,
    record: &CallRecord,
    session: SessionId,
    way: Way,
) -> Option<Vec<&'static str>> {
    let token = ClaimToken::new();
    let event = match way {
        Way::Approve => Event::Decide(record.request().approve().by("alice")),
        Way::Reject => Event::Decide(record.request().reject("no").by("bob")),
        Way::Expire => Event::Expire,
        Way::Cancel => host("enough"),
        Way::Claim => fixture::claim(record, token, session),
    };
    let name = event.name();
    match store.apply(&tenant(), record.id(), event, EventPayload::none()).await {
        Ok(_) => {}
        Err(ApplyError::Rejected { refusal, current }) => {
            assert_eq!(current.id(), record.id());
            if let Refusal::State { state, .. } = refusal {
                assert_eq!(current.state(), state, "a loser is told what stands");
            }
            return None;
        }
        Err(other) => panic!("neither won nor lost: {other}"),
    }
    if name != "claim" {
        return Some(vec![name]);
    }
    // Here its body would run.
    let done =
        store.apply(&tenant(), record.id(), Event::Succeed { token }, EventPayload::none()).await;
    assert_eq!(done.expect("nobody else may end it").state(), CallState::Executed);
    Some(vec![name, "succeed"])
}

/// Creates a store of calls to race for; every other one is approved already.
async fn filled(path: &Path, rounds: usize) -> Subject {
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(path).await.unwrap();
    let s = Arc::new(Subject::new(store, clock));
    for from in (0..rounds).step_by(AT_ONCE) {
        let mut submitting = tokio::task::JoinSet::new();
        for position in from..from + AT_ONCE {
            let s = Arc::clone(&s);
            submitting.spawn(async move {
                let record = s.create(&Draft::new("storm", position as u64)).await;
                if position % 2 == 1 {
                    let decision = record.request().approve().by("early");
                    s.apply(record.id(), Event::Decide(decision)).await;
                }
            });
        }
        submitting.join_all().await;
    }
    Arc::into_inner(s).unwrap()
}

/// Returns the changes of each call since it was ready to race for.
async fn happened(store: &dyn Store, from: u64) -> BTreeMap<RequestId, Vec<(String, CallState)>> {
    let mut happened: BTreeMap<RequestId, Vec<(String, CallState)>> = BTreeMap::new();
    let mut last = from;
    loop {
        let stretch = store.history(last, 1000).await.unwrap();
        assert!(!stretch.gap);
        let Some((seq, _)) = stretch.entries.last() else { return happened };
        last = *seq;
        for (_, entry) in stretch.entries {
            happened.entry(entry.id).or_default().push((entry.event, entry.state));
        }
    }
}

#[tokio::test]
async fn invariants_3_4_and_11_hold_in_thousands_of_races_of_four_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let rounds = full_or_brief(10_000, 2_000);
    let s = filled(&path, rounds).await;
    let before: u64 = calls(&*s.store).await.iter().map(hitl_core::CallRecord::version).sum();
    let mut racers: Vec<_> =
        (0..PROCESSES).map(|_| Child::start(Role::Storm, &path, &[])).collect();
    for (number, racer) in racers.iter_mut().enumerate() {
        racer.tell(&number.to_string());
    }
    for racer in &mut racers {
        assert_eq!(racer.hear(), "ready");
    }
    let (mut lost, mut winners) = (0, [0; PROCESSES]);
    let mut won: Vec<Vec<String>> = vec![Vec::new(); rounds];
    for round in 0..rounds / AT_ONCE {
        // Who is called first wins most often: that is each in turn.
        for at in 0..PROCESSES {
            racers[(round + at) % PROCESSES].go();
        }
        for (number, racer) in racers.iter_mut().enumerate() {
            loop {
                let said = racer.hear();
                let (what, more) = said.split_once(' ').unwrap();
                if what == "lost" {
                    lost += more.parse::<usize>().unwrap();
                    break;
                }
                won[what.parse::<usize>().unwrap()].push(more.to_owned());
                winners[number] += 1;
            }
        }
    }

    let happened = happened(&*s.store, before).await;
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    let mut changes = 0;
    for (record, mut won) in calls(&*s.store).await.into_iter().zip(won) {
        let lines = &happened[&record.id()];
        // The racers that won made exactly the recorded changes.
        let mut kept: Vec<String> = lines.iter().map(|(event, _)| event.clone()).collect();
        changes += kept.iter().filter(|event| *event != "succeed").count();
        kept.sort();
        won.sort();
        assert_eq!(kept, won, "{record:?}");
        let terminal = lines.iter().filter(|(_, state)| state.is_terminal()).count();
        assert_eq!(terminal, 1, "one terminal state: {lines:?}");
        assert_eq!(lines.last().unwrap().1, record.state());
        assert!(record.state().is_terminal());
        assert!(kept.iter().filter(|event| *event == "decide").count() <= 1);
        let runs = kept.iter().filter(|event| *event == "claim").count();
        assert_eq!(runs, usize::from(record.state() == CallState::Executed), "one run at most");
        *ends.entry(record.state().name()).or_default() += 1;
    }
    assert_eq!(lost + changes, rounds * PROCESSES * WAYS.len(), "everybody was told");
    println!("{ends:?}, won by {winners:?}");
    assert!(ends.len() == 4 && ends.values().all(|count| *count > 10), "{ends:?}");
    assert!(winners.iter().all(|count| *count > 100), "all took part: {winners:?}");
}
