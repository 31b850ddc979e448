//! The queue through the gate: viewers, filters, cursors, bulk decisions.

use crate::support;

use hitl_base::clock::ManualClock;
use hitl_core::machine::CallState;
use hitl_core::store::suite::start_clock;
use hitl_core::{
    ApprovalLevel, CallContext, CallRecord, Cursor, Gate, GateError, GateErrorKind, MemoryStore,
    Priority, Queue, QueueOrder, QueueQuery, ReviewScope, Risk, Submission,
};
use proptest::prelude::*;
use support::{World, ask, bench, pay, tools};

async fn gate() -> (Gate, ManualClock) {
    let clock = start_clock();
    let store = MemoryStore::with_clock(clock.clone());
    let gate = tools(Gate::builder()).state(World::default()).store(store).build().await.unwrap();
    (gate, clock)
}

async fn titles(queue: &Queue, query: QueueQuery) -> Vec<String> {
    let page = queue.page(query).await.unwrap();
    page.entries.iter().map(|record| record.request().title.clone()).collect()
}

async fn submit_pay(gate: &Gate, who: &str, tenant: &str, position: u64) -> CallRecord {
    let cx = CallContext::new(who).tenant(tenant);
    let call = pay(&format!("shop {position}"), 10.0);
    let pending = gate.submit(call).by(cx).key(format!("run of {who}"), position).await.unwrap();
    let Submission::Pending(ticket) = pending else { panic!("it waits") };
    gate.unscoped().get(&tenant.into(), ticket.request().id).await.unwrap().unwrap()
}

async fn submit_ask(gate: &Gate, who: &str, position: u64) -> CallRecord {
    let pending = gate.submit(ask("well?")).by(who).key(format!("asks {who}"), position).await;
    let Submission::Pending(ticket) = pending.unwrap() else { panic!("it waits") };
    gate.unscoped().get(&"default".into(), ticket.request().id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_viewer_sees_the_tenants_that_the_host_says_and_no_others() {
    let (gate, _) = gate().await;
    for (position, tenant) in (0..).zip(["acme", "beta", "acme", "gamma"]) {
        submit_pay(&gate, "ann", tenant, position).await;
    }
    let seen =
        async |viewer| titles(&gate.scoped_to(viewer).queue(), QueueQuery::pending()).await.len();
    assert_eq!(seen(ReviewScope::tenant("acme")).await, 2);
    assert_eq!(seen(ReviewScope::tenant("acm")).await, 0);
    assert_eq!(seen(ReviewScope::tenants(["acme".into(), "gamma".into()])).await, 3);
    assert_eq!(seen(ReviewScope::tenants([])).await, 0);
    assert_eq!(seen(ReviewScope::all_tenants()).await, 4);
    let acme = gate.scoped_to(ReviewScope::tenant("acme"));
    let foreign = gate
        .scoped_to(ReviewScope::tenant("beta"))
        .queue()
        .page(QueueQuery::pending())
        .await
        .unwrap();
    let foreign = &foreign.entries[0];
    let (tenant, id) = (&foreign.key().tenant, foreign.id());
    let refused = acme.get(tenant, id).await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::Forbidden);
    let refused = acme.history_of(tenant, id).await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::Forbidden);
    let counts = acme.queue().counts().await.unwrap();
    assert_eq!(counts.state(CallState::Pending).counted, 2);
    let counts = gate.scoped_to(ReviewScope::all_tenants()).queue().counts().await.unwrap();
    assert_eq!(counts.state(CallState::Pending).counted, 4);
}

#[tokio::test]
async fn each_filter_leaves_out_what_it_says() {
    let (gate, clock) = gate().await;
    submit_pay(&gate, "ann", "default", 1).await;
    clock.advance(std::time::Duration::from_secs(60));
    submit_ask(&gate, "bob", 1).await;
    let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
    let count = async |query| titles(&queue, query).await.len();
    let all = QueueQuery::pending;
    assert_eq!(count(all()).await, 2);
    assert_eq!(count(all().tool("pay")).await, 1);
    assert_eq!(count(all().risk(Risk::High)).await, 1);
    assert_eq!(count(all().level(ApprovalLevel::Quick)).await, 1);
    assert_eq!(count(all().priority(Priority::High)).await, 1);
    assert_eq!(count(all().priority(Priority::Medium)).await, 0);
    assert_eq!(count(all().principal("bob")).await, 1);
    assert_eq!(count(all().run("run of ann")).await, 1);
    assert_eq!(count(all().text("PAY 10")).await, 1);
    assert_eq!(count(all().text("no such text")).await, 0);
    let page = queue.page(all().order(QueueOrder::Due)).await.unwrap();
    assert_eq!(
        page.now.saturating_duration_since(page.entries[0].request().created_at).as_secs(),
        60
    );
    let second = page.entries[1].request().due_at;
    assert_eq!(count(all().due_before(second)).await, 1);
    assert_eq!(count(all().due_before(second).order(QueueOrder::Due)).await, 1);
    assert_eq!(count(QueueQuery::new(&[CallState::Approved])).await, 0);
}

#[tokio::test]
async fn a_sub_agents_calls_show_under_the_run_that_delegated() {
    let (gate, _) = gate().await;
    let cx = CallContext::new("ann").parent("root");
    let _ticket = gate.submit(pay("shop", 1.0)).by(cx).key("child", 1).await.unwrap();
    let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
    assert_eq!(titles(&queue, QueueQuery::pending().run("root")).await.len(), 1);
    assert_eq!(titles(&queue, QueueQuery::pending().run("child")).await.len(), 1);
    assert_eq!(titles(&queue, QueueQuery::pending().run("other")).await.len(), 0);
}

#[tokio::test]
async fn a_cursor_of_another_listing_is_a_typed_error() {
    let (gate, _) = gate().await;
    for position in 0..4 {
        submit_pay(&gate, "ann", "default", position).await;
    }
    let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
    let page = queue.page(QueueQuery::pending().limit(2)).await.unwrap();
    let cursor = page.next.unwrap();
    let again: Cursor = cursor.to_string().parse().unwrap();
    let kind = async |queue: &Queue, query| queue.page(query).await.unwrap_err().kind();
    let invalid = GateErrorKind::InvalidQuery;
    assert_eq!(queue.page(QueueQuery::pending().after(again)).await.unwrap().entries.len(), 2);
    let query = QueueQuery::pending().tool("pay").after(cursor.clone());
    assert_eq!(kind(&queue, query).await, invalid);
    let query = QueueQuery::pending().order(QueueOrder::Due).after(cursor.clone());
    assert_eq!(kind(&queue, query).await, invalid);
    let other = gate.scoped_to(ReviewScope::tenant("other")).queue();
    assert_eq!(kind(&other, QueueQuery::pending().after(cursor.clone())).await, invalid);
    let mut text = cursor.to_string();
    text.replace_range(20..21, if &text[20..21] == "0" { "1" } else { "0" });
    let bent: Cursor = text.parse().unwrap();
    assert_eq!(kind(&queue, QueueQuery::pending().after(bent)).await, invalid);
    assert_eq!(kind(&queue, QueueQuery::new(&[CallState::Executed])).await, invalid);
    let ended = QueueQuery::new(&[CallState::Executed]).order(QueueOrder::Created);
    assert!(queue.page(ended).await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn invariant_13_a_page_looks_at_so_many_and_says_where_to_go_on() {
    let (gate, _) = gate().await;
    for position in 0..1100 {
        submit_ask(&gate, "ann", position).await;
    }
    let wanted = submit_ask(&gate, "zoe", 1).await;
    for position in 1100..1150 {
        submit_ask(&gate, "ann", position).await;
    }
    let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
    let query = QueueQuery::pending().principal("zoe").order(QueueOrder::Created);
    let first = queue.page(query.clone()).await.unwrap();
    assert!(first.entries.is_empty() && first.next.is_some());
    let second = queue.page(query.after(first.next.unwrap())).await.unwrap();
    assert_eq!(second.entries.iter().map(CallRecord::id).collect::<Vec<_>>(), [wanted.id()]);
    assert!(second.next.is_none());
    let counts = queue.counts().await.unwrap();
    assert_eq!(counts.state(CallState::Pending).to_string(), "1000+");
    // The first call of a principal with nothing else waiting is not behind the flood.
    let front = queue.page(QueueQuery::pending().limit(2)).await.unwrap();
    assert!(front.entries.iter().any(|record| record.id() == wanted.id()));
}

#[tokio::test]
async fn many_are_decided_at_once_each_by_itself_and_only_what_needs_no_full_review() {
    let bench = bench().await;
    let gate = &bench.gate;
    let quick = [submit_ask(gate, "ann", 1).await, submit_ask(gate, "ann", 2).await];
    let full = submit_pay(gate, "ann", "default", 3).await;
    let foreign = submit_pay(gate, "ann", "acme", 4).await;
    let gone = submit_ask(gate, "ann", 5).await;
    gate.cancel(&gone, "host", "no longer wanted").await.unwrap();
    let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
    let all = [&quick[0], &full, &foreign, &gone, &quick[1]];
    let decisions = all.map(|record| record.request().approve().by("alice"));
    let answers = queue.decide_all(decisions.clone()).await;
    let kinds: Vec<_> = answers.iter().map(|a| a.as_ref().map_err(GateError::kind).err()).collect();
    let expected = [
        None,
        Some(GateErrorKind::NotInBulk),
        Some(GateErrorKind::NotFound),
        Some(GateErrorKind::Refused),
        None,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(answers[0].as_ref().unwrap().id(), quick[0].id(), "answers keep their order");
    let state = async |record: &CallRecord| {
        gate.unscoped().get(&record.key().tenant, record.id()).await.unwrap().unwrap().state()
    };
    assert_eq!(state(&full).await, CallState::Pending);
    assert_eq!(state(&foreign).await, CallState::Pending);
    assert_eq!(state(&quick[1]).await, CallState::Approved);
    let again = queue.decide_all(decisions).await;
    assert!(again[0].is_ok() && again[4].is_ok(), "the very same again is harmless");
    assert_eq!(bench.world.ran(), 0, "a decision runs nothing");
}

/// An event between two pages.
#[derive(Clone, Debug)]
enum Meanwhile {
    Submit { who: u8, quick: bool },
    Decide(usize),
    Pass(u32),
}

fn meanwhile() -> impl Strategy<Value = Meanwhile> {
    prop_oneof![
        3 => (0_u8..4, any::<bool>()).prop_map(|(who, quick)| Meanwhile::Submit { who, quick }),
        2 => (0_usize..50).prop_map(Meanwhile::Decide),
        1 => (0_u32..5000).prop_map(Meanwhile::Pass),
    ]
}

async fn happen(gate: &Gate, clock: &ManualClock, what: &Meanwhile, count: &mut u64) {
    *count += 1;
    match what {
        Meanwhile::Submit { who, quick } => {
            let who = format!("agent {who}");
            let _record = if *quick {
                submit_ask(gate, &who, *count).await
            } else {
                submit_pay(gate, &who, "default", *count).await
            };
        }
        Meanwhile::Decide(at) => {
            let page = gate.scoped_to(ReviewScope::tenant("default")).queue();
            let page = page.page(QueueQuery::pending().limit(100)).await.unwrap();
            if let Some(record) = page.entries.get(*at) {
                gate.cancel(record, "host", "enough").await.unwrap();
            }
        }
        Meanwhile::Pass(millis) => {
            clock.advance(std::time::Duration::from_millis((*millis).into()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// No call that waits throughout is left out or shown twice, and none is out of order, whatever
    /// comes and goes between the pages.
    #[test]
    fn a_listing_shows_what_waits_all_the_time_once(
        before in prop::collection::vec(meanwhile(), 0..40),
        between in prop::collection::vec(meanwhile(), 0..40),
        limit in 1_usize..5,
        order in prop::sample::select(vec![QueueOrder::Reviewer, QueueOrder::Due, QueueOrder::Created]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (gate, clock) = gate().await;
            let mut count = 0;
            for what in &before {
                happen(&gate, &clock, what, &mut count).await;
            }
            let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
            let list = async || {
                let page = queue.page(QueueQuery::pending().order(order).limit(200)).await.unwrap();
                page.entries.iter().map(CallRecord::id).collect::<Vec<_>>()
            };
            let at_first = list().await;
            let mut happens = between.iter();
            let mut query = QueueQuery::pending().order(order).limit(limit);
            let mut shown = Vec::new();
            loop {
                let page = queue.page(query.clone()).await.unwrap();
                shown.extend(page.entries.iter().map(CallRecord::id));
                let Some(next) = page.next else { break };
                query = query.after(next);
                for what in happens.by_ref().take(3) {
                    happen(&gate, &clock, what, &mut count).await;
                }
            }
            let at_last = list().await;
            for id in at_first.iter().filter(|id| at_last.contains(id)) {
                assert_eq!(shown.iter().filter(|shown| *shown == id).count(), 1, "{id}");
            }
            let stayed: Vec<_> = shown.iter().filter(|id| at_last.contains(id)).collect();
            let in_order: Vec<_> = at_last.iter().filter(|id| shown.contains(id)).collect();
            assert_eq!(stayed, in_order);
        });
    }

    /// With `k` agents, the `n`-th waiting call of each is among the first `k * (n + 1)` of its
    /// priority, however much one of them floods.
    #[test]
    fn invariant_13_no_agent_buries_another(
        submissions in prop::collection::vec(prop_oneof![4 => Just(0_u8), 1 => 1_u8..4], 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (gate, _) = gate().await;
            for (position, who) in (0..).zip(&submissions) {
                submit_ask(&gate, &format!("agent {who}"), position).await;
            }
            let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
            let page = queue.page(QueueQuery::pending().limit(200)).await.unwrap();
            let mut own = std::collections::BTreeMap::new();
            let agents: std::collections::BTreeSet<_> = submissions.iter().collect();
            for (place, record) in page.entries.iter().enumerate() {
                let before = own.entry(record.request().principal.clone()).or_insert(0);
                assert!(place < agents.len() * (*before + 1), "{place} {before}");
                *before += 1;
            }
        });
    }
}
