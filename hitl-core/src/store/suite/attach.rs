//! Attaching: an identical call of the same run is this call, until its outcome is delivered.

use super::Subject;
use super::fixture::{
    Draft, approved, claimed, edit, failure, grant, sealed, tenant, unknown_outcome,
};
use super::races::{RACERS, race};
use crate::call::{Principal, RunId, Tenant};
use crate::grant::GrantUse;
use crate::ids::{ClaimToken, RequestId};
use crate::machine::{CallRecord, CallState, Event, Refusal, Resolution};
use crate::policy::ApprovalLevel;
use crate::queue::Caps;
use crate::store::{EventPayload, SubmitResult};

/// Submits a call that must attach to another one.
async fn attached(s: &Subject, draft: &Draft) -> CallRecord {
    match s.store.submit(draft.call(), sealed(b"other")).await.unwrap() {
        SubmitResult::Existing(record) => record,
        other => panic!("it must attach, and yet: {other:?}"),
    }
}

/// Returns the id of the attachable call of a run with this draft's content.
async fn found(s: &Subject, draft: &Draft) -> Option<RequestId> {
    let (call, key) = (draft.call(), draft.key());
    let found = s.store.attachable(&key.tenant, &key.run, call.content()).await.unwrap();
    found.map(|record| record.id())
}

/// An identical call attaches in every state, until the outcome is delivered; then it is a new one.
pub async fn an_identical_call_attaches_until_its_outcome_is_delivered(s: Subject) {
    let draft = Draft::new("run", 1).attaching();
    assert_eq!(found(&s, &draft).await, None);
    let mut positions = 2..;
    let mut next = || Draft::new("run", positions.next().unwrap()).attaching();
    let pending = s.create(&draft).await;
    assert!(pending.attachable);
    assert_eq!(attached(&s, &next()).await, pending);
    let approved = s.apply(pending.id(), Event::Decide(pending.request.approve().by("ann"))).await;
    assert_eq!(attached(&s, &next()).await, approved);
    let ended = s.withdraw(pending.id()).await;
    assert!(ended.attachable, "nobody has the outcome yet");
    assert_eq!(attached(&s, &next()).await, ended);
    assert_eq!(found(&s, &draft).await, Some(ended.id()));
    let delivered = s.apply(ended.id(), Event::Deliver).await;
    assert_eq!((delivered.attachable, delivered.state), (false, CallState::Cancelled));
    assert_eq!(found(&s, &draft).await, None);
    let second = s.create(&next()).await;
    assert_ne!(second.id(), ended.id());
    assert_eq!(attached(&s, &next()).await, second);
    assert_eq!(s.get(ended.id()).await, delivered, "and the first one stays as it was");
}

/// Calls attach within their tenant, run and content.
pub async fn a_call_attaches_within_its_tenant_run_and_content(s: Subject) {
    let first = s.create(&Draft::new("run", 1).attaching()).await;
    for other in [
        Draft::new("other", 1),
        Draft::new("run", 2).content(2),
        Draft::new("run", 1).tenant("acme"),
    ] {
        let other = other.attaching();
        assert_eq!(found(&s, &other).await, None);
        let created = s.store.submit(other.call(), sealed(b"payload")).await.unwrap();
        let SubmitResult::Created(record) = created else { panic!("it is new: {created:?}") };
        assert_eq!(found(&s, &other).await, Some(record.id()));
    }
    assert_eq!(attached(&s, &Draft::new("run", 3).attaching()).await, first);
    // Another tenant delivers nothing.
    let (acme, none) = (Tenant::new("acme"), EventPayload::none());
    s.store.apply(&acme, first.id(), Event::Deliver, none).await.unwrap_err();
    assert_eq!(s.get(first.id()).await, first);
}

/// A call that does not say so attaches to nothing, and nothing attaches to it.
pub async fn other_calls_do_not_attach(s: Subject) {
    let plain = s.create(&Draft::new("run", 1)).await;
    assert!(!plain.attachable);
    let attaching = s.create(&Draft::new("run", 2).attaching()).await;
    let third = s.create(&Draft::new("run", 3)).await;
    assert_eq!(attached(&s, &Draft::new("run", 4).attaching()).await, attaching);
    assert_eq!(s.store.get(&tenant(), third.id()).await.unwrap(), Some(third));
}

/// A key comes first: the same key re-attaches after a delivery too, and other content under it is
/// a conflict although another call has that content.
pub async fn a_key_comes_before_the_content(s: Subject) {
    let (one, two) =
        (Draft::new("run", 1).attaching(), Draft::new("run", 2).content(2).attaching());
    let first = s.create(&one).await;
    s.create(&two).await;
    let swapped = Draft::new("run", 2).attaching();
    let answer = s.store.submit(swapped.call(), sealed(b"x")).await.unwrap();
    assert!(matches!(answer, SubmitResult::Conflict(id) if id == two.id()), "{answer:?}");
    s.withdraw(first.id()).await;
    let delivered = s.apply(first.id(), Event::Deliver).await;
    assert_eq!(attached(&s, &one.again()).await, delivered);
    assert_eq!(s.create(&one).await, delivered, "a replay gives the first answer");
}

/// The content is that of the submission, also after an edit.
pub async fn an_edited_call_is_found_by_what_was_submitted(s: Subject) {
    let draft = Draft::new("run", 1).attaching();
    let record = s.create(&draft).await;
    let decision = record.request.edit(r#"{"contract_id": 2}"#).by("ann");
    let edited = s.apply(record.id(), edit(&record, decision, 2, ApprovalLevel::Full)).await;
    assert_ne!(edited.current_content(), edited.content);
    assert_eq!(attached(&s, &draft.again_at(2)).await, edited);
    let as_edited = Draft::new("run", 3).content(2).attaching();
    assert_eq!(found(&s, &as_edited).await, None);
}

/// An outcome is delivered once there is one. An unknown outcome is none: the call stays attachable
/// until a human has found out.
pub async fn only_an_outcome_is_delivered(s: Subject) {
    let is_open = |refusal| matches!(refusal, Refusal::State { event: "deliver", .. });
    let pending = s.create(&Draft::new("r1", 1).attaching()).await;
    assert!(is_open(s.refuse(pending.id(), Event::Deliver).await));
    let approved = approved(&s, &Draft::new("r2", 1).attaching()).await;
    assert!(is_open(s.refuse(approved.id(), Event::Deliver).await));
    let (running, token, _) = claimed(&s, &Draft::new("r3", 1).attaching()).await;
    assert!(is_open(s.refuse(running.id(), Event::Deliver).await));
    let draft = Draft::new("r4", 1).attaching();
    let (parked, _) = unknown_outcome(&s, &draft).await;
    assert!(is_open(s.refuse(parked.id(), Event::Deliver).await));
    assert_eq!(attached(&s, &draft.again_at(2)).await.id(), parked.id());
    let resolution = Resolution::Executed;
    let (version, by) = (s.get(parked.id()).await.version, Principal::new("olga"));
    s.apply(parked.id(), Event::Resolve { version, resolution, by }).await;
    s.apply(parked.id(), Event::Deliver).await;
    assert_eq!(found(&s, &draft).await, None);

    let (fail, none) = (Event::Fail { token, failure: failure("no") }, EventPayload::none());
    let failed = s.store.apply(&tenant(), running.id(), fail, none).await.unwrap();
    let delivered = s.apply(failed.id(), Event::Deliver).await;
    let expected = CallRecord {
        version: failed.version + 1,
        updated_at: delivered.updated_at,
        attachable: false,
        ..failed.clone()
    };
    assert_eq!(delivered, expected, "nothing else changes");
    assert_eq!(s.apply(failed.id(), Event::Deliver).await, delivered, "once");
    let plain = s.create(&Draft::new("r5", 1)).await;
    let plain = s.withdraw(plain.id()).await;
    assert_eq!(s.apply(plain.id(), Event::Deliver).await, plain, "it was never attachable");
}

/// A rejection is found as one rejection, before and after its delivery.
pub async fn a_delivered_rejection_is_remembered_once(s: Subject) {
    let record = s.create(&Draft::new("run", 1).attaching()).await;
    s.apply(record.id(), Event::Decide(record.request.reject("no").by("ann"))).await;
    let delivered = s.apply(record.id(), Event::Deliver).await;
    let run = RunId::new("run");
    let rejected = s.store.rejected(&tenant(), &run, record.content, 10).await.unwrap();
    assert_eq!(rejected, [delivered]);
}

/// A call that attaches does not count as waiting, and draws on no grant.
pub async fn a_call_that_attaches_takes_no_room_and_draws_nothing(s: Subject) {
    let caps = Caps { principal: Some(1), tenant: Some(1) };
    let draft = Draft::new("run", 1).attaching().caps(caps);
    let first = s.create(&draft).await;
    assert_eq!(attached(&s, &draft.again_at(2)).await, first);
    let permission = s.store.save_grant(grant(Some(1), None)).await.unwrap();
    let session = s.store.open_session().await.unwrap();
    let drawn = GrantUse::new(permission.id(), 0.into());
    let drawing = Draft::new("other", 1).attaching().admitted(ClaimToken::new(), session);
    let drawing = drawing.granted(drawn);
    let ran = s.create(&drawing).await;
    assert_eq!(ran.state, CallState::Claimed);
    assert_eq!(attached(&s, &drawing.again_at(2)).await, ran);
    let left = s.store.grant(&tenant(), permission.id()).await.unwrap().unwrap();
    assert_eq!(left.used, 1);
}

/// Identical calls of many processes race: one is created, and the others attach to it.
pub async fn invariant_3_identical_calls_that_race_are_one(s: Subject) {
    for round in 0..4 {
        let run = format!("run-{round}");
        let draft = Draft::new(&run, 0).attaching();
        let racing = draft.clone();
        let answers = race(&s, move |number, store| {
            let draft = racing.again_at(number as u64);
            Box::pin(async move { store.submit(draft.call(), sealed(b"payload")).await.unwrap() })
        })
        .await;
        let mut created = Vec::new();
        let mut others = Vec::new();
        for answer in answers {
            match answer {
                SubmitResult::Created(record) => created.push(record),
                SubmitResult::Existing(record) => others.push(record),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((created.len(), others.len()), (1, RACERS - 1));
        assert!(others.iter().all(|other| *other == created[0]));
        assert_eq!(found(&s, &draft).await, Some(created[0].id()));
    }
    let all = s.store.history(0, 1000).await.unwrap().entries;
    assert_eq!(all.len(), 4, "each of them is one call");
}

/// Identical calls race with the delivery of an outcome: each attaches to the call that ended or to
/// the one that follows it, and there is at most one that follows.
pub async fn invariant_3_a_delivery_races_with_identical_calls(s: Subject) {
    let draft = Draft::new("run", 1000).attaching();
    let first = s.create(&draft).await;
    let ended = s.withdraw(first.id()).await;
    let (racing, id) = (draft.clone(), first.id());
    let answers = race(&s, move |number, store| {
        let draft = racing.again_at(number as u64);
        Box::pin(async move {
            if number % 8 == 0 {
                store.apply(&tenant(), id, Event::Deliver, EventPayload::none()).await.unwrap();
                return None;
            }
            Some(store.submit(draft.call(), sealed(b"payload")).await.unwrap())
        })
    })
    .await;
    let mut created = Vec::new();
    let mut others = Vec::new();
    for answer in answers.into_iter().flatten() {
        match answer {
            SubmitResult::Created(record) => created.push(record.id()),
            SubmitResult::Existing(record) => others.push(record.id()),
            other => panic!("{other:?}"),
        }
    }
    assert!(created.len() <= 1, "{created:?}");
    assert!(others.iter().all(|id| *id == ended.id() || created.contains(id)));
    assert_eq!(found(&s, &draft).await, created.first().copied());
}
