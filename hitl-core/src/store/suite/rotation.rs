//! Key rotation: texts that are sealed under another key than the current one are listed, replaced
//! and counted.

use super::{Draft, Subject, claimed, sealed, tenant};
use crate::call::Tenant;
use crate::ids::RequestId;
use crate::machine::Event;
use crate::seal::{HostKey, KeyId, Sealed};
use crate::store::{EventPayload, SealedPart, SealedText, StoreErrorKind};

/// Returns the id of some key that is not the store's.
fn other() -> KeyId {
    HostKey::from_bytes([0xab; 32]).id()
}

fn own(s: &Subject) -> KeyId {
    s.store.host_key().expect("a store under test has a key").id()
}

/// Returns bytes that begin as if sealed under a key. Stores open nothing.
fn under(key: KeyId, rest: &[u8]) -> Sealed {
    Sealed::from_bytes([&key.prefix(), rest].concat())
}

async fn listed(s: &Subject, part: SealedPart, not_under: KeyId) -> Vec<SealedText> {
    let (mut all, mut after) = (Vec::new(), Some(0));
    while let Some(at) = after {
        let page = s.store.sealed_texts(part, not_under, at, 2).await.unwrap();
        assert!(page.texts.len() <= 2, "no more than were asked for");
        all.extend(page.texts);
        after = page.next;
    }
    all
}

async fn submitted(s: &Subject, position: u64, payload: Sealed) -> RequestId {
    let draft = Draft::new("run", position);
    s.store.submit(draft.call(), payload).await.unwrap();
    draft.id()
}

/// Texts under the given key are not listed; all others are, older ones too.
pub async fn what_is_sealed_under_another_key_is_listed(s: Subject) {
    let mine = submitted(&s, 1, under(own(&s), b"mine")).await;
    let theirs = submitted(&s, 2, under(other(), b"theirs")).await;
    let old = submitted(&s, 3, Sealed::from_bytes(b"\x02older".to_vec())).await;
    let ids = |texts: Vec<SealedText>| texts.into_iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(listed(&s, SealedPart::Payload, own(&s)).await), [theirs, old]);
    assert_eq!(ids(listed(&s, SealedPart::Payload, other()).await), [mine, old]);
    assert_eq!(ids(listed(&s, SealedPart::Result, own(&s)).await), []);
    let listed = listed(&s, SealedPart::Payload, own(&s)).await;
    assert_eq!(listed[0].sealed, under(other(), b"theirs"));
    assert_eq!((&listed[0].tenant, listed[0].part), (&tenant(), SealedPart::Payload));
}

/// Every text is checked once, however the list is cut, and texts of other tenants too.
pub async fn a_listing_continues_after_a_place(s: Subject) {
    let mut ids = Vec::new();
    for position in 0..7 {
        let key = if position % 3 == 0 { own(&s) } else { other() };
        let id = submitted(&s, position, under(key, b"x")).await;
        ids.extend((key == other()).then_some(id));
    }
    let draft = Draft::new("run", 9).tenant("acme");
    s.store.submit(draft.call(), under(other(), b"x")).await.unwrap();
    let found = listed(&s, SealedPart::Payload, own(&s)).await;
    let acme = found.last().expect("the other tenant's");
    assert_eq!((&acme.tenant, acme.id), (&Tenant::new("acme"), draft.id()));
    let found: Vec<_> = found.into_iter().map(|it| it.id).filter(|id| *id != draft.id()).collect();
    assert_eq!(found, ids);
    let beyond = s.store.sealed_texts(SealedPart::Payload, own(&s), u64::MAX, 5).await.unwrap();
    assert_eq!((beyond.texts.len(), beyond.next), (0, None));
}

/// Of several that replace a text, one succeeds; nothing of another call or tenant is replaced.
pub async fn a_text_is_replaced_once_and_only_by_who_has_seen_it(s: Subject) {
    let id = submitted(&s, 1, under(other(), b"x")).await;
    submitted(&s, 2, under(other(), b"y")).await;
    let texts = listed(&s, SealedPart::Payload, own(&s)).await;
    let to = |rest: &[u8]| under(own(&s), rest);
    for wrong in [
        SealedText { tenant: Tenant::new("acme"), ..texts[0].clone() },
        SealedText { id: texts[1].id, ..texts[0].clone() },
        SealedText { part: SealedPart::Result, ..texts[0].clone() },
        SealedText { sealed: texts[1].sealed.clone(), ..texts[0].clone() },
    ] {
        assert!(!s.store.reseal(&wrong, to(b"wrong")).await.unwrap(), "{wrong:?}");
    }
    assert!(s.store.reseal(&texts[0], to(b"first")).await.unwrap());
    assert!(!s.store.reseal(&texts[0], to(b"second")).await.unwrap());
    assert_eq!(s.store.payload(&tenant(), id).await.unwrap(), Some(to(b"first")));
    let other = s.store.payload(&tenant(), texts[1].id).await.unwrap();
    assert_eq!(other, Some(under(self::other(), b"y")));
}

/// A text that was replaced or erased meanwhile stays as it is.
pub async fn what_was_replaced_or_erased_is_not_resealed(s: Subject) {
    let id = submitted(&s, 1, under(other(), b"x")).await;
    let text = listed(&s, SealedPart::Payload, own(&s)).await.remove(0);
    s.withdraw(id).await;
    assert!(!s.store.reseal(&text, under(own(&s), b"x")).await.unwrap());
    assert_eq!(s.store.payload(&tenant(), id).await.unwrap(), None, "nothing comes back");
    assert_eq!(listed(&s, SealedPart::Payload, own(&s)).await, []);
}

/// The record, its version and the history stay; the result is replaced like the payload.
pub async fn a_resealed_call_is_the_same_call(s: Subject) {
    let (record, token, _session) = claimed(&s, &Draft::new("run", 1)).await;
    let id = record.id();
    let event = Event::Succeed { token };
    let result = EventPayload::result(under(other(), b"result"));
    s.store.apply(&tenant(), id, event, result).await.unwrap();
    let (before, history) = (s.get(id).await, s.store.history(0, 100).await.unwrap().entries);
    let text = listed(&s, SealedPart::Result, own(&s)).await.remove(0);
    assert!(s.store.reseal(&text, under(own(&s), b"again")).await.unwrap());
    assert_eq!(s.get(id).await, before);
    assert_eq!(s.store.history(0, 100).await.unwrap().entries, history);
    let kept = s.store.result(&tenant(), id).await.unwrap();
    assert_eq!(kept, Some(under(own(&s), b"again")));
}

/// Keys are not retired while a text is under another key. The store's own sessions are under the
/// current one.
pub async fn keys_are_retired_once_nothing_is_under_another(s: Subject) {
    s.store.retire_keys().await.unwrap();
    let session = s.store.open_session().await.unwrap();
    assert_eq!(s.store.sessions_under_other_keys().await.unwrap(), 0);
    submitted(&s, 1, under(other(), b"x")).await;
    submitted(&s, 2, sealed(b"of an older version")).await;
    for text in listed(&s, SealedPart::Payload, own(&s)).await {
        let refused = s.store.retire_keys().await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Key, "{refused}");
        assert!(s.store.reseal(&text, under(own(&s), b"x")).await.unwrap());
    }
    s.store.retire_keys().await.unwrap();
    s.store.close_session(session).await.unwrap();
}
