//! Legal holds: nothing erases or forgets the data they cover.

use std::sync::Arc;

use super::Subject;
use super::erasure::{erase, executed};
use super::fixture::{Draft, grant, tenant};
use crate::call::{Principal, Tenant};
use crate::ids::{HoldId, RequestId};
use crate::machine::{CallRecord, Event};
use crate::store::{Erasable, GrantQuery, Hold, HoldScope, NotErased};

async fn place(s: &Subject, scope: HoldScope) -> Hold {
    let hold = Hold::new(tenant(), scope, "case 4711", "counsel");
    s.store.hold(hold).await.expect("hold")
}

async fn release(s: &Subject, hold: &Hold) {
    let released = s.store.release_hold(&hold.tenant, hold.id).await.expect("release");
    assert_eq!(released.as_ref(), Some(hold));
}

async fn retain(s: &Subject) -> u64 {
    s.pass(10);
    s.store.erase_ended_before(s.store.now().await.unwrap()).await.unwrap().calls
}

/// A hold is returned as it was placed, with the store's time; placing it again changes nothing,
/// and it is released once, by its own tenant.
pub async fn a_hold_is_kept_until_it_is_released(s: Subject) {
    let hold = Hold::new(tenant(), HoldScope::Tenant, "case 1", "counsel");
    let placed = s.store.hold(hold.clone()).await.unwrap();
    assert_eq!(placed, hold.clone().stamped(s.store.now().await.unwrap()));
    s.pass(1);
    assert_eq!(s.store.hold(hold).await.unwrap(), placed);
    let other = place(&s, HoldScope::Principal(Principal::new("ann"))).await;
    assert_eq!(s.store.holds().await.unwrap(), [placed.clone(), other.clone()]);
    let elsewhere = s.store.release_hold(&Tenant::new("other"), placed.id).await.unwrap();
    assert_eq!(elsewhere, None);
    assert_eq!(s.store.release_hold(&tenant(), HoldId::new()).await.unwrap(), None);
    release(&s, &placed).await;
    assert_eq!(s.store.release_hold(&tenant(), placed.id).await.unwrap(), None);
    assert_eq!(s.store.holds().await.unwrap(), [other]);
}

/// A hold of a call, of a principal who took part in it, and of its tenant each protect it from
/// every kind of erasure, and other calls are erased as usual.
pub async fn a_held_call_is_not_erased(s: Subject) {
    let scopes = |held: RequestId| {
        [
            HoldScope::Call(held),
            HoldScope::Principal(Principal::new("ANN")),
            HoldScope::Principal(Principal::new("alice")),
            HoldScope::Tenant,
        ]
    };
    for which in 0..4_u64 {
        let held = executed(&s, &Draft::new("held", which).principal("ann")).await;
        let scope = scopes(held.id())[usize::try_from(which).unwrap()].clone();
        let placed = place(&s, scope).await;
        let refused = [Some(NotErased::Held(placed.id))];
        assert_eq!(erase(&s, &[held.id()]).await, refused, "{placed:?}");
        assert_eq!(retain(&s).await, 0, "{placed:?}");
        assert_eq!(s.get(held.id()).await, held);
        assert!(s.store.result(&tenant(), held.id()).await.unwrap().is_some());
        release(&s, &placed).await;
        assert_eq!(retain(&s).await, 1, "{placed:?}");
    }
}

/// Calls that no hold covers are erased despite held ones, however many there are.
pub async fn what_is_not_held_is_erased_past_what_is(s: Subject) {
    let mut held = Vec::new();
    for position in 0..230 {
        let draft = Draft::new("run", position);
        let draft = if position < 215 { draft.principal("ann") } else { draft };
        let record = s.create(&draft).await;
        held.push(s.withdraw(record.id()).await);
    }
    place(&s, HoldScope::Principal(Principal::new("ann"))).await;
    assert_eq!(retain(&s).await, 15);
    for record in &held[..215] {
        assert_eq!(s.get(record.id()).await, *record);
    }
    assert!(s.get(held[215].id()).await.erased);
}

/// A hold covers its own tenant only.
pub async fn a_hold_of_another_tenant_holds_nothing(s: Subject) {
    let done = executed(&s, &Draft::new("run", 1).principal("ann")).await;
    for scope in [HoldScope::Call(done.id()), HoldScope::Tenant] {
        let hold = Hold::new(Tenant::new("other"), scope, "case 2", "counsel");
        s.store.hold(hold).await.unwrap();
    }
    assert_eq!(erase(&s, &[done.id()]).await, [None]);
}

/// A tombstone of an erased call is not forgotten under a hold of the call or its tenant.
pub async fn a_held_tombstone_is_not_forgotten(s: Subject) {
    let began = s.store.now().await.unwrap().as_millis() - 5000;
    let run = format!("{:08x}-{:04x}-7000-8000-000000000001", began >> 16, began & 0xffff);
    let done = executed(&s, &Draft::new(&run, 1)).await;
    assert_eq!(erase(&s, &[done.id()]).await, [None]);
    for scope in [HoldScope::Call(done.id()), HoldScope::Tenant] {
        let hold = place(&s, scope).await;
        let now = s.store.now().await.unwrap();
        assert_eq!(s.store.forget_runs(now).await.unwrap(), 0);
        assert_eq!(s.get(done.id()).await, done.tombstone());
        release(&s, &hold).await;
    }
    assert_eq!(s.store.forget_runs(s.store.now().await.unwrap()).await.unwrap(), 1);
}

/// Grants under a hold outlive their end.
pub async fn a_held_grant_is_not_forgotten(s: Subject) {
    let (by, owner) = (Principal::new("alice"), Principal::new("agent-owner"));
    let saved = s.store.save_grant(grant(None, None)).await.unwrap();
    let revoked = s.store.revoke_grant(&tenant(), saved.id(), &by, Some("over")).await.unwrap();
    for scope in [
        HoldScope::Principal(owner.clone()),
        HoldScope::Principal(by),
        HoldScope::Call(saved.grant.request),
        HoldScope::Tenant,
    ] {
        let hold = place(&s, scope).await;
        retain(&s).await;
        assert_eq!(s.store.forget_grants_of(&tenant(), &owner).await.unwrap(), 0);
        assert_eq!(s.store.grant(&tenant(), saved.id()).await.unwrap(), revoked);
        release(&s, &hold).await;
    }
    retain(&s).await;
    assert_eq!(s.store.grants(&tenant(), GrantQuery::all()).await.unwrap(), []);
}

/// If a hold races with an erasure, all data that existed when it was placed is kept until it is
/// released.
pub async fn a_hold_races_with_erasure(s: Subject) {
    let mut calls = Vec::new();
    for position in 0..60 {
        let record = s.create(&Draft::new("run", position)).await;
        calls.push(s.withdraw(record.id()).await.id());
    }
    s.pass(10);
    let before = s.store.now().await.unwrap();
    let (one, other) = (Arc::clone(&s.store), Arc::clone(&s.store));
    let named = calls.clone();
    let erasing = tokio::spawn(async move {
        for id in named {
            one.erase(&[Erasable::new(tenant(), id)]).await.unwrap();
        }
    });
    let retaining = tokio::spawn(async move { other.erase_ended_before(before).await.unwrap() });
    tokio::task::yield_now().await;
    place(&s, HoldScope::Tenant).await;
    // From here on nothing changes any more.
    let mut held: Vec<CallRecord> = Vec::new();
    for id in &calls {
        held.push(s.get(*id).await);
    }
    erasing.await.unwrap();
    retaining.await.unwrap();
    for record in held {
        assert_eq!(s.get(record.id()).await, record);
    }
}

/// A call that is created, decided and ended under a hold is held like an earlier one.
pub async fn what_comes_under_a_hold_is_held(s: Subject) {
    place(&s, HoldScope::Principal(Principal::new("bob"))).await;
    let record = s.create(&Draft::new("run", 1)).await;
    let rejected = s.apply(record.id(), Event::Decide(record.request.reject("no").by("Bob"))).await;
    assert_eq!(retain(&s).await, 0);
    assert_eq!(s.get(record.id()).await, rejected);
}
