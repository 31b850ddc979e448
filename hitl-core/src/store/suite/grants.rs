//! Grants: saved, listed, revoked; drawn on in the transaction of the claim.

use super::fixture::{Draft, approved, claim, grant, sealed, tenant};
use super::races::{RACERS, race};
use super::{Subject, refused};
use crate::call::{Principal, Tenant};
use crate::grant::{Amount, GrantRecord, GrantRefusal, GrantUse};
use crate::ids::{ClaimToken, DecisionId, GrantId};
use crate::machine::{CallRecord, CallState, Event, ReconcileAnswer, Refusal};
use crate::store::{ApplyError, EventPayload, GrantQuery, SubmitResult};

async fn save(s: &Subject, grant: GrantRecord) -> GrantRecord {
    s.store.save_grant(grant).await.expect("save")
}

async fn now_stands(s: &Subject, id: GrantId) -> GrantRecord {
    s.store.grant(&tenant(), id).await.expect("grant").expect("the grant is there")
}

async fn revoke(s: &Subject, id: GrantId) -> GrantRecord {
    let bob = Principal::new("bob");
    let revoked = s.store.revoke_grant(&tenant(), id, &bob, Some("too much")).await;
    revoked.expect("revoke").expect("the grant is there")
}

fn draw(grant: &GrantRecord, amount: u32) -> GrantUse {
    GrantUse::new(grant.id(), amount.into())
}

/// Returns the grant's approval of a pending call.
fn allow(record: &CallRecord, drawn: GrantUse) -> Event {
    let (decision, binding) = (DecisionId::new(), record.request.binding);
    Event::ApproveByGrant { decision, binding, drawn, by: Principal::new("alice") }
}

/// Returns a pending call that the grant has approved.
async fn allowed(s: &Subject, position: u64, drawn: GrantUse) -> CallRecord {
    let record = s.create(&Draft::new("run", position)).await;
    s.apply(record.id(), allow(&record, drawn)).await
}

/// A saved grant is returned as it was saved, with the store's time; saving it again changes
/// nothing.
pub async fn a_saved_grant_is_found(s: Subject) {
    let draft = grant(Some(5), Some(500));
    let saved = save(&s, draft.clone()).await;
    assert_eq!(saved.grant, draft.grant);
    assert_eq!((saved.version, saved.used, saved.spent), (1, 0, Amount::ZERO));
    assert_eq!(saved.saved_at, s.store.now().await.unwrap());
    s.pass(1);
    assert_eq!(save(&s, draft).await, saved);
    assert_eq!(now_stands(&s, saved.id()).await, saved);
    assert_eq!(s.store.grant(&tenant(), GrantId::new()).await.unwrap(), None);
}

/// Grants are listed in the order of their creation, page by page, by tool, principal and liveness.
pub async fn grants_are_listed_as_they_were_given(s: Subject) {
    let mut given = Vec::new();
    for number in 0..5_u32 {
        let mut draft = grant(None, None);
        if number == 1 {
            "pay".clone_into(&mut draft.grant.tool);
        }
        if number == 2 {
            draft.grant.principal = Principal::new("somebody");
        }
        if number == 3 {
            draft.grant.until = Some(s.store.now().await.unwrap().saturating_add(SECOND));
        }
        given.push(save(&s, draft).await);
    }
    s.pass(1);
    given[4] = revoke(&s, given[4].id()).await;
    let list = |page: GrantQuery| async { s.store.grants(&tenant(), page).await.unwrap() };
    assert_eq!(list(GrantQuery::all()).await, given);
    assert_eq!(list(GrantQuery::live()).await, given[..3]);
    assert_eq!(list(GrantQuery::all().tool("pay")).await, given[1..2]);
    assert_eq!(list(GrantQuery::all().principal("somebody")).await, given[2..3]);
    let first = list(GrantQuery::all().limit(2)).await;
    assert_eq!(first, given[..2]);
    let next = list(GrantQuery::all().after(first[1].id()).limit(2)).await;
    assert_eq!(next, given[2..4]);
    let live = list(GrantQuery::live().tool("sign_contract").principal("agent-owner")).await;
    assert_eq!(live, given[..1]);
}

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// A grant of another tenant is not seen, not revoked and not drawn on.
pub async fn grants_of_other_tenants_are_never_seen(s: Subject) {
    let saved = save(&s, grant(None, None)).await;
    let (other, bob) = (Tenant::new("other"), Principal::new("bob"));
    assert_eq!(s.store.grant(&other, saved.id()).await.unwrap(), None);
    assert_eq!(s.store.grants(&other, GrantQuery::all()).await.unwrap(), []);
    assert_eq!(s.store.revoke_grant(&other, saved.id(), &bob, None).await.unwrap(), None);
    let session = s.store.open_session().await.unwrap();
    let draft = Draft::new("run", 1).tenant("other").admitted(ClaimToken::new(), session);
    let call = draft.granted(draw(&saved, 0)).call();
    let answer = s.store.submit(call, sealed(b"x")).await.unwrap();
    assert!(matches!(answer, SubmitResult::NotGranted(GrantRefusal::Missing)), "{answer:?}");
    assert_eq!(now_stands(&s, saved.id()).await, saved);
}

/// The first revocation counts.
pub async fn a_grant_is_revoked_once(s: Subject) {
    let saved = save(&s, grant(None, None)).await;
    let revoked = revoke(&s, saved.id()).await;
    assert_eq!(revoked.revoked.as_ref().map(|revoked| revoked.by.as_str()), Some("bob"));
    s.pass(1);
    let carol = Principal::new("carol");
    let again = s.store.revoke_grant(&tenant(), saved.id(), &carol, None).await.unwrap();
    assert_eq!(again, Some(revoked));
    let bob = Principal::new("bob");
    let nobody = s.store.revoke_grant(&tenant(), GrantId::new(), &bob, None).await.unwrap();
    assert_eq!(nobody, None);
}

/// A call that is admitted on a grant draws on it in the same step.
pub async fn an_admission_draws_on_its_grant(s: Subject) {
    let saved = save(&s, grant(Some(2), Some(100))).await;
    let session = s.store.open_session().await.unwrap();
    let draft = Draft::new("run", 1).admitted(ClaimToken::new(), session);
    let record = s.create(&draft.granted(draw(&saved, 60))).await;
    assert_eq!((record.state, record.grant_use), (CallState::Claimed, Some(draw(&saved, 60))));
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent, stands.version), (1, 60.into(), 2));
}

/// A call whose draw is refused is not admitted: the key stays free, and nothing is stored.
pub async fn what_cannot_be_drawn_does_not_come_in(s: Subject) {
    let saved = save(&s, grant(Some(1), Some(100))).await;
    let session = s.store.open_session().await.unwrap();
    let admit = |position: u64, amount: u32| {
        let draft = Draft::new("run", position).admitted(ClaimToken::new(), session);
        draft.granted(draw(&saved, amount))
    };
    let refused = |answer: SubmitResult| match answer {
        SubmitResult::NotGranted(refusal) => refusal,
        other => panic!("nothing can be drawn, and yet: {other:?}"),
    };
    let store = &s.store;
    let submit = |draft: Draft| async move { store.submit(draft.call(), sealed(b"x")).await };
    let too_much = admit(1, 101);
    let key = too_much.key().clone();
    assert_eq!(refused(submit(too_much).await.unwrap()), GrantRefusal::Sum);
    assert_eq!(s.store.get_by_key(&key).await.unwrap(), None);
    assert_eq!(now_stands(&s, saved.id()).await, saved);
    assert!(matches!(submit(admit(1, 100)).await.unwrap(), SubmitResult::Created(_)));
    assert_eq!(refused(submit(admit(2, 0)).await.unwrap()), GrantRefusal::Uses);
    let history = s.store.history(0, 100).await.unwrap().entries;
    assert_eq!(history.len(), 1);
}

/// Submitting the same call again finds its record and draws nothing more.
pub async fn a_call_found_again_draws_nothing(s: Subject) {
    let saved = save(&s, grant(Some(5), None)).await;
    let session = s.store.open_session().await.unwrap();
    let draft = Draft::new("run", 1).admitted(ClaimToken::new(), session);
    let draft = draft.granted(draw(&saved, 0));
    let first = s.create(&draft).await;
    assert_eq!(s.create(&draft).await, first);
    let again = s.store.submit(draft.again().call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(_)));
    assert_eq!(now_stands(&s, saved.id()).await.used, 1);
}

/// A grant approves a waiting call; nothing is drawn before it is claimed. Replaying it is
/// harmless.
pub async fn a_grant_allows_what_waits(s: Subject) {
    let saved = save(&s, grant(Some(1), None)).await;
    let record = s.create(&Draft::new("run", 1)).await;
    let event = allow(&record, draw(&saved, 0));
    let yes = s.apply(record.id(), event.clone()).await;
    assert_eq!((yes.state, yes.grant_use), (CallState::Approved, Some(draw(&saved, 0))));
    assert_eq!(yes.decision.as_ref().map(|decided| decided.by.as_str()), Some("alice"));
    s.pass(1);
    assert_eq!(s.apply(record.id(), event).await, yes);
    assert_eq!(now_stands(&s, saved.id()).await, saved);
    let other = s.create(&Draft::new("run", 2)).await;
    let missing = allow(&other, GrantUse::new(GrantId::new(), Amount::ZERO));
    let refusal = s.refuse(other.id(), missing).await;
    assert_eq!(refusal, Refusal::Grant(GrantRefusal::Missing));
}

/// The claim draws; replaying it draws nothing more; no draw exceeds the last use.
pub async fn a_claim_draws_on_the_grant(s: Subject) {
    let saved = save(&s, grant(Some(1), Some(10))).await;
    let (first, second) =
        (allowed(&s, 1, draw(&saved, 7)).await, allowed(&s, 2, draw(&saved, 3)).await);
    let session = s.store.open_session().await.unwrap();
    let event = claim(&first, ClaimToken::new(), session);
    let held = s.apply(first.id(), event.clone()).await;
    assert_eq!(s.apply(first.id(), event).await, held);
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent), (1, 7.into()));
    let refusal = s.refuse(second.id(), claim(&second, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Grant(GrantRefusal::Uses));
    let (binding, reason) = (second.request.binding, "asked again".to_owned());
    let asked = s.apply(second.id(), Event::GrantExhausted { binding, reason }).await;
    assert_eq!((asked.state, asked.grant_use), (CallState::Pending, None));
    assert_eq!(asked.request.revision, 2);
    assert_eq!(now_stands(&s, saved.id()).await, stands);
}

/// A claim whose body was not started returns its draw, even if the grant was revoked meanwhile.
pub async fn a_release_gives_back(s: Subject) {
    let saved = save(&s, grant(Some(1), Some(10))).await;
    let record = allowed(&s, 1, draw(&saved, 7)).await;
    let session = s.store.open_session().await.unwrap();
    let token = ClaimToken::new();
    s.apply(record.id(), claim(&record, token, session)).await;
    s.apply(record.id(), Event::Release { token }).await;
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent), (0, Amount::ZERO));
    s.apply(record.id(), claim(&record, token, session)).await;
    revoke(&s, saved.id()).await;
    s.apply(record.id(), Event::Release { token }).await;
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.revoked.is_some()), (0, true));
}

/// An attempt that took no effect, as its tool found, returns its draw; the next one draws again.
pub async fn an_attempt_without_effect_gives_back(s: Subject) {
    let saved = save(&s, grant(Some(1), Some(10))).await;
    let record = allowed(&s, 1, draw(&saved, 7)).await;
    let session = s.store.open_session().await.unwrap();
    s.apply(record.id(), claim(&record, ClaimToken::new(), session)).await;
    assert_eq!(now_stands(&s, saved.id()).await.used, 1);
    s.store.close_session(session).await.unwrap();
    let lost = s.apply(record.id(), Event::ExecutorLost).await;
    let answer = ReconcileAnswer::NotExecuted { most: 3 };
    s.apply(record.id(), Event::Reconcile { version: lost.version, answer }).await;
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent), (0, Amount::ZERO));
    let session = s.store.open_session().await.unwrap();
    s.apply(record.id(), claim(&record, ClaimToken::new(), session)).await;
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent), (1, 7.into()));
}

/// Once a grant is revoked, no call that it has approved can be claimed.
pub async fn a_revocation_beats_any_later_claim(s: Subject) {
    let saved = save(&s, grant(None, None)).await;
    let record = allowed(&s, 1, draw(&saved, 0)).await;
    revoke(&s, saved.id()).await;
    let session = s.store.open_session().await.unwrap();
    let refusal = s.refuse(record.id(), claim(&record, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Grant(GrantRefusal::Revoked));
    let draft = Draft::new("run", 2).admitted(ClaimToken::new(), session);
    let call = draft.granted(draw(&saved, 0)).call();
    let answer = s.store.submit(call, sealed(b"x")).await.unwrap();
    assert!(matches!(answer, SubmitResult::NotGranted(GrantRefusal::Revoked)), "{answer:?}");
    // A human's approval needs no grant.
    let other = approved(&s, &Draft::new("run", 3)).await;
    s.apply(other.id(), claim(&other, ClaimToken::new(), session)).await;
}

/// A grant ends at its set time, by the store's clock.
pub async fn a_grant_ends_at_its_time(s: Subject) {
    let mut draft = grant(None, None);
    draft.grant.until = Some(s.store.now().await.unwrap().saturating_add(SECOND));
    let saved = save(&s, draft).await;
    let record = allowed(&s, 1, draw(&saved, 0)).await;
    s.pass(1);
    let session = s.store.open_session().await.unwrap();
    let refusal = s.refuse(record.id(), claim(&record, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Grant(GrantRefusal::Over));
}

/// Many claim on one grant: as many succeed as it has room for, and the sum fits.
pub async fn invariant_3_an_envelope_is_never_overdrawn(s: Subject) {
    let saved = save(&s, grant(Some(20), Some(100))).await;
    let session = s.store.open_session().await.unwrap();
    let mut claims = Vec::new();
    for number in 0..RACERS {
        let record = allowed(&s, number as u64, draw(&saved, 7)).await;
        claims.push((record.id(), claim(&record, ClaimToken::new(), session)));
    }
    let answers = race(&s, move |number, store| {
        let (id, event) = claims[number].clone();
        Box::pin(async move { store.apply(&tenant(), id, event, EventPayload::none()).await })
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 14, "fourteen times seven is less than a hundred");
    for answer in lost {
        let (refusal, _) = refused(answer);
        assert_eq!(refusal, Refusal::Grant(GrantRefusal::Sum));
    }
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent), (14, 98.into()));
}

/// Many are admitted on one grant: as many succeed as it has room for.
pub async fn invariant_3_admissions_never_overdraw(s: Subject) {
    let saved = save(&s, grant(Some(5), None)).await;
    let session = s.store.open_session().await.unwrap();
    let drafts: Vec<_> = (0..RACERS)
        .map(|number| {
            let draft = Draft::new("run", number as u64).admitted(ClaimToken::new(), session);
            draft.granted(draw(&saved, 1))
        })
        .collect();
    let answers = race(&s, move |number, store| {
        let call = drafts[number].call();
        Box::pin(async move { store.submit(call, sealed(b"x")).await.unwrap() })
    })
    .await;
    let created =
        answers.iter().filter(|answer| matches!(answer, SubmitResult::Created(_))).count();
    let refused =
        |answer: &&SubmitResult| matches!(answer, SubmitResult::NotGranted(GrantRefusal::Uses));
    assert_eq!((created, answers.iter().filter(refused).count()), (5, RACERS - 5));
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent), (5, 5.into()));
}

/// A revocation races with claims: earlier ones count, and none succeeds after it.
pub async fn a_revocation_races_with_claims(s: Subject) {
    let saved = save(&s, grant(None, None)).await;
    let session = s.store.open_session().await.unwrap();
    let mut claims = Vec::new();
    for number in 0..RACERS {
        let record = allowed(&s, number as u64, draw(&saved, 1)).await;
        claims.push((record.id(), claim(&record, ClaimToken::new(), session)));
    }
    let id = saved.id();
    let answers = race(&s, move |number, store| {
        let (call, event) = claims[number].clone();
        Box::pin(async move {
            if number == RACERS / 2 {
                let bob = Principal::new("bob");
                store.revoke_grant(&tenant(), id, &bob, None).await.unwrap();
            }
            store.apply(&tenant(), call, event, EventPayload::none()).await
        })
    })
    .await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
    assert!(won < RACERS as u64, "whoever revoked it came too late");
    let gone = |answer: &&Result<_, _>| {
        matches!(answer, Err(ApplyError::Rejected { refusal: Refusal::Grant(_), .. }))
    };
    assert_eq!(answers.iter().filter(gone).count() as u64, RACERS as u64 - won);
    let stands = now_stands(&s, saved.id()).await;
    assert_eq!((stands.used, stands.spent), (won, Amount::from(u32::try_from(won).unwrap())));
}
