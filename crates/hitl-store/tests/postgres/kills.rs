//! Workers are killed under load, again and again, at random and at every named place: nothing
//! acknowledged is lost, nothing runs twice, nothing is stuck.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::future::join_all;
use hitl_core::grant::GrantUse;
use hitl_core::machine::{CallState, Event};
use hitl_core::store::suite::{Draft, Subject, fixture, sealed, start_clock, tenant};
use hitl_core::store::{ApplyError, EventPayload, GrantQuery, PageRequest};
use hitl_core::{ClaimToken, DecisionId, GrantId, RequestId, SessionId, Store};
use hitl_store::PostgresStore;

use crate::child::{Child, Role, say};
use crate::length::full_or_brief;
use crate::support::{options, schema, url_or_skip};

const WORKERS: usize = 3;
/// The place that is passed once in each life.
const ONCE: &str = "session-opened";
/// The places that a worker visits as long as it lives.
const WORKING: [&str; 11] = [
    ONCE,
    "leases-renewed",
    "call-read",
    "before-write",
    "after-write",
    "rows-locked",
    "calls-written",
    "before-commit",
    "after-commit",
    "before-notify",
    "after-notify",
];
/// Places that are passed once in the life of a schema.
const OPENING: [&str; 2] = ["before-migration", "after-migration"];
/// Places in the journal, which `tests/tasks` covers.
const JOURNAL: [&str; 2] = ["before-entry", "entry-written"];
/// The number of calls that each worker processes at once.
const LANES: u64 = 6;

/// The acknowledgements that reached the parent.
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
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    // The kills at each place; the others are at random.
    let (kills, each) = full_or_brief((200, 6), (50, 2));
    let places = WORKING.iter().flat_map(|place| std::iter::repeat_n(*place, each));
    let mut places: Vec<_> = places.map(Some).collect();
    places.resize(kills, None);
    // The order of the kills is shuffled.
    for at in (1..kills).rev() {
        places.swap(at, usize::try_from(next(at as u64 + 1)).unwrap());
    }
    let mut lives = places.into_iter().map(|place| {
        let visits = if place == Some(ONCE) { 0 } else { next(9) };
        let stop = place.map(|place| (place, visits));
        (Child::start_until(Role::Work, &schema, stop), stop)
    });
    let mut workers: VecDeque<_> = lives.by_ref().take(WORKERS).collect();
    let mut later = 0x2545_f491_4f6c_dd1d_u64;
    while let Some((mut worker, stop)) = workers.pop_front() {
        later = later.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        if let Some((place, _)) = stop {
            let there = format!("at {place}");
            loop {
                let line = worker.hear();
                if line == there {
                    break;
                }
                heard.add(&line);
            }
        } else {
            for _ in 0..(later >> 33) % 30 {
                heard.add(&worker.hear());
            }
        }
        worker.kill();
        // Lines that it sent before it died count too.
        while let Some(line) = worker.hear_or_end() {
            heard.add(&line);
        }
        workers.extend(lives.next());
    }
    let unknown = settle(&s).await;
    check(&s, &heard).await;
    assert!(heard.done.len() > kills, "there was load: {}", heard.done.len());
    assert!(unknown > 0, "no kill hit a running body");
}

#[tokio::test]
async fn a_first_life_may_end_at_every_step_of_opening() {
    let url = url_or_skip!();
    for place in OPENING {
        let schema = schema();
        let mut first = Child::start_until(Role::Work, &schema, Some((place, 0)));
        assert_eq!(first.hear(), format!("at {place}"));
        // The server detects its death by itself; until then it may hold the lock.
        first.kill();
        let s = Subject::new(options(&url, &schema).open().await.unwrap(), start_clock());
        s.create(&Draft::new("run", 1)).await;
    }
}

#[test]
fn no_place_is_left_out() {
    for place in hitl_store::POSTGRES_FAILPOINTS {
        let visited = [&OPENING[..], &WORKING, &JOURNAL].iter().any(|some| some.contains(place));
        assert!(visited, "{place} is never visited");
    }
}

/// Does what a live replica does: declares the calls that a dead one ran lost. Returns their
/// number.
async fn settle(s: &Subject) -> u64 {
    let mut unknown = 0;
    s.soon("the end of all leases", async {
        loop {
            for (tenant, id, state) in s.store.stale(1000).await.unwrap() {
                assert_eq!(state, CallState::Claimed);
                let lost = s
                    .store
                    .apply(&tenant, id, Event::ExecutorLost, EventPayload::none())
                    .await
                    .unwrap();
                assert_eq!(lost.state(), CallState::OutcomeUnknown);
                unknown += 1;
            }
            let running = PageRequest::new(&[CallState::Claimed]);
            if s.store.list(&tenant(), running).await.unwrap().is_empty() {
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
            let decided = record.decision().expect("the decision is kept");
            let rejected = decided.answer != hitl_core::approval::DecisionKind::Approve;
            assert_eq!(rejected, *state == CallState::Rejected);
        }
        let began = heard.began.get(id).copied().unwrap_or(0);
        assert!(began <= 1, "{id} ran {began} times");
        assert!(record.attempts() <= 1);
        if heard.done.contains(id) {
            assert_eq!(record.state(), CallState::Executed);
            assert!(s.store.result(&tenant(), *id).await.unwrap().is_some());
        } else if began == 1 {
            // The run may have ended, without an answer.
            assert!(matches!(record.state(), CallState::OutcomeUnknown | CallState::Executed));
        }
        assert_eq!(s.has_payload(*id).await, !record.state().is_terminal());
    }
    grants(s).await;
    // Each change has its line, and there is no other line.
    let (mut after, mut changes) = (0, 0);
    loop {
        let stretch = s.store.history(after, 1000).await.unwrap();
        let Some((last, _)) = stretch.entries.last() else { break };
        after = *last;
        changes += stretch.entries.len() as u64;
    }
    let (mut page, mut versions) = (PageRequest::all().limit(1000), 0);
    loop {
        let records = s.store.list(&tenant(), page.clone()).await.unwrap();
        let Some(last) = records.last() else { break };
        page = page.after(last.id());
        versions += records.iter().map(hitl_core::CallRecord::version).sum::<u64>();
    }
    assert_eq!(changes, versions);
}

/// Checks that the draws on each grant match the claims on it.
async fn grants(s: &Subject) {
    let mut claimed: BTreeMap<GrantId, u64> = BTreeMap::new();
    let mut page = PageRequest::all().limit(1000);
    loop {
        let records = s.store.list(&tenant(), page.clone()).await.unwrap();
        let Some(last) = records.last() else { break };
        page = page.after(last.id());
        for record in records {
            if let Some(drawn) = record.grant_use() {
                *claimed.entry(drawn.grant).or_default() += u64::from(record.attempts());
            }
        }
    }
    let mut page = GrantQuery::all().limit(1000);
    let mut all = 0;
    loop {
        let grants = s.store.grants(&tenant(), page.clone()).await.unwrap();
        let Some(last) = grants.last() else { break };
        page = page.after(last.id());
        for grant in grants {
            let starts = claimed.get(&grant.id()).copied().unwrap_or(0);
            assert_eq!(grant.used, starts, "no draw without a claim, and no claim without a draw");
            all += grant.used;
        }
    }
    assert!(all > 50, "only {all} calls ran on a grant");
}

/// Runs the worker.
pub(crate) async fn work(store: PostgresStore) {
    let session = store.open_session().await.unwrap();
    let run = format!("worker {session}");
    let grant = store.save_grant(fixture::grant(None, None)).await.unwrap().id();
    join_all((0..LANES).map(|lane| lane_of(&store, session, &run, lane, grant))).await;
}

async fn lane_of(store: &PostgresStore, session: SessionId, run: &str, lane: u64, grant: GrantId) {
    for call in 0.. {
        let draft = Draft::new(run, call * LANES + lane);
        store.submit(draft.call(), sealed(b"payload")).await.unwrap();
        say(format!("submitted {}", draft.id()));
        if call % 5 == 4 {
            continue; // It waits.
        }
        let record = store.get(&tenant(), draft.id()).await.unwrap().unwrap();
        let event = match call % 5 {
            3 => Event::Decide(record.request().reject("no").by("bob")),
            1 | 2 => {
                let (decision, binding) = (DecisionId::new(), record.request().binding);
                let drawn = GrantUse::new(grant, 1.into());
                Event::ApproveByGrant { decision, binding, drawn, by: "alice".into() }
            }
            _ => Event::Decide(record.request().approve().by("alice")),
        };
        let decided = store.apply(&tenant(), draft.id(), event, EventPayload::none()).await;
        match decided {
            Ok(record) if record.state() == CallState::Rejected => {
                say(format!("rejected {}", draft.id()));
            }
            // Another worker may run it already.
            Ok(_) => say(format!("approved {}", draft.id())),
            Err(other) => panic!("{other}"),
        }
        // Runs any approved call, no matter who submitted it.
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
    match store
        .apply(tenant, id, fixture::claim(&record, token, session), EventPayload::none())
        .await
    {
        Ok(_) => {
            say(format!("began {id}"));
            let end = Event::Succeed { token };
            store.apply(tenant, id, end, EventPayload::result(sealed(b"result"))).await.unwrap();
            say(format!("done {id}"));
        }
        // Another worker runs it, or the machine is so busy that the lease is late.
        Err(ApplyError::Rejected { .. } | ApplyError::Store(_)) => {}
        Err(other) => panic!("{other}"),
    }
}
