//! Several processes race for the same calls: 64 at once for each.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::join_all;
use hitl_core::machine::{CallRecord, CallState, Event};
use hitl_core::store::suite::{Draft, Subject, fixture, host, start_clock, tenant};
use hitl_core::store::{ApplyError, EventPayload};
use hitl_core::{ClaimToken, RequestId, SessionId, Store};
use hitl_store::PostgresStore;

use crate::child::{Child, Role, say, told};
use crate::length::full_or_brief;
use crate::support::{options, schema, url_or_skip};

/// The number of calls raced for at the same time.
const TOGETHER: u64 = 8;
const PROCESSES: usize = 4;
/// The number of racers in each process, for each call.
const RACERS: usize = 16;

#[tokio::test]
async fn invariant_11_of_64_racers_in_four_processes_one_ends_a_call() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = Subject::new(options(&url, &schema).open().await.unwrap(), start_clock());
    let mut racers: Vec<_> = (0..PROCESSES).map(|_| Child::start(Role::Race, &schema)).collect();
    for racer in &mut racers {
        assert_eq!(racer.hear(), "ready");
    }
    let rounds = full_or_brief(2_000, 400);
    let mut ends: BTreeMap<CallState, u64> = BTreeMap::new();
    let mut heard: HashMap<RequestId, Told> = HashMap::new();
    for round in 0..rounds / TOGETHER {
        let drafts = (0..TOGETHER).map(|call| {
            // Of every four calls one is due at once, and one while they race.
            let expires_in = match call % 4 {
                0 => Duration::ZERO,
                1 => Duration::from_millis(15),
                _ => Duration::from_secs(600),
            };
            Draft::new("race", round * TOGETHER + call).expires_in(expires_in)
        });
        let drafts: Vec<_> = drafts.collect();
        let calls = join_all(drafts.iter().map(|draft| s.create(draft))).await;
        let ids: Vec<String> = calls.iter().map(|call| call.id().to_string()).collect();
        for racer in &mut racers {
            racer.tell(&ids.join(" "));
        }
        for racer in &mut racers {
            for _ in 0..TOGETHER {
                let line = racer.hear();
                let (id, told) = Told::read(&line);
                heard.entry(id).or_default().add(&told);
            }
        }
        for call in calls {
            let record = s.get(call.id()).await;
            assert!(record.state().is_terminal(), "{:?}", record.state());
            *ends.entry(record.state()).or_default() += 1;
            let told = heard.remove(&call.id()).unwrap();
            assert_eq!(told.answers, (PROCESSES * RACERS) as u64, "everybody is told");
            assert_eq!(told.ended, 1, "one ended it");
            let ran = u64::from(record.state() == CallState::Executed);
            assert_eq!((told.ran, u64::from(record.attempts())), (ran, ran), "it ran at most once");
            assert!(told.approved <= 1);
            assert_eq!(record.version(), 2 + told.approved + ran, "nothing else happened");
        }
    }
    assert_eq!(ends.values().sum::<u64>(), rounds);
    for end in [CallState::Executed, CallState::Rejected, CallState::Cancelled, CallState::Expired]
    {
        assert!(ends.contains_key(&end), "no race ended so: {end}; {ends:?}");
    }
}

/// The answers that the racers of one process got for a call.
#[derive(Debug, Default)]
struct Told {
    answers: u64,
    ended: u64,
    approved: u64,
    ran: u64,
}

impl Told {
    fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.ended += other.ended;
        self.approved += other.approved;
        self.ran += other.ran;
    }

    fn read(line: &str) -> (RequestId, Self) {
        let (id, counts) = line.split_once(' ').expect("an id and counts");
        let counts: Vec<u64> = counts.split(' ').map(|count| count.parse().unwrap()).collect();
        let [answers, ended, approved, ran] = counts[..] else { panic!("four counts: {line}") };
        (id.parse().unwrap(), Self { answers, ended, approved, ran })
    }
}

/// Runs the racing process.
pub(crate) async fn race(store: PostgresStore) {
    let session = store.open_session().await.unwrap();
    say("ready");
    loop {
        let ids = told().await;
        let races = ids.split_whitespace().map(|id| race_for(&store, session, id.parse().unwrap()));
        join_all(races).await;
    }
}

async fn race_for(store: &PostgresStore, session: SessionId, id: RequestId) {
    let record = store.get(&tenant(), id).await.unwrap().unwrap();
    // The first racer need not read what was just read, so each gets its turn at being first.
    let first = id.to_string().bytes().map(usize::from).sum::<usize>();
    let racers = (first..first + RACERS).map(|racer| one(store, session, &record, racer));
    let mut told = Told::default();
    for answer in join_all(racers).await {
        told.add(&answer);
    }
    say(format!("{id} {} {} {} {}", told.answers, told.ended, told.approved, told.ran));
}

async fn one(store: &PostgresStore, session: SessionId, record: &CallRecord, racer: usize) -> Told {
    let (request, id) = (record.request(), record.id());
    let send =
        async |event: Event| match store.apply(&tenant(), id, event, EventPayload::none()).await {
            Ok(_) => true,
            Err(ApplyError::Rejected { .. }) => false,
            Err(other) => panic!("{other}"),
        };
    let mut told = Told { answers: 1, ..Told::default() };
    let won = |won: bool| u64::from(won);
    match racer % 8 {
        0 | 1 | 4 => told.approved = won(send(Event::Decide(request.approve().by("alice"))).await),
        2 => told.ended = won(send(Event::Decide(request.reject("no").by("bob"))).await),
        3 => told.ended = won(send(Event::Expire).await),
        5 => told.ended = won(send(host("enough")).await),
        _ => {
            if claims(store, session, id).await {
                told.ran = 1;
                told.ended = 1;
            }
        }
    }
    told
}

/// Claims and runs a call as soon as it is approved. Returns `false` if another racer was first.
async fn claims(store: &PostgresStore, session: SessionId, id: RequestId) -> bool {
    let mut watch = store.watch(id);
    loop {
        let record = store.get(&tenant(), id).await.unwrap().unwrap();
        match record.state() {
            CallState::Pending => watch.changed().await,
            CallState::Approved => {
                let token = ClaimToken::new();
                let claim = fixture::claim(&record, token, session);
                match store.apply(&tenant(), id, claim, EventPayload::none()).await {
                    Ok(_) => {
                        let end = Event::Succeed { token };
                        store.apply(&tenant(), id, end, EventPayload::none()).await.unwrap();
                        return true;
                    }
                    Err(ApplyError::Rejected { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            _ => return false,
        }
    }
}
