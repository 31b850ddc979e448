//! Workers are killed under load, again and again: nothing acknowledged is lost, nothing runs twice,
//! nothing is stuck.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use hitl_core::machine::{CallState, Event};
use hitl_core::store::suite::{Draft, Subject, fixture, sealed, start_clock, tenant};
use hitl_core::store::{ApplyError, Enclosed, PageRequest};
use hitl_core::{ClaimToken, RequestId, SessionId, Store};
use hitl_store::PostgresStore;

use crate::child::{Child, Role, say};
use crate::support::{options, schema, url_or_skip};

const KILLS: usize = 200;
const WORKERS: usize = 3;
/// How many calls each worker has in hand at once.
const LANES: u64 = 6;

/// What was acknowledged, as far as we heard.
#[derive(Default)]
struct Heard {
    submitted: BTreeSet<RequestId>,
    decided: BTreeMap<RequestId, CallState>,
    began: BTreeMap<RequestId, u32>,
    done: BTreeSet<RequestId>,
}

impl Heard {
    fn add(&mut self, line: &str) {
        let (what, id) = line.split_once(' ').expect("an event and an id");
        let id: RequestId = id.parse().unwrap();
        match what {
            "submitted" => drop(self.submitted.insert(id)),
            "approved" => drop(self.decided.insert(id, CallState::Approved)),
            "rejected" => drop(self.decided.insert(id, CallState::Rejected)),
            "began" => *self.began.entry(id).or_default() += 1,
            "done" => drop(self.done.insert(id)),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn invariants_3_and_10_hold_when_workers_are_killed_under_load() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = Subject::new(options(&url, &schema).open().await.unwrap(), start_clock());
    let mut heard = Heard::default();
    let mut workers: Vec<_> = (0..WORKERS).map(|_| Child::start(Role::Work, &schema)).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for kill in 0..KILLS {
        let worker = &mut workers[kill % WORKERS];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        for _ in 0..random % 30 {
            let line = worker.hear();
            heard.add(&line);
        }
        worker.kill();
        // What it said before it died counts too.
        while let Some(line) = worker.hear_or_end() {
            heard.add(&line);
        }
        *worker = Child::start(Role::Work, &schema);
    }
    for worker in &mut workers {
        worker.kill();
        while let Some(line) = worker.hear_or_end() {
            heard.add(&line);
        }
    }
    let unknown = settle(&s).await;
    check(&s, &heard).await;
    assert!(heard.done.len() > KILLS, "there was load: {}", heard.done.len());
    assert!(unknown > 0, "no kill hit a running body");
}

/// As a living replica does: whatever a dead one ran is lost. Says how many those were.
async fn settle(s: &Subject) -> u64 {
    let mut unknown = 0;
    s.soon("the end of all leases", async {
        loop {
            for (tenant, id, state) in s.store.stale(1000).await.unwrap() {
                assert_eq!(state, CallState::Claimed);
                let lost = s.store.apply(&tenant, id, Event::Lose, Enclosed::none()).await.unwrap();
                assert_eq!(lost.state, CallState::OutcomeUnknown);
                unknown += 1;
            }
            let running = PageRequest::of(&[CallState::Claimed]);
            if s.store.page(&tenant(), running).await.unwrap().is_empty() {
                return;
            }
        }
    })
    .await;
    unknown
}

async fn check(s: &Subject, heard: &Heard) {
    for id in &heard.submitted {
        let record = s.get(*id).await;
        if let Some(state) = heard.decided.get(id) {
            let decided = record.decided.as_ref().expect("the decision is kept");
            let rejected = decided.answer != hitl_core::approval::Answer::Approve;
            assert_eq!(rejected, *state == CallState::Rejected);
        }
        let began = heard.began.get(id).copied().unwrap_or(0);
        assert!(began <= 1, "{id} ran {began} times");
        assert!(record.attempts <= 1);
        if heard.done.contains(id) {
            assert_eq!(record.state, CallState::Executed);
            assert!(s.store.result(&tenant(), *id).await.unwrap().is_some());
        } else if began == 1 {
            // It may have ended, unheard.
            assert!(matches!(record.state, CallState::OutcomeUnknown | CallState::Executed));
        }
        assert_eq!(s.has_payload(*id).await, !record.state.is_terminal());
    }
    // Each change has its line, and no other has.
    let (mut after, mut changes) = (0, 0);
    loop {
        let stretch = s.store.history(after, 1000).await.unwrap();
        let Some((last, _)) = stretch.entries.last() else { break };
        after = *last;
        changes += stretch.entries.len() as u64;
    }
    let (mut page, mut versions) = (PageRequest::all().limit(1000), 0);
    loop {
        let records = s.store.page(&tenant(), page.clone()).await.unwrap();
        let Some(last) = records.last() else { break };
        page = page.after(last.id());
        versions += records.iter().map(|record| record.version).sum::<u64>();
    }
    assert_eq!(changes, versions);
}

/// The worker.
pub(crate) async fn work(store: PostgresStore) {
    let session = store.open_session().await.unwrap();
    let run = format!("worker {session}");
    join_all((0..LANES).map(|lane| lane_of(&store, session, &run, lane))).await;
}

async fn lane_of(store: &PostgresStore, session: SessionId, run: &str, lane: u64) {
    for call in 0.. {
        let draft = Draft::new(run, call * LANES + lane);
        store.submit(draft.call(), sealed(b"payload")).await.unwrap();
        say(format!("submitted {}", draft.id()));
        if call % 5 == 4 {
            continue; // It waits.
        }
        let record = store.get(&tenant(), draft.id()).await.unwrap().unwrap();
        let decision = match call % 5 {
            3 => record.request.reject("no").by("bob"),
            _ => record.request.approve().by("alice"),
        };
        let decided =
            store.apply(&tenant(), draft.id(), Event::Decide(decision), Enclosed::none()).await;
        match decided {
            Ok(record) if record.state == CallState::Rejected => {
                say(format!("rejected {}", draft.id()));
            }
            // Another worker may run it already.
            Ok(_) => say(format!("approved {}", draft.id())),
            Err(other) => panic!("{other}"),
        }
        // Whatever may run, whoever submitted it.
        for (tenant, id) in store.approved(None, 2).await.unwrap() {
            run_one(store, session, &tenant, id).await;
        }
    }
}

async fn run_one(
    store: &PostgresStore,
    session: SessionId,
    tenant: &hitl_core::Tenant,
    id: RequestId,
) {
    let record = store.get(tenant, id).await.unwrap().unwrap();
    let token = ClaimToken::new();
    match store.apply(tenant, id, fixture::claim(&record, token, session), Enclosed::none()).await {
        Ok(_) => {
            say(format!("began {id}"));
            let end = Event::Succeed { token };
            store.apply(tenant, id, end, Enclosed::result(sealed(b"result"))).await.unwrap();
            say(format!("done {id}"));
        }
        // Somebody else runs it, or the machine is so busy that the lease is late.
        Err(ApplyError::Lost { .. } | ApplyError::Store(_)) => {}
        Err(other) => panic!("{other}"),
    }
}
