//! Freezes: nothing that they reach is claimed, however it would be.

use std::sync::Arc;

use super::fixture::{Draft, approved, claim, grant, host, sealed, tenant};
use super::races::{RACERS, race};
use super::{Subject, refused};
use crate::call::Tenant;
use crate::grant::GrantUse;
use crate::ids::{ClaimToken, RequestId, SessionId};
use crate::machine::{CallRecord, CallState, Event, Refusal};
use crate::store::{
    ApplyRequest, EventPayload, FREEZES, Freeze, FreezeScope, Freezes, PageRequest, Store,
    SubmitResult,
};

/// Returns the value of these freezes.
fn frozen(scopes: &[FreezeScope]) -> String {
    let mut freezes = Freezes::default();
    for scope in scopes {
        let (by, reason) = ("alice".into(), "an incident".to_owned());
        let at = hitl_base::Timestamp::EPOCH;
        let freeze = Freeze { scope: scope.clone(), by, known_by: None, reason, at };
        freezes = freezes.with(freeze).expect("each once").expect("few");
    }
    freezes.to_text().expect("text")
}

/// Sets the value under [`FREEZES`].
async fn set(store: &dyn Store, to: &str) {
    let from = store.metadata(FREEZES).await.expect("metadata");
    let set = store.compare_and_set_metadata(FREEZES, from.as_deref(), to).await;
    assert!(set.expect("set"), "nobody else sets it");
}

fn claims(records: &[&CallRecord], session: SessionId) -> Vec<ApplyRequest> {
    let event = |record: &&CallRecord| claim(record, ClaimToken::new(), session);
    records.iter().map(|record| ApplyRequest::new(record.id(), event(record))).collect()
}

/// While all tenants are frozen nothing is claimed: neither an approved call, alone or with others,
/// nor a new one, with a grant or without. Other changes happen, and after the thaw so do claims.
pub async fn invariant_5_nothing_is_claimed_while_frozen(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let saved = s.store.save_grant(grant(Some(5), None)).await.unwrap();
    let one = approved(&s, &Draft::new("run", 1)).await;
    set(&*s.store, &frozen(&[FreezeScope::All])).await;
    // Submitted and decided while it is frozen, so that the store knows it well.
    let two = approved(&s, &Draft::new("run", 2)).await;
    for record in [&one, &two] {
        let refusal = s.refuse(record.id(), claim(record, ClaimToken::new(), session)).await;
        assert_eq!(refusal, Refusal::Frozen);
    }
    let all = s.store.apply_all(&tenant(), claims(&[&one, &two], session)).await;
    let (refusal, _) = refused(all.map(|mut records| records.remove(0)));
    assert_eq!(refusal, Refusal::Frozen);
    let auto = |position| Draft::new("run", position).admitted(ClaimToken::new(), session);
    let on_grant = auto(4).granted(GrantUse::new(saved.id(), 0_u32.into()));
    for draft in [auto(3), on_grant] {
        let answer = s.store.submit(draft.call(), sealed(b"x")).await.unwrap();
        assert!(matches!(answer, SubmitResult::Frozen), "{answer:?}");
        assert_eq!(s.store.get(&tenant(), draft.id()).await.unwrap(), None);
    }
    let kept = s.store.grant(&tenant(), saved.id()).await.unwrap().unwrap();
    assert_eq!(kept.used, 0, "nothing is drawn");
    let waits = s.create(&Draft::new("run", 5)).await;
    assert_eq!(s.apply(waits.id(), host("enough")).await.state, CallState::Cancelled);

    set(&*s.store, &frozen(&[])).await;
    let one = s.apply(one.id(), claim(&one, ClaimToken::new(), session)).await;
    assert_eq!(one.state, CallState::Claimed);
    assert_eq!(s.create(&auto(3)).await.state, CallState::Claimed);
}

/// A claim that was made before the freeze is still its author's, and ends as it ends.
pub async fn a_claim_from_before_a_freeze_goes_on(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let (token, admitted) = (ClaimToken::new(), ClaimToken::new());
    let record = approved(&s, &Draft::new("run", 1)).await;
    let claiming = claim(&record, token, session);
    let claimed = s.apply(record.id(), claiming.clone()).await;
    let draft = Draft::new("run", 2).admitted(admitted, session);
    let started = s.create(&draft).await;
    set(&*s.store, &frozen(&[FreezeScope::All])).await;
    assert_eq!(s.apply(record.id(), claiming).await, claimed);
    assert_eq!(s.create(&draft).await, started);
    for (id, token) in [(record.id(), token), (draft.id(), admitted)] {
        let done = s.apply(id, Event::Succeed { token }).await;
        assert_eq!(done.state, CallState::Executed);
    }
}

/// A freeze of one tenant stops its calls, and no others.
pub async fn a_freeze_of_one_tenant_stops_no_other(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let (other, mine) = (Tenant::new("other"), approved(&s, &Draft::new("run", 1)).await);
    set(&*s.store, &frozen(&[FreezeScope::Tenant(other.clone())])).await;
    let claimed = s.apply(mine.id(), claim(&mine, ClaimToken::new(), session)).await;
    assert_eq!(claimed.state, CallState::Claimed);
    let theirs = Draft::new("run", 2).tenant(other.as_str()).admitted(ClaimToken::new(), session);
    let answer = s.store.submit(theirs.call(), sealed(b"x")).await.unwrap();
    assert!(matches!(answer, SubmitResult::Frozen), "{answer:?}");
    set(&*s.store, &frozen(&[FreezeScope::Tenant(tenant())])).await;
    assert_eq!(s.create(&theirs).await.state, CallState::Claimed);
    let mine = approved(&s, &Draft::new("run", 3)).await;
    let refusal = s.refuse(mine.id(), claim(&mine, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Frozen);
}

/// A value that the store cannot read stops everything.
pub async fn invariant_5_an_unreadable_freeze_stops_everything(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let record = approved(&s, &Draft::new("run", 1)).await;
    set(&*s.store, "?").await;
    let refusal = s.refuse(record.id(), claim(&record, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Frozen);
    let auto = Draft::new("run", 2).admitted(ClaimToken::new(), session);
    let answer = s.store.submit(auto.call(), sealed(b"x")).await.unwrap();
    assert!(matches!(answer, SubmitResult::Frozen), "{answer:?}");
}

/// A freeze and a thaw wake everybody who waits.
pub async fn a_freeze_and_a_thaw_wake_all_watchers(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    for to in [frozen(&[FreezeScope::All]), frozen(&[])] {
        let (mut one, mut all) = (s.store.watch(record.id()), s.store.watch_all());
        // Hints of before.
        let _ = futures::FutureExt::now_or_never(one.changed());
        let _ = futures::FutureExt::now_or_never(all.changed());
        set(&*s.store, &to).await;
        s.soon("the hint", one.changed()).await;
        s.soon("the hint for any call", all.changed()).await;
    }
}

/// Of claims that race with a freeze, none is made after the freeze was written.
pub async fn invariant_5_no_claim_comes_after_a_freeze(s: Subject) {
    for round in 0..5 {
        let session = s.store.open_session().await.unwrap();
        let run = format!("run {round}");
        let mut waiting = Vec::new();
        for position in 0..RACERS as u64 {
            waiting.push(approved(&s, &Draft::new(&run, position)).await);
        }
        let at_the_freeze = race(&s, move |number, store| {
            let (record, run) = (waiting[number].clone(), format!("{run} auto"));
            Box::pin(async move {
                match number {
                    0 => {
                        set(&*store, &frozen(&[FreezeScope::All])).await;
                        Some(claimed(&store).await)
                    }
                    _ if number % 2 == 0 => {
                        let draft = Draft::new(&run, number as u64);
                        let draft = draft.admitted(ClaimToken::new(), session);
                        store.submit(draft.call(), sealed(b"x")).await.expect("an answer");
                        None
                    }
                    _ => {
                        let event = claim(&record, ClaimToken::new(), session);
                        let none = EventPayload::none();
                        let _ = store.apply(&tenant(), record.id(), event, none).await;
                        None
                    }
                }
            })
        })
        .await;
        let at_the_freeze = at_the_freeze.into_iter().flatten().next().expect("one froze");
        assert_eq!(claimed(&s.store).await, at_the_freeze, "round {round}");
        set(&*s.store, &frozen(&[])).await;
    }
}

/// Returns the calls that are claimed.
async fn claimed(store: &Arc<dyn Store>) -> Vec<RequestId> {
    let page = PageRequest::new(&[CallState::Claimed]).limit(1000);
    let records = store.list(&tenant(), page).await.expect("list");
    records.iter().map(CallRecord::id).collect()
}
