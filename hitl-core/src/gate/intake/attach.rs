//! Finds the call that a submission with [`Repeat::Attach`](super::repeat::Repeat) is.

use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::evaluation::evaluated_call::KeySource;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::intake::prior_rejection::MAX_FORMER_KEYS;
use crate::gate::intake::repeat::Repeat;
use crate::gate::intake::submit_options::SubmitOptions;
use crate::machine::CallRecord;

/// Marks a call that attaches, and refuses one that cannot: without a run nothing can be found, and
/// a retry is the next call after one with the same content. Nothing is stored.
pub(in crate::gate) fn prepare_repeat(
    prepared: &mut PreparedCall,
    options: &SubmitOptions,
) -> Result<(), GateError> {
    if options.repeat == Repeat::NewCall {
        return Ok(());
    }
    let why = if options.retry_of.is_some() {
        "a retry is a further call with the same content, so it attaches to none; leave out \
         `.repeat(Repeat::Attach)`"
    } else if !prepared.key_source.is_run_given() {
        "an identical call is looked for in its run; name the run with `.run(..)` or `.key(..)`"
    } else {
        prepared.record.attachable = true;
        return Ok(());
    };
    Err(GateError::new(GateErrorKind::Refused, why))
}

/// Returns the call that an attaching submission is, if there is one: the call of its key, or the
/// attachable call of its run with the same content, under the host's present key or a former one.
///
/// The store looks once more when the call is stored, so that of two submissions that race one
/// attaches to the other.
///
/// Cancel safe: it only reads.
pub(in crate::gate) async fn find_attachable(
    core: &GateCore,
    prepared: &PreparedCall,
) -> Result<Option<CallRecord>, GateError> {
    let (store, record) = (core.calls.store(), &prepared.record);
    let key = record.key();
    if prepared.key_source == KeySource::Host
        && let Some(found) = store.get_by_key(key).await?
    {
        return Ok(Some(found));
    }
    let former = core.vault.former_digests(prepared.content()).take(MAX_FORMER_KEYS);
    for content in std::iter::once(record.content).chain(former) {
        if let Some(found) = store.attachable(&key.tenant, &key.run, content).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
