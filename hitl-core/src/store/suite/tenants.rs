//! Tenants are separate in every operation.

use super::Subject;
use super::fixture::{Draft, host, sealed, tenant};
use crate::call::Tenant;
use crate::machine::{CallState, Event};
use crate::store::{ApplyError, EventPayload, PageRequest};

/// The same run and position in two tenants are two calls.
pub async fn tenants_have_keys_of_their_own(s: Subject) {
    let ours = Draft::new("run", 1);
    let theirs = ours.again().tenant("acme").content(2);
    let (a, b) = (s.create(&ours).await, s.create(&theirs).await);
    assert_ne!(a.id(), b.id());
    assert_eq!(s.store.get_by_key(ours.key()).await.unwrap(), Some(a));
    assert_eq!(s.store.get_by_key(theirs.key()).await.unwrap(), Some(b));
}

/// Nothing of a call is read in another tenant, even with its id.
pub async fn nothing_is_read_across_tenants(s: Subject) {
    let draft = Draft::new("run", 1);
    let record = s.create(&draft).await;
    let deny = Event::Decide(record.request.reject("no").by("alice"));
    let acme = Tenant::new("acme");
    assert_eq!(s.store.get(&acme, draft.id()).await.unwrap(), None);
    assert_eq!(s.store.payload(&acme, draft.id()).await.unwrap(), None);
    assert_eq!(s.store.list(&acme, PageRequest::all()).await.unwrap(), []);
    s.store
        .apply(&tenant(), draft.id(), deny, EventPayload::result(sealed(b"result")))
        .await
        .unwrap();
    assert_eq!(s.store.result(&acme, draft.id()).await.unwrap(), None);
    assert!(s.store.result(&tenant(), draft.id()).await.unwrap().is_some());
    assert_eq!(s.store.list(&tenant(), PageRequest::all()).await.unwrap().len(), 1);
}

/// Nothing is changed in another tenant, and the call's existence is not revealed.
pub async fn nothing_is_changed_across_tenants(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let approve = Event::Decide(record.request.approve().by("mallory"));
    for event in
        [approve, host("mine now"), Event::Attach { owner: None, attached: true }, Event::Expire]
    {
        let answer =
            s.store.apply(&Tenant::new("acme"), record.id(), event, EventPayload::none()).await;
        assert!(matches!(answer, Err(ApplyError::NotFound(_))), "{answer:?}");
    }
    assert_eq!(s.get(record.id()).await, record);
}

/// Tenants with similar names are different.
pub async fn similar_tenants_are_apart(s: Subject) {
    let names = ["acme", "Acme", "acme ", "", "acm%", "a\u{301}", "\u{e1}"];
    for name in names {
        s.create(&Draft::new("run", 1).tenant(name)).await;
    }
    for name in names {
        let page = s.store.list(&Tenant::new(name), PageRequest::all()).await.unwrap();
        assert_eq!(page.len(), 1, "{name:?}");
        assert_eq!(page[0].key().tenant.as_str(), name);
    }
}

/// The sweep sees all tenants, and returns the tenant of each call.
pub async fn the_sweep_sees_all_tenants(s: Subject) {
    let (a, b) = (Draft::new("run", 1), Draft::new("run", 1).tenant("acme"));
    s.create(&a).await;
    s.create(&b).await;
    s.pass(600);
    let mut stale = s.store.stale(10).await.unwrap();
    stale.sort();
    let mut expected =
        [(tenant(), a.id(), CallState::Pending), (Tenant::new("acme"), b.id(), CallState::Pending)];
    expected.sort();
    assert_eq!(stale, expected);
}
