//! The events of a call, as sent by somebody who sees a record.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(
    unreachable_pub,
    clippy::panic,
    reason = "shared by the test files, and fails as they do"
)]

use std::sync::OnceLock;

use hitl_base::Timestamp;
use hitl_core::approval::ReviewerIdentity;
use hitl_core::grant::GrantUse;
use hitl_core::machine::{
    CallRecord, CallState as S, Claim, Event, Reask, ReconcileAnswer, Refusal, Resolution,
    StoreFacts, Transition, Withdrawal, apply_with,
};
use hitl_core::policy::Requirement;
use hitl_core::store::suite::{Draft, edited, facts, failure, grant};
use serde_json::{Value, json};

use hitl_core::{
    Amount, ApprovalLevel, ClaimToken, DecisionId, GrantRecord, OwnerToken, Principal, RequestId,
    SessionId,
};

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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
    Deliver,
    Reask,
    ShowRepeat,
    FoundEffect,
    FoundNoEffect,
    Extend,
    TakeBack,
    Assign,
}

impl Kind {
    pub const ALL: [Self; 33] = [
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
        Self::Deliver,
        Self::Reask,
        Self::ShowRepeat,
        Self::FoundEffect,
        Self::FoundNoEffect,
        Self::Extend,
        Self::TakeBack,
        Self::Assign,
    ];

    /// Returns the event from somebody who sees `record` and holds `token` and `owner`.
    pub fn event(self, record: &CallRecord, token: ClaimToken, owner: OwnerToken) -> Event {
        let request = record.request();
        let (binding, version, by) = (request.binding, record.version(), Principal::new("olga"));
        let resolve = |resolution| Event::Resolve { version, resolution, by: by.clone() };
        let cancel = |by| Event::Cancel { by, reason: "enough".to_owned() };
        let reason = "the policy changed".to_owned();
        match self {
            Self::Approve => Event::Decide(request.approve().by("alice")),
            Self::Reject => Event::Decide(request.reject("no").by("alice")),
            Self::Respond => Event::Decide(request.respond("ask first").by("alice")),
            Self::Abort => Event::Decide(request.abort("stop").by("alice")),
            Self::Attach => Event::Attach { owner: Some(owner), attached: true },
            Self::Deliver => Event::Deliver,
            Self::CancelByOwner => cancel(Withdrawal::Owner(owner)),
            Self::CancelByHost => cancel(Withdrawal::Host(by)),
            Self::Expire => Event::Expire,
            Self::Demote => Event::RequireMore {
                binding,
                requirement: Requirement::new(ApprovalLevel::Full),
                reason,
            },
            Self::ShowRepeat => Event::ShowRepeat {
                binding,
                earlier: RequestId::new(),
                requirement: Requirement::new(ApprovalLevel::Full),
                reason,
            },
            Self::Extend => {
                Event::Extend { revision: request.revision, binding, by: "alice".into() }
            }
            Self::TakeBack => {
                Event::TakeBack { revision: request.revision, binding, by: "alice".into() }
            }
            Self::Assign => Event::Assign { to: Some("carol".into()), by: "alice".into() },
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
            Self::Lose => Event::ExecutorLost,
            Self::Restore => Event::Restore,
            Self::MarkExecuted => resolve(Resolution::Executed),
            Self::MarkFailed => resolve(Resolution::Failed { reason }),
            Self::Retry => resolve(Resolution::Retry { attested: true }),
            Self::TryAgain => Event::RetryIdempotent { version, most: 3 },
            Self::FoundEffect => Event::Reconcile { version, answer: ReconcileAnswer::Executed },
            Self::FoundNoEffect => {
                Event::Reconcile { version, answer: ReconcileAnswer::NotExecuted { most: 3 } }
            }
            Self::Allow => {
                let drawn = GrantUse::new(the_grant().id(), Amount::ZERO);
                Event::ApproveByGrant { decision: DecisionId::new(), binding, drawn, by }
            }
            Self::Disallow => Event::GrantExhausted { binding, reason },
            Self::Reask => {
                let mut tool = facts(record);
                tool.build = Some(format!("{}.0", request.revision + 1));
                Event::Reask(Box::new(Reask::new(binding, tool, reason)))
            }
            Self::CancelBySibling => cancel(Withdrawal::Sibling(RequestId::new())),
            Self::Edit => {
                let decision = request.edit(r#"{"contract_id":2}"#).by("alice");
                // Each revision has different content from the one before.
                let content = 100 + u64::from(request.revision);
                edited(record, decision, content, request.level)
            }
        }
    }
}

/// Returns a grant without limits, on which every event may draw.
pub fn the_grant() -> &'static GrantRecord {
    static GRANT: OnceLock<GrantRecord> = OnceLock::new();
    GRANT.get_or_init(|| grant(None, None))
}

pub fn apply(record: &CallRecord, event: &Event, facts: StoreFacts) -> Result<Transition, Refusal> {
    apply_with(record, event, facts, Some(the_grant())).map(|(step, _)| step)
}

pub fn start(level: ApprovalLevel, owner: OwnerToken) -> CallRecord {
    let draft = Draft::new("run", 1).level(level).owner(owner).idempotent().attaching();
    draft.call().stamped(Timestamp::EPOCH)
}

/// Sets fields of a record by the names under which they are stored. A store may hold a record that
/// no gate has written.
pub fn set(record: &mut CallRecord, fields: Value) {
    let mut json = serde_json::to_value(&*record).unwrap();
    merge(&mut json, fields);
    *record = serde_json::from_value(json).unwrap();
}

fn merge(into: &mut Value, fields: Value) {
    match (into, fields) {
        (Value::Object(into), Value::Object(fields)) => {
            for (name, value) in fields {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}

/// Returns a record in `state`, held by `token`, whose guards all pass.
pub fn in_state(state: S, token: ClaimToken, owner: OwnerToken) -> CallRecord {
    let mut record = start(ApprovalLevel::Quick, owner);
    set(&mut record, json!({ "state": state }));
    if matches!(state, S::Claimed | S::OutcomeUnknown) {
        set(&mut record, json!({ "claim": Claim { token, session: SessionId::new() } }));
    }
    record
}

pub fn changed(result: Result<Transition, Refusal>) -> CallRecord {
    match result {
        Ok(Transition::Changed(record)) => record,
        other => panic!("it must change the record, and yet: {other:?}"),
    }
}

pub const EARLY: StoreFacts = StoreFacts {
    now: Timestamp::from_millis(1),
    claimant_dead: false,
    decision_used: false,
    frozen: false,
};

pub fn approve(
    record: &CallRecord,
    by: impl Into<ReviewerIdentity>,
) -> Result<Transition, Refusal> {
    apply(record, &Event::Decide(record.request().approve().by(by)), EARLY)
}
