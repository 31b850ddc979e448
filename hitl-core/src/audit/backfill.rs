//! Records of changes whose writer died before it audited them: as complete as the store still
//! allows.

use super::{AuditEvent, AuditRecord};
use crate::call::Principal;
use crate::machine::{CallRecord, CallState, EndReason, HistoryEntry};

/// The beginning of the note of such a record.
const LATE: &str = "audited later, in the place of a process that did not";

impl AuditRecord {
    /// Returns the record of the change that `entry` describes, from the call's record as it is
    /// now.
    ///
    /// Later changes of the call are not part of this change: reasons, arguments and digests are
    /// filled in only if nothing has happened to the call since.
    pub(crate) fn late(entry: &HistoryEntry, record: Option<&CallRecord>) -> Self {
        let mut late = Self::about(event_of(entry), "", entry.at);
        late.subject = None;
        late.call = Some(entry.id);
        late.version = Some(entry.version);
        late.key = Some(entry.key.clone());
        late.by.clone_from(&entry.by);
        late.by_kind = entry.by.as_ref().map(Principal::kind);
        let mut note = format!("{LATE} ({})", entry.event);
        if entry.event == "restore" {
            "the store was restored from a backup".clone_into(&mut note);
        }
        if let Some(record) = record.filter(|record| !record.erased) {
            let request = &record.request;
            late.tool = Some(request.tool.clone().into());
            late.risk = Some(request.risk);
            late.principal = Some(request.principal.clone());
            late.agent.clone_from(&request.agent);
            late.tool_call.clone_from(&request.tool_call_id);
            if record.version == entry.version {
                late.revision = Some(request.revision);
                late.binding = Some(request.binding);
                late.preview = request.preview.as_ref().map(|preview| preview.digest);
                late.claim = record.claim.map(|claim| claim.token);
                if matches!(late.event, AuditEvent::Requested | AuditEvent::Edited) {
                    late.arguments = Some(request.arguments.clone());
                    late.assessment = Some(request.assessment.clone());
                }
                if let Some(EndReason::Failure(failure)) = &record.end_reason {
                    late.output = failure.output;
                }
                if let Some(said) = said(record) {
                    note.push_str(": ");
                    note.push_str(&said);
                }
            }
            let taken = record.decision.as_ref().filter(|decided| decided.at == entry.at);
            let voted = record.votes.iter().find(|vote| vote.at == entry.at);
            late.decision = taken.map(|decided| decided.id).or(voted.map(|vote| vote.id));
            let known = taken.and_then(|decided| decided.known_by);
            late.known_by = known.or(voted.and_then(|vote| vote.known_by));
            late.channel.clone_from(&entry.channel);
        }
        late.note = Some(note);
        late
    }
}

/// Returns in words the cause of the record's present state.
fn said(record: &CallRecord) -> Option<String> {
    let answer = record.decision.as_ref().filter(|decided| decided.at == record.updated_at);
    match (&record.end_reason, answer) {
        (Some(EndReason::Reason(reason)), _) => Some(reason.clone()),
        (Some(EndReason::Failure(failure)), _) => Some(failure.message.clone()),
        (None, Some(decided)) => Some(decided.answer.in_words()),
        (None, None) if record.state == CallState::Pending => {
            record.request.reasons.last().cloned()
        }
        (None, None) => None,
    }
}

/// Returns the event under which a gate would have audited the change.
fn event_of(entry: &HistoryEntry) -> AuditEvent {
    match (entry.event.as_str(), entry.state) {
        ("submitted", CallState::Pending | CallState::Approved) => AuditEvent::Requested,
        ("decide", CallState::Pending) => AuditEvent::Voted,
        ("decide", _) => AuditEvent::Decided,
        ("edit", _) => AuditEvent::Edited,
        ("extend", _) => AuditEvent::Extended,
        ("takeBack", _) => AuditEvent::TakenBack,
        ("assign", _) => AuditEvent::Assigned,
        ("expire", CallState::Pending) => AuditEvent::Escalated,
        ("release", _) => AuditEvent::Released,
        ("tryAgain", _) => AuditEvent::Retried,
        ("reconcile", _) => AuditEvent::Reconciled,
        ("resolve", _) => AuditEvent::Resolved,
        // The remaining events follow from the call's new state, also for an event that is newer
        // than this version.
        (_, CallState::Executed) => AuditEvent::Executed,
        (_, CallState::Failed) => AuditEvent::Failed,
        (_, CallState::OutcomeUnknown) => AuditEvent::Unknown,
        (_, CallState::Expired) => AuditEvent::Expired,
        (_, CallState::Cancelled) => AuditEvent::Cancelled,
        (_, CallState::Denied) => AuditEvent::Denied,
        (_, CallState::Rejected | CallState::Responded | CallState::Approved) => {
            AuditEvent::Decided
        }
        // Never `Claimed`: that is the intent, and no intent is written afterwards.
        (_, CallState::Pending | CallState::Claimed) => AuditEvent::Reopened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Event;

    fn entry(event: &str, state: CallState) -> HistoryEntry {
        serde_json::from_value(serde_json::json!({
            "id": crate::ids::RequestId::new(),
            "key": { "tenant": "acme", "run": "r", "position": 1 },
            "event": event,
            "state": state,
            "version": 3,
            "at": "2026-01-02T03:04:05.678Z",
            "by": "alice",
        }))
        .unwrap()
    }

    #[test]
    fn each_change_is_audited_under_the_name_that_its_gate_would_have_used() {
        use CallState as S;
        let table = [
            ("submitted", S::Pending, AuditEvent::Requested),
            ("submitted", S::Denied, AuditEvent::Denied),
            ("decide", S::Pending, AuditEvent::Voted),
            ("decide", S::Approved, AuditEvent::Decided),
            ("decide", S::Rejected, AuditEvent::Decided),
            ("decide", S::OutcomeUnknown, AuditEvent::Decided),
            ("edit", S::Pending, AuditEvent::Edited),
            ("edit", S::Approved, AuditEvent::Edited),
            ("extend", S::Pending, AuditEvent::Extended),
            ("takeBack", S::Pending, AuditEvent::TakenBack),
            ("assign", S::Pending, AuditEvent::Assigned),
            ("cancel", S::Cancelled, AuditEvent::Cancelled),
            ("cancel", S::OutcomeUnknown, AuditEvent::Unknown),
            ("expire", S::Expired, AuditEvent::Expired),
            ("expire", S::Pending, AuditEvent::Escalated),
            ("expire", S::OutcomeUnknown, AuditEvent::Unknown),
            ("demote", S::Pending, AuditEvent::Reopened),
            ("deny", S::Denied, AuditEvent::Denied),
            ("release", S::Approved, AuditEvent::Released),
            ("succeed", S::Executed, AuditEvent::Executed),
            ("fail", S::Failed, AuditEvent::Failed),
            ("timeOut", S::OutcomeUnknown, AuditEvent::Unknown),
            ("lose", S::OutcomeUnknown, AuditEvent::Unknown),
            ("tryAgain", S::Approved, AuditEvent::Retried),
            ("reconcile", S::Executed, AuditEvent::Reconciled),
            ("reconcile", S::Approved, AuditEvent::Reconciled),
            ("resolve", S::Executed, AuditEvent::Resolved),
            ("resolve", S::Approved, AuditEvent::Resolved),
            ("restore", S::Pending, AuditEvent::Reopened),
            ("restore", S::OutcomeUnknown, AuditEvent::Unknown),
        ];
        for (event, state, expected) in table {
            let late = AuditRecord::late(&entry(event, state), None);
            assert_eq!(late.event, expected, "{event} to {state}");
            assert_eq!(
                (late.version, late.by.as_ref().map(crate::call::Principal::as_str)),
                (Some(3), Some("alice")),
                "{event}"
            );
            assert!(late.event.completes_a_change(), "{event}: it would be audited for ever");
        }
        assert!(Event::ExecutorLost.is_audited());
    }
}
