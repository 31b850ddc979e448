//! Deciding: one decision, on exactly the revision that was shown.

use std::sync::Arc;

use super::fixture::{Draft, approved, edit, sealed, tenant};
use super::{Subject, refused};
use crate::approval::{Choice, DecisionChannel};
use crate::ids::{DecisionId, RequestId};
use crate::machine::{CallRecord, CallState, Event, Refusal};
use crate::policy::{ApprovalLevel, DecisionChannels, Quorum, Requirement, Stage};
use crate::store::{ApplyError, ApplyRequest, EventPayload};

/// Each answer leads to its state, with the decision in the record.
pub async fn each_answer_leads_to_its_state(s: Subject) {
    for position in 0..4 {
        let record = s.create(&Draft::new("run", position)).await;
        let request = &record.request;
        let (draft, state) = match position {
            0 => (request.approve(), CallState::Approved),
            1 => (request.reject("too expensive"), CallState::Rejected),
            2 => (request.respond("ask the customer first"), CallState::Responded),
            _ => (request.abort("wrong run"), CallState::Cancelled),
        };
        let decision = draft.by("alice");
        s.pass(1);
        let after = s.apply(record.id(), Event::Decide(decision.clone())).await;
        assert_eq!((after.state, after.version), (state, 2));
        let decided = after.decision.as_ref().expect("the decision is kept");
        assert_eq!((decided.id, &decided.answer), (decision.id, &decision.answer));
        assert_eq!(decided.at, s.store.now().await.unwrap(), "by the store's clock");
        assert_eq!(s.get(record.id()).await, after);
        assert_eq!(s.has_payload(record.id()).await, state == CallState::Approved);
    }
}

/// Vote, decision, edit and history say through which channel they came.
pub async fn a_decision_says_through_which_channel_it_came(s: Subject) {
    let draft =
        Draft::new("run", 1).quorum(Quorum { stages: vec![Stage::people(2)], ..Quorum::ONE });
    let shown = s.create(&draft).await.request;
    let change = shown.edit(r#"{"contract_id":2}"#).through(DecisionChannel::CONSOLE).by("alice");
    let record =
        s.apply(draft.id(), edit(&s.get(draft.id()).await, change, 2, ApprovalLevel::Full)).await;
    let edited = &record.prior_revisions[0].edited;
    assert_eq!(edited.channel, Some(DecisionChannel::CONSOLE));
    assert_eq!(record.votes[0].channel, Some(DecisionChannel::CONSOLE));
    let approval = record.request.approve().through(DecisionChannel::CHAT).by("bob");
    let record = s.apply(draft.id(), Event::Decide(approval)).await;
    let decided = record.decision.as_ref().expect("it was decided");
    assert_eq!(decided.channel, Some(DecisionChannel::CHAT));
    assert_eq!(s.get(draft.id()).await, record);
    let history = s.store.call_history(&tenant(), draft.id()).await.unwrap();
    let channels: Vec<_> = history.into_iter().map(|(_, entry)| entry.channel).collect();
    assert_eq!(channels, [None, Some(DecisionChannel::CONSOLE), Some(DecisionChannel::CHAT)]);
}

/// An approval through a channel that the call does not allow is refused, and the call waits on.
pub async fn invariant_5_a_channel_that_is_taken_away_approves_nothing(s: Subject) {
    let desk = DecisionChannels::only([DecisionChannel::CONSOLE]);
    let draft = Draft::new("run", 1).level(ApprovalLevel::Quick).channels(desk);
    let record = s.create(&draft).await;
    let by = |channel: &DecisionChannel| {
        Event::Decide(record.request.approve().through(channel.clone()).by("alice"))
    };
    for channel in [DecisionChannel::HOST, DecisionChannel::ELICITATION] {
        assert_eq!(s.refuse(record.id(), by(&channel)).await, Refusal::Channel);
        assert_eq!(s.get(record.id()).await, record);
    }
    let after = s.apply(record.id(), by(&DecisionChannel::CONSOLE)).await;
    assert_eq!(after.state, CallState::Approved);
    let full = s.create(&Draft::new("run", 2)).await;
    let elicited = full.request.approve().through(DecisionChannel::ELICITATION).by("alice");
    assert_eq!(s.refuse(full.id(), Event::Decide(elicited)).await, Refusal::Elicitation);
}

/// Giving the same decision twice is harmless, and changes nothing.
pub async fn replaying_a_decision_is_harmless(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let decision = Event::Decide(record.request.approve().by("alice"));
    let first = s.apply(record.id(), decision.clone()).await;
    s.pass(5);
    assert_eq!(s.apply(record.id(), decision).await, first);
    assert_eq!(s.store.history(0, 10).await.unwrap().entries.len(), 2, "it happened once");
}

/// A second decision loses, and learns which one applies.
pub async fn a_second_decision_loses(s: Subject) {
    let record = approved(&s, &Draft::new("run", 1)).await;
    let late = Event::Decide(record.request.reject("no").by("bob"));
    let refusal = s.refuse(record.id(), late).await;
    assert!(matches!(refusal, Refusal::State { state: CallState::Approved, event: "decide" }));
}

/// A decision that names a revision or binding other than the current one is void.
pub async fn a_stale_revision_or_binding_is_refused(s: Subject) {
    let (draft, other) = (Draft::new("run", 1), Draft::new("run", 2).content(7));
    let record = s.create(&draft).await;
    let elsewhere = s.create(&other).await;
    let mut decision = record.request.approve().by("alice");
    decision.revision = 2;
    assert_eq!(s.refuse(draft.id(), Event::Decide(decision)).await, Refusal::Stale);
    let mut decision = record.request.approve().by("alice");
    decision.binding = elsewhere.request.binding;
    assert_eq!(s.refuse(draft.id(), Event::Decide(decision)).await, Refusal::Stale);
    let misdirected = elsewhere.request.approve().by("alice");
    assert_eq!(s.refuse(draft.id(), Event::Decide(misdirected)).await, Refusal::Stale);
}

/// Nothing is decided after its expiry, by the store's clock, even if no event has expired it yet.
pub async fn nothing_is_decided_after_its_expiry(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    s.pass(600);
    let decision = Event::Decide(record.request.approve().by("alice"));
    assert_eq!(s.refuse(record.id(), decision).await, Refusal::Expired);
}

/// A tool that requires a reason gets one.
pub async fn a_rejection_without_the_reason_it_needs_is_refused(s: Subject) {
    let record = s.create(&Draft::new("run", 1).requires_reason()).await;
    let silent = Event::Decide(record.request.reject("  ").by("alice"));
    assert_eq!(s.refuse(record.id(), silent).await, Refusal::ReasonRequired);
    let spoken = Event::Decide(record.request.reject("over budget").by("alice"));
    assert_eq!(s.apply(record.id(), spoken).await.state, CallState::Rejected);
}

/// An answer that the tool does not offer is refused.
pub async fn an_answer_that_is_not_offered_is_refused(s: Subject) {
    let record = s.create(&Draft::new("run", 1).choices(&[Choice::Approve, Choice::Reject])).await;
    let answer = Event::Decide(record.request.respond("hello").by("alice"));
    assert_eq!(s.refuse(record.id(), answer).await, Refusal::NotAllowed);
}

/// A call that needs more than it was approved for is asked again, stricter; it never becomes
/// laxer, and the decision on the earlier question, sent again, does not answer the new one.
pub async fn a_demoted_call_is_asked_again(s: Subject) {
    let draft = Draft::new("run", 1).level(ApprovalLevel::Quick);
    let shown = s.create(&draft).await.request;
    let earlier = Event::Decide(shown.approve().by("alice"));
    let record = s.apply(draft.id(), earlier.clone()).await;
    let binding = record.request.binding;
    let demote = |level| Event::RequireMore {
        binding,
        requirement: Requirement::new(level),
        reason: "the policy changed".to_owned(),
    };
    assert_eq!(s.refuse(draft.id(), demote(ApprovalLevel::Quick)).await, Refusal::Stale);
    let asked = s.apply(draft.id(), demote(ApprovalLevel::Full)).await;
    assert_eq!((asked.state, asked.request.level), (CallState::Pending, ApprovalLevel::Full));
    assert_eq!(asked.request.reasons, ["the policy changed"]);
    assert!(s.has_payload(draft.id()).await, "it may still run");
    assert_eq!(s.refuse(draft.id(), earlier).await, Refusal::Stale);
    let slow = Event::Decide(shown.approve().by("bob"));
    assert_eq!(s.refuse(draft.id(), slow).await, Refusal::Stale);
    let again = asked.request.approve().by("alice");
    assert_eq!(s.apply(draft.id(), Event::Decide(again)).await.state, CallState::Approved);
}

/// A call that is no longer allowed at all is denied, although it was approved.
pub async fn an_approved_call_can_still_be_denied(s: Subject) {
    let record = approved(&s, &Draft::new("run", 1)).await;
    let deny = Event::Deny { binding: record.request.binding, reason: "forbidden now".to_owned() };
    assert_eq!(s.apply(record.id(), deny.clone()).await.state, CallState::Denied);
    assert!(!s.has_payload(record.id()).await);
    assert!(matches!(s.refuse(record.id(), deny).await, Refusal::State { .. }));
}

/// An event for an unknown call returns `NotFound`.
pub async fn an_unknown_call_is_not_found(s: Subject) {
    let nobody = RequestId::new();
    let answer =
        s.store.apply(&tenant(), nobody, Event::Expire, EventPayload::result(sealed(b"x"))).await;
    assert!(matches!(answer, Err(ApplyError::NotFound(id)) if id == nobody));
    assert_eq!(s.store.get(&tenant(), nobody).await.unwrap(), None);
    assert_eq!(s.store.result(&tenant(), nobody).await.unwrap(), None);
    let record = s.create(&Draft::new("run", 1)).await;
    let (refusal, current) = refused(
        s.store.apply(&tenant(), record.id(), Event::ExecutorLost, EventPayload::none()).await,
    );
    assert!(matches!(refusal, Refusal::State { event: "lose", .. }));
    assert_eq!(current, record);
}

/// Returns the events that bring a decision, for this call under this id.
fn under(record: &CallRecord, id: DecisionId) -> [Event; 3] {
    let mut approval = record.request.approve().by("alice");
    let mut patch = record.request.edit(r#"{"contract_id": 2}"#).by("alice");
    (approval.id, patch.id) = (id, id);
    let mut answer = record.request.respond("ask the customer").by("bob");
    answer.id = id;
    let edit = edit(record, patch, 9, ApprovalLevel::Full);
    [Event::Decide(approval), edit, Event::Decide(answer)]
}

/// An id that has counted for one call is refused for every other, in any event, by anyone and in
/// any tenant. For its own call it is still a replay.
pub async fn invariant_4_a_decision_counts_for_one_call(s: Subject) {
    for used_as in 0..3 {
        let id = DecisionId::new();
        let run = format!("run-{used_as}");
        let first = s.create(&Draft::new(&run, 1)).await;
        let used = under(&first, id)[used_as].clone();
        let after = s.apply(first.id(), used.clone()).await;
        let second = s.create(&Draft::new(&run, 2)).await;
        for event in under(&second, id) {
            assert_eq!(s.refuse(second.id(), event.clone()).await, Refusal::DecisionUsed);
            let all = vec![ApplyRequest::new(second.id(), event)];
            let (refusal, _) = refused_all(s.store.apply_all(&tenant(), all).await);
            assert_eq!(refusal, Refusal::DecisionUsed);
        }
        let elsewhere = s.create(&Draft::new(&run, 3).tenant("other")).await;
        let event = under(&elsewhere, id)[0].clone();
        let other = elsewhere.key().tenant.clone();
        let result = s.store.apply(&other, elsewhere.id(), event, EventPayload::none()).await;
        assert_eq!(refused(result).0, Refusal::DecisionUsed);
        assert_eq!(s.apply(first.id(), used).await, after, "a replay");
        // A refused decision has counted for nothing.
        let third = s.create(&Draft::new(&run, 4)).await;
        let late = DecisionId::new();
        let mut stale = first.request.approve().by("alice");
        stale.id = late;
        s.refuse(first.id(), Event::Decide(stale)).await;
        assert_eq!(s.apply(third.id(), under(&third, late)[0].clone()).await.version, 2);
    }
    // Two decisions in one step.
    let (one, other) =
        (s.create(&Draft::new("all", 1)).await, s.create(&Draft::new("all", 2)).await);
    let id = DecisionId::new();
    let all = [&one, &other].map(|call| ApplyRequest::new(call.id(), under(call, id)[0].clone()));
    let (refusal, current) = refused_all(s.store.apply_all(&tenant(), all.to_vec()).await);
    assert_eq!((refusal, current), (Refusal::DecisionUsed, other));
    assert_eq!(s.get(one.id()).await, one, "all of them, or none");
}

fn refused_all(result: Result<Vec<CallRecord>, ApplyError>) -> (Refusal, CallRecord) {
    refused(result.map(|_| panic!("it must be refused")))
}

/// Of many calls that race for one id, one gets it.
pub async fn invariant_4_of_calls_that_race_for_a_decision_one_gets_it(s: Subject) {
    for round in 0..8 {
        let (id, run) = (DecisionId::new(), format!("run-{round}"));
        let mut tasks = Vec::new();
        for position in 0..6 {
            let record = s.create(&Draft::new(&run, position)).await;
            let (store, event) = (Arc::clone(&s.store), under(&record, id)[0].clone());
            tasks.push(tokio::spawn(async move {
                store.apply(&tenant(), record.id(), event, EventPayload::none()).await
            }));
        }
        let mut won = 0;
        for task in tasks {
            match task.await.expect("no panic") {
                Ok(_) => won += 1,
                other => assert_eq!(refused(other).0, Refusal::DecisionUsed),
            }
        }
        assert_eq!(won, 1);
    }
}
