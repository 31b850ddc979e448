//! The state machine of a call: through which channels an approval counts.

use crate::machine_support as machine;

use hitl_base::Timestamp;
use hitl_core::approval::{Choice, DecisionChannel, ReviewerIdentity};
use hitl_core::grant::{GrantRefusal, GrantUse};
use hitl_core::machine::{CallRecord, CallState as S, Event, Refusal, Resolution, Transition};
use hitl_core::policy::{DecisionChannels, Quorum, RequesterRule, Requirement, Stage};
use hitl_core::store::suite::{Draft, edited, grant};
use hitl_core::{Amount, ApprovalLevel, ClaimToken, DecisionId, OwnerToken};
use machine::*;
use proptest::prelude::*;
use serde_json::json;

const LEVELS: [ApprovalLevel; 3] = [ApprovalLevel::Auto, ApprovalLevel::Quick, ApprovalLevel::Full];

const EYES: [RequesterRule; 3] =
    [RequesterRule::MayApprove, RequesterRule::ByLevel, RequesterRule::MayNotApprove];

fn channels() -> Vec<DecisionChannel> {
    vec![
        DecisionChannel::HOST,
        DecisionChannel::TERMINAL,
        DecisionChannel::COMMAND_LINE,
        DecisionChannel::CONSOLE,
        DecisionChannel::ELICITATION,
        DecisionChannel::CHAT,
        DecisionChannel::new("pager").unwrap(),
    ]
}

fn all_stages() -> [Vec<Stage>; 4] {
    [vec![], vec![Stage::people(1)], vec![Stage::people(2)], vec![Stage::role("legal", 1)]]
}

fn allowed(channel: &DecisionChannel) -> Vec<DecisionChannels> {
    let other = if *channel == DecisionChannel::CONSOLE {
        DecisionChannel::TERMINAL
    } else {
        DecisionChannel::CONSOLE
    };
    vec![
        DecisionChannels::ANY,
        DecisionChannels::only([channel.clone()]),
        DecisionChannels::only([channel.clone(), other.clone()]),
        DecisionChannels::only([other]),
        DecisionChannels::only([]),
    ]
}

fn waiting(level: ApprovalLevel, quorum: Quorum, allowed: DecisionChannels) -> CallRecord {
    let draft = Draft::new("run", 1).level(level).quorum(quorum).channels(allowed);
    let mut record = draft.call().stamped(Timestamp::EPOCH);
    // That of the draft has masked places, and a card with a warning.
    set(&mut record, json!({ "request": { "preview": null } }));
    record
}

fn lee() -> ReviewerIdentity {
    ReviewerIdentity::new("lee").role("legal")
}

/// Returns the refusal of an approval, by the rule as it is documented.
fn expected(
    level: ApprovalLevel,
    (stages, eyes): (&[Stage], RequesterRule),
    allowed: &DecisionChannels,
    channel: &DecisionChannel,
) -> Option<Refusal> {
    let listed = allowed.list().is_none_or(|mut list| list.any(|one| one == channel));
    if !listed {
        return Some(Refusal::Channel);
    }
    let elicited = channel.name() == "elicitation";
    let plain = matches!(level, ApprovalLevel::Quick)
        && stages.is_empty()
        && !matches!(eyes, RequesterRule::MayNotApprove);
    (elicited && !plain).then_some(Refusal::Elicitation)
}

#[test]
fn invariant_5_an_approval_counts_through_a_channel_or_is_refused() {
    let mut counted = 0;
    for level in LEVELS {
        for stages in all_stages() {
            for eyes in EYES {
                for channel in channels() {
                    for allowed in allowed(&channel) {
                        let quorum = Quorum { eyes, stages: stages.clone(), ..Quorum::ONE };
                        let record = waiting(level, quorum, allowed.clone());
                        let wanted = expected(level, (&stages, eyes), &allowed, &channel);
                        let case = format!("{level} {stages:?} {eyes:?} {channel} of {allowed}");
                        let request = record.request();
                        assert_eq!(
                            request.may_be_approved_through(&channel).err(),
                            wanted,
                            "{case}"
                        );
                        let approve = request.approve().through(channel.clone()).by(lee());
                        let edit = request.edit("{}").through(channel.clone()).by(lee());
                        let edit = edited(&record, edit, 2, level);
                        for event in [Event::Decide(approve), edit] {
                            let result = apply(&record, &event, EARLY);
                            if let Some(refusal) = wanted {
                                assert_eq!(result, Err(refusal), "{case}");
                                continue;
                            }
                            let next = changed(result);
                            if let Some(vote) = next.votes().last() {
                                assert_eq!(vote.channel.as_ref(), Some(&channel), "{case}");
                                counted += 1;
                            }
                            if let Some(decided) = next.decision() {
                                assert_eq!(decided.channel.as_ref(), Some(&channel));
                            }
                        }
                        // What stops a call, or answers in its place, counts from anywhere.
                        for (draft, to) in [
                            (request.reject("no"), S::Rejected),
                            (request.respond("ask first"), S::Responded),
                            (request.abort("stop"), S::Cancelled),
                        ] {
                            let event = Event::Decide(draft.through(channel.clone()).by(lee()));
                            let next = changed(apply(&record, &event, EARLY));
                            assert_eq!(next.state(), to, "{case}");
                            let decided = next.decision().and_then(|it| it.channel.clone());
                            assert_eq!(decided, Some(channel.clone()), "{case}");
                        }
                    }
                }
            }
        }
    }
    assert!(counted > 500, "{counted}");
}

/// What a person has to do besides pressing one key is too much for a form of the agent's client.
#[test]
fn invariant_5_an_elicitation_approves_nothing_that_takes_more_than_one_key() {
    let plain = || waiting(ApprovalLevel::Quick, Quorum::default(), DecisionChannels::ANY);
    let through = |record: &CallRecord| {
        let request = record.request();
        let draft = request.approve().through(DecisionChannel::ELICITATION);
        apply(record, &Event::Decide(draft.by("bob")), EARLY)
    };
    assert_eq!(changed(through(&plain())).state(), S::Approved);

    let factor = json!({ "name": "amount", "adjustment": -40, "reasoning": "large" });
    for (what, fields) in [
        ("it is typed", json!({ "approvalType": "deletion" })),
        ("it is uncovered", json!({ "bindingVersion": 2, "moreMasks": 1 })),
        ("an amount is large", json!({ "assessment": { "factors": [factor] } })),
        ("there is a warning", json!({ "arguments": { "contract_id": "a\u{202e}b" } })),
    ] {
        let mut record = plain();
        set(&mut record, json!({ "request": fields }));
        assert_eq!(through(&record), Err(Refusal::Elicitation), "{what}");
        let by_host = Event::Decide(record.request().approve().by("bob"));
        assert_eq!(changed(apply(&record, &by_host, EARLY)).state(), S::Approved, "{what}");
    }
}

/// A grant answers only where an approval through its channel would.
#[test]
fn invariant_5_a_grant_counts_where_its_channel_does() {
    for level in [ApprovalLevel::Quick, ApprovalLevel::Full] {
        for channel in channels() {
            for allowed in allowed(&channel) {
                let record = waiting(level, Quorum::default(), allowed.clone());
                let mut given = grant(None, None);
                given.grant.channel = Some(channel.clone());
                let eyes = (&[][..], RequesterRule::ByLevel);
                let may = expected(level, eyes, &allowed, &channel).is_none();
                assert_eq!(by_grant(&record, &given), may, "{level} {channel} of {allowed}");
                // Of an old grant the channel is not known.
                given.grant.channel = None;
                assert_eq!(by_grant(&record, &given), allowed.is_any(), "{level} of {allowed}");
            }
        }
    }
}

fn by_grant(record: &CallRecord, given: &hitl_core::GrantRecord) -> bool {
    let event = Event::ApproveByGrant {
        decision: DecisionId::new(),
        binding: record.request().binding,
        drawn: GrantUse::new(given.id(), Amount::ZERO),
        by: given.grant.by.clone(),
    };
    match hitl_core::machine::apply_with(record, &event, EARLY, Some(given)) {
        Ok((Transition::Changed(next), _)) => next.state() == S::Approved,
        Err(Refusal::Grant(GrantRefusal::Channel)) => false,
        other => panic!("{other:?}"),
    }
}

/// The same id with another channel is another decision.
#[test]
fn a_decision_is_replayed_through_its_own_channel_only() {
    let record = waiting(ApprovalLevel::Quick, Quorum::default(), DecisionChannels::ANY);
    let decision = record.request().approve().through(DecisionChannel::CONSOLE).by("bob");
    let next = changed(apply(&record, &Event::Decide(decision.clone()), EARLY));
    let again = Event::Decide(decision.clone());
    assert_eq!(apply(&next, &again, EARLY), Ok(Transition::Replayed));
    let mut other = decision;
    other.channel = DecisionChannel::CHAT;
    let other = Event::Decide(other);
    assert!(matches!(apply(&next, &other, EARLY), Err(Refusal::State { .. })));
    // A record of an older version does not know the channel.
    let mut old = next;
    set(&mut old, json!({ "decided": { "channel": null }, "votes": [] }));
    assert_eq!(old.decision().and_then(|decided| decided.channel.clone()), None);
    assert_eq!(apply(&old, &again, EARLY), Ok(Transition::Replayed));
}

/// Who lets a call run once more does so through no known channel.
#[test]
fn invariant_5_another_attempt_is_asked_about_where_channels_are_taken_away() {
    for (allowed, to) in
        [(json!(null), S::Approved), (json!(["console"]), S::Pending), (json!([]), S::Pending)]
    {
        let mut record = in_state(S::OutcomeUnknown, ClaimToken::new(), OwnerToken::new());
        set(&mut record, json!({ "request": { "channels": allowed } }));
        let resolution = Resolution::Retry { attested: true };
        let by = "bob".into();
        let event = Event::Resolve { version: record.version(), resolution, by };
        assert_eq!(changed(apply(&record, &event, EARLY)).state(), to, "{allowed}");
    }
}

#[test]
fn a_record_of_an_older_version_has_no_channels() {
    let record = waiting(ApprovalLevel::Quick, Quorum::default(), DecisionChannels::ANY);
    let next = changed(approve(&record, "bob"));
    let mut old = serde_json::to_value(&next).unwrap();
    assert_eq!(old["request"].get("channels"), None);
    assert_eq!(old["decided"]["channel"], "host");
    old["decided"].as_object_mut().unwrap().remove("channel");
    for vote in old["votes"].as_array_mut().unwrap() {
        vote.as_object_mut().unwrap().remove("channel");
    }
    let read: CallRecord = serde_json::from_value(old).unwrap();
    assert_eq!(read.decision().unwrap().channel, None);
    assert_eq!(read.request(), next.request());
    assert!(read.request().choices.contains(&Choice::Approve));
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    let listed = proptest::option::of(proptest::collection::vec(0_usize..7, 0..5));
    (0_usize..3, 0_usize..3, listed).prop_map(|(level, eyes, listed)| {
        let quorum = Quorum { eyes: EYES[eyes], ..Quorum::ONE };
        let all = channels();
        let listed = listed.map_or(DecisionChannels::ANY, |listed| {
            DecisionChannels::only(listed.into_iter().map(|at| all[at].clone()))
        });
        Requirement::new(LEVELS[level]).quorum(quorum).channels(listed)
    })
}

proptest! {
    /// However requirements rise, an approval counts through a channel only if it would under each
    /// of them alone.
    #[test]
    fn invariant_5_no_requirement_gives_a_channel_back(
        requirements in proptest::collection::vec(any_requirement(), 1..5), at in 0_usize..7,
    ) {
        let mut all = requirements.iter();
        let first = all.next().unwrap();
        let mut record = waiting(first.level, first.quorum.clone(), first.channels.clone());
        for requirement in all {
            set(&mut record, json!({ "state": "approved" }));
            let (binding, reason) = (record.request().binding, "it rose".to_owned());
            let requirement = requirement.clone();
            let rises = Event::RequireMore { binding, requirement, reason };
            match apply(&record, &rises, EARLY) {
                Ok(Transition::Changed(next)) => record = next,
                Err(Refusal::Stale) => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
        set(&mut record, json!({ "state": "pending" }));
        let channel = channels()[at].clone();
        let level = requirements.iter().map(|it| it.level).max().unwrap();
        let eyes = requirements.iter().map(|it| it.quorum.eyes).max().unwrap();
        let listed = requirements.iter().all(|it| it.channels.include(&channel));
        let allowed = if listed { DecisionChannels::ANY } else { DecisionChannels::only([]) };
        let wanted = expected(level, (&[], eyes), &allowed, &channel);
        let draft = record.request().approve().through(channel);
        let result = apply(&record, &Event::Decide(draft.by("bob")), EARLY);
        prop_assert_eq!(result.err(), wanted);
    }
}
