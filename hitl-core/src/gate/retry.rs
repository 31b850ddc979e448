//! A tool that says that it is idempotent is tried once more when nobody knows how it ended.

use super::error::GateError;
use super::handle::Inner;
use crate::audit::{AuditEvent, AuditRecord};
use crate::machine::{CallRecord, CallState, Event};
use crate::store::{ApplyError, EventPayload};

impl Inner {
    /// Lets a parked call of an idempotent tool run again, as often as the tool may. False when it
    /// stays parked, for a human.
    ///
    /// Runs nothing itself: the call is approved again, and whoever claims it gives the body the
    /// same idempotency key.
    pub(super) async fn try_again(&self, record: &CallRecord) -> Result<bool, GateError> {
        if record.state != CallState::OutcomeUnknown {
            return Ok(false);
        }
        let Ok(tool) = self.same_tool(record) else { return Ok(false) };
        let config = &tool.spec.config;
        // What the tool says now counts, and so does what it said when it was approved.
        if !config.hints.idempotent || record.attempts_in_all() >= config.attempts {
            return Ok(false);
        }
        // Those of earlier tries of a call that failed count too.
        let earlier = record.attempts_in_all() - record.attempts;
        let most = config.attempts.saturating_sub(earlier);
        let event = Event::RetryIdempotent { version: record.version, most };
        let tenant = &record.key().tenant;
        match self.apply(tenant, record.id(), event, EventPayload::none()).await {
            Ok(record) => {
                let mut entry = AuditRecord::new(AuditEvent::Retried, &record, record.updated_at);
                entry.attempt = Some(record.attempts);
                self.note(&entry);
                Ok(true)
            }
            Err(ApplyError::Rejected { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
