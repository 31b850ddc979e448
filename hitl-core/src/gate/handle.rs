//! The gate itself: a cheap handle on everything it was built from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hitl_base::clock::ForwardClock;
use hitl_base::id::EphemeralIds;
use hitl_base::json::Limits;
use hitl_base::{JsonText, Redactor, Timestamp};

use super::builder::GateBuilder;
use super::error::{GateError, GateErrorKind};
use super::identity::TwoEyes;
use super::outbox;
use super::registry::Registered;
use super::score::Timed;
use super::standing::Asked;
use crate::approval::{Approver, ReviewerIdentity, Uncovering};
use crate::audit::{AuditEvent, AuditPipeline, AuditRecord};
use crate::call::{CallKey, Principal, StateMap, Tenant, Tool, ToolConfig};
use crate::confidence::Signals;
use crate::ids::{RequestId, SessionId};
use crate::machine::{CallRecord, HistoryEntry};
use crate::policy::{OwnFiles, Policy, PolicyVersion, Shadow, ShadowReport};
use crate::queue::Caps;
use crate::seal::KeyRing;
use crate::store::{ChangeWatch, History, PageRequest, Store};
use crate::sync::{HostCode, Mutex, Runtime};

/// What every gated call passes through. Cheap to clone; clones are the same gate.
///
/// See [`GateBuilder`] for how to make one.
#[derive(Clone)]
pub struct Gate {
    pub(super) inner: Arc<Inner>,
}

/// What a gate is made of.
pub(super) struct Inner {
    pub(super) tools: BTreeMap<Cow<'static, str>, Arc<Registered>>,
    pub(super) states: Arc<StateMap>,
    pub(super) signals: Signals,
    pub(super) policies: Vec<Arc<dyn Policy>>,
    pub(super) shadow: Shadow,
    pub(super) scorers: Vec<Timed>,
    pub(super) directory: Option<Asked>,
    pub(super) two_eyes: TwoEyes,
    /// What time it is for rules.
    pub(super) clock: ForwardClock,
    /// The policy versions that were audited as in force.
    pub(super) in_force: Mutex<Vec<PolicyVersion>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) approver: Option<Arc<dyn Approver>>,
    pub(super) trail: AuditPipeline,
    pub(super) redactor: Redactor,
    pub(super) uncovering: Uncovering,
    pub(super) keys: KeyRing,
    pub(super) session: SessionId,
    /// The runs of calls that leave no record.
    pub(super) runs: EphemeralIds,
    pub(super) runtime: Runtime,
    pub(super) limits: Limits,
    pub(super) own_files: Arc<OwnFiles>,
    /// Bounds the look at where links lead.
    pub(super) links: HostCode,
    /// Bounds reading what calls name, for each tool that declares it.
    pub(super) reading: BTreeMap<Cow<'static, str>, HostCode>,
    pub(super) caps: Caps,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Every running body holds the gate, so no claim of this session is alive any more.
        let (store, session) = (Arc::clone(&self.store), self.session);
        let kept = Arc::clone(self.trail.kept());
        self.runtime.spawn(async move {
            // Before the session ends: what it has not acknowledged then is audited by others.
            if let Err(error) = outbox::tell(&kept, &*store).await {
                tracing::warn!(%error, "the store was not told what is audited; it is audited again");
            }
            if let Err(error) = store.close_session(session).await {
                tracing::warn!(%error, "a session was not closed; it ends with its process");
            }
        });
    }
}

/// What a model is told about a tool.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolInfo {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it does.
    pub description: Cow<'static, str>,
    /// The JSON Schema of its arguments.
    pub schema: JsonText,
    /// How the gate treats it.
    pub config: ToolConfig,
}

impl Gate {
    /// Starts a gate.
    pub fn builder() -> GateBuilder {
        GateBuilder::new()
    }

    /// The registered tools, by name: what to give to a model.
    pub fn tools(&self) -> Vec<ToolInfo> {
        let info = |tool: &Arc<Registered>| ToolInfo {
            name: tool.spec.name.clone(),
            description: tool.spec.description.clone(),
            schema: tool.schema.clone(),
            config: tool.spec.config,
        };
        self.inner.tools.values().map(info).collect()
    }

    /// A call's record.
    pub async fn get(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        Ok(self.inner.store.get(tenant, id).await?)
    }

    /// The record of a key. A read-only call that ran at once has none.
    pub async fn find(&self, key: &CallKey) -> Result<Option<CallRecord>, GateError> {
        Ok(self.inner.store.get_by_key(key).await?)
    }

    /// A page of a tenant's records.
    pub async fn page(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, GateError> {
        Ok(self.inner.store.list(tenant, page).await?)
    }

    /// What happened to a tenant's call, from its beginning, as far as it is kept.
    pub async fn history_of(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, HistoryEntry)>, GateError> {
        Ok(self.inner.store.call_history(tenant, id).await?)
    }

    /// A stretch of what happened to all calls of all tenants, after the entry numbered `after`:
    /// for whoever passes changes on. [`watch`](Self::watch) says when there is more.
    pub async fn history(&self, after: u64, limit: usize) -> Result<History, GateError> {
        Ok(self.inner.store.history(after, limit).await?)
    }

    /// The number of the last entry that the history ever had.
    pub async fn history_end(&self) -> Result<u64, GateError> {
        Ok(self.inner.store.last_history_seq().await?)
    }

    /// Hints that any call may have changed, whichever process changed it.
    pub fn watch(&self) -> ChangeWatch {
        self.inner.store.watch_all()
    }

    /// The present, by the clock that expiry and due times are judged by.
    pub async fn now(&self) -> Result<Timestamp, GateError> {
        Ok(self.inner.store.now().await?)
    }

    /// How the candidate policy compares with the one in force, since this gate was built.
    pub fn shadow(&self) -> ShadowReport {
        self.inner.shadow.report()
    }

    /// Says in the audit that a person was shown a request: for surfaces of one's own. The approver
    /// that the gate asks inline is accounted for by itself.
    pub async fn note_shown(
        &self,
        record: &CallRecord,
        to: impl Into<Principal>,
    ) -> Result<(), GateError> {
        let at = self.inner.store.now().await?;
        self.inner.note(&AuditRecord::new(AuditEvent::Shown, record, at).by(to));
        Ok(())
    }

    /// Says in the audit that `by` has changed by what a person is known, in words: for surfaces
    /// that keep credentials. `what` must hold none.
    pub async fn note_person(
        &self,
        person: &Principal,
        by: &ReviewerIdentity,
        what: &str,
    ) -> Result<(), GateError> {
        let at = self.inner.store.now().await?;
        let entry = AuditRecord::about(AuditEvent::PersonChanged, person.as_str(), at);
        self.inner.note_decider(entry, by, what.to_owned());
        Ok(())
    }

    /// Returns the people who have enrolled a credential in the gate's store.
    #[cfg(feature = "people")]
    pub fn people(&self) -> crate::people::People {
        crate::people::People::new(Arc::clone(&self.inner.store))
    }

    /// How many audit records could not be kept yet. While there are any, no body starts.
    pub fn audit_debt(&self) -> usize {
        self.inner.trail.owed()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({} tools, {:?})", self.inner.tools.len(), self.inner.session)
    }
}

impl Inner {
    pub(super) fn tool(&self, name: &str) -> Result<Arc<Registered>, GateError> {
        self.tools.get(name).cloned().ok_or_else(|| GateError::unknown_tool(name))
    }

    pub(super) fn tool_of<T: Tool>(&self) -> Result<Arc<Registered>, GateError> {
        let tool = self.tool(T::SPEC.name)?;
        let same = tool.type_id == std::any::TypeId::of::<T>();
        if same { Ok(tool) } else { Err(GateError::unknown_tool(T::SPEC.name)) }
    }

    pub(super) fn not_found(id: RequestId) -> GateError {
        GateError::new(GateErrorKind::NotFound, format!("there is no call {id} in this tenant"))
    }
}
