//! What a gate tells `tracing` and, with the feature `metrics`, the `metrics` facade. The names and
//! fields are a promise: `docs/observability.md` lists them.
//!
//! Nothing here has a secret: no argument, no reason, no message; only ids, names and words of
//! ours. What the host chose itself (tenant, run) is redacted all the same.

use tracing::Span;
use tracing::field::Empty;

use super::error::{CallError, GateError, NotRun};
use super::handle::Inner;
use super::prepare::Judged;
use super::submission::{Receipt, Submission};
use crate::call::{CallKey, Outcome, Risk};
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState};
use crate::policy::{ApprovalLevel, Verdict};

impl Inner {
    /// The span of a call at a front door. What is not known yet is recorded when it is.
    pub(super) fn call_span(&self, judged: &Judged) -> Span {
        let spec = &judged.tool.spec;
        self.span_of_call(&judged.key, &spec.name, spec.config.risk)
    }

    /// The span of somebody who waits for a call.
    pub(super) fn wait_span(&self, record: &CallRecord) -> Span {
        let request = &record.request;
        let span = self.span_of_call(&request.key, &request.tool, request.risk);
        span.record("call", tracing::field::display(request.id));
        span.record("level", tracing::field::display(request.level));
        span.record("confidence", request.assessment.confidence);
        span
    }

    fn span_of_call(&self, key: &CallKey, tool: &str, risk: Risk) -> Span {
        tracing::info_span!(
            target: "hitl",
            "hitl.call",
            call = Empty,
            tool,
            tenant = %self.redactor.text(key.tenant.as_str()),
            run = %self.redactor.text(key.run.as_str()),
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
}

/// The span of a question to an approver.
pub(super) fn review_span(record: &CallRecord) -> Span {
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

/// The span of a body.
pub(super) fn run_span(id: Option<RequestId>, tool: &str, attempt: u32) -> Span {
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

/// How the gate took a call, into the current span; and counted, when it is new.
pub(super) fn entered(receipt: &Receipt, tool: &str) {
    let span = Span::current();
    if let Some(id) = receipt.id {
        span.record("call", tracing::field::display(id));
    }
    taken(&span, &receipt.verdict, receipt.assessment.confidence);
    span.record("reattached", receipt.reattached);
    if !receipt.reattached {
        meter::routed(tool, receipt.verdict.kind().name());
    }
}

/// The same, of a call that runs at once and leaves no record.
pub(super) fn started(judged: &Judged) {
    let span = Span::current();
    if !span.is_disabled() {
        taken(&span, &judged.routed.verdict, judged.assessment.confidence);
        span.record("reattached", false);
    }
    meter::routed(&judged.tool.spec.name, judged.routed.verdict.kind().name());
}

fn taken(span: &Span, verdict: &Verdict, confidence: u8) {
    span.record("verdict", verdict.kind().name());
    if let Some(level) = verdict.level() {
        span.record("level", tracing::field::display(level));
    }
    span.record("confidence", confidence);
}

/// How it ended, into the current span.
pub(super) fn outcome(name: &str) {
    Span::current().record("outcome", name);
}

/// How a body ended for whoever did not wait any more, into the current span.
pub(super) fn late(name: &str) {
    Span::current().record("late", name);
}

/// What came of waiting for an outcome, into the current span.
pub(super) fn settled(result: &Result<Outcome, GateError>) {
    match result {
        Ok(ended) => outcome(state_of(ended).name()),
        Err(error) => failed(error),
    }
}

/// What came of a submission, into the current span.
pub(super) fn submitted(result: &Result<Submission, GateError>) {
    match result {
        Ok(Submission::Done { outcome: ended, .. }) => outcome(state_of(ended).name()),
        Ok(Submission::Pending(_)) => outcome(CallState::Pending.name()),
        Err(error) => failed(error),
    }
}

/// What came of a typed call, into the current span.
pub(super) fn called<T, E>(result: &Result<T, CallError<E>>) {
    match result {
        Ok(_) | Err(CallError::OutputUnavailable(_)) => outcome(CallState::Executed.name()),
        Err(CallError::Tool(_) | CallError::ToolFailed(_)) => outcome(CallState::Failed.name()),
        Err(CallError::Unknown(_)) => outcome(CallState::OutcomeUnknown.name()),
        Err(CallError::NotRun(NotRun::Refused(error))) => failed(error),
        Err(CallError::NotRun(not_run)) => outcome(match not_run {
            NotRun::Rejected { .. } => CallState::Rejected.name(),
            NotRun::Responded { .. } => CallState::Responded.name(),
            NotRun::Expired => CallState::Expired.name(),
            NotRun::Cancelled { .. } | NotRun::Aborted { .. } => CallState::Cancelled.name(),
            NotRun::Denied { .. } | NotRun::Refused(_) => CallState::Denied.name(),
        }),
    }
}

/// An error, by its kind only: what it says may be long, and is not needed to count it.
pub(super) fn failed(error: &GateError) {
    Span::current().record("error", tracing::field::debug(error.kind()));
}

fn state_of(outcome: &Outcome) -> CallState {
    match outcome {
        Outcome::Executed(_) => CallState::Executed,
        Outcome::Failed(_) => CallState::Failed,
        Outcome::Rejected { .. } => CallState::Rejected,
        Outcome::Responded { .. } => CallState::Responded,
        Outcome::Expired => CallState::Expired,
        Outcome::Cancelled { .. } | Outcome::Aborted { .. } => CallState::Cancelled,
        Outcome::Denied { .. } => CallState::Denied,
        Outcome::OutcomeUnknown => CallState::OutcomeUnknown,
    }
}

/// A call is over, or parked.
pub(super) fn ended(record: &CallRecord, state: CallState) {
    ended_as(&record.request.tool, record.request.level, state);
}

/// A call of this tool, at this level, is over, or parked.
pub(super) fn ended_as(tool: &str, level: ApprovalLevel, state: CallState) {
    meter::ended(tool, level, state.name());
}

/// A human has decided: how long that took, by the store's clock.
pub(super) fn decided(record: &CallRecord) {
    if let Some(decided) = &record.decided {
        let took = decided.at.saturating_duration_since(record.request.created_at);
        let choice = format!("{:?}", decided.answer.choice()).to_lowercase();
        meter::decided(&record.request.tool, record.request.level, choice, took);
    }
    if record.state.is_terminal() {
        ended(record, record.state);
    }
}

#[cfg(feature = "metrics")]
impl super::handle::Gate {
    /// Sets the gauges from what the store has: how many calls of these tenants wait for a
    /// decision, wait past their expiry, and have an unknown outcome; and how many audit records
    /// are owed. Each is counted as far as 1,000 for each tenant. Call it from a timer.
    ///
    /// Cancel safe. On an error no gauge is set.
    pub async fn sample_metrics(&self, tenants: &[crate::call::Tenant]) -> Result<(), GateError> {
        let now = self.inner.store.now().await?;
        let (mut depth, mut overdue, mut unknown) = (0, 0, 0);
        for tenant in tenants {
            let pending = self.inner.counted(tenant, CallState::Pending, now).await?;
            depth += pending.0;
            overdue += pending.1;
            unknown += self.inner.counted(tenant, CallState::OutcomeUnknown, now).await?.0;
        }
        meter::gauges(depth, overdue, unknown, self.audit_debt());
        Ok(())
    }
}

#[cfg(feature = "metrics")]
impl Inner {
    /// How many calls are in a state, and how many of them should have been decided by now.
    async fn counted(
        &self,
        tenant: &crate::call::Tenant,
        state: CallState,
        now: hitl_base::Timestamp,
    ) -> Result<(usize, usize), GateError> {
        /// As far as it is counted, and how many records are read in one go.
        const COUNTED: usize = 1_000;
        const PAGE: usize = 100;
        let (mut all, mut overdue, mut after) = (0, 0, None);
        while all < COUNTED {
            let mut page = crate::store::PageRequest::new(&[state]).limit(PAGE);
            if let Some(last) = after {
                page = page.after(last);
            }
            let records = self.store.list(tenant, page).await?;
            all += records.len();
            overdue += records.iter().filter(|record| now >= record.request.expires_at).count();
            after = records.last().map(CallRecord::id);
            if records.len() < PAGE {
                break;
            }
        }
        Ok((all, overdue))
    }
}

/// The `metrics` facade; nothing without the feature.
pub(super) mod meter {
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
    pub(super) fn routed(tool: &str, verdict: &'static str) {
        metrics::counter!("hitl_calls_total", "tool" => tool.to_owned(), "verdict" => verdict)
            .increment(1);
    }

    #[cfg(feature = "metrics")]
    pub(super) fn ended(tool: &str, level: ApprovalLevel, outcome: &'static str) {
        let tool = tool.to_owned();
        metrics::counter!("hitl_outcomes_total", "tool" => tool, "level" => level.name(), "outcome" => outcome)
            .increment(1);
    }

    #[cfg(feature = "metrics")]
    pub(super) fn decided(tool: &str, level: ApprovalLevel, answer: String, length: Duration) {
        let tool = tool.to_owned();
        metrics::histogram!("hitl_decision_seconds", "tool" => tool, "level" => level.name(), "answer" => answer)
            .record(length.as_secs_f64());
    }

    #[cfg(feature = "metrics")]
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(super) fn gauges(depth: usize, overdue: usize, unknown: usize, debt: usize) {
        metrics::gauge!("hitl_queue_depth").set(depth as f64);
        metrics::gauge!("hitl_queue_overdue").set(overdue as f64);
        metrics::gauge!("hitl_outcome_unknown").set(unknown as f64);
        metrics::gauge!("hitl_audit_debt").set(debt as f64);
    }

    #[cfg(not(feature = "metrics"))]
    pub(in crate::gate) fn describe() {}

    #[cfg(not(feature = "metrics"))]
    pub(super) fn routed(_tool: &str, _verdict: &'static str) {}

    #[cfg(not(feature = "metrics"))]
    pub(super) fn ended(_tool: &str, _level: ApprovalLevel, _outcome: &'static str) {}

    #[cfg(not(feature = "metrics"))]
    pub(super) fn decided(_tool: &str, _level: ApprovalLevel, _answer: String, _length: Duration) {}
}
