//! The check that nothing is frozen, for starts that leave no record and so never ask the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::call::Tenant;
use crate::gate::calls::call_store::CallStore;
use crate::gate::error::GateError;
use crate::gate::notices::notifier::Notifier;
use crate::store::{FREEZES, Freeze, Freezes};
use crate::sync::Instant;

/// The time for which a read of the store that found nothing frozen counts.
pub(in crate::gate) const READ_COUNTS_FOR: Duration = Duration::from_secs(1);

/// Reads the store's freezes, and remembers for a second that nothing is frozen.
///
/// Claims do not rely on it: the store reads the freezes in the transaction of each claim.
pub(in crate::gate) struct FreezeCheck {
    calls: Arc<CallStore>,
    notifier: Arc<Notifier>,
    /// The time from which `clear_until` counts.
    base: Instant,
    /// The time until which the last read that found nothing frozen counts, in nanoseconds.
    clear_until: AtomicU64,
}

impl FreezeCheck {
    pub(in crate::gate) fn new(calls: Arc<CallStore>, notifier: Arc<Notifier>) -> Self {
        Self { calls, notifier, base: Instant::now(), clear_until: AtomicU64::new(0) }
    }

    /// Returns whether nothing was frozen when the store was last read, at most
    /// [`READ_COUNTS_FOR`] ago. `false` does not say that something is frozen.
    // Costs 115 instructions: 0.3 % of "auto_call" (cargo xtask instructions).
    pub(in crate::gate) fn is_known_clear(&self) -> bool {
        self.elapsed() < self.clear_until.load(Ordering::Relaxed)
    }

    /// Checks that a call of a tenant may start. Reads the store unless it
    /// [is known](Self::is_known_clear) that nothing is frozen.
    ///
    /// # Errors
    ///
    /// [`Frozen`](crate::GateErrorKind::Frozen) if the tenant is frozen, and the store's error if
    /// it cannot be read: then nothing starts.
    pub(in crate::gate) async fn check(&self, tenant: &Tenant) -> Result<(), GateError> {
        if self.is_known_clear() {
            return Ok(());
        }
        match self.reaching(tenant).await? {
            None => Ok(()),
            Some(freeze) => Err(GateError::frozen(Some(freeze))),
        }
    }

    /// Reads the store, and returns the freeze that reaches the calls of a tenant. The gate says
    /// once that it is frozen.
    pub(in crate::gate) async fn reaching(
        &self,
        tenant: &Tenant,
    ) -> Result<Option<Freeze>, GateError> {
        let freeze = self.read().await?.reaching(tenant).cloned();
        if let Some(freeze) = &freeze {
            self.notifier.say_frozen(freeze);
        }
        Ok(freeze)
    }

    /// Reads the freezes in force.
    pub(in crate::gate) async fn read(&self) -> Result<Freezes, GateError> {
        // What is read later than this may not be known to the read.
        let began = self.elapsed();
        let kept = self.calls.store().metadata(FREEZES).await?;
        let freezes = Freezes::parse(kept.as_deref())?;
        let counts_for = u64::try_from(READ_COUNTS_FOR.as_nanos()).unwrap_or(0);
        let until = if freezes.is_empty() { began.saturating_add(counts_for) } else { 0 };
        self.clear_until.store(until, Ordering::Relaxed);
        Ok(freezes)
    }

    /// Returns the nanoseconds since the gate was built.
    fn elapsed(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
