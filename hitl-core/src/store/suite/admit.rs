//! Admitting an Auto call: submitted and claimed in one step.

use super::Subject;
use super::fixture::{Draft, sealed, tenant};
use crate::ids::ClaimToken;
use crate::machine::{CallState, Event};
use crate::store::{EventPayload, SubmitResult};

/// An admitted call enters the store already claimed, and its executor records its outcome.
pub async fn an_admitted_call_is_claimed_in_one_step(s: Subject) {
    let (token, session) = (ClaimToken::new(), s.store.open_session().await.unwrap());
    let draft = Draft::new("run", 1).admitted(token, session);
    let record = s.create(&draft).await;
    assert_eq!((record.state, record.attempts), (CallState::Claimed, 1));
    assert!(s.has_payload(draft.id()).await);
    let result = Some(sealed(b"result"));
    let done = s
        .store
        .apply(&tenant(), draft.id(), Event::Succeed { token }, EventPayload::result(result))
        .await;
    assert_eq!(done.unwrap().state, CallState::Executed);
}

/// Of two that admit the same call only the first holds the claim; the second sees who holds it.
pub async fn a_second_admission_gets_the_first_ones_claim(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let draft = Draft::new("run", 1).admitted(ClaimToken::new(), session);
    let record = s.create(&draft).await;
    let second = draft.again().admitted(ClaimToken::new(), session);
    let answer = s.store.submit(second.call(), sealed(b"x")).await.unwrap();
    let SubmitResult::Existing(found) = answer else { panic!("it exists, and yet: {answer:?}") };
    assert_eq!(found.claim, record.claim);
}

/// Replaying an admission shows the author their own claim, so that they can continue.
pub async fn replaying_an_admission_shows_the_same_claim(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let draft = Draft::new("run", 1).admitted(ClaimToken::new(), session);
    let first = s.create(&draft).await;
    assert_eq!(s.create(&draft).await, first);
}

/// An admitted call whose executor dies is stale, and then its outcome is unknown.
pub async fn an_admitted_call_of_a_dead_session_is_lost(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let draft = Draft::new("run", 1).admitted(ClaimToken::new(), session);
    s.create(&draft).await;
    assert_eq!(s.store.stale(10).await.unwrap(), []);
    s.store.close_session(session).await.unwrap();
    let stale = s.store.stale(10).await.unwrap();
    assert_eq!(stale, [(tenant(), draft.id(), CallState::Claimed)]);
    assert_eq!(s.apply(draft.id(), Event::ExecutorLost).await.state, CallState::OutcomeUnknown);
}
