//! Submits a call: the fast path of a call that leaves no record, and the stages of all others.

use std::sync::Arc;

use futures::FutureExt as _;
use tracing::Span;

use crate::call::unrecorded_digest;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluated_call::{EvaluatedCall, NewCall};
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::execution::bound_call::BoundCall;
use crate::gate::execution::execution::Execution;
use crate::gate::intake::store_call::{Attachment, StoredCall};
use crate::gate::telemetry::{self, AdmissionFields};
use crate::gate::waiting::receipt::Receipt;
use crate::gate::waiting::submission::{Submission, record_submit_result};
use crate::gate::waiting::ticket::Ticket;
use crate::gate::waiting::waiter::WaitingCall;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState};

/// A call that may run at once.
pub(in crate::gate) enum FastPath {
    /// It runs now.
    Run(Execution),
    /// It is submitted like any other.
    No(Box<EvaluatedCall>),
}

/// A call that was evaluated, in its own span.
pub(in crate::gate) struct StartedCall {
    pub(in crate::gate) span: Span,
    pub(in crate::gate) path: FastPath,
}

/// The result of submitting a prepared call.
pub(in crate::gate) struct Admission {
    pub(in crate::gate) outcome: SubmitOutcome,
    pub(in crate::gate) receipt: Receipt,
}

/// The state of a call after its submission.
pub(in crate::gate) enum SubmitOutcome {
    /// It runs now, under this claim.
    Run(Execution),
    /// It waits.
    Waiting(WaitingCall),
    /// It has ended, or is parked.
    Ended(Box<CallRecord>),
}

impl GateCore {
    /// Evaluates a call, and starts it if it takes the fast path.
    pub(in crate::gate) fn start(&self, call: NewCall) -> Result<StartedCall, GateError> {
        let evaluated = self.evaluator.evaluate_new(call)?;
        let span = self.call_span(&evaluated);
        let path = span.in_scope(|| self.try_fast_path(evaluated));
        Ok(StartedCall { span, path })
    }

    /// Opens the span of a call.
    pub(in crate::gate) fn call_span(&self, call: &EvaluatedCall) -> Span {
        telemetry::call_span(&self.redactor, &call.key, call.tool.name(), call.tool.config().risk)
    }

    /// Starts a call that takes the fast path and that the store cannot know, because the host gave
    /// it no key.
    fn try_fast_path(&self, call: EvaluatedCall) -> FastPath {
        if !call.has_host_key && self.leaves_no_record(&call) {
            FastPath::Run(self.start_unrecorded(call))
        } else {
            FastPath::No(Box::new(call))
        }
    }

    /// Returns whether a call takes the fast path if the store does not know it.
    pub(in crate::gate) fn leaves_no_record(&self, call: &EvaluatedCall) -> bool {
        call.names_no_own_file
            && self.evaluator.qualifies_for_fast_path(&call.tool, &call.evaluation.routed)
    }

    /// Starts a call that leaves no record.
    pub(in crate::gate) fn start_unrecorded(&self, call: EvaluatedCall) -> Execution {
        let EvaluatedCall { tool, snapshot, context, evaluation, .. } = &call;
        let (assessment, routed) = (&evaluation.assessment, &evaluation.routed);
        self.record_policies(&routed.policies);
        self.evaluator.compare_with_shadow(tool, snapshot, context, assessment, routed);
        telemetry::record_unrecorded_start(tool.name(), &routed.verdict, assessment.confidence);
        call.into_execution(self.tools.states())
    }

    /// Returns whether the store knows a call: by its key, or because the same call was rejected in
    /// its run.
    ///
    /// Cancel safe: it only reads.
    pub(in crate::gate) async fn is_known(&self, call: &EvaluatedCall) -> Result<bool, GateError> {
        if !call.has_host_key {
            return Ok(false);
        }
        let (store, key) = (self.calls.store(), &call.key);
        if store.find(key).await?.is_some() {
            return Ok(true);
        }
        let former = self.vault.former_digests(call.content());
        for content in std::iter::once(call.content).chain(former) {
            if !store.rejected(&key.tenant, &key.run, content, 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Prepares an evaluated call for its submission.
    pub(in crate::gate) fn prepare(&self, call: EvaluatedCall) -> PreparedCall {
        let requester = self.identities.requester_rule(&call.tool, &call.context);
        self.evaluator.prepare(call, requester)
    }

    /// The first of two phases: submits a call, asks inline if it needs Quick, and runs it if it
    /// may run now. Records the result in the current span.
    pub(in crate::gate) async fn submit(
        self: &Arc<Self>,
        evaluated: Box<EvaluatedCall>,
        call: Box<dyn BoundCall>,
        retry_of: Option<RequestId>,
    ) -> Result<Submission, GateError> {
        let result = self.submit_and_run(evaluated, call, retry_of).await;
        record_submit_result(&result);
        result
    }

    async fn submit_and_run(
        self: &Arc<Self>,
        evaluated: Box<EvaluatedCall>,
        call: Box<dyn BoundCall>,
        retry_of: Option<RequestId>,
    ) -> Result<Submission, GateError> {
        let mut prepared = Box::new(self.prepare(*evaluated));
        if let Some(failed) = retry_of {
            self.prepare_retry(&mut prepared, failed).boxed().await?;
        }
        let Admission { outcome, receipt } =
            self.submit_prepared(&mut prepared, Attachment::Detached).await?;
        let record = match outcome {
            SubmitOutcome::Run(execution) => {
                let outcome = call.execute(&self.executor, execution).await?;
                return Ok(Submission::Done { outcome, receipt });
            }
            SubmitOutcome::Ended(record) => *record,
            SubmitOutcome::Waiting(mut waiting) => {
                let record = self.review_inline(&waiting.record).await?;
                let is_theirs = self.is_left_to_others(&record).boxed().await?;
                match record.state {
                    CallState::Approved if !is_theirs => {
                        let outcome = self.wait_for_outcome(&waiting).await?;
                        return Ok(Submission::Done { outcome, receipt });
                    }
                    CallState::Pending | CallState::Approved | CallState::Claimed => {
                        *waiting.record = record;
                        let ticket = Ticket::new(Arc::clone(self), waiting, receipt);
                        return Ok(Submission::Pending(ticket));
                    }
                    _ => record,
                }
            }
        };
        Ok(Submission::Done { outcome: self.outcome_of_record(&record).await?, receipt })
    }

    /// Submits a prepared call. On an error nothing has run.
    pub(in crate::gate) async fn submit_prepared(
        &self,
        prepared: &mut PreparedCall,
        attachment: Attachment,
    ) -> Result<Admission, GateError> {
        let earlier = self.find_earlier(prepared).await?;
        if earlier.is_none() {
            self.complete_evaluation(prepared).await?;
        }
        self.deny_if_rejected_before(prepared).await?;
        self.record_policies(&prepared.routed.policies);
        prepared.note_retry();
        let tried = Vec::new();
        if earlier.is_none() {
            self.try_grant(prepared, &tried).await?;
        }
        let mut receipt = Receipt::new(prepared);
        if prepared.is_unrecorded() && earlier.is_none() {
            return Ok(self.start_prepared(prepared, receipt));
        }
        self.check_before_storing(prepared).await?;
        prepared.record.attached = attachment == Attachment::Attached;
        prepared.set_initial_state(self.calls.session());
        let stored = match earlier {
            Some(record) if record.content == prepared.record.content => {
                StoredCall::Existing(record)
            }
            Some(record) => {
                StoredCall::Existing(self.match_earlier_call(prepared, record).boxed().await?)
            }
            None => self.store_new(prepared, &mut receipt, tried).await?,
        };
        let record = match stored {
            StoredCall::Existing(record) => {
                receipt.reattached = true;
                self.reattach(record, prepared.owner, attachment).await?
            }
            StoredCall::Created(record) => {
                self.evaluator.compare_prepared(prepared);
                if record.state == CallState::Claimed {
                    self.record_grant_use(&record);
                }
                record
            }
        };
        receipt.id = Some(record.id());
        record_submission(&receipt, prepared);
        Ok(Admission { outcome: self.outcome_of_submission(record, prepared), receipt })
    }

    /// Returns the record of a call that may run without a store, if its key has one: a read that
    /// would run now may have been asked about, and rejected, under this key before. A call that is
    /// known already was scored when it was new.
    async fn find_earlier(&self, prepared: &PreparedCall) -> Result<Option<CallRecord>, GateError> {
        let may_run = prepared.is_unrecorded() || self.evaluator.asks_scorers(&prepared.routed);
        if may_run && prepared.has_host_key {
            return Ok(self.calls.store().find(prepared.record.key()).await?);
        }
        Ok(None)
    }

    /// Completes the evaluation of a new call with what must be awaited: scorers, links, the
    /// contents that it names, and the directory.
    async fn complete_evaluation(&self, prepared: &mut PreparedCall) -> Result<(), GateError> {
        self.evaluator.score(prepared).await?;
        self.check_links(prepared).await?;
        if prepared.tool.reads_contents() {
            self.read_named_contents(prepared).boxed().await?;
        }
        self.name_requester(prepared);
        Ok(())
    }

    /// Starts a prepared call that leaves no record.
    fn start_prepared(&self, prepared: &PreparedCall, receipt: Receipt) -> Admission {
        self.evaluator.compare_prepared(prepared);
        record_submission(&receipt, prepared);
        let PreparedCall { tool, record, routed, .. } = prepared;
        let version = tool.version().map(AsRef::as_ref);
        let execution = Execution::prepared(
            record,
            unrecorded_digest(record.content, tool.fingerprint(), version),
            prepared.snapshot.clone(),
            tool.body_spec(),
            routed.policies.clone(),
            self.tools.states(),
        );
        let execution = execution.with_contents(prepared.referents.to_given());
        Admission { outcome: SubmitOutcome::Run(execution), receipt }
    }

    /// Checks that a call that waits reads back from its snapshot, from which it will run, and
    /// notes the links that its arguments name.
    async fn check_before_storing(&self, prepared: &mut PreparedCall) -> Result<(), GateError> {
        if prepared.is_held() || prepared.is_asked_about() {
            prepared.tool.check_read_back(&prepared.snapshot)?;
            self.note_links(prepared).boxed().await;
        }
        Ok(())
    }

    fn outcome_of_submission(&self, record: CallRecord, prepared: &PreparedCall) -> SubmitOutcome {
        match (record.state, record.claim, prepared.record.claim) {
            (CallState::Claimed, Some(stored), Some(own)) if stored.token == own.token => {
                let execution = Execution::recorded(
                    &record,
                    stored,
                    prepared.snapshot.clone(),
                    prepared.tool.body_spec(),
                    prepared.routed.policies.clone(),
                    self.tools.states(),
                );
                SubmitOutcome::Run(execution.with_contents(prepared.referents.to_given()))
            }
            (CallState::Pending | CallState::Approved | CallState::Claimed, ..) => {
                SubmitOutcome::Waiting(WaitingCall::new(record, prepared.owner))
            }
            _ => SubmitOutcome::Ended(Box::new(record)),
        }
    }
}

/// Records in the current span how the gate accepted a call.
fn record_submission(receipt: &Receipt, prepared: &PreparedCall) {
    let fields = AdmissionFields {
        tool: prepared.tool.name(),
        verdict: &receipt.verdict,
        confidence: receipt.assessment.confidence,
        reattached: receipt.reattached,
    };
    telemetry::record_submission(receipt.id, &fields);
}
