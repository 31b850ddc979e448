//! The gate itself: a cheap handle on everything it was built from.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use hitl_base::json::Limits;
use hitl_base::{Clock, JsonText, Redactor};

use super::builder::GateBuilder;
use super::error::{GateError, GateErrorKind};
use super::registry::Registered;
use super::score::Timed;
use crate::approval::Approver;
use crate::audit::Trail;
use crate::call::{CallKey, HitlConfig, StateMap, Tenant, Tool};
use crate::confidence::Signals;
use crate::ids::{RequestId, SessionId};
use crate::machine::CallRecord;
use crate::policy::{Policy, PolicyVersion, Shadow, ShadowReport};
use crate::seal::HostKey;
use crate::store::{PageRequest, Store};
use crate::sync::{Mutex, Runtime};

/// What every gated call passes through. Cheap to clone; clones are the same gate.
///
/// See [`GateBuilder`] for how to make one.
#[derive(Clone)]
pub struct Gate {
    pub(super) inner: Arc<Inner>,
}

/// What a gate is made of.
pub(super) struct Inner {
    pub(super) tools: HashMap<Cow<'static, str>, Arc<Registered>>,
    pub(super) states: Arc<StateMap>,
    pub(super) signals: Signals,
    pub(super) policies: Vec<Arc<dyn Policy>>,
    pub(super) shadow: Shadow,
    pub(super) scorers: Vec<Timed>,
    pub(super) clock: Arc<dyn Clock>,
    /// The policy versions that were audited as in force.
    pub(super) in_force: Mutex<Vec<PolicyVersion>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) approver: Option<Arc<dyn Approver>>,
    pub(super) trail: Trail,
    pub(super) redactor: Redactor,
    pub(super) key: HostKey,
    pub(super) session: SessionId,
    pub(super) runtime: Runtime,
    pub(super) limits: Limits,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Every running body holds the gate, so no claim of this session is alive any more.
        let (store, session) = (Arc::clone(&self.store), self.session);
        self.runtime.spawn(async move {
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
    pub config: HitlConfig,
}

impl Gate {
    /// Starts a gate.
    pub fn builder() -> GateBuilder {
        GateBuilder::new()
    }

    /// The registered tools, by name: what to give to a model.
    pub fn specs(&self) -> Vec<ToolInfo> {
        let mut specs: Vec<ToolInfo> = self
            .inner
            .tools
            .values()
            .map(|tool| ToolInfo {
                name: tool.spec.name.clone(),
                description: tool.spec.description.clone(),
                schema: tool.schema.clone(),
                config: tool.spec.config,
            })
            .collect();
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
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
        Ok(self.inner.store.find(key).await?)
    }

    /// A page of a tenant's records.
    pub async fn page(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, GateError> {
        Ok(self.inner.store.page(tenant, page).await?)
    }

    /// How the candidate policy compares with the one in force, since this gate was built.
    pub fn shadow(&self) -> ShadowReport {
        self.inner.shadow.report()
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
