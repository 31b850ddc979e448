//! The handle on a gate, and its simple read operations.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use hitl_base::{JsonText, Timestamp};

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{Principal, ToolConfig};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::notices::build_warning::BuildWarning;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::machine::CallRecord;
use crate::policy::ShadowReport;
use crate::store::ChangeWatch;

/// The gate that every call of its tools passes through. Cheap to clone; clones share the same
/// gate.
///
/// See [`GateBuilder`](crate::GateBuilder) for how to create one.
#[derive(Clone)]
pub struct Gate {
    pub(in crate::gate) core: Arc<GateCore>,
}

/// The description of a tool for a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolInfo {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its name for people, if it has one.
    pub title: Option<String>,
    /// Its effect, in words.
    pub description: Cow<'static, str>,
    /// The JSON Schema of its arguments.
    pub schema: JsonText,
    /// Its configuration.
    pub config: ToolConfig,
}

impl Gate {
    /// Returns the registered tools in the order of their names, for a model.
    pub fn tools(&self) -> Vec<ToolInfo> {
        let info = |tool: &Arc<RegisteredTool>| ToolInfo {
            name: tool.name().clone(),
            title: tool.terms().title.clone(),
            description: tool.description().clone(),
            schema: tool.schema().clone(),
            config: *tool.config(),
        };
        self.core.tools.now().values().map(info).collect()
    }

    /// Returns the advice about this gate's settings that [`build`](crate::GateBuilder::build)
    /// gave: empty if there was none.
    pub fn warnings(&self) -> &[BuildWarning] {
        self.core.notifier.warnings()
    }

    /// Returns a watch on all calls, which wakes when any process may have changed one.
    pub fn watch(&self) -> ChangeWatch {
        self.core.calls.store().watch_all()
    }

    /// Returns the current time of the clock that decides expiry and due times.
    pub async fn now(&self) -> Result<Timestamp, GateError> {
        Ok(self.core.calls.store().now().await?)
    }

    /// Returns the comparison of the candidate policy with the one in force, since this gate was
    /// built.
    pub fn shadow_report(&self) -> ShadowReport {
        self.core.evaluator.shadow_report()
    }

    /// Audits that a person was shown a request, for your own surfaces. The gate does this itself
    /// for the approver that it asks inline.
    pub async fn record_shown(
        &self,
        record: &CallRecord,
        to: impl Into<Principal>,
    ) -> Result<(), GateError> {
        let at = self.core.calls.store().now().await?;
        self.core.audit.record(&AuditRecord::new(AuditEvent::Shown, record, at).by(to));
        Ok(())
    }

    /// Audits that `by` has changed a person's credentials, for surfaces that keep credentials.
    /// `what` describes the change and must not contain a credential.
    pub async fn record_person_change(
        &self,
        person: &Principal,
        by: &ReviewerIdentity,
        what: &str,
    ) -> Result<(), GateError> {
        let at = self.core.calls.store().now().await?;
        let entry = AuditRecord::about(AuditEvent::PersonChanged, person.as_str(), at);
        self.core.audit.record_decider(entry, by, what.to_owned());
        Ok(())
    }

    /// Returns the people who have enrolled a credential in the gate's store.
    #[cfg(feature = "people")]
    pub fn people(&self) -> crate::people::People {
        crate::people::People::new(Arc::clone(self.core.calls.store()))
    }

    /// Returns the number of audit records that could not be written yet. While there are any, no
    /// body starts.
    pub fn audit_debt(&self) -> usize {
        self.core.audit.debt()
    }

    /// Writes the audit records that are owed, and acknowledges to the store everything that is
    /// written.
    ///
    /// The gate does both itself, about twice a second. Call it before a process ends: a change
    /// that was not acknowledged is audited once more by the next process.
    pub async fn flush_audit(&self) -> Result<(), GateError> {
        self.core.audit.flush().await
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tools, session) = (self.core.tools.now().len(), self.core.calls.session());
        write!(f, "Gate({tools} tools, {session:?})")
    }
}
