//! A guarantee that is broken is seen to fail, and only that one.

use std::sync::Arc;

use hitl_core::call::Tenant;
use hitl_core::machine::{CallRecord, Event};
use hitl_core::store::{ApplyError, EventPayload, Store, StoreWrapper};
use hitl_core::{GateBuilder, MemoryAudit, RequestId};

use super::lab::Lab;
use super::run::one;
use super::scratch::Scratch;
use super::trial::Ended;
use super::trials::Trial;
use crate::args::AuditKind;

/// The trials that need no other process: the others are tested with the program.
fn here() -> impl Iterator<Item = Trial> {
    Trial::ALL.into_iter().filter(|trial| ![Trial::Killed, Trial::Secrets].contains(trial))
}

async fn lab(settings: fn(GateBuilder) -> GateBuilder) -> Lab {
    Lab {
        scratch: Scratch::create(None).await.unwrap(),
        rules: None,
        rule_text: None,
        audit_kind: AuditKind::Jsonl,
        wrap: |store| store,
        settings,
    }
}

/// Returns the trials that fail in this laboratory.
async fn failing(lab: &Lab) -> Vec<Trial> {
    let mut failing = Vec::new();
    for trial in here() {
        let result = one(trial, lab, None).await;
        if let Ended::Failed { why } = result.ended {
            assert!(!why.is_empty(), "{trial:?}");
            failing.push(trial);
        }
    }
    failing
}

#[tokio::test]
async fn every_guarantee_holds_on_a_sound_configuration() {
    for kind in [AuditKind::Jsonl, AuditKind::Sqlite] {
        let mut lab = lab(|gate| gate).await;
        lab.audit_kind = kind;
        for trial in here() {
            let result = one(trial, &lab, None).await;
            let expected = match result.ended {
                Ended::NotApplicable { .. } => trial == Trial::RuleFile,
                Ended::Passed { .. } => trial != Trial::RuleFile,
                Ended::Failed { .. } => false,
            };
            assert!(expected, "{result:?}");
        }
    }
}

#[tokio::test]
async fn a_gate_that_lets_requesters_approve_is_found() {
    let lab = lab(GateBuilder::requester_may_decide).await;
    let found = failing(&lab).await;
    assert!(found.contains(&Trial::SelfApproval), "{found:?}");
    assert!(!found.contains(&Trial::AtMostOnce), "{found:?}");
}

#[tokio::test]
async fn an_audit_that_hides_its_failures_is_found() {
    let lab = lab(|gate| gate.audit(MemoryAudit::new())).await;
    let found = failing(&lab).await;
    assert!(found.contains(&Trial::AuditFails), "{found:?}");
    assert!(!found.contains(&Trial::AtMostOnce), "{found:?}");
}

/// A store that takes every decision, also the one that came too late.
struct Agreeable(Arc<dyn Store>);

#[async_trait::async_trait]
impl StoreWrapper for Agreeable {
    type Inner = dyn Store;

    fn inner(&self) -> &dyn Store {
        &*self.0
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        match Store::apply(&*self.0, tenant, id, event, enclosed).await {
            Err(ApplyError::Rejected { current, .. }) => Ok(*current),
            other => other,
        }
    }
}

#[tokio::test]
async fn a_store_that_takes_every_decision_is_found() {
    let mut lab = lab(|gate| gate).await;
    lab.wrap = |store| Arc::new(Agreeable(store));
    for trial in [Trial::OneDecision, Trial::Bound] {
        let result = one(trial, &lab, None).await;
        assert!(matches!(result.ended, Ended::Failed { .. }), "{result:?}");
    }
}

#[tokio::test]
async fn a_rule_file_in_force_that_denies_everything_leaves_nothing_to_try() {
    let mut lab = lab(|gate| gate).await;
    let text = "schema = 1\nversion = \"1\"\n[[rule]]\nname = \"none\"\neffect = \"deny\"\n";
    lab.rule_text = Some(text.to_owned());
    lab.rules = Some(hitl_core::RuleSet::parse(text).unwrap());
    let result = one(Trial::AtMostOnce, &lab, None).await;
    let Ended::NotApplicable { why } = result.ended else { panic!("{result:?}") };
    assert!(why.contains("the rule file denies"), "{why}");
}
