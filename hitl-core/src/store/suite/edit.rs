//! Editing: the payload changes together with the record.

use super::Subject;
use super::fixture::{Draft, host, sealed, tenant};
use crate::machine::Event;
use crate::store::Enclosed;

/// A payload that an event brings along takes the place of the one that is kept, with the event or
/// not at all.
pub async fn an_enclosed_payload_replaces_the_kept_one(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let attach = Event::Attach { owner: None, attached: false };
    let next = Enclosed::payload(sealed(b"next"));
    s.store.apply(&tenant(), record.id(), attach.clone(), next).await.unwrap();
    let kept = s.store.payload(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"next")));
    let refused = Enclosed::payload(sealed(b"refused"));
    assert!(s.store.apply(&tenant(), record.id(), Event::Expire, refused).await.is_err());
    s.apply(record.id(), attach).await;
    let kept = s.store.payload(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"next")), "a refused event leaves what is there");
}

/// A call that has ended keeps no payload, not even one that came with its end.
pub async fn an_ended_call_keeps_no_enclosed_payload(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let late = Enclosed::payload(sealed(b"late"));
    s.store.apply(&tenant(), record.id(), host("enough"), late).await.unwrap();
    assert!(!s.has_payload(record.id()).await);
}
