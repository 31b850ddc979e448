//! Remembers explicit rejections: the same call, in the same run and the same circumstances, is not
//! asked about again.

use crate::approval::{DecisionKind, RepeatPolicy};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::machine::CallRecord;
use crate::policy::Verdict;

/// The most rejections of one content in one run that are read. They differ in their circumstances.
const MAX_REJECTIONS: usize = 100;
/// The most former keys under which calls of the same content are looked up, the newest first: each
/// costs a query. With one rotation a month, a run that lasts longer than half a year is asked
/// about again.
pub(in crate::gate) const MAX_FORMER_KEYS: usize = 6;

/// Denies a call that a human has rejected in this run. Only a rejection is remembered: a call
/// that was approved, or failed, never prevents a later one.
pub(in crate::gate) async fn deny_if_rejected_before(
    core: &GateCore,
    prepared: &mut PreparedCall,
) -> Result<(), GateError> {
    if !prepared.key_source.is_run_given() || matches!(prepared.routed.verdict, Verdict::Deny(_)) {
        return Ok(());
    }
    let record = &prepared.record;
    let (key, circumstances) = (record.key(), record.circumstances);
    let store = core.calls.store();
    let (tenant, run) = (&key.tenant, &key.run);
    let mut rejected = store.rejected(tenant, run, record.content, MAX_REJECTIONS).await?;
    for content in core.vault.former_digests(prepared.content()).take(MAX_FORMER_KEYS) {
        rejected.extend(store.rejected(tenant, run, content, MAX_REJECTIONS).await?);
    }
    let same = |earlier: &&CallRecord| {
        // A caller that submits the rejected call itself again gets its outcome.
        earlier.key() != key
            && earlier.circumstances.is_some()
            && earlier.circumstances == circumstances
    };
    let Some(earlier) = rejected.iter().find(same) else { return Ok(()) };
    let answer = earlier.decision.as_ref().map(|decided| &decided.answer);
    let reason = match answer {
        Some(DecisionKind::Reject { again: RepeatPolicy::Allowed, .. }) => return Ok(()),
        Some(DecisionKind::Reject { reason: Some(reason), .. }) => format!(": {reason}"),
        _ => String::new(),
    };
    prepared.deny(format!("a reviewer has rejected the same call in this run{reason}"));
    Ok(())
}
