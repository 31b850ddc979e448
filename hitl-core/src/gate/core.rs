//! The parts of a gate.

use std::sync::Arc;

use hitl_base::Redactor;

use crate::approval::Approver;
use crate::gate::audit::ledger::AuditLedger;
use crate::gate::break_glass::declared::DeclaredEnvelopes;
use crate::gate::calls::call_store::CallStore;
use crate::gate::calls::lifecycle::Lifecycle;
use crate::gate::contents::named_contents::NamedContents;
use crate::gate::evaluation::effects::Effects;
use crate::gate::evaluation::evaluator::Evaluator;
use crate::gate::evaluation::identities::Identities;
use crate::gate::execution::executor::Executor;
use crate::gate::freeze::freeze_check::FreezeCheck;
use crate::gate::keys::vault::Vault;
use crate::gate::notices::notifier::Notifier;
use crate::gate::parked::reconcilers::Reconcilers;
use crate::gate::tools::registry::ToolRegistry;
use crate::policy::PolicyVersion;
use crate::sync::Runtime;

/// The parts of a gate. Each part keeps its own state; functions that need several of them are in
/// the folder of their phase.
pub(in crate::gate) struct GateCore {
    pub(in crate::gate) tools: ToolRegistry,
    pub(in crate::gate) evaluator: Evaluator,
    pub(in crate::gate) identities: Identities,
    pub(in crate::gate) contents: NamedContents,
    pub(in crate::gate) envelopes: DeclaredEnvelopes,
    pub(in crate::gate) effects: Effects,
    pub(in crate::gate) reconcilers: Reconcilers,
    pub(in crate::gate) calls: Arc<CallStore>,
    pub(in crate::gate) freezes: FreezeCheck,
    pub(in crate::gate) vault: Arc<Vault>,
    pub(in crate::gate) audit: Arc<AuditLedger>,
    pub(in crate::gate) lifecycle: Arc<Lifecycle>,
    pub(in crate::gate) executor: Arc<Executor>,
    pub(in crate::gate) approver: Option<Arc<dyn Approver>>,
    pub(in crate::gate) notifier: Arc<Notifier>,
    pub(in crate::gate) redactor: Redactor,
    pub(in crate::gate) runtime: Runtime,
}

impl GateCore {
    /// Audits the versions of the policies that were evaluated, if they have changed since they
    /// were last audited.
    pub(in crate::gate) fn record_policies(&self, versions: &[PolicyVersion]) {
        if self.evaluator.has_policies() {
            self.audit.record_policies(versions);
        }
    }
}
