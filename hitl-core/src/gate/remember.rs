//! An explicit rejection is remembered: the same call, in the same run and the same circumstances,
//! is not asked about again.

use super::error::GateError;
use super::handle::Inner;
use super::prepare::Prepared;
use crate::approval::{DecisionKind, RepeatPolicy};
use crate::machine::CallRecord;
use crate::policy::Verdict;

/// How many rejections of one content in one run are looked at. They differ in their circumstances.
const MOST: usize = 100;
/// Under how many former keys rejections are looked for, the newest first: each is a query. With
/// one rotation in a month, a run that lasts for longer than half a year is asked about again.
const FORMER_KEYS: usize = 6;

impl Inner {
    /// Denies a call that a human has rejected in this run. Only a rejection is remembered: what
    /// was approved, or failed, never stands in the way of a later call.
    pub(super) async fn remember(&self, prepared: &mut Prepared) -> Result<(), GateError> {
        if !prepared.keyed || matches!(prepared.routed.verdict, Verdict::Deny(_)) {
            return Ok(());
        }
        let record = &prepared.record;
        let (key, circumstances) = (record.key(), record.circumstances);
        let mut rejected = self.store.rejected(&key.tenant, &key.run, record.content, MOST).await?;
        let asked = (&*record.request.tool, &prepared.snapshot, &record.context);
        for content in self.older_contents(asked).take(FORMER_KEYS) {
            rejected.extend(self.store.rejected(&key.tenant, &key.run, content, MOST).await?);
        }
        let same = |earlier: &&CallRecord| {
            // Whoever comes back for the rejected call itself gets its own outcome.
            earlier.key() != key
                && earlier.circumstances.is_some()
                && earlier.circumstances == circumstances
        };
        let Some(earlier) = rejected.iter().find(same) else { return Ok(()) };
        let answer = earlier.decided.as_ref().map(|decided| &decided.answer);
        let reason = match answer {
            Some(DecisionKind::Reject { again: RepeatPolicy::Allowed, .. }) => return Ok(()),
            Some(DecisionKind::Reject { reason: Some(reason), .. }) => format!(": {reason}"),
            _ => String::new(),
        };
        prepared.deny(format!("a reviewer has rejected the same call in this run{reason}"));
        Ok(())
    }
}
