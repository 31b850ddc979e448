//! The context of a call: the requester, the tenant and the lineage; set by the host, never by the
//! model.

use std::fmt;
use std::sync::LazyLock;

use hitl_base::id::Uuid;
use hitl_base::{Timestamp, text_id};
use serde::{Deserialize, Serialize};

use super::CallKey;

text_id! {
    /// A person, an agent or a service that may ask or decide, under the name by which the host
    /// knows it. The name contains the [kind](Principal::kind); a name without one is a human's.
    Principal
}
text_id! {
    /// The owner of data. Calls of one tenant are never visible to another.
    Tenant
}
text_id! {
    /// One run of an agent.
    RunId
}

impl RunId {
    /// Returns the time at which the run began, if its id contains it: a UUID of version 7 in its
    /// usual form.
    ///
    /// Only for such runs can a store tell that they are older than what it remembers.
    pub fn began(&self) -> Option<Timestamp> {
        let id = Uuid::try_parse(self.as_str()).ok().filter(|id| id.get_version_num() == 7)?;
        let millis = id.as_u128() >> 80;
        i64::try_from(millis).ok().map(Timestamp::from_millis)
    }
}

impl Default for Tenant {
    /// Returns the only tenant of a host that has no others.
    fn default() -> Self {
        static ONLY: LazyLock<Tenant> = LazyLock::new(|| Tenant::new("default"));
        ONLY.clone()
    }
}

/// The context of a call: who asks, for which tenant, and on behalf of which other run. The host
/// builds it from what it has verified itself; arguments, model output and request bodies cannot
/// influence it. Only the [reason](Self::because) is the model's, and it is kept apart: no signal,
/// policy or scorer gets it.
///
/// Plain data that can be stored. Live objects (pools, clients) are host state and belong to the
/// gate: see `GateBuilder::state`.
///
/// ```
/// # use hitl::CallContext;
/// let cx = CallContext::new("alice").role("admin").tenant("acme").workspace_verified();
/// assert!(cx.has_role("admin"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallContext {
    /// The principal on whose behalf the agent acts.
    pub principal: Principal,
    /// The agent or service that submits in the principal's name, if the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Principal>,
    /// The roles that the host has verified for the principal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The tenant that owns the data.
    #[serde(default)]
    pub tenant: Tenant,
    /// The run that called the agent, if one agent delegates to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// The root run of the whole work, if one agent delegates to another: the calls of this run are
    /// shown under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<RunId>,
    /// The call whose body delegated this one, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_call: Option<CallKey>,
    /// True if the host has verified the workspace.
    #[serde(default)]
    pub workspace_verified: bool,
    /// True if the principal declared the call urgent.
    #[serde(default)]
    pub time_sensitive: bool,
    /// The address of the conversation in which the call was made, for the person who decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_url: Option<String>,
    /// The other side's id of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The reason that the model states, until the call is taken in.
    #[serde(skip)]
    pub(crate) reason: StatedReason,
}

/// A reason in the words of a model. `Debug` does not print it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct StatedReason(Option<Box<str>>);

impl StatedReason {
    /// Returns the words, and leaves nothing.
    pub(crate) fn take(&mut self) -> Option<Box<str>> {
        self.0.take()
    }
}

impl fmt::Debug for StatedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "stated" } else { "none" })
    }
}

impl CallContext {
    /// Creates the context of a principal: no roles, the default tenant, nothing verified.
    pub fn new(principal: impl Into<Principal>) -> Self {
        Self {
            principal: principal.into(),
            agent: None,
            roles: Vec::new(),
            tenant: Tenant::default(),
            parent: None,
            root: None,
            parent_call: None,
            workspace_verified: false,
            time_sensitive: false,
            conversation_url: None,
            tool_call_id: None,
            reason: StatedReason::default(),
        }
    }

    /// Names the agent or service that submits in the principal's name: a hook, a gateway, a
    /// service. Cards and audit then show `agent:.. for ..`. A name without a kind is taken as an
    /// agent's.
    ///
    /// Whether the principal alone may decide such a call is set once, when the gate is built:
    /// [`GateBuilder::requester_may_decide_for`](crate::GateBuilder::requester_may_decide_for).
    ///
    /// ```
    /// # use hitl::CallContext;
    /// let cx = CallContext::new("ann").submitted_by("claude-code");
    /// assert_eq!(cx.agent.unwrap().as_str(), "agent:claude-code");
    /// ```
    #[must_use]
    pub fn submitted_by(mut self, agent: impl Into<Principal>) -> Self {
        self.agent = Some(agent.into().not_human());
        self
    }

    /// Adds a role that the host has verified.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Names the run that called this agent.
    #[must_use]
    pub fn parent(mut self, run: impl Into<RunId>) -> Self {
        let run = run.into();
        self.root.get_or_insert_with(|| run.clone());
        self.parent = Some(run);
        self
    }

    /// Names the root run of the whole work, if it is not the parent.
    #[must_use]
    pub fn root(mut self, run: impl Into<RunId>) -> Self {
        self.root = Some(run.into());
        self
    }

    /// Returns the context of a call that the body of `call` delegates, in a run of its own:
    /// requester and tenant stay the same, and the lineage is kept.
    #[must_use]
    pub fn delegated_by(&self, call: &CallKey) -> Self {
        let mut context = self.clone();
        context.root.get_or_insert_with(|| call.run.clone());
        context.parent = Some(call.run.clone());
        context.parent_call = Some(call.clone());
        context.reason = StatedReason::default();
        context.tool_call_id = None;
        context
    }

    /// Returns the run under which a call of `run` is shown.
    pub fn root_of<'c>(&'c self, run: &'c RunId) -> &'c RunId {
        self.root.as_ref().unwrap_or(run)
    }

    /// Declares that the host has verified the workspace.
    #[must_use]
    pub fn workspace_verified(mut self) -> Self {
        self.workspace_verified = true;
        self
    }

    /// Declares the call urgent.
    #[must_use]
    pub fn time_sensitive(mut self) -> Self {
        self.time_sensitive = true;
        self
    }

    /// States why the model makes the call, in its own words. They are shown to the person who
    /// decides, labelled as the model's and without secrets, and kept with the call: about 1,000
    /// characters. They are no argument, change no score, and are not part of what is approved.
    ///
    /// Of several submissions of one call, the first one states the reason.
    ///
    /// ```
    /// # use hitl::CallContext;
    /// // What the model wrote before it called the tool.
    /// let said = "The customer asked for it twice.";
    /// let cx = CallContext::new("ann").because(said);
    /// ```
    #[must_use]
    pub fn because(mut self, words: impl Into<String>) -> Self {
        self.reason = StatedReason(Some(words.into().into_boxed_str()));
        self
    }

    /// Names the address of the conversation in which the call was made: `http` or `https`, at most
    /// 2,000 bytes of plain ASCII, without a user. The person who decides gets it as a link. One
    /// that is none of that, or that holds a secret, is not shown, and `tracing` has a warning.
    ///
    /// For all calls of a gate:
    /// [`GateBuilder::conversation_url`](crate::GateBuilder::conversation_url).
    #[must_use]
    pub fn conversation_url(mut self, url: impl Into<String>) -> Self {
        self.conversation_url = Some(url.into());
        self
    }

    /// Names the id that the other side has for the call: a provider's `call_abc`, a protocol's
    /// request id. A label: it is shown, kept in the audit and
    /// [searched for](crate::QueueQuery::tool_call), and it is no key, because agents reuse such
    /// ids, and no part of what is approved. Of several submissions of one call, the first one
    /// names it.
    ///
    /// At most 256 bytes of visible text. One that is longer, or that holds a secret or a character
    /// that cannot be seen, is left out, and `tracing` has a warning.
    #[must_use]
    pub fn tool_call_id(mut self, id: impl Into<String>) -> Self {
        self.tool_call_id = Some(id.into());
        self
    }

    /// Returns whether the host verified this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }
}

impl From<Principal> for CallContext {
    fn from(principal: Principal) -> Self {
        Self::new(principal)
    }
}

impl From<&str> for CallContext {
    fn from(principal: &str) -> Self {
        Self::new(principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_a_sortable_id_says_when_it_began() {
        let began = |id: &str| RunId::new(id).began().map(Timestamp::as_millis);
        assert_eq!(began("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), Some(0x017f_22e2_79b0));
        for other in ["nightly", "", "919108f7-52d1-4320-9bac-f847db4148a8"] {
            assert_eq!(began(other), None, "{other}");
        }
    }
}
