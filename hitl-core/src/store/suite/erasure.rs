//! Erasure of named calls, and of everything of a principal.

use super::Subject;
use super::fixture::{
    Draft, approved, claimed, failure_with_output, grant, host, sealed, tenant, unknown_outcome,
};
use crate::call::{Principal, Tenant};
use crate::ids::{DecisionId, RequestId};
use crate::machine::{CallRecord, CallState, Event, Refusal};
use crate::store::{
    ChangeId, ERASED_AT_ONCE, Erasable, EventPayload, GrantQuery, NotErased, SubmitResult,
};

/// Erases calls of the default tenant. Returns for each the reason why it was not erased.
pub(super) async fn erase(s: &Subject, calls: &[RequestId]) -> Vec<Option<NotErased>> {
    let calls: Vec<_> = calls.iter().map(|id| Erasable::new(tenant(), *id)).collect();
    s.store.erase(&calls).await.expect("erase")
}

/// Returns an executed call with a result.
pub(super) async fn executed(s: &Subject, draft: &Draft) -> CallRecord {
    let (record, token, _) = claimed(s, draft).await;
    let (event, result) = (Event::Succeed { token }, Some(sealed(b"r")));
    s.store.apply(&tenant(), record.id(), event, EventPayload::result(result)).await.unwrap()
}

/// A named call leaves its tombstone, and the others are unchanged.
pub async fn a_named_call_is_erased(s: Subject) {
    let (draft, other) = (Draft::new("run", 1).argument("the secret plan"), Draft::new("run", 2));
    let done = executed(&s, &draft).await;
    let stays = executed(&s, &other).await;
    assert_eq!(erase(&s, &[done.id()]).await, [None]);
    assert_eq!(s.get(done.id()).await, done.tombstone());
    assert_eq!(s.store.result(&tenant(), done.id()).await.unwrap(), None);
    assert!(s.store.call_history(&tenant(), done.id()).await.unwrap().is_empty());
    assert_eq!(s.get(stays.id()).await, stays);
    assert!(!s.store.call_history(&tenant(), stays.id()).await.unwrap().is_empty());
    let again = s.store.submit(draft.again().call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(left) if left == done.tombstone()));
    assert_eq!(erase(&s, &[done.id()]).await, [Some(NotErased::Erased)]);
}

/// The output of a body that failed is erased like a result.
pub async fn invariant_8_what_a_failed_body_gave_is_erased(s: Subject) {
    let done = failed_with_output(&s, &Draft::new("run", 1)).await;
    assert_eq!(erase(&s, &[done.id()]).await, [None]);
    assert_eq!(s.get(done.id()).await, done.tombstone());
    assert!(!format!("{:?}", s.get(done.id()).await).contains("no such contract"));
    assert_eq!(s.store.result(&tenant(), done.id()).await.unwrap(), None);
}

/// Returns a failed call with an output.
pub(super) async fn failed_with_output(s: &Subject, draft: &Draft) -> CallRecord {
    let (record, token, _) = claimed(s, draft).await;
    let event = Event::Fail { token, failure: failure_with_output("no such contract") };
    let output = EventPayload::result(sealed(b"findings"));
    let done = s.store.apply(&tenant(), record.id(), event, output).await.unwrap();
    assert!(s.store.result(&tenant(), done.id()).await.unwrap().is_some());
    done
}

/// A call that has not ended, is not audited or does not exist is not erased, with the reason.
pub async fn what_cannot_be_erased_is_left_and_said(s: Subject) {
    let me = s.store.open_session().await.unwrap();
    let pending = s.create(&Draft::new("run", 1)).await;
    let approved = approved(&s, &Draft::new("run", 2)).await;
    let (claimed, ..) = claimed(&s, &Draft::new("run", 3)).await;
    let (unknown, _) = unknown_outcome(&s, &Draft::new("run", 4)).await;
    let owed = s.create(&Draft::new("run", 5)).await;
    let enclosed = EventPayload::none().audited_by(me);
    let owed = s.store.apply(&tenant(), owed.id(), host("enough"), enclosed).await.unwrap();
    let ended = s.withdraw(s.create(&Draft::new("run", 6)).await.id()).await;
    let nowhere = RequestId::new();
    let calls = [&pending, &approved, &claimed, &unknown, &owed].map(CallRecord::id);
    let mut calls = calls.to_vec();
    calls.extend([nowhere, ended.id()]);
    let not_ended = |state| Some(NotErased::NotEnded(state));
    let said = erase(&s, &calls).await;
    assert_eq!(
        said,
        [
            not_ended(CallState::Pending),
            not_ended(CallState::Approved),
            not_ended(CallState::Claimed),
            not_ended(CallState::OutcomeUnknown),
            Some(NotErased::Unaudited),
            Some(NotErased::NotFound),
            None,
        ]
    );
    for record in [&pending, &approved, &claimed, &unknown, &owed] {
        assert_eq!(s.get(record.id()).await, *record);
    }
    s.store.outbox_ack(&[ChangeId::to(&owed)]).await.unwrap();
    assert_eq!(erase(&s, &[owed.id()]).await, [None]);
}

/// A call is erased by its own tenant only.
pub async fn a_call_of_another_tenant_is_not_found(s: Subject) {
    let done = executed(&s, &Draft::new("run", 1)).await;
    let elsewhere = [Erasable::new(Tenant::new("other"), done.id())];
    assert_eq!(s.store.erase(&elsewhere).await.unwrap(), [Some(NotErased::NotFound)]);
    assert_eq!(s.get(done.id()).await, done);
}

/// Too many at once are refused, and none of them is erased.
pub async fn no_more_than_so_many_are_erased_at_once(s: Subject) {
    let done = executed(&s, &Draft::new("run", 1)).await;
    let many = vec![Erasable::new(tenant(), done.id()); usize::from(ERASED_AT_ONCE) + 1];
    assert!(s.store.erase(&many).await.is_err());
    assert_eq!(s.get(done.id()).await, done);
}

/// A principal's calls are found page by page, ended or not, and nobody else's.
pub async fn the_calls_of_a_principal_are_found(s: Subject) {
    let ann = Principal::new("ann \"quoted\"");
    let mut theirs = Vec::new();
    for position in 0..7 {
        let draft = Draft::new("run", position);
        let draft = if position % 2 == 0 { draft.principal("ann \"quoted\"") } else { draft };
        let record = s.create(&draft).await;
        if position % 2 == 0 {
            theirs.push(record.id());
        }
    }
    s.create(&Draft::new("run", 1).tenant("other").principal("ann \"quoted\"")).await;
    let mut found = Vec::new();
    while let Some(page) =
        Some(s.store.calls_by_principal(&tenant(), &ann, found.last().copied(), 2).await.unwrap())
            .filter(|page| !page.is_empty())
    {
        assert!(page.len() <= 2);
        found.extend(page.iter().map(CallRecord::id));
    }
    assert_eq!(found, theirs);
    s.withdraw(theirs[0]).await;
    assert_eq!(erase(&s, &theirs[..1]).await, [None]);
    let left = s.store.calls_by_principal(&tenant(), &ann, None, 100).await.unwrap();
    assert_eq!(left.iter().map(CallRecord::id).collect::<Vec<_>>(), theirs[1..]);
}

/// Only the ended grants of a principal are deleted.
pub async fn the_ended_grants_of_a_principal_are_forgotten(s: Subject) {
    let (by, owner) = (Principal::new("alice"), Principal::new("agent-owner"));
    let ended = s.store.save_grant(grant(None, None)).await.unwrap();
    let live = s.store.save_grant(grant(None, None)).await.unwrap();
    let mut other = grant(None, None);
    other.grant.principal = Principal::new("somebody else");
    let other = s.store.save_grant(other).await.unwrap();
    for id in [ended.id(), other.id()] {
        s.store.revoke_grant(&tenant(), id, &by, Some("over")).await.unwrap();
    }
    s.pass(1);
    assert_eq!(s.store.forget_grants_of(&tenant(), &owner).await.unwrap(), 1);
    let left = s.store.grants(&tenant(), GrantQuery::all()).await.unwrap();
    let left: Vec<_> = left.iter().map(crate::grant::GrantRecord::id).collect();
    assert_eq!(left, [live.id(), other.id()]);
}

/// A decision counts for one call, and for no other as long as that call's key is kept, even if the
/// call was erased. Once the key is forgotten, so is the decision.
pub async fn invariant_4_an_erased_decision_counts_for_no_other_call(s: Subject) {
    let now = s.store.now().await.unwrap();
    let began = now.as_millis() - 5000;
    let run = format!("{:08x}-{:04x}-7000-8000-000000000001", began >> 16, began & 0xffff);
    let first = s.create(&Draft::new(&run, 1)).await;
    let second = s.create(&Draft::new("run", 2)).await;
    let id = DecisionId::new();
    let decide = |record: &CallRecord| {
        let mut decision = record.request.reject("no").by("alice");
        decision.id = id;
        Event::Decide(decision)
    };
    s.apply(first.id(), decide(&first)).await;
    assert_eq!(s.refuse(second.id(), decide(&second)).await, Refusal::DecisionUsed);
    assert_eq!(erase(&s, &[first.id()]).await, [None]);
    assert_eq!(s.refuse(second.id(), decide(&second)).await, Refusal::DecisionUsed);
    assert_eq!(s.store.forget_runs(now).await.unwrap(), 1);
    assert_eq!(s.apply(second.id(), decide(&second)).await.state, CallState::Rejected);
}
