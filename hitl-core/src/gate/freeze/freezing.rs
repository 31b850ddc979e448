//! Freezing and thawing. A freeze is stored first and audited after it; a thaw is audited first,
//! and if that fails, everything stays frozen.

use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_base::redact::Taint;

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallKey, PrincipalKind};
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::freeze::freeze_check::READ_COUNTS_FOR;
use crate::gate::gate::Gate;
use crate::gate::masking::mask_text;
use crate::store::{FREEZES, Freeze, FreezeScope, Freezes, StoreError, StoreErrorKind};
use crate::sync::sleep;

/// The most characters of a freeze's reason.
pub const MAX_FREEZE_REASON: usize = 1_000;

/// The most attempts when others freeze and thaw at the same time.
const TRIES: u32 = 100;

impl Gate {
    /// Freezes all tenants or one: once this returns, no call that the freeze reaches starts, in
    /// any process with a gate over this store, until a person [thaws](Self::thaw) it. Bodies that
    /// run go on.
    ///
    /// Calls are still submitted, shown and decided. An approved call waits, and starts after the
    /// thaw if it has not expired by then. A call that nobody has to approve is refused with
    /// [`Frozen`](GateErrorKind::Frozen), and may be made again later.
    ///
    /// Everyone may freeze who may decide each call that it reaches. Idempotent: if the scope is
    /// frozen already, that freeze stays, and is returned.
    ///
    /// It takes a second: for so long a gate may start read-only calls, which leave no record,
    /// without reading the store.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](GateErrorKind::Forbidden) if it is not theirs to freeze,
    /// [`NotFrozen`](GateErrorKind::NotFrozen) without a reason, or with one that is longer than
    /// [`MAX_FREEZE_REASON`] characters, and [`Store`](GateErrorKind::Store) if the store fails.
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped, so
    /// that the freeze is audited too.
    pub async fn freeze(
        &self,
        scope: FreezeScope,
        reason: &str,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<Freeze, GateError> {
        let by = by.into();
        check_reaches(&by, &scope)?;
        let reason = check_reason(&self.core, reason)?;
        let core = Arc::clone(&self.core);
        let freezing = async move {
            let at = core.calls.store().now().await?;
            let (principal, known_by) = (by.principal.clone(), Some(by.known_by));
            let new = Freeze { scope, by: principal, known_by, reason, at };
            let change = |freezes: &Freezes| freezes.with(new.clone()).transpose();
            let freeze = if exchange(&core, change).await?.is_some() {
                let entry = freeze_record(AuditEvent::Frozen, &new.scope, new.at);
                core.audit.record_decider(entry, &by, new.reason.clone());
                core.notifier.say_frozen(&new);
                new
            } else {
                let earlier = core.freezes.read().await?.of(&new.scope).cloned();
                earlier.ok_or_else(|| GateError::from(thawed_meanwhile()))?
            };
            sleep(READ_COUNTS_FOR).await;
            Ok(freeze)
        };
        detach_on_drop(&self.core.runtime, freezing).await
    }

    /// Thaws all tenants or one. Only a human may, and it is audited before it happens. Returns
    /// the freeze that ended; `None` if the scope was not frozen.
    ///
    /// Approved calls that wait start within moments, where their process watches the store, and
    /// within 5 seconds elsewhere.
    ///
    /// A thaw of all tenants does not thaw one that is frozen by itself.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](GateErrorKind::Forbidden) if `by` is not a human or it is not theirs to thaw,
    /// [`Audit`](GateErrorKind::Audit) if it cannot be audited: then everything stays frozen, and
    /// [`Store`](GateErrorKind::Store) if the store fails.
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped.
    pub async fn thaw(
        &self,
        scope: &FreezeScope,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<Option<Freeze>, GateError> {
        let (by, scope) = (by.into(), scope.clone());
        check_reaches(&by, &scope)?;
        if by.principal.kind() != PrincipalKind::Human {
            return Err(GateError::new(GateErrorKind::Forbidden, "only a human thaws; ask one"));
        }
        let core = Arc::clone(&self.core);
        let thawing = async move {
            let Some(freeze) = core.freezes.read().await?.of(&scope).cloned() else {
                return Ok(None);
            };
            let at = core.calls.store().now().await?;
            let mut entry = freeze_record(AuditEvent::Thawed, &scope, at).known(&by);
            entry.note =
                Some(format!("frozen at {} by {}: {}", freeze.at, freeze.by, freeze.reason));
            core.audit.write_intent(&entry)?;
            // A freeze that began after the record was written stays.
            let change = |freezes: &Freezes| match freezes.without(&scope) {
                Some((ended, next)) if ended == freeze => Ok(Some(next)),
                _ => Ok(None),
            };
            Ok(exchange(&core, change).await?.map(|()| freeze.clone()))
        };
        detach_on_drop(&self.core.runtime, thawing).await
    }

    /// Returns the freezes in force, in the order in which they began.
    ///
    /// # Errors
    ///
    /// [`Store`](GateErrorKind::Store) if the store cannot be read, or what it keeps is not
    /// readable: then everything is frozen.
    pub async fn freezes(&self) -> Result<Vec<Freeze>, GateError> {
        Ok(self.core.freezes.read().await?.iter().cloned().collect())
    }
}

/// Replaces the freezes in force by what `change` returns. `None` if it returned nothing: then
/// nothing has changed.
async fn exchange(
    core: &GateCore,
    change: impl Fn(&Freezes) -> Result<Option<Freezes>, StoreError>,
) -> Result<Option<()>, GateError> {
    let store = core.calls.store();
    for _ in 0..TRIES {
        let kept = store.metadata(FREEZES).await?;
        let Some(next) = change(&Freezes::parse(kept.as_deref())?)? else { return Ok(None) };
        let next = next.to_text()?;
        match store.compare_and_set_metadata(FREEZES, kept.as_deref(), &next).await {
            Ok(true) => return Ok(Some(())),
            Ok(false) => {}
            // If it was written, the value is there.
            Err(error) if error.kind() == StoreErrorKind::Ambiguous => {
                if store.metadata(FREEZES).await?.as_deref() == Some(&next) {
                    return Ok(Some(()));
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    let why = "too many people freeze and thaw at once; look what is frozen, and try again";
    Err(StoreError::new(StoreErrorKind::Unavailable, why).into())
}

/// Returns the error for a scope that was frozen already, and thawed before this was known.
fn thawed_meanwhile() -> StoreError {
    let why = "it was frozen already, and somebody has just thawed it; freeze it again";
    StoreError::new(StoreErrorKind::Unavailable, why)
}

/// Returns the audit record of a freeze or a thaw.
fn freeze_record(event: AuditEvent, scope: &FreezeScope, at: Timestamp) -> AuditRecord {
    let mut entry = AuditRecord::about(event, scope.to_string(), at);
    if let FreezeScope::Tenant(tenant) = scope {
        entry.key = Some(CallKey { tenant: tenant.clone(), run: "".into(), position: 0 });
    }
    entry
}

/// Checks that the host lets a person decide every call that a scope reaches.
fn check_reaches(by: &ReviewerIdentity, scope: &FreezeScope) -> Result<(), GateError> {
    let may = match scope {
        FreezeScope::All => by.decides.is_none(),
        FreezeScope::Tenant(tenant) => by.may_decide(tenant),
    };
    if may {
        return Ok(());
    }
    let why = "it reaches calls of tenants that they may not decide; name a tenant of theirs";
    Err(GateError::new(GateErrorKind::Forbidden, why))
}

/// Masks a reason. An empty or a long one is refused.
fn check_reason(core: &GateCore, reason: &str) -> Result<String, GateError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_FREEZE_REASON {
        let why = format!("say why, in at most {MAX_FREEZE_REASON} characters");
        return Err(GateError::new(GateErrorKind::NotFrozen, why));
    }
    Ok(mask_text(&core.redactor, reason, &Taint::default()).into_owned())
}
