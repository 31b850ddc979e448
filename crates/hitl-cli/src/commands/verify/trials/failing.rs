//! What fails closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hitl_core::audit::{AuditError, AuditRecord, AuditSink};
use hitl_core::policy::{Policy, Ruling};
use hitl_core::{Assessment, CallView};

use super::super::lab::{ASKS_NOBODY, Lab, Witness, builder, drive};
use super::super::trial::{Proof, Stop, control, guard};

/// An audit that can be told to fail.
#[derive(Clone, Default)]
struct Fragile(Arc<AtomicBool>);

impl AuditSink for Fragile {
    fn append(&self, _: &AuditRecord) -> Result<(), AuditError> {
        if self.0.load(Ordering::SeqCst) {
            return Err(AuditError::new("the disk is full, for a trial"));
        }
        Ok(())
    }
}

pub(super) async fn audit(lab: &Lab) -> Result<Proof, Stop> {
    let (witness, audit) = (Witness::default(), Fragile::default());
    let builder = builder(&lab.open().await?, ASKS_NOBODY, &witness)?.audit(audit.clone());
    let gate = lab.build(builder).await?;
    drive(&gate, "audit", 0).await?;
    control(witness.runs() == 1, "a run of a call that asks nobody, with an audit that works")?;
    audit.0.store(true, Ordering::SeqCst);
    let failed = drive(&gate, "audit", 1).await;
    let runs = witness.runs() - 1;
    guard(runs == 0, "a call ran whose intent the audit did not take")?;
    let succeeded = matches!(failed, Ok(hitl_core::Outcome::Executed(_)));
    guard(!succeeded, "a call that did not run counts as executed")?;
    Ok(Proof::new(
        "with an audit that works, the call ran",
        "once the audit failed, the next call did not run",
    ))
}

/// A policy that always panics.
struct Panics;

impl Policy for Panics {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        // Without the message of a panic, which would look like one of this program.
        std::panic::resume_unwind(Box::new("a policy that fails, for a trial"))
    }

    fn runs_inline(&self) -> bool {
        true
    }
}

pub(super) async fn policy(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let store = lab.open().await?;
    let gate = lab.build(builder(&store, ASKS_NOBODY, &witness)?).await?;
    drive(&gate, "policy", 0).await?;
    control(witness.runs() == 1, "a run of a call that asks nobody, without the policy")?;
    let builder = builder(&store, ASKS_NOBODY, &witness)?.policy(Panics);
    let gate = lab.build(builder).await?;
    // It may be refused or wait for a person, and must not run.
    let _ended = super::super::lab::submit(&gate, "policy", 1).await;
    guard(witness.runs() == 1, "a call ran although the policy had failed")?;
    Ok(Proof::new("without the policy, the call ran", "with a policy that fails, it did not"))
}
