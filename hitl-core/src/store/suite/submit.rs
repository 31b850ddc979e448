//! Submitting: a key is unique forever.

use super::fixture::{Draft, sealed, tenant};
use super::{Subject, approved};
use crate::machine::CallState;
use crate::store::SubmitResult;

/// A new key makes a record, stamped with the store's own clock.
pub async fn a_new_key_is_created_and_stamped(s: Subject) {
    let now = s.store.now().await.unwrap();
    let draft = Draft::new("run", 1);
    let record = s.create(&draft).await;
    assert_eq!((record.state, record.version), (CallState::Pending, 1));
    assert_eq!((record.request.created_at, record.updated_at), (now, now));
    assert_eq!(record.request.expires_at.as_millis() - now.as_millis(), 600_000);
    assert_eq!(record.request.due_at.as_millis() - now.as_millis(), 300_000);
    assert_eq!(s.get(draft.id()).await, record);
    assert_eq!(s.store.get_by_key(draft.key()).await.unwrap(), Some(record));
    assert_eq!(s.store.payload(&tenant(), draft.id()).await.unwrap(), Some(sealed(b"payload")));
    assert_eq!(s.store.result(&tenant(), draft.id()).await.unwrap(), None);
}

/// The same key and content re-attach to the first record, whatever its state.
pub async fn the_same_content_finds_the_record_there_is(s: Subject) {
    let draft = Draft::new("run", 1);
    let record = approved(&s, &draft).await;
    s.pass(10);
    let again = s.store.submit(draft.again().call(), sealed(b"other")).await.unwrap();
    let SubmitResult::Existing(found) = again else { panic!("it exists, and yet: {again:?}") };
    assert_eq!(found, record);
    assert_eq!(s.store.payload(&tenant(), draft.id()).await.unwrap(), Some(sealed(b"payload")));
}

/// The same key with other content is refused, and the existing record is unchanged.
pub async fn other_content_under_the_same_key_is_a_conflict(s: Subject) {
    let draft = Draft::new("run", 1);
    let record = s.create(&draft).await;
    let other = draft.again().content(2);
    let answer = s.store.submit(other.call(), sealed(b"other")).await.unwrap();
    let SubmitResult::Conflict(id) = answer else { panic!("a conflict, and yet: {answer:?}") };
    assert_eq!(id, draft.id());
    assert_eq!(s.get(draft.id()).await, record);
    assert_eq!(s.store.get(&tenant(), other.id()).await.unwrap(), None);
    assert_eq!(s.store.payload(&tenant(), other.id()).await.unwrap(), None);
}

/// Replaying a submission returns the first answer, which its author may have missed.
pub async fn replaying_a_submission_gives_the_first_answer(s: Subject) {
    let draft = Draft::new("run", 1);
    let record = s.create(&draft).await;
    s.pass(10);
    assert_eq!(s.create(&draft).await, record);
    assert_eq!(s.store.history(0, 10).await.unwrap().entries.len(), 1, "it happened once");
}

/// A key stays taken after its call has ended.
pub async fn a_key_is_unique_after_its_call_ended(s: Subject) {
    let draft = Draft::new("run", 1);
    s.create(&draft).await;
    let ended = s.withdraw(draft.id()).await;
    let again = s.store.submit(draft.again().call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(found) if found == ended));
    let other = s.store.submit(draft.again().content(2).call(), sealed(b"x")).await.unwrap();
    assert!(matches!(other, SubmitResult::Conflict(id) if id == draft.id()));
}

/// Run and position both belong to the key, and the largest position is valid.
pub async fn run_and_position_make_different_keys(s: Subject) {
    let drafts = [
        Draft::new("run", 1),
        Draft::new("run", 2),
        Draft::new("Run", 1),
        Draft::new("run ", 1),
        Draft::new("", 1),
        Draft::new("run", u64::MAX),
        Draft::new("run", u64::MAX - 1),
        Draft::new("run", i64::MAX.unsigned_abs() + 1),
        Draft::new("run\u{0}x", 1),
        Draft::new("run'); DROP TABLE calls; --", 1),
    ];
    for draft in &drafts {
        s.create(draft).await;
    }
    for draft in &drafts {
        let found = s.store.get_by_key(draft.key()).await.unwrap().expect("found by its key");
        assert_eq!((found.id(), found.key()), (draft.id(), draft.key()));
    }
    assert_eq!(s.store.get_by_key(Draft::new("run", 3).key()).await.unwrap(), None);
}

/// A call that a rule denied is kept, without its payload: nothing will ever run it.
pub async fn a_denied_call_is_kept_without_its_payload(s: Subject) {
    let draft = Draft::new("run", 1).denied();
    let record = s.create(&draft).await;
    assert_eq!(record.state, CallState::Denied);
    assert!(!s.has_payload(draft.id()).await);
    assert_eq!(s.get(draft.id()).await, record);
}

/// Sealed bytes are returned byte for byte, empty and large ones too.
pub async fn sealed_bytes_come_back_unchanged(s: Subject) {
    let large: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    for (position, bytes) in [(1, Vec::new()), (2, vec![0, 255, 0]), (3, large)] {
        let draft = Draft::new("run", position);
        s.store.submit(draft.call(), sealed(&bytes)).await.unwrap();
        let kept = s.store.payload(&tenant(), draft.id()).await.unwrap();
        assert_eq!(kept, Some(sealed(&bytes)));
    }
}
