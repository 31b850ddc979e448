//! The queue: its orders, its turns, and continuing a listing.

use std::time::Duration;

use super::Subject;
use super::fixture::{Draft, approved, claimed, host, tenant, unknown_outcome};
use crate::call::Tenant;
use crate::ids::RequestId;
use crate::machine::{CallState, Event};
use crate::policy::{ApprovalLevel, Priority, Requirement};
use crate::queue::{QueueEntry, QueueOrder, QueueScan};

fn scan(order: QueueOrder, states: &[CallState]) -> QueueScan {
    QueueScan { tenant: tenant(), states: states.to_vec(), order, after: None, limit: 100 }
}

fn pending(order: QueueOrder) -> QueueScan {
    scan(order, &[CallState::Pending])
}

async fn list(s: &Subject, scan: &QueueScan) -> Vec<QueueEntry> {
    s.store.queue(scan).await.unwrap()
}

async fn ids(s: &Subject, scan: &QueueScan) -> Vec<RequestId> {
    list(s, scan).await.iter().map(|placed| placed.record.id()).collect()
}

/// In the reviewers' order priority comes before all else, then the turn, then the due date.
pub async fn the_most_urgent_comes_first(s: Subject) {
    let mut expected = Vec::new();
    let kinds = [Priority::Medium, Priority::Urgent, Priority::High];
    for (position, priority) in (0..9).zip(kinds.into_iter().cycle()) {
        // Later calls are due earlier; each has a principal of its own.
        let due = Duration::from_secs(1000 - position * 10);
        let draft = Draft::new("run", position).priority(priority).due_in(due);
        let record = s.create(&draft.principal(&format!("agent {position}"))).await;
        expected.push((std::cmp::Reverse(priority), record.request.due_at, record.id()));
    }
    expected.sort_unstable();
    let expected: Vec<RequestId> = expected.into_iter().map(|(.., id)| id).collect();
    assert_eq!(ids(&s, &pending(QueueOrder::Reviewer)).await, expected);
}

/// In the order of due dates, priority and principal do not count.
pub async fn what_is_due_first_comes_first(s: Subject) {
    let mut created = Vec::new();
    for (position, seconds) in (0..).zip([500, 100, 400, 100, 300]) {
        let draft = Draft::new("run", position).due_in(Duration::from_secs(seconds));
        let priority = if position % 2 == 0 { Priority::Urgent } else { Priority::Medium };
        created.push(s.create(&draft.priority(priority)).await.id());
    }
    let expected = [1, 3, 4, 2, 0].map(|at: usize| created[at]);
    assert_eq!(ids(&s, &pending(QueueOrder::Due)).await, expected);
}

/// In the order of creation nothing else counts.
pub async fn what_came_first_comes_first(s: Subject) {
    let mut created = Vec::new();
    for position in 0..6 {
        let due = Duration::from_secs(1000 - position * 10);
        created.push(s.create(&Draft::new("run", position).due_in(due)).await.id());
    }
    assert_eq!(ids(&s, &pending(QueueOrder::Created)).await, created);
}

/// A flooding principal precedes each next call of the others at most once per turn.
pub async fn invariant_13_a_flood_buries_nobody(s: Subject) {
    for position in 0..30 {
        s.create(&Draft::new("flood", position).principal("flooder")).await;
    }
    let mut quiet = Vec::new();
    for position in 0..4 {
        let who = if position % 2 == 0 { "ann" } else { "bob" };
        quiet.push(s.create(&Draft::new("quiet", position).principal(who)).await.id());
    }
    let listed = ids(&s, &pending(QueueOrder::Reviewer)).await;
    assert_eq!(listed.len(), 34);
    for (position, id) in quiet.iter().enumerate() {
        let place = listed.iter().position(|listed| listed == id).unwrap();
        // With three principals, the first calls are among the first three, the second among the
        // first six.
        let bound = 3 * (position / 2 + 1);
        assert!(place < bound, "call {position} is number {place}");
    }
}

/// Calls that come and go move no other call.
pub async fn a_turn_stays_while_a_call_waits(s: Subject) {
    let mut waiting = Vec::new();
    for position in 0..6 {
        waiting.push(s.create(&Draft::new("run", position)).await.id());
    }
    let before = list(&s, &pending(QueueOrder::Reviewer)).await;
    let turns: Vec<u64> = before.iter().map(|placed| placed.place.turn).collect();
    assert_eq!(turns, [0, 1, 2, 3, 4, 5]);
    s.withdraw(waiting[0]).await;
    s.withdraw(waiting[3]).await;
    let late = s.create(&Draft::new("late", 0).principal("other")).await;
    let own = s.create(&Draft::new("late", 1)).await;
    let after = list(&s, &pending(QueueOrder::Reviewer)).await;
    let turn = |id| after.iter().find(|placed| placed.record.id() == id).unwrap().place.turn;
    assert_eq!([1, 2, 4, 5].map(|at: usize| turn(waiting[at])), [1, 2, 4, 5]);
    assert_eq!(turn(late.id()), 1, "whoever has nothing waiting begins where the queue is worked");
    assert_eq!(turn(own.id()), 6, "whoever has, goes after its own");
}

/// A call that is asked again gets a new turn.
pub async fn a_call_asked_again_takes_a_new_turn(s: Subject) {
    let draft = Draft::new("run", 0).level(ApprovalLevel::Quick);
    let first = approved(&s, &draft).await;
    for position in 1..4 {
        s.create(&Draft::new("run", position)).await;
    }
    let demote = Event::RequireMore {
        binding: first.request.binding,
        requirement: Requirement::new(ApprovalLevel::Full),
        reason: "stricter now".to_owned(),
    };
    s.apply(first.id(), demote).await;
    let listed = list(&s, &pending(QueueOrder::Reviewer)).await;
    let turns: Vec<u64> = listed.iter().map(|placed| placed.place.turn).collect();
    assert_eq!(turns, [0, 1, 2, 3], "nobody shares a turn with itself");
    assert_eq!(listed[3].record.id(), first.id());
}

/// Continuing after a position shows every call that waits throughout exactly once, in order,
/// whatever comes and goes in between.
pub async fn a_listing_goes_on_where_it_stopped(s: Subject) {
    for order in [QueueOrder::Reviewer, QueueOrder::Due, QueueOrder::Created] {
        let run = format!("{order:?}");
        let mut staying = Vec::new();
        let mut going = Vec::new();
        for position in 0..20 {
            let priority = [Priority::Urgent, Priority::Medium][usize::from(position % 3 == 0)];
            let draft = Draft::new(&run, position).priority(priority);
            let draft = draft.principal(&format!("agent {}", position % 4));
            let id = s.create(&draft).await.id();
            if position % 5 == 4 { going.push(id) } else { staying.push(id) }
        }
        let all = list(&s, &pending(order)).await;
        let mut ask = QueueScan { limit: 3, ..pending(order) };
        let (mut seen, mut page) = (Vec::new(), 0);
        loop {
            let found = list(&s, &ask).await;
            assert!(found.len() <= 3);
            let Some(last) = found.last() else { break };
            ask.after = Some(last.place.key(order));
            seen.extend(found.iter().map(|placed| placed.place.key(order)));
            let shown = found.iter().map(|placed| placed.record.id());
            going.retain(|id| !shown.clone().any(|shown| shown == *id));
            if let Some(id) = going.pop() {
                s.withdraw(id).await;
            }
            page += 1;
            if page < 6 {
                s.create(&Draft::new(&run, 100 + page).principal("newcomer")).await;
            }
        }
        assert!(seen.is_sorted_by(|a, b| a < b), "in order and nothing twice: {order:?}");
        for placed in all.iter().filter(|placed| staying.contains(&placed.record.id())) {
            assert!(seen.contains(&placed.place.key(order)), "left out: {:?}", placed.place);
        }
        for id in ids(&s, &pending(order)).await {
            s.withdraw(id).await;
        }
    }
}

/// A tenant's queue shows nothing of another's, and its turns are its own.
pub async fn a_queue_is_of_one_tenant(s: Subject) {
    let own = s.create(&Draft::new("run", 1)).await;
    for position in 0..3 {
        s.create(&Draft::new("run", position).tenant("acme")).await;
    }
    for order in [QueueOrder::Reviewer, QueueOrder::Due, QueueOrder::Created] {
        assert_eq!(ids(&s, &pending(order)).await, [own.id()]);
        let of = QueueScan { tenant: Tenant::new("acme"), ..pending(order) };
        assert_eq!(ids(&s, &of).await.len(), 3);
        let nobodys = QueueScan { tenant: Tenant::new("acm"), ..pending(order) };
        assert_eq!(ids(&s, &nobodys).await.len(), 0);
    }
    let late = s.create(&Draft::new("late", 1).principal("new").tenant("acme")).await;
    let of = QueueScan { tenant: Tenant::new("acme"), ..pending(QueueOrder::Reviewer) };
    let listed = list(&s, &of).await;
    assert_eq!(listed.iter().find(|p| p.record.id() == late.id()).unwrap().place.turn, 0);
}

/// Several states are listed as one, and ended calls in the order of creation.
pub async fn what_has_ended_is_listed_as_it_came(s: Subject) {
    let mut expected = Vec::new();
    for position in 0..8 {
        let draft = Draft::new("run", position);
        match position % 4 {
            0 => expected.push(s.create(&draft).await.id()),
            1 => expected.push(approved(&s, &draft).await.id()),
            2 => expected.push(claimed(&s, &draft).await.0.id()),
            _ => {
                s.create(&draft).await;
                expected.push(s.withdraw(draft.id()).await.id());
            }
        }
    }
    let all = scan(
        QueueOrder::Created,
        &[CallState::Pending, CallState::Approved, CallState::Claimed, CallState::Cancelled],
    );
    assert_eq!(ids(&s, &all).await, expected);
    let first = list(&s, &QueueScan { limit: 3, ..all.clone() }).await;
    let after = first.last().map(|placed| placed.place.key(QueueOrder::Created));
    assert_eq!(ids(&s, &QueueScan { after, ..all }).await, expected[3..]);
    let open = scan(QueueOrder::Due, &[CallState::Approved, CallState::Claimed]);
    assert_eq!(ids(&s, &open).await.len(), 4);
}

/// Each call is counted under its current state.
pub async fn calls_are_counted(s: Subject) {
    for position in 0..5 {
        let level = [ApprovalLevel::Quick, ApprovalLevel::Full][usize::from(position > 1)];
        s.create(&Draft::new("run", position).level(level).priority(Priority::High)).await;
    }
    approved(&s, &Draft::new("run", 10)).await;
    claimed(&s, &Draft::new("run", 11)).await;
    unknown_outcome(&s, &Draft::new("run", 12)).await;
    s.create(&Draft::new("run", 13)).await;
    s.apply(s.create(&Draft::new("run", 14)).await.id(), host("no")).await;
    s.create(&Draft::new("run", 0).tenant("acme")).await;
    let counts = s.store.queue_counts(&tenant()).await.unwrap();
    let counted = |state| counts.state(state).counted;
    assert_eq!(counted(CallState::Pending), 6);
    assert_eq!(counted(CallState::Approved), 1);
    assert_eq!(counted(CallState::Claimed), 1);
    assert_eq!(counted(CallState::OutcomeUnknown), 1);
    assert_eq!(counts.priority(Priority::High).counted, 5);
    assert_eq!(counts.priority(Priority::Urgent).counted, 1);
    assert_eq!(counts.level(ApprovalLevel::Quick).counted, 2);
    assert_eq!(counts.level(ApprovalLevel::Full).counted, 4);
    assert!(counts.states.values().all(|tally| !tally.more));
    let nobody = s.store.queue_counts(&Tenant::new("nobody")).await.unwrap();
    assert_eq!(nobody.state(CallState::Pending).counted, 0);
}

/// Tenants that have calls are listed in order, each once.
pub async fn tenants_are_listed_once(s: Subject) {
    for (position, name) in (0..).zip(["b", "a", "c", "a", "b"]) {
        s.create(&Draft::new("run", position).tenant(name)).await;
    }
    let named = |names: &[&str]| names.iter().map(|name| Tenant::new(*name)).collect::<Vec<_>>();
    assert_eq!(s.store.tenants(None, 10).await.unwrap(), named(&["a", "b", "c"]));
    assert_eq!(s.store.tenants(None, 2).await.unwrap(), named(&["a", "b"]));
    assert_eq!(s.store.tenants(Some(&Tenant::new("a")), 10).await.unwrap(), named(&["b", "c"]));
    assert_eq!(s.store.tenants(Some(&Tenant::new("c")), 10).await.unwrap(), []);
}
