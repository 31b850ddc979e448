//! The state machine of a call: draws on a grant, and calls that are claimed together.

use crate::machine_support as machine;

use std::time::Duration;

use hitl_core::grant::{GrantRefusal, GrantUse};
use hitl_core::machine::{
    CallChange, CallRecord, CallState as S, Event, GrantUpdates, Refusal, StoreFacts, apply_all,
    apply_with,
};
use hitl_core::policy::{Requirement, Stage};
use hitl_core::store::suite::{Draft, grant};
use hitl_core::{Amount, ApprovalLevel, ClaimToken, DecisionId, OwnerToken, Principal, Risk};
use machine::*;
use proptest::prelude::*;
use serde_json::json;

/// Returns a grant's approval of a call.
fn allow(record: &CallRecord, drawn: GrantUse) -> Event {
    let (decision, binding) = (DecisionId::new(), record.request().binding);
    Event::ApproveByGrant { decision, binding, drawn, by: Principal::new("alice") }
}

#[test]
fn invariant_5_a_grant_speaks_for_one_person_and_for_nobody_else() {
    let drawn = GrantUse::new(the_grant().id(), Amount::ZERO);
    let plain = start(ApprovalLevel::Full, OwnerToken::new());
    assert_eq!(changed(apply(&plain, &allow(&plain, drawn), EARLY)).state(), S::Approved);
    let with = |fields| {
        let mut record = plain.clone();
        set(&mut record, fields);
        apply(&record, &allow(&record, drawn), EARLY)
    };
    let not_allowed = Err(Refusal::NotAllowed);
    assert_eq!(with(json!({ "request": { "risk": Risk::Critical } })), not_allowed);
    assert_eq!(with(json!({ "request": { "choices": [] } })), not_allowed);
    let quorum = Requirement::new(ApprovalLevel::Full).stage(Stage::people(2)).quorum;
    assert_eq!(with(json!({ "request": { "quorum": quorum } })), not_allowed);
    let four = Requirement::new(ApprovalLevel::Full).four_eyes().quorum;
    assert_eq!(with(json!({ "request": { "quorum": four } })), not_allowed);
    assert_eq!(with(json!({ "attempts": 1 })), Err(Refusal::AlreadyTried));
    assert_eq!(with(json!({ "restored": true })), Err(Refusal::AlreadyTried));
    let late = StoreFacts { now: plain.request().expires_at, ..EARLY };
    assert_eq!(apply(&plain, &allow(&plain, drawn), late), Err(Refusal::Expired));
    let mut stale = plain.clone();
    set(&mut stale, json!({ "request": { "binding": "0".repeat(64) } }));
    assert_eq!(apply(&plain, &allow(&stale, drawn), EARLY), Err(Refusal::Stale));
    // Without its grant, or with that of another tenant, it is refused.
    let missing = Err(Refusal::Grant(GrantRefusal::Missing));
    let event = allow(&plain, drawn);
    assert_eq!(apply_with(&plain, &event, EARLY, None).map(|_| ()), missing);
    let mut foreign = the_grant().clone();
    foreign.grant.tenant = "other".into();
    assert_eq!(apply_with(&plain, &event, EARLY, Some(&foreign)).map(|_| ()), missing);
}

proptest! {
    /// In any order of draws and returns, a grant never gives more than it has, and its drawn total
    /// is the sum held by the calls.
    #[test]
    fn invariant_3_an_envelope_gives_what_it_has_and_no_more(
        uses in proptest::option::of(0_u64..6), most in proptest::option::of(0_u32..100),
        steps in proptest::collection::vec((0_u32..60, proptest::bool::weighted(0.3)), 0..40),
    ) {
        let mut record = grant(uses, most);
        let mut held: Vec<GrantUse> = Vec::new();
        for (amount, back) in steps {
            if back {
                if let Some(drawn) = held.pop() {
                    record = record.give_back(&drawn, EARLY.now);
                }
            } else {
                let drawn = GrantUse::new(record.id(), amount.into());
                match record.draw(&drawn, EARLY.now) {
                    Ok(next) => { held.push(drawn); record = next; }
                    Err(GrantRefusal::Uses) => prop_assert_eq!(Some(held.len() as u64), uses),
                    Err(GrantRefusal::Sum) => {
                        let more = record.spent.plus(amount.into()).unwrap();
                        prop_assert!(most.is_some_and(|most| more > most.into()));
                    }
                    Err(other) => prop_assert!(false, "{}", other),
                }
            }
            let sum = held.iter().fold(Amount::ZERO, |sum, drawn| sum.plus(drawn.amount).unwrap());
            prop_assert_eq!((record.used, record.spent), (held.len() as u64, sum));
            prop_assert!(uses.is_none_or(|uses| record.used <= uses));
            prop_assert!(most.is_none_or(|most| record.spent <= most.into()));
        }
        let revoked = record.revoke(&Principal::new("bob"), None, EARLY.now).unwrap();
        let drawn = GrantUse::new(record.id(), Amount::ZERO);
        prop_assert_eq!(revoked.draw(&drawn, EARLY.now), Err(GrantRefusal::Revoked));
    }

    /// Calls that run together are claimed all or none, whichever are missing.
    #[test]
    fn invariant_3_a_batch_is_claimed_whole(
        size in 1_u64..5, chosen in proptest::collection::vec(any::<bool>(), 5), twice: bool,
    ) {
        let positions: Vec<u64> = (0..size).collect();
        let records: Vec<CallRecord> = positions.iter()
            .map(|at| Draft::new("run", *at).together("b", &positions).approved().call())
            .map(|call| call.stamped(EARLY.now)).collect();
        let claims: Vec<Event> = records.iter()
            .map(|record| Kind::Claim.event(record, ClaimToken::new(), OwnerToken::new())).collect();
        let mut changes: Vec<CallChange<'_>> = records.iter().zip(&claims).zip(&chosen)
            .filter(|(_, chosen)| **chosen)
            .map(|((record, event), _)| CallChange { record, event, facts: EARLY }).collect();
        if twice {
            changes.extend(changes.first().copied());
        }
        let all = changes.len() as u64 == size && !(twice && size > 0);
        let result = apply_all(&changes, &GrantUpdates::new());
        prop_assert_eq!(result.is_ok(), all || changes.is_empty());
        for change in &changes {
            let alone = apply(change.record, change.event, EARLY);
            prop_assert_eq!(alone, Err(Refusal::BatchIncomplete));
        }
    }
}

/// Old and new versions read each other's records: fields have other names in the code than in the
/// store.
#[test]
fn the_words_of_a_stored_record_stay() {
    let mut record = start(ApprovalLevel::Full, OwnerToken::new());
    let drawn = GrantUse::new(the_grant().id(), Amount::ZERO);
    let four = Requirement::new(ApprovalLevel::Full).four_eyes().quorum;
    let content = record.content();
    set(
        &mut record,
        json!({
            "granted": drawn,
            "revised": content,
            "allowedMs": 7,
            "request": { "because": ["why"], "quorum": four },
        }),
    );
    assert_eq!(record.approval_window(), Duration::from_millis(7));
    assert_eq!((record.grant_use(), record.current_content()), (Some(drawn), record.content()));
    assert_eq!(record.request().reasons, ["why"]);
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!((&json["allowedMs"], &json["request"]["because"][0]), (&7.into(), &"why".into()));
    assert_eq!(json["request"]["quorum"]["eyes"], "four");
    assert!(json["granted"].is_object() && json["revised"].is_string(), "{json}");
    assert_eq!(serde_json::from_value::<CallRecord>(json).unwrap(), record);
}
