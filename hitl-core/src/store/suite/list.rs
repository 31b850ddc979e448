//! Listing: pages of records, and calls that need an event.

use super::Subject;
use super::fixture::{Draft, approved, claimed, host, tenant};
use crate::call::{RunId, Tenant};
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, Event};
use crate::store::{EventPayload, PageRequest};

async fn ids(s: &Subject, page: PageRequest) -> Vec<RequestId> {
    s.store.list(&tenant(), page).await.unwrap().iter().map(CallRecord::id).collect()
}

/// Pages follow the order of creation without omissions.
pub async fn pages_follow_the_order_of_creation(s: Subject) {
    let mut created = Vec::new();
    for position in 0..25 {
        created.push(s.create(&Draft::new("run", position)).await.id());
    }
    let mut seen = Vec::new();
    let mut page = PageRequest::all().limit(10);
    loop {
        let next = ids(&s, page.clone()).await;
        let Some(last) = next.last() else { break };
        assert!(next.len() <= 10);
        page = page.after(*last);
        seen.extend(next);
    }
    assert_eq!(seen, created);
}

/// A page contains only records in the requested states, still in order.
pub async fn a_page_filters_by_state(s: Subject) {
    let mut expected = Vec::new();
    for position in 0..12 {
        let draft = Draft::new("run", position);
        match position % 3 {
            0 => expected.push(s.create(&draft).await.id()),
            1 => expected.push(approved(&s, &draft).await.id()),
            _ => {
                s.create(&draft).await;
                s.withdraw(draft.id()).await;
            }
        }
    }
    let both = PageRequest::new(&[CallState::Approved, CallState::Pending]);
    assert_eq!(ids(&s, both.clone()).await, expected);
    assert_eq!(ids(&s, both.clone().limit(3)).await, expected[..3]);
    assert_eq!(ids(&s, both.limit(3).after(expected[2])).await, expected[3..6]);
    let twice = PageRequest::new(&[CallState::Pending, CallState::Pending]);
    assert_eq!(ids(&s, twice).await.len(), 4, "a state named twice counts once");
    assert_eq!(ids(&s, PageRequest::new(&[CallState::Failed])).await, []);
    assert_eq!(ids(&s, PageRequest::all()).await.len(), 12);
}

/// A page shows the current state.
pub async fn a_page_shows_what_stands(s: Subject) {
    let record = approved(&s, &Draft::new("run", 1)).await;
    assert_eq!(s.store.list(&tenant(), PageRequest::all()).await.unwrap(), [record]);
}

/// Approved calls are listed for executors: of every tenant, in the order of creation, and no
/// others.
pub async fn what_may_run_is_listed_for_all_tenants(s: Subject) {
    let mut expected = Vec::new();
    for position in 0..9 {
        let name = if position % 2 == 0 { "acme" } else { "default" };
        let draft = Draft::new("run", position).tenant(name);
        let record = s.create(&draft).await;
        let tenant = &record.key().tenant;
        let approve = Event::Decide(record.request.approve().by("alice"));
        match position % 3 {
            0 => continue,
            1 => s.store.apply(tenant, draft.id(), approve, EventPayload::none()).await.unwrap(),
            _ => {
                s.store.apply(tenant, draft.id(), approve, EventPayload::none()).await.unwrap();
                s.store.apply(tenant, draft.id(), host("no"), EventPayload::none()).await.unwrap();
                continue;
            }
        };
        expected.push((tenant.clone(), draft.id()));
    }
    assert_eq!(s.store.approved(None, 10).await.unwrap(), expected);
    assert_eq!(s.store.approved(None, 2).await.unwrap(), expected[..2]);
    assert_eq!(s.store.approved(Some(expected[0].1), 10).await.unwrap(), expected[1..]);
    assert_eq!(s.store.approved(Some(expected[2].1), 10).await.unwrap(), []);
}

/// Nothing is stale before its time; then calls that wait past their expiry are, and ended ones are
/// not.
pub async fn what_waits_past_its_expiry_is_stale(s: Subject) {
    let pending = s.create(&Draft::new("run", 1)).await;
    let approved = approved(&s, &Draft::new("run", 2)).await;
    let ended = s.create(&Draft::new("run", 3)).await;
    s.withdraw(ended.id()).await;
    s.pass(599);
    assert_eq!(s.store.stale(10).await.unwrap(), []);
    s.pass(1);
    let mut stale = s.store.stale(10).await.unwrap();
    stale.sort_by_key(|(_, id, _)| *id);
    let expected = [
        (tenant(), pending.id(), CallState::Pending),
        (tenant(), approved.id(), CallState::Approved),
    ];
    assert_eq!(stale, expected);
    assert_eq!(s.store.stale(1).await.unwrap().len(), 1, "at most as many as asked for");
}

/// A call claimed by a dead session is stale; one that a living session runs is not.
pub async fn what_a_dead_session_runs_is_stale(s: Subject) {
    let (alive, ..) = claimed(&s, &Draft::new("run", 1)).await;
    let (dead, _, session) = claimed(&s, &Draft::new("run", 2)).await;
    assert_eq!(s.store.stale(10).await.unwrap(), []);
    s.store.close_session(session).await.unwrap();
    let stale = s.store.stale(10).await.unwrap();
    assert_eq!(stale, [(tenant(), dead.id(), CallState::Claimed)]);
    s.pass(10_000);
    assert_eq!(s.state(alive.id()).await, CallState::Claimed);
    assert_eq!(s.store.stale(10).await.unwrap(), stale, "running has no expiry");
}

/// Rejected calls are found by run and content, the newest first, and no others.
pub async fn what_was_rejected_is_found_by_run_and_content(s: Subject) {
    let content = Draft::new("run", 1).call().content();
    let found = async |run: &str, content| {
        let found = s.store.rejected(&tenant(), &RunId::new(run), content, 10).await.unwrap();
        found.iter().map(CallRecord::id).collect::<Vec<_>>()
    };
    assert!(found("run", content).await.is_empty());
    let mut rejected = Vec::new();
    for position in 1..=6 {
        let record = s.create(&Draft::new("run", position)).await;
        let request = &record.request;
        let decision = match position {
            1 | 4 => {
                rejected.insert(0, record.id());
                request.reject("no").by("alice")
            }
            2 => request.approve().by("alice"),
            3 => request.respond("ask").by("alice"),
            5 => request.abort("stop").by("alice"),
            _ => continue,
        };
        s.apply(record.id(), Event::Decide(decision)).await;
    }
    for (draft, tenant) in [
        (Draft::new("other", 1), "default"),
        (Draft::new("run", 7).content(2), "default"),
        (Draft::new("run", 1).tenant("acme"), "acme"),
    ] {
        let record = s.create(&draft).await;
        let no = Event::Decide(record.request.reject("no").by("alice"));
        let none = EventPayload::none();
        s.store.apply(&Tenant::new(tenant), record.id(), no, none).await.unwrap();
    }
    assert_eq!(found("run", content).await, rejected);
    assert_eq!(found("other", content).await.len(), 1);
    assert_eq!(found("third", content).await.len(), 0);
    let one = s.store.rejected(&tenant(), &RunId::new("run"), content, 1).await.unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0], s.get(rejected[0]).await);
}

/// A root run shows its own calls and those delegated from it, page by page.
pub async fn a_root_run_shows_what_was_delegated_from_it(s: Subject) {
    let own = s.create(&Draft::new("root", 1)).await;
    let child = s.create(&Draft::new("child", 1).root("root")).await;
    s.create(&Draft::new("other", 1)).await;
    s.create(&Draft::new("child", 2).root("other")).await;
    let leaf = s.create(&Draft::new("leaf", 1).root("root")).await;
    s.create(&Draft::new("root", 1).tenant("acme")).await;
    let under = async |page: PageRequest| {
        let page = s.store.list(&tenant(), page.root("root")).await.unwrap();
        page.iter().map(CallRecord::id).collect::<Vec<_>>()
    };
    assert_eq!(under(PageRequest::all()).await, [own.id(), child.id(), leaf.id()]);
    assert_eq!(under(PageRequest::all().limit(1)).await, [own.id()]);
    assert_eq!(under(PageRequest::all().after(own.id())).await, [child.id(), leaf.id()]);
    s.withdraw(child.id()).await;
    let waits = PageRequest::new(&[CallState::Pending]);
    assert_eq!(under(waits).await, [own.id(), leaf.id()]);
}
