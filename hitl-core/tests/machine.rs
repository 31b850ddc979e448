//! The state machine of a call: every pair of state and event, and random lives.
#![expect(clippy::panic, reason = "a helper fails as its test does")]

use std::collections::BTreeSet;

use hitl_base::Timestamp;
use hitl_core::machine::{
    CallRecord, CallState as S, Claim, Event, Facts, Refusal, Resolution, Step, Withdrawal, apply,
};
use hitl_core::store::suite::{Draft, failure};
use hitl_core::{ApprovalLevel, ClaimToken, OwnerToken, Principal, RequestId, SessionId};
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
}

impl Kind {
    const ALL: [Self; 20] = [
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
            Self::Demote => Event::Demote { binding, level: ApprovalLevel::Full, reason },
            Self::Deny => Event::Deny { binding, reason },
            Self::Claim => {
                Event::Claim { token, session: SessionId::new(), binding, level: request.level }
            }
            Self::Release => Event::Release { token },
            Self::Succeed => Event::Succeed { token },
            Self::Fail => Event::Fail { token, failure: failure("no") },
            Self::TimeOut => Event::TimeOut { token },
            Self::Lose => Event::Lose,
            Self::Restore => Event::Restore,
            Self::MarkExecuted => resolve(Resolution::Executed),
            Self::MarkFailed => resolve(Resolution::Failed { reason }),
            Self::Retry => resolve(Resolution::Retry { attested: true }),
        }
    }
}

fn start(level: ApprovalLevel, owner: OwnerToken) -> CallRecord {
    Draft::new("run", 1).level(level).owner(owner).call().stamped(Timestamp::EPOCH)
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
            let record = in_state(state, token, owner);
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
            let row = TABLE.contains(&(record.state, kind, next.state));
            prop_assert!(row, "{} {:?} {} is no row", record.state, kind, next.state);
            match kind {
                Kind::Claim => prop_assert_eq!(next.attempts, record.attempts + 1),
                Kind::Release => prop_assert_eq!(next.attempts + 1, record.attempts),
                _ => prop_assert_eq!(next.attempts, record.attempts),
            }
            let live = matches!(next.state, S::Claimed | S::OutcomeUnknown);
            prop_assert!(!live || next.claim.is_some());
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
