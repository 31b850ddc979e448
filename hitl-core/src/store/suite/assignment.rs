//! Calls that are assigned to a reviewer.

use super::Subject;
use super::fixture::{Draft, approved};
use crate::call::Principal;
use crate::machine::{CallRecord, CallState, Event, Refusal};
use crate::policy::{Quorum, RequesterRule};

fn assign(to: Option<&str>) -> Event {
    Event::Assign { to: to.map(Into::into), by: "alice".into() }
}

fn assigned(record: &CallRecord) -> Option<&str> {
    record.assigned().map(|assigned| assigned.to.as_str())
}

/// An assignment is kept with the record, and changes nothing of the question; the next one takes
/// its place, and it can be taken back.
pub async fn an_assignment_is_kept_and_changes_no_question(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    assert_eq!(assigned(&record), None);
    let (request, id) = (record.request().clone(), record.id());
    let to_bob = s.apply(id, assign(Some("bob"))).await;
    assert_eq!((assigned(&to_bob), to_bob.version()), (Some("bob"), record.version() + 1));
    assert_eq!(to_bob.assigned().unwrap().by, Principal::new("alice"));
    assert_eq!(*to_bob.request(), request);
    assert_eq!(s.get(id).await, to_bob);
    let history = s.store.call_history(&super::tenant(), id).await.unwrap();
    let (_, last) = history.last().unwrap();
    assert_eq!((last.event.as_str(), last.by.as_ref()), ("assign", Some(&"alice".into())));
    s.apply(id, assign(Some("carol"))).await;
    assert_eq!(assigned(&s.get(id).await), Some("carol"));
    // A decision on what was shown before still counts, by anybody who may decide.
    let yes = s.apply(id, Event::Decide(request.approve().by("dora"))).await;
    assert_eq!((yes.state, assigned(&yes)), (CallState::Approved, Some("carol")));
    let other = s.create(&Draft::new("run", 2)).await;
    s.apply(other.id(), assign(Some("bob"))).await;
    let nobody = s.apply(other.id(), assign(None)).await;
    assert_eq!(assigned(&nobody), None);
}

/// Nobody is assigned a call that they may not decide, as far as the call knows, or that does not
/// wait.
pub async fn a_call_is_assigned_to_nobody_who_may_not_decide_it(s: Subject) {
    let quorum = Quorum { eyes: RequesterRule::MayNotApprove, ..Quorum::default() };
    let record = s.create(&Draft::new("run", 1).quorum(quorum)).await;
    for (to, expected) in [
        ("agent-owner", Refusal::FourEyes),
        (" Agent-Owner", Refusal::FourEyes),
        ("agent:x", Refusal::NotHuman),
        ("", Refusal::NotHuman),
    ] {
        assert_eq!(s.refuse(record.id(), assign(Some(to))).await, expected, "{to:?}");
    }
    let done = approved(&s, &Draft::new("run", 2)).await;
    let refusal = s.refuse(done.id(), assign(Some("bob"))).await;
    assert_eq!(refusal, Refusal::State { state: CallState::Approved, event: "assign" });
    s.pass(600);
    assert_eq!(s.refuse(record.id(), assign(Some("bob"))).await, Refusal::Expired);
}
