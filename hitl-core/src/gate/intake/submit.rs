//! Submits a call: the start of a call that leaves no record, and the stages of all others.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tracing::Span;

use crate::call::unrecorded_digest;
use crate::gate::claiming::claim::record_grant_use;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluated_call::{EvaluatedCall, KeySource};
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::execution::bound_call::BoundCall;
use crate::gate::execution::execution::Execution;
use crate::gate::freeze::thaw_wait::{WhileFrozen, wait_until_thawed};
use crate::gate::intake::attach::{find_attachable, prepare_repeat};
use crate::gate::intake::complete_evaluation::{complete_evaluation, note_links};
use crate::gate::intake::grant_use::try_grant;
use crate::gate::intake::prior_rejection::deny_if_rejected_before;
use crate::gate::intake::repeated_effect::check_repeated_effect;
use crate::gate::intake::resubmit::match_earlier_call;
use crate::gate::intake::retry_failed::prepare_retry;
use crate::gate::intake::store_call::{Attachment, StoredCall, reattach, store_new};
use crate::gate::intake::submit_options::SubmitOptions;
use crate::gate::parked::settle::settle_before_reattaching;
use crate::gate::telemetry::{self, AdmissionFields};
use crate::gate::tools::tool_check::is_left_to_others;
use crate::gate::waiting::inline_review::review_inline;
use crate::gate::waiting::outcome::outcome_of_record;
use crate::gate::waiting::receipt::Receipt;
use crate::gate::waiting::submission::{Submission, record_submit_result};
use crate::gate::waiting::ticket::Ticket;
use crate::gate::waiting::wait_limit::WaitLimit;
use crate::gate::waiting::waiter::{WaitingCall, wait_for_outcome_within};
use crate::machine::{CallRecord, CallState};
use crate::policy::Verdict;

/// The result of submitting a prepared call.
pub(in crate::gate) struct Admission {
    pub(in crate::gate) outcome: SubmitOutcome,
    pub(in crate::gate) receipt: Receipt,
}

/// The state of a call after its submission.
pub(in crate::gate) enum SubmitOutcome {
    /// The call runs now, under this claim.
    Run(Execution),
    /// The call waits.
    Waiting(WaitingCall),
    /// The call has ended, or is parked.
    Ended(Box<CallRecord>),
}

/// Opens the span of a call.
pub(in crate::gate) fn call_span(core: &GateCore, call: &EvaluatedCall) -> Span {
    telemetry::call_span(&core.redactor, &call.key, call.tool.name(), call.tool.config().risk)
}

/// Returns whether a call leaves no record, provided that the store does not know it.
pub(in crate::gate) fn leaves_no_record(core: &GateCore, call: &EvaluatedCall) -> bool {
    call.names_no_own_file && core.evaluator.runs_at_once(&call.tool, &call.evaluation.routed)
}

/// Starts a call that leaves no record. Nothing may be frozen.
// Pays 50 % of the instructions of "auto_call" (cargo xtask instructions).
pub(in crate::gate) fn start_unrecorded(core: &GateCore, call: EvaluatedCall) -> Execution {
    let EvaluatedCall { tool, snapshot, context, evaluation, .. } = &call;
    let (assessment, routed) = (&evaluation.assessment, &evaluation.routed);
    core.record_policies(&routed.policies);
    core.evaluator.compare_with_shadow(tool, snapshot, context, assessment, routed);
    telemetry::record_unrecorded_start(tool.name(), &routed.verdict, assessment.confidence);
    call.into_execution(core.tools.states())
}

/// Returns whether the store knows a call: by its key, or because the same call was rejected in
/// its run.
///
/// Cancel safe: it only reads.
pub(in crate::gate) async fn is_known(
    core: &GateCore,
    call: &EvaluatedCall,
) -> Result<bool, GateError> {
    if !call.key_source.is_run_given() {
        return Ok(false);
    }
    let (store, key) = (core.calls.store(), &call.key);
    if call.key_source == KeySource::Host && store.get_by_key(key).await?.is_some() {
        return Ok(true);
    }
    let former = core.vault.former_digests(call.content());
    for content in std::iter::once(call.content).chain(former) {
        if !store.rejected(&key.tenant, &key.run, content, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Prepares an evaluated call for its submission.
pub(in crate::gate) fn prepare_call(core: &GateCore, call: EvaluatedCall) -> PreparedCall {
    let requester = core.identities.requester_rule(&call.tool, &call.context);
    core.evaluator.prepare(call, requester)
}

/// Performs the first of two phases: submits a call, asks inline if it needs Quick, and runs it if
/// it may run now. Records the result in the current span.
pub(in crate::gate) async fn submit_call(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
    call: Box<dyn BoundCall>,
    options: SubmitOptions,
) -> Result<Submission, GateError> {
    let result = submit_and_run(core, evaluated, call, options).await;
    record_submit_result(&result);
    result
}

async fn submit_and_run(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
    call: Box<dyn BoundCall>,
    options: SubmitOptions,
) -> Result<Submission, GateError> {
    let mut prepared = Box::new(prepare_call(core, *evaluated));
    prepare_repeat(&mut prepared, &options)?;
    if let Some(failed) = options.retry_of {
        prepare_retry(core, &mut prepared, failed).boxed().await?;
    }
    let starts = matches!(prepared.routed.verdict, Verdict::Run);
    if starts && options.while_frozen == WhileFrozen::Wait {
        let tenant = prepared.record.key().tenant.clone();
        wait_until_thawed(core, &tenant).boxed().await?;
    }
    let Admission { outcome, receipt } =
        submit_prepared(core, &mut prepared, Attachment::Detached).await?;
    let record = match outcome {
        SubmitOutcome::Run(execution) => {
            let outcome = call.execute(&core.executor, execution).await?;
            return Ok(Submission::Done { outcome, receipt });
        }
        SubmitOutcome::Ended(record) => *record,
        SubmitOutcome::Waiting(mut waiting) => {
            let record = review_inline(core, &waiting.record, &options.asked).await?;
            let is_theirs = is_left_to_others(core, &record).boxed().await?;
            match record.state {
                CallState::Approved if !is_theirs => {
                    // It runs now, unless the claim has it asked about again, or cannot tell yet.
                    let no_time = WaitLimit::starting_now(Some(Duration::ZERO));
                    let outcome = wait_for_outcome_within(core, &waiting, no_time).await?;
                    if let Some(outcome) = outcome {
                        return Ok(Submission::Done { outcome, receipt });
                    }
                    *waiting.record = core.calls.current(&waiting.tenant, waiting.id).await?;
                    core.effects.show_earlier(&mut waiting.record).await?;
                    let ticket = Ticket::new(Arc::clone(core), waiting, receipt);
                    return Ok(Submission::Pending(ticket));
                }
                CallState::Pending | CallState::Approved | CallState::Claimed => {
                    if record.state == CallState::Pending {
                        core.notifier.say_waiting(&record);
                    }
                    *waiting.record = record;
                    core.effects.show_earlier(&mut waiting.record).await?;
                    let ticket = Ticket::new(Arc::clone(core), waiting, receipt);
                    return Ok(Submission::Pending(ticket));
                }
                _ => record,
            }
        }
    };
    Ok(Submission::Done { outcome: outcome_of_record(core, &record).await?, receipt })
}

/// Submits a prepared call. On an error nothing has run.
pub(in crate::gate) async fn submit_prepared(
    core: &GateCore,
    prepared: &mut PreparedCall,
    attachment: Attachment,
) -> Result<Admission, GateError> {
    let earlier = find_earlier(core, prepared).await?;
    if earlier.is_none() {
        complete_evaluation(core, prepared).await?;
    }
    let attaches = prepared.record.attachable && earlier.is_some();
    if !attaches {
        deny_if_rejected_before(core, prepared).await?;
    }
    if earlier.is_none() {
        check_repeated_effect(core, prepared).boxed().await?;
    }
    core.record_policies(&prepared.routed.policies);
    prepared.note_retry();
    let tried = Vec::new();
    if earlier.is_none() {
        try_grant(core, prepared, &tried).await?;
    }
    let mut receipt = Receipt::new(prepared);
    // It may have waited for a thaw, or for scorers.
    prepared.tool.check_current()?;
    if prepared.is_unrecorded() && earlier.is_none() {
        core.freezes.check(&prepared.record.key().tenant).await?;
        return Ok(start_prepared(core, prepared, receipt));
    }
    check_before_storing(core, prepared).await?;
    prepared.record.attached = attachment == Attachment::Attached;
    prepared.set_initial_state(core.calls.session());
    let stored = match earlier {
        Some(record) if record.content == prepared.record.content => StoredCall::Existing(record),
        Some(record) => {
            StoredCall::Existing(match_earlier_call(core, prepared, record).boxed().await?)
        }
        None => store_new(core, prepared, &mut receipt, tried).await?,
    };
    let record = match stored {
        StoredCall::Existing(record) => {
            receipt.reattached = true;
            let record = settle_before_reattaching(core, record).boxed().await?;
            reattach(core, record, prepared.owner, attachment).await?
        }
        StoredCall::Created(record) => {
            core.evaluator.compare_prepared(prepared);
            if record.state == CallState::Claimed {
                record_grant_use(core, &record);
            }
            record
        }
    };
    receipt.id = Some(record.id());
    record_submission(&receipt, prepared);
    Ok(Admission { outcome: outcome_of_submission(core, record, prepared), receipt })
}

/// Returns the record of a call that attaches, or that may run without a store, if there is one: a
/// read that would run now may earlier have been asked about, and rejected, under this key. A call
/// with a record was scored when it was new.
async fn find_earlier(
    core: &GateCore,
    prepared: &PreparedCall,
) -> Result<Option<CallRecord>, GateError> {
    if prepared.record.attachable {
        return find_attachable(core, prepared).boxed().await;
    }
    let may_run = prepared.is_unrecorded() || core.evaluator.asks_scorers(&prepared.routed);
    if may_run && prepared.key_source == KeySource::Host {
        return Ok(core.calls.store().get_by_key(prepared.record.key()).await?);
    }
    Ok(None)
}

/// Starts a prepared call that leaves no record.
fn start_prepared(core: &GateCore, prepared: &PreparedCall, receipt: Receipt) -> Admission {
    core.evaluator.compare_prepared(prepared);
    record_submission(&receipt, prepared);
    let PreparedCall { tool, record, routed, .. } = prepared;
    let version = tool.version().map(AsRef::as_ref);
    let execution = Execution::prepared(
        record,
        unrecorded_digest(record.content, tool.fingerprint(), version),
        prepared.snapshot.clone(),
        tool.body_spec(),
        routed.policies.clone(),
        core.tools.states(),
    );
    let execution = execution.with_contents(prepared.referents.to_given());
    Admission { outcome: SubmitOutcome::Run(execution), receipt }
}

/// Checks that a waiting call reads back from its snapshot, from which it will run, and adds the
/// links that its arguments name.
async fn check_before_storing(
    core: &GateCore,
    prepared: &mut PreparedCall,
) -> Result<(), GateError> {
    if prepared.is_claimed_later() || prepared.is_asked_about() {
        prepared.tool.check_read_back(&prepared.snapshot)?;
        note_links(core, prepared).boxed().await;
    }
    Ok(())
}

fn outcome_of_submission(
    core: &GateCore,
    record: CallRecord,
    prepared: &PreparedCall,
) -> SubmitOutcome {
    match (record.state, record.claim, prepared.record.claim) {
        (CallState::Claimed, Some(stored), Some(own)) if stored.token == own.token => {
            let execution = Execution::recorded(
                &record,
                stored,
                prepared.snapshot.clone(),
                prepared.tool.body_spec(),
                prepared.routed.policies.clone(),
                core.tools.states(),
            );
            SubmitOutcome::Run(execution.with_contents(prepared.referents.to_given()))
        }
        (CallState::Pending | CallState::Approved | CallState::Claimed, ..) => {
            SubmitOutcome::Waiting(WaitingCall::new(record, prepared.owner))
        }
        _ => SubmitOutcome::Ended(Box::new(record)),
    }
}

/// Records the gate's acceptance of a call in the current span.
fn record_submission(receipt: &Receipt, prepared: &PreparedCall) {
    let fields = AdmissionFields {
        tool: prepared.tool.name(),
        verdict: &receipt.verdict,
        confidence: receipt.assessment.confidence,
        reattached: receipt.reattached,
    };
    telemetry::record_submission(receipt.id, &fields);
}
