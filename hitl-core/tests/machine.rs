//! The state machine of a call: every pair of state and event, and random lives.
#![expect(clippy::panic, reason = "a helper fails as its test does")]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use hitl_base::Timestamp;
use hitl_core::approval::Authority;
use hitl_core::grant::{Drawn, GrantRefusal};
use hitl_core::machine::{
    CallRecord, CallState as S, Change, Claim, Drawing, Event, Facts, Refusal, Resolution, Step,
    Withdrawal, apply_all, apply_with,
};
use hitl_core::policy::{Quorum, Requirement, Stage};
use hitl_core::store::suite::{Draft, edited, failure, grant};
use hitl_core::{
    Amount, ApprovalLevel, ClaimToken, DecisionId, GrantRecord, OwnerToken, Principal, RequestId,
    Risk, SessionId,
};
use proptest::prelude::*;

/// Every row of the table, with the guards satisfied: from, event, to.
const TABLE: &[(S, Kind, S)] = &[
    (S::Pending, Kind::Approve, S::Approved),
    (S::Pending, Kind::Reject, S::Rejected),
    (S::Pending, Kind::Respond, S::Responded),
    (S::Pending, Kind::Abort, S::Cancelled),
    (S::Pending, Kind::Attach, S::Pending),
    (S::Approved, Kind::Attach, S::Approved),
    (S::Claimed, Kind::Attach, S::Claimed),
    (S::OutcomeUnknown, Kind::Attach, S::OutcomeUnknown),
    (S::Pending, Kind::CancelByOwner, S::Cancelled),
    (S::Approved, Kind::CancelByOwner, S::Cancelled),
    (S::Pending, Kind::CancelByHost, S::Cancelled),
    (S::Approved, Kind::CancelByHost, S::Cancelled),
    (S::Pending, Kind::Expire, S::Expired),
    (S::Approved, Kind::Expire, S::Expired),
    (S::Approved, Kind::Demote, S::Pending),
    (S::Approved, Kind::Deny, S::Denied),
    (S::Approved, Kind::Claim, S::Claimed),
    (S::Claimed, Kind::Release, S::Approved),
    (S::Claimed, Kind::Succeed, S::Executed),
    (S::OutcomeUnknown, Kind::Succeed, S::Executed),
    (S::Claimed, Kind::Fail, S::Failed),
    (S::OutcomeUnknown, Kind::Fail, S::Failed),
    (S::Claimed, Kind::TimeOut, S::OutcomeUnknown),
    (S::Claimed, Kind::Lose, S::OutcomeUnknown),
    (S::Pending, Kind::Restore, S::Pending),
    (S::Approved, Kind::Restore, S::Pending),
    (S::Claimed, Kind::Restore, S::OutcomeUnknown),
    (S::OutcomeUnknown, Kind::MarkExecuted, S::Executed),
    (S::OutcomeUnknown, Kind::MarkFailed, S::Failed),
    (S::OutcomeUnknown, Kind::Retry, S::Approved),
    (S::OutcomeUnknown, Kind::TryAgain, S::Approved),
    (S::Pending, Kind::Edit, S::Approved),
    (S::Pending, Kind::Allow, S::Approved),
    (S::Approved, Kind::Disallow, S::Pending),
    (S::Pending, Kind::CancelBySibling, S::Cancelled),
    (S::Approved, Kind::CancelBySibling, S::Cancelled),
];

/// What is different once the call was tried, with an end that nobody knows: what would end a call
/// that did not run leaves this one parked.
const TRIED: &[(S, Kind, S)] = &[
    (S::Pending, Kind::Reject, S::OutcomeUnknown),
    (S::Pending, Kind::Respond, S::OutcomeUnknown),
    (S::Pending, Kind::Abort, S::OutcomeUnknown),
    (S::Pending, Kind::CancelByOwner, S::OutcomeUnknown),
    (S::Approved, Kind::CancelByOwner, S::OutcomeUnknown),
    (S::Pending, Kind::CancelByHost, S::OutcomeUnknown),
    (S::Approved, Kind::CancelByHost, S::OutcomeUnknown),
    (S::Pending, Kind::Expire, S::OutcomeUnknown),
    (S::Approved, Kind::Expire, S::OutcomeUnknown),
    (S::Approved, Kind::Deny, S::OutcomeUnknown),
];

/// What is different while somebody else can be asked, while one vote is not enough, and where an
/// edit needs another pair of eyes or asks for more than was shown.
const WAITS: &[(S, Kind, S)] = &[
    (S::Pending, Kind::Expire, S::Pending),
    (S::Pending, Kind::Approve, S::Pending),
    (S::Pending, Kind::Edit, S::Pending),
];

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Approve,
    Reject,
    Respond,
    Abort,
    Attach,
    CancelByOwner,
    CancelByHost,
    Expire,
    Demote,
    Deny,
    Claim,
    Release,
    Succeed,
    Fail,
    TimeOut,
    Lose,
    Restore,
    MarkExecuted,
    MarkFailed,
    Retry,
    TryAgain,
    Edit,
    Allow,
    Disallow,
    CancelBySibling,
}

impl Kind {
    const ALL: [Self; 25] = [
        Self::Approve,
        Self::Reject,
        Self::Respond,
        Self::Abort,
        Self::Attach,
        Self::CancelByOwner,
        Self::CancelByHost,
        Self::Expire,
        Self::Demote,
        Self::Deny,
        Self::Claim,
        Self::Release,
        Self::Succeed,
        Self::Fail,
        Self::TimeOut,
        Self::Lose,
        Self::Restore,
        Self::MarkExecuted,
        Self::MarkFailed,
        Self::Retry,
        Self::TryAgain,
        Self::Edit,
        Self::Allow,
        Self::Disallow,
        Self::CancelBySibling,
    ];

    /// The event, as somebody sends it who sees `record` and holds `token` and `owner`.
    fn event(self, record: &CallRecord, token: ClaimToken, owner: OwnerToken) -> Event {
        let request = &record.request;
        let (binding, version, by) = (request.binding, record.version, Principal::new("olga"));
        let resolve = |resolution| Event::Resolve { version, resolution, by: by.clone() };
        let cancel = |by| Event::Cancel { by, reason: "enough".to_owned() };
        let reason = "the policy changed".to_owned();
        match self {
            Self::Approve => Event::Decide(request.approve().by("alice")),
            Self::Reject => Event::Decide(request.reject("no").by("alice")),
            Self::Respond => Event::Decide(request.respond("ask first").by("alice")),
            Self::Abort => Event::Decide(request.abort("stop").by("alice")),
            Self::Attach => Event::Attach { owner: Some(owner), attached: true },
            Self::CancelByOwner => cancel(Withdrawal::Owner(owner)),
            Self::CancelByHost => cancel(Withdrawal::Host(by)),
            Self::Expire => Event::Expire,
            Self::Demote => {
                Event::Demote { binding, requirement: Requirement::of(ApprovalLevel::Full), reason }
            }
            Self::Deny => Event::Deny { binding, reason },
            Self::Claim => Event::Claim {
                token,
                session: SessionId::new(),
                binding,
                requirement: request.requirement(),
            },
            Self::Release => Event::Release { token },
            Self::Succeed => Event::Succeed { token },
            Self::Fail => Event::Fail { token, failure: failure("no") },
            Self::TimeOut => Event::TimeOut { token },
            Self::Lose => Event::Lose,
            Self::Restore => Event::Restore,
            Self::MarkExecuted => resolve(Resolution::Executed),
            Self::MarkFailed => resolve(Resolution::Failed { reason }),
            Self::Retry => resolve(Resolution::Retry { attested: true }),
            Self::TryAgain => Event::TryAgain { version, most: 3 },
            Self::Allow => {
                let drawn = Drawn::new(the_grant().id(), Amount::ZERO);
                Event::Allow { decision: DecisionId::new(), binding, drawn, by }
            }
            Self::Disallow => Event::Disallow { binding, reason },
            Self::CancelBySibling => cancel(Withdrawal::Sibling(RequestId::new())),
            Self::Edit => {
                let decision = request.edit(r#"{"contract_id":2}"#).by("alice");
                // Each revision says something else than the one before.
                let content = 100 + u64::from(request.revision);
                edited(record, decision, content, request.level)
            }
        }
    }
}

/// A grant without limits, on which every event may draw.
fn the_grant() -> &'static GrantRecord {
    static GRANT: OnceLock<GrantRecord> = OnceLock::new();
    GRANT.get_or_init(|| grant(None, None))
}

fn apply(record: &CallRecord, event: &Event, facts: Facts) -> Result<Step, Refusal> {
    apply_with(record, event, facts, Some(the_grant())).map(|(step, _)| step)
}

fn start(level: ApprovalLevel, owner: OwnerToken) -> CallRecord {
    Draft::new("run", 1).level(level).owner(owner).idempotent().call().stamped(Timestamp::EPOCH)
}

/// A record in `state`, held by `token`, whose guards all open.
fn in_state(state: S, token: ClaimToken, owner: OwnerToken) -> CallRecord {
    let mut record = start(ApprovalLevel::Quick, owner);
    record.state = state;
    if matches!(state, S::Claimed | S::OutcomeUnknown) {
        record.claim = Some(Claim { token, session: SessionId::new() });
    }
    record
}

#[test]
fn invariant_11_every_pair_is_a_row_of_the_table_or_refused() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let mut rows = 0;
    for state in S::ALL {
        for kind in Kind::ALL {
            let mut record = in_state(state, token, owner);
            match kind {
                Kind::Disallow => {
                    record.granted = Some(Drawn::new(the_grant().id(), Amount::ZERO));
                }
                Kind::CancelBySibling => {
                    record.batch =
                        Draft::new("run", 1).together("b", &[1, 2]).call().stamped(EARLY.now).batch;
                }
                _ => {}
            }
            let now = match kind {
                Kind::Expire => record.request.expires_at,
                _ => Timestamp::from_millis(1),
            };
            let event = kind.event(&record, token, owner);
            let result = apply(&record, &event, Facts { now, claimant_dead: true });
            let row = TABLE.iter().find(|(from, k, _)| (*from, *k) == (state, kind));
            match (row, result) {
                (Some((_, _, to)), Ok(Step::Changed(next))) => {
                    rows += 1;
                    assert_eq!(next.state, *to, "{state} {kind:?}");
                    assert_eq!((next.version, next.updated_at), (record.version + 1, now));
                }
                (None, Err(refusal)) => {
                    assert_eq!(refusal, Refusal::State { state, event: event.name() });
                }
                // The record is where this very event would have brought it.
                (None, Ok(Step::Replayed)) => {
                    let own = [(S::Claimed, Kind::Claim), (S::OutcomeUnknown, Kind::TimeOut)];
                    assert!(own.contains(&(state, kind)), "{state} {kind:?} is no replay");
                }
                (row, result) => panic!("{state} {kind:?}: {row:?}, {result:?}"),
            }
        }
    }
    assert_eq!(rows, TABLE.len());
}

#[test]
fn invariant_11_nothing_leaves_a_terminal_state() {
    let terminal: BTreeSet<S> = S::ALL.into_iter().filter(|state| state.is_terminal()).collect();
    assert_eq!(terminal.len(), 7);
    assert!(TABLE.iter().all(|(from, ..)| !terminal.contains(from)));
    let left: BTreeSet<S> = TABLE.iter().map(|(from, ..)| *from).collect();
    assert!(S::ALL.iter().all(|state| terminal.contains(state) != left.contains(state)));
}

#[test]
fn each_guard_refuses_with_its_own_reason() {
    let (token, owner, now) = (ClaimToken::new(), OwnerToken::new(), Timestamp::from_millis(1));
    let refuse = |record: &CallRecord, event: Event, now, claimant_dead| {
        apply(record, &event, Facts { now, claimant_dead }).unwrap_err()
    };
    let stranger = ClaimToken::new();
    for kind in [Kind::Release, Kind::Succeed, Kind::Fail, Kind::TimeOut] {
        let record = in_state(S::Claimed, token, owner);
        let refusal = refuse(&record, kind.event(&record, stranger, owner), now, true);
        assert_eq!(refusal, Refusal::NotClaimant, "{kind:?}");
    }
    let claimed = in_state(S::Claimed, token, owner);
    assert_eq!(refuse(&claimed, Event::Lose, now, false), Refusal::Alive);
    let approved = in_state(S::Approved, token, owner);
    let late = approved.request.expires_at;
    assert_eq!(
        refuse(&approved, Kind::Claim.event(&approved, token, owner), late, false),
        Refusal::Expired
    );
    assert_eq!(refuse(&approved, Event::Expire, now, false), Refusal::NotDue);
    let not_mine = Kind::CancelByOwner.event(&approved, token, OwnerToken::new());
    assert_eq!(refuse(&approved, not_mine, now, false), Refusal::NotOwner);
    let mut stale = approved.clone();
    stale.request.binding = in_other_call().request.binding;
    for kind in [Kind::Claim, Kind::Demote, Kind::Deny] {
        let refusal = refuse(&approved, kind.event(&stale, token, owner), now, false);
        assert_eq!(refusal, Refusal::Stale, "{kind:?}");
    }
}

fn in_other_call() -> CallRecord {
    Draft::new("run", 2).content(2).call().stamped(Timestamp::EPOCH)
}

#[test]
fn invariant_2_a_decision_on_a_laxer_question_does_not_answer_a_stricter_one() {
    let owner = OwnerToken::new();
    let record = start(ApprovalLevel::Quick, owner);
    let facts = Facts { now: Timestamp::from_millis(1), claimant_dead: false };
    let decision = Kind::Approve.event(&record, ClaimToken::new(), owner);
    let approved = changed(apply(&record, &decision, facts));
    let demote = Kind::Demote.event(&approved, ClaimToken::new(), owner);
    let asked = changed(apply(&approved, &demote, facts));
    assert_eq!(apply(&asked, &decision, facts), Err(Refusal::Stale));
    assert_ne!(asked.request.binding, record.request.binding);
}

#[test]
fn invariant_2_no_decision_from_before_a_restore_answers_after_it() {
    let owner = OwnerToken::new();
    let record = start(ApprovalLevel::Quick, owner);
    let facts = Facts { now: Timestamp::from_millis(700_000), claimant_dead: true };
    let early = Facts { now: Timestamp::from_millis(1), claimant_dead: false };
    let decision = Kind::Approve.event(&record, ClaimToken::new(), owner);
    let approved = changed(apply(&record, &decision, early));
    for held in [&record, &approved] {
        let asked = changed(apply(held, &Event::Restore, facts));
        assert_eq!((asked.state, &asked.decided), (S::Pending, &None));
        assert_eq!(apply(&asked, &decision, early), Err(Refusal::Stale));
        assert!(asked.request.because.last().unwrap().contains("look whether it has"));
        assert!(asked.request.expires_at > facts.now, "there is time to look");
    }
}

fn changed(result: Result<Step, Refusal>) -> CallRecord {
    match result {
        Ok(Step::Changed(record)) => record,
        other => panic!("it must change the record, and yet: {other:?}"),
    }
}

/// One thing that somebody tries: what, with which of a few tokens, how much later, and whether they
/// see the record as it stands or as it was at first.
#[derive(Clone, Debug)]
struct Attempt {
    kind: Kind,
    token: usize,
    later: u64,
    dead: bool,
    outdated: bool,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let attempt = (
        proptest::sample::select(&Kind::ALL[..]),
        0..3_usize,
        prop_oneof![6 => 0..5_u64, 1 => 0..400_u64],
        any::<bool>(),
        proptest::bool::weighted(0.2),
    )
        .prop_map(|(kind, token, later, dead, outdated)| Attempt {
            kind,
            token,
            later,
            dead,
            outdated,
        });
    proptest::collection::vec(attempt, 0..60)
}

#[test]
fn invariant_11_what_was_tried_is_never_said_not_to_have_run() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    for (from, kind, to) in TRIED {
        let mut record = in_state(*from, token, owner);
        record.attempts = 1;
        let now = match kind {
            Kind::Expire => record.request.expires_at,
            _ => Timestamp::from_millis(1),
        };
        let event = kind.event(&record, token, owner);
        let next = changed(apply(&record, &event, Facts { now, claimant_dead: true }));
        assert_eq!(next.state, *to, "{from} {kind:?}");
        let Some(hitl_core::machine::Ending::Reason(why)) = &next.ending else {
            panic!("{next:?}")
        };
        assert!(why.contains("how the earlier attempt ended is not known"), "{why}");
        assert!(!why.is_empty() && why.contains("it is not tried again"), "{why}");
    }
    // And its arguments stay: its idempotency key stands for them.
    let mut record = in_state(S::Pending, token, owner);
    record.attempts = 1;
    let event = Kind::Edit.event(&record, token, owner);
    let facts = Facts { now: Timestamp::from_millis(1), claimant_dead: true };
    assert_eq!(apply(&record, &event, facts), Err(Refusal::AlreadyTried));
}

#[test]
fn what_waits_for_others_waits() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    for (from, kind, to) in WAITS {
        let draft = Draft::new("run", 1).owner(owner).escalate("director", 60);
        let two = Quorum { stages: vec![Stage::people(2)], ..Quorum::ONE };
        let record = draft.quorum(two).call().stamped(Timestamp::EPOCH);
        assert_eq!(record.state, *from);
        let now = match kind {
            Kind::Expire => record.request.expires_at,
            _ => Timestamp::from_millis(1),
        };
        let event = kind.event(&record, token, owner);
        let next = changed(apply(&record, &event, Facts { now, claimant_dead: true }));
        assert_eq!(next.state, *to, "{from} {kind:?}");
    }
}

const EARLY: Facts = Facts { now: Timestamp::from_millis(1), claimant_dead: false };

fn approve(record: &CallRecord, by: impl Into<Authority>) -> Result<Step, Refusal> {
    apply(record, &Event::Decide(record.request.approve().by(by)), EARLY)
}

#[test]
fn invariant_7_a_quorum_needs_different_people_in_their_roles_and_order() {
    let stages = vec![Stage::of("finance", 1).join(&Stage::people(2)), Stage::of("legal", 1)];
    let quorum = Quorum { stages, ..Quorum::ONE };
    let record = Draft::new("run", 1).quorum(quorum).call().stamped(Timestamp::EPOCH);
    let ann = || Authority::of("ann");
    let fay = || Authority::of("fay").role("finance");
    let lee = || Authority::of("lee").role("legal");
    let first = changed(approve(&record, ann()));
    assert_eq!((first.state, first.votes.len()), (S::Pending, 1));
    assert_eq!(approve(&first, ann()), Err(Refusal::AlreadyVoted));
    // The place that is left is finance's.
    assert_eq!(approve(&first, Authority::of("bob")), Err(Refusal::NotEntitled));
    assert_eq!(approve(&first, lee()), Err(Refusal::NotEntitled));
    let second = changed(approve(&first, fay()));
    assert_eq!(second.state, S::Pending);
    assert_eq!(approve(&second, Authority::of("bob")), Err(Refusal::NotEntitled));
    // Nobody stands for two people, not even with both roles.
    assert_eq!(approve(&second, fay().role("legal")), Err(Refusal::AlreadyVoted));
    let third = changed(approve(&second, lee()));
    assert_eq!((third.state, third.votes.len()), (S::Approved, 3));
    assert!(third.votes.iter().all(|vote| vote.binding == third.request.binding));
    // One of the people that it waits for says no.
    for pending in [&record, &first, &second] {
        let no = Event::Decide(pending.request.reject("no").by(lee()));
        assert_eq!(changed(apply(pending, &no, EARLY)).state, S::Rejected);
    }
    let legal_only = Quorum { stages: vec![Stage::of("legal", 1)], ..Quorum::ONE };
    let record = Draft::new("run", 2).quorum(legal_only).call().stamped(Timestamp::EPOCH);
    let stranger = Event::Decide(record.request.reject("no").by("bob"));
    assert_eq!(apply(&record, &stranger, EARLY), Err(Refusal::NotEntitled));
}

#[test]
fn invariant_7_four_eyes_are_two_people() {
    let four = Requirement::of(ApprovalLevel::Full).four_eyes().quorum;
    let record = Draft::new("run", 1).quorum(four).call().stamped(Timestamp::EPOCH);
    let requester = record.request.principal.as_str().to_owned();
    assert_eq!(approve(&record, requester.as_str()), Err(Refusal::FourEyes));
    let edit = edited(&record, record.request.edit("{}").by("ann"), 2, ApprovalLevel::Full);
    let next = changed(apply(&record, &edit, EARLY));
    assert_eq!((next.state, next.votes.len()), (S::Pending, 0), "the editor's vote does not count");
    assert_eq!(approve(&next, "ann"), Err(Refusal::FourEyes));
    assert_eq!(changed(approve(&next, "bob")).state, S::Approved);
    // Nor does anybody who edited an earlier revision: what they wrote may still be in it.
    let again = edited(&next, next.request.edit("{}").by("cid"), 3, ApprovalLevel::Full);
    let last = changed(apply(&next, &again, EARLY));
    assert_eq!(approve(&last, "ann"), Err(Refusal::FourEyes));
    assert_eq!(changed(approve(&last, "bob")).state, S::Approved);
}

#[test]
fn invariant_7_another_attempt_is_for_those_who_had_to_agree_on_the_first() {
    let four = Requirement::of(ApprovalLevel::Full).four_eyes().quorum;
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let mut unknown = in_state(S::OutcomeUnknown, token, owner);
    unknown.request.quorum = four;
    let requester = unknown.request.principal.clone();
    let resolution = Resolution::Retry { attested: true };
    let retry = Event::Resolve { version: unknown.version, resolution, by: requester.clone() };
    let asked = changed(apply(&unknown, &retry, EARLY));
    assert_eq!(asked.state, S::Pending);
    assert_eq!(asked.request.revision, unknown.request.revision + 1);
    assert!(asked.claim.is_none() && asked.votes.is_empty() && asked.decided.is_none());
    assert_eq!(approve(&asked, requester.as_str()), Err(Refusal::FourEyes));
    assert_eq!(changed(approve(&asked, "bob")).state, S::Approved);
}

#[test]
fn whoever_waits_for_a_later_stage_may_edit() {
    let stages = vec![Stage::of("legal", 1), Stage::of("finance", 1)];
    let quorum = Quorum { stages, ..Quorum::ONE };
    let record = Draft::new("run", 1).quorum(quorum).call().stamped(Timestamp::EPOCH);
    let fay = Authority::of("fay").role("finance");
    let edit = edited(&record, record.request.edit("{}").by(fay), 2, ApprovalLevel::Full);
    let next = changed(apply(&record, &edit, EARLY));
    assert_eq!((next.state, next.request.revision, next.votes.len()), (S::Pending, 2, 0));
}

#[test]
fn invariant_2_an_edit_voids_earlier_votes_and_is_never_cheaper() {
    let two = Quorum { stages: vec![Stage::people(2)], ..Quorum::ONE };
    let draft = Draft::new("run", 1).level(ApprovalLevel::Quick).quorum(two);
    let record = changed(approve(&draft.call().stamped(Timestamp::EPOCH), "ann"));
    let late = Event::Decide(record.request.approve().by("bob"));
    let decision = record.request.edit("{}").by("cid");
    let cheap = edited(&record, decision.clone(), 2, ApprovalLevel::Auto);
    let next = changed(apply(&record, &cheap, EARLY));
    assert_eq!((next.request.revision, next.request.level), (2, ApprovalLevel::Quick));
    assert_eq!(next.votes.iter().map(|vote| vote.by.as_str()).collect::<Vec<_>>(), ["cid"]);
    assert_eq!(apply(&next, &late, EARLY), Err(Refusal::Stale), "it was about other arguments");
    assert_eq!(apply(&next, &cheap, EARLY), Ok(Step::Replayed));
    let [earlier] = next.earlier.as_slice() else { panic!("one earlier revision") };
    assert_eq!((earlier.revision, earlier.binding), (1, record.request.binding));
    assert_eq!(earlier.arguments, record.request.arguments);
    assert_eq!((earlier.edited.id, earlier.edited.by.as_str()), (decision.id, "cid"));
    assert_eq!(changed(approve(&next, "ann")).state, S::Approved, "a new question, a new vote");
    // A stricter question than the editor was shown is not answered by the edit.
    let single = Draft::new("run", 2).level(ApprovalLevel::Quick);
    let record = single.call().stamped(Timestamp::EPOCH);
    let strict = edited(&record, record.request.edit("{}").by("cid"), 2, ApprovalLevel::Full);
    let next = changed(apply(&record, &strict, EARLY));
    assert_eq!((next.state, next.request.level), (S::Pending, ApprovalLevel::Full));
    assert!(next.votes.is_empty());
    // And one that changes nothing is no edit.
    let same = edited(&record, record.request.edit("{}").by("cid"), 1, ApprovalLevel::Quick);
    assert_eq!(apply(&record, &same, EARLY), Err(Refusal::Unchanged));
}

#[test]
fn invariant_13_edits_end() {
    let mut record = Draft::new("run", 1)
        .quorum(Requirement::of(ApprovalLevel::Full).four_eyes().quorum)
        .call()
        .stamped(Timestamp::EPOCH);
    for content in 2..18 {
        let edit =
            edited(&record, record.request.edit("{}").by("ann"), content, ApprovalLevel::Full);
        record = changed(apply(&record, &edit, EARLY));
    }
    let edit = edited(&record, record.request.edit("{}").by("ann"), 99, ApprovalLevel::Full);
    assert_eq!(apply(&record, &edit, EARLY), Err(Refusal::TooManyEdits));
}

#[test]
fn invariant_7_nobody_decides_for_a_tenant_that_is_not_theirs() {
    let record = Draft::new("run", 1).tenant("acme").call().stamped(Timestamp::EPOCH);
    for stranger in [Authority::of("bob").tenant("umbrella"), Authority::of("bob").sees("acme")] {
        assert_eq!(approve(&record, stranger.clone()), Err(Refusal::WrongTenant));
        let edit = edited(&record, record.request.edit("{}").by(stranger), 2, ApprovalLevel::Full);
        assert_eq!(apply(&record, &edit, EARLY), Err(Refusal::WrongTenant));
    }
    let ours = Authority::of("ann").tenant("acme");
    assert_eq!(changed(approve(&record, ours)).state, S::Approved);
}

#[test]
fn invariant_5_silence_escalates_and_never_approves() {
    let record = Draft::new("run", 1)
        .level(ApprovalLevel::Quick)
        .escalate("director", 60)
        .call()
        .stamped(Timestamp::EPOCH);
    let slow = Event::Decide(record.request.approve().by("ann"));
    let late = Facts { now: record.request.expires_at, claimant_dead: false };
    let next = changed(apply(&record, &Event::Expire, late));
    assert_eq!((next.state, next.request.level), (S::Pending, ApprovalLevel::Full));
    assert_eq!(next.request.revision, 2);
    assert_eq!(next.request.expires_at.since(late.now).as_secs(), 60);
    assert!(next.request.because.last().unwrap().contains("escalated to director"));
    let facts = Facts { now: late.now, claimant_dead: false };
    assert_eq!(apply(&next, &slow, facts), Err(Refusal::Stale));
    let again = |by: Authority| apply(&next, &Event::Decide(next.request.approve().by(by)), facts);
    assert_eq!(again(Authority::of("ann")), Err(Refusal::NotEntitled));
    let director = Authority::of("dora").role("director");
    assert_eq!(changed(again(director)).state, S::Approved);
    let over = Facts { now: next.request.expires_at, claimant_dead: false };
    assert_eq!(changed(apply(&next, &Event::Expire, over)).state, S::Expired, "there is an end");
}

#[test]
fn invariant_3_an_idempotent_tool_is_tried_again_only_so_often_and_only_when_the_attempt_is_over() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let mut record = in_state(S::OutcomeUnknown, token, owner);
    record.attempts = 1;
    let again = |record: &CallRecord, facts, most| {
        apply(record, &Event::TryAgain { version: record.version, most }, facts)
    };
    let dead = Facts { now: Timestamp::from_millis(1), claimant_dead: true };
    assert_eq!(again(&record, EARLY, 3), Err(Refusal::Alive));
    assert_eq!(again(&record, dead, 1), Err(Refusal::TooManyAttempts));
    let late = Facts { now: record.request.expires_at, claimant_dead: true };
    assert_eq!(again(&record, late, 3), Err(Refusal::Expired), "what was approved has an end");
    let stale = Event::TryAgain { version: record.version + 1, most: 3 };
    assert_eq!(apply(&record, &stale, dead), Err(Refusal::Stale));
    let next = changed(again(&record, dead, 3));
    assert_eq!((next.state, next.claim, next.attempts), (S::Approved, None, 1));
    let late_result = Event::Succeed { token };
    assert!(apply(&next, &late_result, dead).is_err(), "the old token is void");
    record.request.hints.idempotent = false;
    assert_eq!(again(&record, dead, 3), Err(Refusal::NotAllowed));
}

fn stages() -> impl Strategy<Value = Vec<Stage>> {
    let role = proptest::sample::select(vec!["legal", "finance", "ops"]);
    let stage = (0..3_u32, proptest::collection::btree_map(role, 1..3_u32, 0..3)).prop_map(
        |(people, roles)| Stage {
            people,
            roles: roles.into_iter().map(|(role, n)| (role.to_owned(), n)).collect(),
        },
    );
    proptest::collection::vec(stage, 0..3)
}

fn requirements() -> impl Strategy<Value = Requirement> {
    let level = proptest::sample::select(vec![
        ApprovalLevel::Auto,
        ApprovalLevel::Quick,
        ApprovalLevel::Full,
    ]);
    (level, any::<bool>(), stages()).prop_map(|(level, four, stages)| {
        let one = Requirement::of(level).quorum(Quorum { stages, ..Quorum::ONE });
        if four { one.four_eyes() } else { one }
    })
}

proptest! {
    /// A requirement is a join-semilattice: whatever is asked for in whichever order leads to the
    /// same, which is at least as strict as each of it.
    #[test]
    fn invariant_2_requirements_only_rise(a in requirements(), b in requirements(), c in requirements()) {
        prop_assert_eq!(a.join(&b), b.join(&a));
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
        prop_assert_eq!(a.join(&a), a.clone());
        prop_assert!(a.is_met_by(&a.join(&b)) && b.is_met_by(&a.join(&b)));
        if a.is_met_by(&b) && b.is_met_by(&c) {
            prop_assert!(a.is_met_by(&c));
        }
    }

    /// People who are enough for the stricter stage are enough for the laxer one.
    #[test]
    fn invariant_2_who_satisfies_more_satisfies_less(
        a in stages(), b in stages(),
        people in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::select(vec!["legal", "finance", "ops"]), 0..3), 0..7),
    ) {
        let people: Vec<Vec<String>> = people.into_iter()
            .map(|roles| roles.into_iter().map(str::to_owned).collect()).collect();
        let voters: Vec<&[String]> = people.iter().map(Vec::as_slice).collect();
        for (a, b) in a.iter().zip(&b) {
            if a.join(b).missing(&voters) == 0 {
                prop_assert_eq!((a.missing(&voters), b.missing(&voters)), (0, 0));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever happens in whatever order: versions count changes, terminal is terminal, a token is
    /// live only while the call is claimed or parked, attempts only grow by claims, and what a call
    /// needs only rises.
    #[test]
    fn invariant_11_random_lives_keep_the_rules(attempts in attempts()) {
        let tokens: Vec<_> = (0..3).map(|_| ClaimToken::new()).collect();
        let owner = OwnerToken::new();
        let first = start(ApprovalLevel::Quick, owner);
        let id: RequestId = first.id();
        let (mut record, mut now) = (first.clone(), 0_u64);
        let mut events: Vec<Event> = Vec::new();
        for Attempt { kind, token, later, dead, outdated } in attempts {
            now += later * 1000;
            let seen = if outdated { &first } else { &record };
            let event = kind.event(seen, tokens[token], owner);
            let facts = Facts {
                now: Timestamp::from_millis(i64::try_from(now).unwrap()),
                claimant_dead: dead && record.claim.is_some(),
            };
            let next = match apply(&record, &event, facts) {
                Ok(Step::Changed(next)) => next,
                Ok(Step::Replayed) => {
                    prop_assert!(events.contains(&event) || kind == Kind::Claim
                        || matches!(kind, Kind::Succeed | Kind::Fail | Kind::TimeOut));
                    continue;
                }
                Err(_) => continue,
            };
            prop_assert!(!record.state.is_terminal(), "{} is terminal", record.state);
            prop_assert_eq!(next.version, record.version + 1);
            prop_assert_eq!(next.id(), id);
            prop_assert_eq!(next.updated_at, facts.now);
            prop_assert!(next.request.level >= record.request.level);
            prop_assert!(next.request.revision >= record.request.revision);
            let row = (record.state, kind, next.state);
            let known = TABLE.contains(&row) && !(record.attempts > 0 && next.state.is_terminal()
                && matches!(record.state, S::Pending | S::Approved))
                || record.attempts > 0 && TRIED.contains(&row);
            prop_assert!(known, "{} {:?} {} is no row", record.state, kind, next.state);
            match kind {
                Kind::Claim => prop_assert_eq!(next.attempts, record.attempts + 1),
                Kind::Release => prop_assert_eq!(next.attempts + 1, record.attempts),
                _ => prop_assert_eq!(next.attempts, record.attempts),
            }
            prop_assert!(next.state != S::Claimed || next.claim.is_some());
            prop_assert!(next.attempts == 0 || !matches!(next.state,
                S::Rejected | S::Responded | S::Expired | S::Cancelled | S::Denied),
                "what was tried is never said not to have run");
            prop_assert!(record.request.requirement().is_met_by(&next.request.requirement()));
            if matches!(next.state, S::Pending | S::Approved) {
                prop_assert!(next.claim.is_none(), "no token outlives its claim");
            }
            // The same event once more changes nothing twice.
            if let Ok(Step::Changed(twice)) = apply(&next, &event, facts) {
                let again = matches!(kind, Kind::Attach | Kind::Restore);
                prop_assert!(again, "{:?} -> {}", kind, twice.state);
            }
            events.push(event);
            record = next;
        }
    }

    /// A record survives being written down and read again, wherever it stands.
    #[test]
    fn invariant_10_records_round_trip(attempts in attempts()) {
        let (token, owner) = (ClaimToken::new(), OwnerToken::new());
        let mut record = start(ApprovalLevel::Quick, owner);
        for attempt in attempts {
            let facts = Facts { now: Timestamp::from_millis(5), claimant_dead: attempt.dead };
            let event = attempt.kind.event(&record, token, owner);
            if let Ok(Step::Changed(next)) = apply(&record, &event, facts) {
                let text = serde_json::to_string(&next).unwrap();
                prop_assert_eq!(&serde_json::from_str::<CallRecord>(&text).unwrap(), &next);
                record = next;
            }
        }
    }
}

/// A call that a grant would allow.
fn allow(record: &CallRecord, drawn: Drawn) -> Event {
    let (decision, binding) = (DecisionId::new(), record.request.binding);
    Event::Allow { decision, binding, drawn, by: Principal::new("alice") }
}

#[test]
fn invariant_5_a_grant_speaks_for_one_person_and_for_nobody_else() {
    let drawn = Drawn::new(the_grant().id(), Amount::ZERO);
    let plain = start(ApprovalLevel::Full, OwnerToken::new());
    assert_eq!(changed(apply(&plain, &allow(&plain, drawn), EARLY)).state, S::Approved);
    let with = |change: &dyn Fn(&mut CallRecord)| {
        let mut record = plain.clone();
        change(&mut record);
        apply(&record, &allow(&record, drawn), EARLY)
    };
    let not_allowed = Err(Refusal::NotAllowed);
    assert_eq!(with(&|record| record.request.risk = Risk::Critical), not_allowed);
    assert_eq!(with(&|record| record.request.choices.clear()), not_allowed);
    let quorum = Requirement::of(ApprovalLevel::Full).stage(Stage::people(2)).quorum;
    assert_eq!(with(&|record| record.request.quorum = quorum.clone()), not_allowed);
    let four = Requirement::of(ApprovalLevel::Full).four_eyes().quorum;
    assert_eq!(with(&|record| record.request.quorum = four.clone()), not_allowed);
    assert_eq!(with(&|record| record.attempts = 1), Err(Refusal::AlreadyTried));
    assert_eq!(with(&|record| record.restored = true), Err(Refusal::AlreadyTried));
    let late = Facts { now: plain.request.expires_at, ..EARLY };
    assert_eq!(apply(&plain, &allow(&plain, drawn), late), Err(Refusal::Expired));
    let mut stale = plain.clone();
    stale.request.binding = "0".repeat(64).parse().unwrap();
    assert_eq!(apply(&plain, &allow(&stale, drawn), EARLY), Err(Refusal::Stale));
    // Without its grant, or with that of another tenant, it says nothing.
    let missing = Err(Refusal::Grant(GrantRefusal::Missing));
    let event = allow(&plain, drawn);
    assert_eq!(apply_with(&plain, &event, EARLY, None).map(|_| ()), missing);
    let mut foreign = the_grant().clone();
    foreign.grant.tenant = "other".into();
    assert_eq!(apply_with(&plain, &event, EARLY, Some(&foreign)).map(|_| ()), missing);
}

proptest! {
    /// Whatever is drawn and given back in whatever order, a grant never gives more than it has, and
    /// what it has given is what the calls hold.
    #[test]
    fn invariant_3_an_envelope_gives_what_it_has_and_no_more(
        uses in proptest::option::of(0_u64..6), most in proptest::option::of(0_u32..100),
        steps in proptest::collection::vec((0_u32..60, proptest::bool::weighted(0.3)), 0..40),
    ) {
        let mut record = grant(uses, most);
        let mut held: Vec<Drawn> = Vec::new();
        for (amount, back) in steps {
            if back {
                if let Some(drawn) = held.pop() {
                    record = record.give_back(&drawn, EARLY.now);
                }
            } else {
                let drawn = Drawn::new(record.id(), amount.into());
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
        let drawn = Drawn::new(record.id(), Amount::ZERO);
        prop_assert_eq!(revoked.draw(&drawn, EARLY.now), Err(GrantRefusal::Revoked));
    }

    /// Calls that run together are claimed all of them or none, whichever are missing.
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
        let mut changes: Vec<Change<'_>> = records.iter().zip(&claims).zip(&chosen)
            .filter(|(_, chosen)| **chosen)
            .map(|((record, event), _)| Change { record, event, facts: EARLY }).collect();
        if twice {
            changes.extend(changes.first().copied());
        }
        let all = changes.len() as u64 == size && !(twice && size > 0);
        let result = apply_all(&changes, &Drawing::new());
        prop_assert_eq!(result.is_ok(), all || changes.is_empty());
        for change in &changes {
            let alone = apply(change.record, change.event, EARLY);
            prop_assert_eq!(alone, Err(Refusal::BatchIncomplete));
        }
    }
}
