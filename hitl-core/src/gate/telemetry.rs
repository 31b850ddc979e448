//! The output of a gate to `tracing` and, with the feature `metrics`, to the `metrics` facade. The
//! names and fields are stable: `docs/observability.md` lists them.
//!
//! Nothing here contains a secret: no argument, no reason, no message; only ids, names and words of
//! ours. Values that the host chose itself (tenant, run) are redacted all the same.

use hitl_base::Redactor;
use tracing::Span;
use tracing::field::Empty;

use crate::call::{CallKey, Outcome, Risk};
use crate::gate::error::{CallError, GateError, NotRunReason};
use crate::gate::notices::notice::Notice;
use crate::gate::notices::wait_timeout::LeftCall;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState};
use crate::policy::{ApprovalLevel, Verdict};

/// Opens the span of a call at an entry point. Fields that are not known yet are recorded later.
pub(in crate::gate) fn call_span(
    redactor: &Redactor,
    key: &CallKey,
    tool: &str,
    risk: Risk,
) -> Span {
    tracing::info_span!(
        target: "hitl",
        "hitl.call",
        call = Empty,
        tool,
        tenant = %redactor.text(key.tenant.as_str()),
        run = %redactor.text(key.run.as_str()),
        position = key.position,
        %risk,
        verdict = Empty,
        level = Empty,
        confidence = Empty,
        reattached = Empty,
        outcome = Empty,
        error = Empty,
    )
}

/// Opens the span of a caller that waits for a call.
pub(in crate::gate) fn wait_span(redactor: &Redactor, record: &CallRecord) -> Span {
    let request = &record.request;
    let span = call_span(redactor, &request.key, &request.tool, request.risk);
    span.record("call", tracing::field::display(request.id));
    span.record("level", tracing::field::display(request.level));
    span.record("confidence", request.assessment.confidence);
    span
}

/// Opens the span of a question to an approver.
pub(in crate::gate) fn review_span(record: &CallRecord) -> Span {
    let request = &record.request;
    tracing::info_span!(
        target: "hitl",
        "hitl.review",
        call = %request.id,
        tool = %request.tool,
        level = %request.level,
        revision = request.revision,
        outcome = Empty,
        error = Empty,
    )
}

/// Opens the span of a body.
pub(in crate::gate) fn run_span(id: Option<RequestId>, tool: &str, attempt: u32) -> Span {
    tracing::info_span!(
        target: "hitl",
        "hitl.run",
        call = id.map(tracing::field::display),
        tool,
        attempt,
        outcome = Empty,
        late = Empty,
        error = Empty,
    )
}

/// The fields of a span about an accepted call.
pub(in crate::gate) struct AdmissionFields<'a> {
    pub(in crate::gate) tool: &'a str,
    pub(in crate::gate) verdict: &'a Verdict,
    pub(in crate::gate) confidence: u8,
    pub(in crate::gate) reattached: bool,
}

/// Records the gate's acceptance of a call in the current span. Counts the call if it is new.
pub(in crate::gate) fn record_submission(id: Option<RequestId>, admission: &AdmissionFields<'_>) {
    let span = Span::current();
    if let Some(id) = id {
        span.record("call", tracing::field::display(id));
    }
    record_admission(&span, admission);
    if !admission.reattached {
        meter::count_call(admission.tool, admission.verdict.kind().name());
    }
}

/// Does what [`record_submission`] does, for a call that runs at once and leaves no record.
pub(in crate::gate) fn record_unrecorded_start(tool: &str, verdict: &Verdict, confidence: u8) {
    let span = Span::current();
    if !span.is_disabled() {
        record_admission(&span, &AdmissionFields { tool, verdict, confidence, reattached: false });
    }
    meter::count_call(tool, verdict.kind().name());
}

fn record_admission(span: &Span, admission: &AdmissionFields<'_>) {
    span.record("verdict", admission.verdict.kind().name());
    if let Some(level) = admission.verdict.level() {
        span.record("level", tracing::field::display(level));
    }
    span.record("confidence", admission.confidence);
    span.record("reattached", admission.reattached);
}

/// Records the outcome in the current span.
pub(in crate::gate) fn record_outcome(name: &str) {
    Span::current().record("outcome", name);
}

/// Records in the current span the outcome of a body after its time-out.
pub(in crate::gate) fn record_late_outcome(name: &str) {
    Span::current().record("late", name);
}

/// Records the result of waiting for an outcome in the current span.
pub(in crate::gate) fn record_wait_result(result: &Result<Outcome, GateError>) {
    match result {
        Ok(outcome) => record_outcome(state_of(outcome).name()),
        Err(error) => record_error(error),
    }
}

/// Records the result of a wait with a limit in the current span.
pub(in crate::gate) fn record_limited_wait_result(result: &Result<Option<Outcome>, GateError>) {
    match result {
        Ok(Some(outcome)) => record_outcome(state_of(outcome).name()),
        Ok(None) => record_outcome(CallState::Pending.name()),
        Err(error) => record_error(error),
    }
}

/// Emits the event of a notice. It holds ids and the host's own names, not the title of a call:
/// that may have words of the model.
pub(in crate::gate) fn record_notice(notice: &Notice) {
    match notice {
        Notice::Waiting(waiting) => {
            let request = waiting.request();
            tracing::info!(
                target: "hitl",
                call = %request.id,
                tool = %request.tool,
                level = %request.level,
                revision = request.revision,
                "a call waits for a decision: {}",
                waiting.how(),
            );
        }
        Notice::Parked(parked) => {
            let request = parked.request();
            tracing::warn!(
                target: "hitl",
                call = %request.id,
                tool = %request.tool,
                "a call was started, and nobody knows how it ended: {}",
                parked.how(),
            );
        }
        Notice::Frozen(frozen) => tracing::warn!(target: "hitl", "{frozen}"),
        Notice::BreakGlass(glass) => {
            tracing::warn!(target: "hitl", grant = %glass.grant(), tool = %glass.tool(), "{glass}");
        }
        Notice::Warning(warning) => tracing::warn!(target: "hitl", "{warning}"),
    }
}

/// Returns whether a subscriber takes the event of a notice.
pub(in crate::gate) fn takes_notice(notice: &Notice) -> bool {
    match notice {
        Notice::Waiting(_) => tracing::event_enabled!(target: "hitl", tracing::Level::INFO),
        Notice::Parked(_) | Notice::Frozen(_) | Notice::BreakGlass(_) | Notice::Warning(_) => {
            tracing::event_enabled!(target: "hitl", tracing::Level::WARN)
        }
    }
}

/// Records the result of a typed call in the current span.
pub(in crate::gate) fn record_call_result<T, E>(result: &Result<T, CallError<E>>) {
    match result {
        Ok(_) | Err(CallError::OutputUnavailable { .. }) => {
            record_outcome(CallState::Executed.name());
        }
        Err(CallError::Tool { .. } | CallError::ToolFailed(_)) => {
            record_outcome(CallState::Failed.name());
        }
        Err(CallError::Unknown { .. }) => record_outcome(CallState::OutcomeUnknown.name()),
        Err(CallError::NotRun(NotRunReason::Refused(error))) => record_error(error),
        Err(CallError::NotRun(not_run)) => record_outcome(match not_run {
            NotRunReason::Rejected { .. } => CallState::Rejected.name(),
            NotRunReason::Responded { .. } => CallState::Responded.name(),
            NotRunReason::Expired => CallState::Expired.name(),
            NotRunReason::TimedOut(timeout) => match timeout.left() {
                LeftCall::Withdrawn => CallState::Cancelled.name(),
                LeftCall::StillWaits => CallState::Pending.name(),
            },
            NotRunReason::Cancelled { .. } | NotRunReason::Aborted { .. } => {
                CallState::Cancelled.name()
            }
            NotRunReason::Denied { .. } | NotRunReason::Refused(_) => CallState::Denied.name(),
        }),
    }
}

/// Records an error in the current span by its kind only: the message may be long, and counting
/// does not need it.
pub(in crate::gate) fn record_error(error: &GateError) {
    Span::current().record("error", tracing::field::debug(error.kind()));
}

/// Returns the state of a call with this outcome.
pub(in crate::gate) fn state_of(outcome: &Outcome) -> CallState {
    match outcome {
        Outcome::Executed(_) => CallState::Executed,
        Outcome::Failed(_) => CallState::Failed,
        Outcome::Rejected { .. } => CallState::Rejected,
        Outcome::Responded { .. } => CallState::Responded,
        Outcome::Expired => CallState::Expired,
        Outcome::Cancelled { .. } | Outcome::Aborted { .. } => CallState::Cancelled,
        Outcome::Denied { .. } => CallState::Denied,
        Outcome::OutcomeUnknown(_) => CallState::OutcomeUnknown,
    }
}

/// Counts a call that has ended or is parked.
pub(in crate::gate) fn count_end(record: &CallRecord, state: CallState) {
    count_end_of(&record.request.tool, record.request.level, state);
}

/// Does what [`count_end`] does, for a call of this tool at this level.
pub(in crate::gate) fn count_end_of(tool: &str, level: ApprovalLevel, state: CallState) {
    meter::count_outcome(tool, level, state.name());
}

/// Records the time that a human took to decide, by the store's clock.
pub(in crate::gate) fn record_decision(record: &CallRecord) {
    if let Some(decided) = &record.decision {
        let took = decided.at.saturating_duration_since(record.request.created_at);
        let choice = format!("{:?}", decided.answer.choice()).to_lowercase();
        meter::record_decision_time(&record.request.tool, record.request.level, choice, took);
    }
    if record.state.is_terminal() {
        count_end(record, record.state);
    }
}

/// The `metrics` facade; empty without the feature.
pub(in crate::gate) mod meter {
    use std::time::Duration;

    use crate::policy::ApprovalLevel;

    #[cfg(feature = "metrics")]
    pub(in crate::gate) fn describe() {
        use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
        describe_counter!("hitl_calls_total", Unit::Count, "Calls that entered a gate.");
        describe_counter!("hitl_outcomes_total", Unit::Count, "Calls that ended or were parked.");
        describe_histogram!(
            "hitl_decision_seconds",
            Unit::Seconds,
            "From the request to its decision."
        );
        describe_gauge!("hitl_queue_depth", Unit::Count, "Calls that wait for a decision.");
        describe_gauge!("hitl_queue_overdue", Unit::Count, "Calls whose time to decide is up.");
        describe_gauge!("hitl_outcome_unknown", Unit::Count, "Calls whose outcome is not known.");
        describe_gauge!(
            "hitl_audit_debt",
            Unit::Count,
            "Audit records that could not be kept yet."
        );
    }

    #[cfg(feature = "metrics")]
    pub(in crate::gate) fn count_call(tool: &str, verdict: &'static str) {
        metrics::counter!("hitl_calls_total", "tool" => tool.to_owned(), "verdict" => verdict)
            .increment(1);
    }

    #[cfg(feature = "metrics")]
    pub(in crate::gate) fn count_outcome(tool: &str, level: ApprovalLevel, outcome: &'static str) {
        let tool = tool.to_owned();
        metrics::counter!("hitl_outcomes_total", "tool" => tool, "level" => level.name(), "outcome" => outcome)
            .increment(1);
    }

    #[cfg(feature = "metrics")]
    pub(in crate::gate) fn record_decision_time(
        tool: &str,
        level: ApprovalLevel,
        answer: String,
        length: Duration,
    ) {
        let tool = tool.to_owned();
        metrics::histogram!("hitl_decision_seconds", "tool" => tool, "level" => level.name(), "answer" => answer)
            .record(length.as_secs_f64());
    }

    #[cfg(feature = "metrics")]
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(in crate::gate) fn set_gauges(depth: usize, overdue: usize, unknown: usize, debt: usize) {
        metrics::gauge!("hitl_queue_depth").set(depth as f64);
        metrics::gauge!("hitl_queue_overdue").set(overdue as f64);
        metrics::gauge!("hitl_outcome_unknown").set(unknown as f64);
        metrics::gauge!("hitl_audit_debt").set(debt as f64);
    }

    #[cfg(not(feature = "metrics"))]
    pub(in crate::gate) fn describe() {}

    #[cfg(not(feature = "metrics"))]
    pub(in crate::gate) fn count_call(_tool: &str, _verdict: &'static str) {}

    #[cfg(not(feature = "metrics"))]
    pub(in crate::gate) fn count_outcome(
        _tool: &str,
        _level: ApprovalLevel,
        _outcome: &'static str,
    ) {
    }

    #[cfg(not(feature = "metrics"))]
    pub(in crate::gate) fn record_decision_time(
        _tool: &str,
        _level: ApprovalLevel,
        _answer: String,
        _length: Duration,
    ) {
    }
}
