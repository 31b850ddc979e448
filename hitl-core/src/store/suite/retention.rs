//! Retention: data that is erased, forgotten, or never touched.

use std::sync::Arc;

use hitl_base::Timestamp;

use super::Subject;
use super::erasure::failed_with_output;
use super::fixture::{
    Draft, approved, claim, claimed, grant, host, run_begun, sealed, tenant, unknown_outcome,
};
use crate::ids::ClaimToken;
use crate::machine::{CallRecord, CallState, Event};
use crate::store::{ChangeId, EventPayload, GrantQuery, StoreErrorKind, SubmitResult};

/// Returns an executed call with a result.
async fn executed(s: &Subject, draft: &Draft) -> CallRecord {
    let (record, token, _) = claimed(s, draft).await;
    let (event, result) = (Event::Succeed { token }, Some(sealed(b"r")));
    s.store.apply(&tenant(), record.id(), event, EventPayload::result(result)).await.unwrap()
}

async fn present(s: &Subject) -> Timestamp {
    s.store.now().await.unwrap()
}

/// Erases everything that ended before now.
async fn retain(s: &Subject) -> u64 {
    s.store.erase_ended_before(present(s).await).await.unwrap().calls
}

/// Result, history and texts are erased; key, digest and outcome stay.
pub async fn what_ended_long_ago_is_erased(s: Subject) {
    let done = executed(&s, &Draft::new("run", 1).argument("the secret plan")).await;
    let other = s.create(&Draft::new("run", 2)).await;
    s.pass(10);
    assert_eq!(retain(&s).await, 1);
    let left = s.get(done.id()).await;
    assert_eq!(left, done.tombstone());
    assert!(left.erased && left.state == CallState::Executed && left.content == done.content);
    let debug = format!("{left:?}");
    assert!(!debug.contains("secret plan") && !debug.contains("alice"), "{debug}");
    assert_eq!(s.store.result(&tenant(), done.id()).await.unwrap(), None);
    let mut after = 0;
    loop {
        let stretch = s.store.history(after, 10).await.unwrap();
        let Some((last, _)) = stretch.entries.last() else { break };
        after = *last;
        assert!(stretch.entries.iter().all(|(_, entry)| entry.id == other.id()));
    }
}

/// An erased outcome can no longer be delivered: an identical call is a new one.
pub async fn nothing_attaches_to_an_erased_call(s: Subject) {
    let draft = Draft::new("run", 1).attaching();
    let done = executed(&s, &draft).await;
    s.pass(10);
    assert_eq!(retain(&s).await, 1);
    let left = s.get(done.id()).await;
    assert!(left.erased && !left.attachable);
    let next = s.create(&draft.again_at(2)).await;
    // One that is named.
    let ended = s.withdraw(next.id()).await;
    let named = crate::store::Erasable { tenant: tenant(), id: ended.id() };
    assert_eq!(s.store.erase(&[named]).await.unwrap(), [None]);
    s.create(&draft.again_at(3)).await;
}

/// The output of a body that failed goes with its call.
pub async fn what_a_failed_body_gave_is_not_kept_longer(s: Subject) {
    let done = failed_with_output(&s, &Draft::new("run", 1)).await;
    s.pass(10);
    assert_eq!(retain(&s).await, 1);
    assert_eq!(s.get(done.id()).await, done.tombstone());
    assert_eq!(s.store.result(&tenant(), done.id()).await.unwrap(), None);
}

/// The same content finds the tombstone, other content is refused.
pub async fn an_erased_key_stays_taken(s: Subject) {
    let draft = Draft::new("run", 1);
    let done = executed(&s, &draft).await;
    s.pass(10);
    retain(&s).await;
    let again = s.store.submit(draft.again().call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(left) if left == done.tombstone()));
    let other = s.store.submit(draft.again().content(2).call(), sealed(b"x")).await.unwrap();
    assert!(matches!(other, SubmitResult::Conflict(id) if id == done.id()));
    assert_eq!(s.store.get_by_key(draft.key()).await.unwrap(), Some(done.tombstone()));
    let late = s.store.apply(&tenant(), done.id(), host("too late"), EventPayload::none()).await;
    assert!(late.is_err(), "what is erased has ended");
}

/// Pending, approved, claimed and unknown calls stay as they are, however old they are.
pub async fn what_has_not_ended_is_never_touched(s: Subject) {
    let pending = s.create(&Draft::new("run", 1)).await;
    let approved = approved(&s, &Draft::new("run", 2)).await;
    let (claimed, token, _) = claimed(&s, &Draft::new("run", 3)).await;
    let (unknown, _) = unknown_outcome(&s, &Draft::new("run", 4)).await;
    let history = s.store.history(0, 100).await.unwrap().entries;
    s.pass(1_000_000);
    assert_eq!(retain(&s).await, 0);
    assert_eq!(s.store.forget_runs(present(&s).await).await.unwrap(), 0);
    for record in [&pending, &approved, &claimed, &unknown] {
        assert_eq!(s.get(record.id()).await, *record);
        assert!(s.has_payload(record.id()).await);
    }
    assert_eq!(s.store.history(0, 100).await.unwrap().entries, history);
    assert_eq!(s.apply(claimed.id(), Event::Succeed { token }).await.state, CallState::Executed);
}

/// The time of the end counts, not that of the submission.
pub async fn what_ended_lately_is_kept(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    s.pass(100);
    let before = present(&s).await;
    s.pass(100);
    let ended = s.withdraw(record.id()).await;
    assert_eq!(s.store.erase_ended_before(before).await.unwrap().calls, 0);
    assert_eq!(s.get(record.id()).await, ended);
    assert_eq!(
        s.store.erase_ended_before(ended.updated_at).await.unwrap().calls,
        0,
        "before, not at"
    );
    s.pass(1);
    assert_eq!(retain(&s).await, 1);
}

/// A second erasure finds nothing to do.
pub async fn erasing_twice_changes_nothing(s: Subject) {
    let done = executed(&s, &Draft::new("run", 1)).await;
    s.pass(10);
    assert_eq!((retain(&s).await, retain(&s).await), (1, 0));
    assert_eq!(s.get(done.id()).await, done.tombstone());
}

/// A reader that reaches a gap is notified, and continues behind it; before and after it nothing is
/// missing.
pub async fn readers_of_the_history_see_a_marked_gap(s: Subject) {
    let first = s.create(&Draft::new("run", 1)).await;
    let ended = s.create(&Draft::new("run", 2)).await;
    s.withdraw(ended.id()).await;
    let last = s.create(&Draft::new("run", 3)).await;
    s.pass(10);
    assert_eq!(retain(&s).await, 1);
    let seen = |history: &crate::store::History| {
        let ids: Vec<_> = history.entries.iter().map(|(seq, entry)| (*seq, entry.id)).collect();
        (ids, history.gap)
    };
    let before = s.store.history(0, 10).await.unwrap();
    assert_eq!(seen(&before), (vec![(1, first.id())], false), "it ends at the hole");
    let behind = s.store.history(1, 10).await.unwrap();
    assert_eq!(seen(&behind), (vec![(4, last.id())], true));
    assert_eq!(seen(&s.store.history(4, 10).await.unwrap()), (vec![], false));
    s.withdraw(last.id()).await;
    s.pass(10);
    retain(&s).await;
    let end = s.store.history(4, 10).await.unwrap();
    assert_eq!(seen(&end), (vec![], true), "what comes next was erased");
}

/// Behind the watermark it is not known what ran: a new call of such a run is refused.
pub async fn a_forgotten_run_takes_no_new_call(s: Subject) {
    let now = present(&s).await.as_millis();
    let (old, new) = (run_begun(now - 5000), run_begun(now + 5000));
    let draft = Draft::new(&old, 1);
    let ended = s.create(&draft).await;
    s.withdraw(ended.id()).await;
    let unsorted = Draft::new("nightly", 1);
    s.create(&unsorted).await;
    s.withdraw(unsorted.id()).await;
    s.pass(10);
    assert_eq!(retain(&s).await, 2);
    let watermark = Timestamp::from_millis(now);
    assert_eq!(s.store.forget_runs(watermark).await.unwrap(), 1);
    assert_eq!(s.store.get_by_key(draft.key()).await.unwrap(), None);
    for draft in [draft.again(), Draft::new(&old, 2)] {
        let refused = s.store.submit(draft.call(), sealed(b"x")).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::RunForgotten);
        assert_eq!(s.store.get_by_key(draft.key()).await.unwrap(), None);
    }
    s.create(&Draft::new(&new, 1)).await;
    let kept = s.store.submit(unsorted.again().call(), sealed(b"x")).await.unwrap();
    assert!(matches!(kept, SubmitResult::Existing(_)), "its id does not say how old it is");
}

/// A call of an old run that has not ended, or is not erased, is still found.
pub async fn only_erased_calls_are_forgotten(s: Subject) {
    let now = present(&s).await;
    let old = run_begun(now.as_millis() - 5000);
    let (open, ended) = (Draft::new(&old, 1), Draft::new(&old, 2));
    s.create(&open).await;
    s.create(&ended).await;
    s.withdraw(ended.id()).await;
    assert_eq!(s.store.forget_runs(now).await.unwrap(), 0);
    for draft in [&open, &ended] {
        let found = s.store.submit(draft.again().call(), sealed(b"x")).await.unwrap();
        assert!(matches!(found, SubmitResult::Existing(record) if record.id() == draft.id()));
    }
}

/// A lower watermark does not bring back what a higher one refused.
pub async fn a_watermark_only_rises(s: Subject) {
    let now = present(&s).await;
    s.store.forget_runs(now).await.unwrap();
    s.store.forget_runs(Timestamp::EPOCH).await.unwrap();
    let draft = Draft::new(&run_begun(now.as_millis() - 1), 1);
    let refused = s.store.submit(draft.call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::RunForgotten);
    s.create(&Draft::new(&run_begun(now.as_millis()), 1)).await;
}

/// Grants that were revoked or expired before the cutoff are deleted; others stay, even if fully
/// drawn.
pub async fn grants_that_ended_are_forgotten(s: Subject) {
    let by = crate::call::Principal::new("bob");
    let mut given = Vec::new();
    for lasting in [Some(5), Some(50), None, None, None] {
        let mut draft = grant(None, None);
        let now = present(&s).await;
        let until = |seconds| now.saturating_add(std::time::Duration::from_secs(seconds));
        draft.grant.until = lasting.map(until);
        given.push(s.store.save_grant(draft).await.unwrap().id());
    }
    s.store.revoke_grant(&tenant(), given[2], &by, None).await.unwrap();
    s.pass(10);
    let before = present(&s).await;
    s.store.revoke_grant(&tenant(), given[3], &by, None).await.unwrap();
    s.pass(10);
    assert_eq!(
        s.store.erase_ended_before(before).await.unwrap().calls,
        0,
        "calls are counted, not grants"
    );
    let left = s.store.grants(&tenant(), GrantQuery::all()).await.unwrap();
    let left: Vec<_> = left.iter().map(crate::grant::GrantRecord::id).collect();
    assert_eq!(left, [given[1], given[3], given[4]]);
    let many = GrantQuery::all().limit(1000);
    for _ in 0..450 {
        let id = s.store.save_grant(grant(None, None)).await.unwrap().id();
        s.store.revoke_grant(&tenant(), id, &by, None).await.unwrap();
    }
    s.pass(10);
    retain(&s).await;
    let left = s.store.grants(&tenant(), many).await.unwrap();
    let left: Vec<_> = left.iter().map(crate::grant::GrantRecord::id).collect();
    assert_eq!(left, [given[1], given[4]], "however many there are");
}

/// Concurrent decisions and runs are not affected.
pub async fn invariant_3_retention_races_with_those_who_work(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    for position in 0..60 {
        s.create(&Draft::new("old", position)).await;
        let id = Draft::new("old", position).key().clone();
        let record = s.store.get_by_key(&id).await.unwrap().unwrap();
        s.withdraw(record.id()).await;
    }
    s.pass(10);
    let before = present(&s).await;
    s.pass(10);
    let store = Arc::clone(&s.store);
    let eraser = tokio::spawn(async move { store.erase_ended_before(before).await.unwrap().calls });
    for position in 0..30 {
        let record = approved(&s, &Draft::new("new", position)).await;
        let token = ClaimToken::new();
        s.apply(record.id(), claim(&record, token, session)).await;
        assert_eq!(s.apply(record.id(), Event::Succeed { token }).await.state, CallState::Executed);
    }
    assert_eq!(eraser.await.unwrap(), 60);
    for position in 0..30 {
        let key = Draft::new("new", position).key().clone();
        assert!(!s.store.get_by_key(&key).await.unwrap().unwrap().erased);
    }
}

/// Unaudited changes are not erased.
pub async fn what_is_not_audited_is_not_erased(s: Subject) {
    let me = s.store.open_session().await.unwrap();
    let record = s.create(&Draft::new("run", 1)).await;
    let enclosed = EventPayload::none().audited_by(me);
    let ended = s.store.apply(&tenant(), record.id(), host("enough"), enclosed).await.unwrap();
    s.pass(10);
    assert_eq!(retain(&s).await, 0);
    assert_eq!(s.get(record.id()).await, ended);
    s.store.outbox_ack(&[ChangeId::to(&ended)]).await.unwrap();
    assert_eq!(retain(&s).await, 1);
}
