//! More time for a call, its result as people see it, and what is not approved in bulk.

use crate::support;

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::{Clock as _, ManualClock};
use hitl_core::audit::{AuditEvent, MemoryAudit};
use hitl_core::machine::{CallState, Refusal};
use hitl_core::{
    ApprovalRequest, Gate, GateErrorKind, MemoryStore, Outcome, QueueQuery, ReviewScope,
    ShownResult, Submission, Ticket,
};
use support::{World, ask, pay, tools};

async fn gate(audit: MemoryAudit) -> (Gate, ManualClock) {
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    let built = tools(Gate::builder()).state(World::default()).store(store).audit(audit);
    (built.build().await.unwrap(), clock)
}

async fn submit(gate: &Gate, amount: f64) -> (ApprovalRequest, Ticket) {
    let pending = gate.submit(pay("shop", amount)).by("ann").await.unwrap();
    let Submission::Pending(ticket) = pending else { panic!("it waits") };
    (ticket.request().clone(), ticket)
}

async fn submit_ask(gate: &Gate, text: &str) -> Ticket {
    let pending = gate.submit(ask(text)).by("ann").await.unwrap();
    let Submission::Pending(ticket) = pending else { panic!("it waits") };
    ticket
}

#[tokio::test(start_paused = true)]
async fn who_waits_goes_on_waiting_after_a_call_was_given_more_time() {
    let audit = MemoryAudit::new();
    let (gate, clock) = gate(audit.clone()).await;
    let (request, ticket) = submit(&gate, 10.0).await;
    let window = request.expires_at.saturating_duration_since(request.created_at);
    let waiting = tokio::spawn(async move { ticket.wait().await });
    clock.advance(window / 2);
    let extended = gate.extend(&request, "bob").await.unwrap();
    assert_eq!(extended.request().binding, request.binding);
    assert_eq!(extended.request().expires_at, clock.now().saturating_add(window));
    // Beyond the time that it had first.
    clock.advance(window / 2 + Duration::from_secs(1));
    tokio::time::advance(window).await;
    let (tenant, id) = (request.key.tenant.clone(), request.id);
    let now = gate.unscoped().get(&tenant, id).await.unwrap().unwrap();
    assert_eq!(now.state(), CallState::Pending);
    gate.decide(request.approve().by("bob")).await.unwrap();
    let outcome = waiting.await.unwrap().unwrap();
    assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
    let events: Vec<_> = audit.records().into_iter().filter(|r| r.call == Some(id)).collect();
    let extended = events.iter().find(|r| r.event == AuditEvent::Extended).unwrap();
    assert_eq!(extended.by.as_ref().map(ToString::to_string).as_deref(), Some("bob"));
}

#[tokio::test]
async fn invariant_5_more_time_is_given_by_who_may_decide_what_was_shown_and_not_for_ever() {
    let (gate, clock) = gate(MemoryAudit::new()).await;
    let (request, _ticket) = submit(&gate, 10.0).await;
    let window = request.expires_at.saturating_duration_since(request.created_at);
    clock.advance(Duration::from_secs(1));
    let elsewhere = hitl_core::ReviewerIdentity::new("eve").tenant("other");
    let refused = gate.extend(&request, elsewhere).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::WrongTenant));
    let agent = hitl_core::Principal::agent("bot");
    let refused = gate.extend(&request, agent).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::NotHuman));
    let mut stale = request.clone();
    stale.revision = 2;
    let refused = gate.extend(&stale, "bob").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Stale));
    let mut times = 0;
    let last = loop {
        clock.advance(window.saturating_sub(Duration::from_secs(2)));
        match gate.extend(&request, "bob").await {
            Ok(_) => times += 1,
            Err(error) => break error,
        }
        assert!(times < 20, "it goes on for ever");
    };
    assert_eq!(last.refusal(), Some(Refusal::NoMoreTime));
    assert_eq!(times, 9, "ten times its time in all");
}

#[tokio::test]
async fn an_expired_or_decided_call_gets_no_more_time() {
    let (gate, clock) = gate(MemoryAudit::new()).await;
    let (decided, _ticket) = submit(&gate, 10.0).await;
    gate.decide(decided.reject("no").by("bob")).await.unwrap();
    let (late, _other) = submit(&gate, 11.0).await;
    clock.advance(late.expires_at.saturating_duration_since(late.created_at));
    let refused = gate.extend(&late, "bob").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Expired));
    let refused = gate.extend(&decided, "bob").await.unwrap_err();
    assert!(matches!(refused.refusal(), Some(Refusal::State { .. })), "{refused}");
}

#[tokio::test]
async fn calls_with_a_caution_are_not_approved_in_bulk_and_can_be_rejected() {
    let (gate, _clock) = gate(MemoryAudit::new()).await;
    let odd = submit_ask(&gate, "we\u{200b}ll?").await.request().clone();
    let queue = gate.scoped_to(ReviewScope::all_tenants()).queue();
    let approved = queue.decide_all([odd.approve().by("bob")]).await.remove(0).unwrap_err();
    assert_eq!(approved.kind(), GateErrorKind::NotInBulk);
    let rejected = queue.decide_all([odd.reject("no").by("bob")]).await.remove(0).unwrap();
    assert_eq!(rejected.state(), CallState::Rejected);
    assert!(queue.page(QueueQuery::pending()).await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn invariant_8_a_result_is_shown_to_who_may_see_the_tenant_and_not_if_it_may_repeat_a_secret()
{
    let (gate, _clock) = gate(MemoryAudit::new()).await;
    let ticket = submit_ask(&gate, "well?").await;
    let request = ticket.request().clone();
    let mine = gate.scoped_to(ReviewScope::tenant("default"));
    let (tenant, id) = (request.key.tenant.clone(), request.id);
    let waits = mine.get(&tenant, id).await.unwrap().unwrap();
    assert_eq!(mine.result(&waits).await.unwrap(), ShownResult::Nothing);
    gate.decide(request.approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    let ran = mine.get(&tenant, id).await.unwrap().unwrap();
    assert!(matches!(mine.result(&ran).await.unwrap(), ShownResult::Text(_)));
    // Its arguments had a declared secret, and are no longer kept.
    let (secret, ticket) = submit(&gate, 10.0).await;
    gate.decide(secret.approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    let paid = mine.get(&tenant, secret.id).await.unwrap().unwrap();
    assert_eq!(mine.result(&paid).await.unwrap(), ShownResult::Withheld);
    let others = gate.scoped_to(ReviewScope::tenant("other"));
    assert_eq!(others.result(&ran).await.unwrap_err().kind(), GateErrorKind::Forbidden);
}
