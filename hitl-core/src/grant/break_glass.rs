//! Break-glass: a grant that a person gives in an emergency, within what the host declared
//! beforehand, in place of the people who would be asked. Pure.

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::display::visible;
use serde::{Deserialize, Serialize};

use super::currency::currencies;
use super::describe::text;
use super::{
    Amount, ArgumentScope, Grant, GrantKind, GrantRecord, GrantUse, GrantedCall, NotCovered,
    SumLimit,
};
use crate::approval::{DecisionChannel, ReviewerIdentity};
use crate::call::{ContentDigest, Fingerprint, Principal, RunId, Tenant};
use crate::ids::{GrantId, RequestId};

/// The most bytes of a reason.
const LONGEST_REASON: usize = 1000;

/// The mark of a grant that was given by breaking the glass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BreakGlass {
    /// Why it was given.
    pub reason: String,
    /// The roles of the person who gave it, as the host had verified them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// The order of a person who breaks the glass: that calls of one tool, made in one principal's
/// name, run for a while without the people who would be asked.
///
/// ```
/// use std::time::Duration;
/// use hitl::grant::BreakGlassOrder;
///
/// let order = BreakGlassOrder::new("restart_database", "agent:ops")
///     .lasting(Duration::from_secs(30 * 60))
///     .uses(2)
///     .because("the primary is down, and nobody of the database team answers")
///     .by("ann");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "give it to `Gate::break_glass`"]
pub struct BreakGlassOrder {
    pub(crate) tenant: Tenant,
    pub(crate) tool: String,
    pub(crate) principal: Principal,
    pub(crate) run: Option<RunId>,
    pub(crate) lasting: Duration,
    pub(crate) uses: u64,
    pub(crate) sum: Option<Amount>,
    pub(crate) reason: String,
    pub(crate) by: Option<ReviewerIdentity>,
    pub(crate) channel: DecisionChannel,
}

/// The reason why an order to break the glass is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrder {
    /// Nobody is named who gives it.
    #[error("nobody is named who breaks the glass; name the person with `by`")]
    Nobody,
    /// There is no reason, or it is longer than 1000 bytes.
    #[error("say why the glass is broken, in at most 1000 characters: the audit keeps it")]
    Reason,
    /// It would cover nothing: no use, or no time.
    #[error("it would cover nothing: give it at least one use, and some time")]
    Nothing,
    /// It comes through a form of the agent's own client.
    #[error(
        "the glass is not broken in a form of the agent's own client; use the console, or `hitl break-glass`"
    )]
    Channel,
}

impl BreakGlassOrder {
    /// Orders one use within 30 minutes, for calls of this tool that are made in this principal's
    /// name, in the default tenant.
    pub fn new(tool: impl Into<String>, principal: impl Into<Principal>) -> Self {
        Self {
            tenant: Tenant::default(),
            tool: tool.into(),
            principal: principal.into(),
            run: None,
            lasting: Duration::from_secs(30 * 60),
            uses: 1,
            sum: None,
            reason: String::new(),
            by: None,
            channel: DecisionChannel::HOST,
        }
    }

    /// Orders it for calls of this tenant.
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Orders it for this run only, and for what the run delegates.
    pub fn run(mut self, run: impl Into<RunId>) -> Self {
        self.run = Some(run.into());
        self
    }

    /// Sets how long it lasts, from when it is given.
    pub fn lasting(mut self, lasting: Duration) -> Self {
        self.lasting = lasting;
        self
    }

    /// Sets the most starts.
    pub fn uses(mut self, uses: u64) -> Self {
        self.uses = uses;
        self
    }

    /// Limits the sum of all amounts of all calls further than the envelope does.
    pub fn sum(mut self, at_most: Amount) -> Self {
        self.sum = Some(at_most);
        self
    }

    /// Says why. The audit, the card of each call and every notice repeat it.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Names the channel through which it comes; without it, [`HOST`](DecisionChannel::HOST).
    pub fn through(mut self, channel: DecisionChannel) -> Self {
        self.channel = channel;
        self
    }

    /// Names the person who gives it, as the host has verified them.
    pub fn by(mut self, by: impl Into<ReviewerIdentity>) -> Self {
        self.by = Some(by.into());
        self
    }

    /// Returns the person who gives it, if the order is complete.
    pub(crate) fn check(&self) -> Result<&ReviewerIdentity, InvalidOrder> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.len() > LONGEST_REASON {
            return Err(InvalidOrder::Reason);
        }
        if self.uses == 0 || self.lasting.as_millis() == 0 {
            return Err(InvalidOrder::Nothing);
        }
        // The client runs the agent, and can answer by itself.
        if self.channel == DecisionChannel::ELICITATION {
            return Err(InvalidOrder::Channel);
        }
        self.by.as_ref().ok_or(InvalidOrder::Nobody)
    }

    /// Returns the grant that it asks for, given at `now`. `most` is the largest sum that the host
    /// allows.
    pub(crate) fn grant(
        &self,
        by: &ReviewerIdentity,
        fingerprint: Fingerprint,
        most: Option<Amount>,
        now: Timestamp,
    ) -> GrantRecord {
        let at_most = match (self.sum, most) {
            (Some(sum), Some(most)) => Some(sum.min(most)),
            (sum, most) => sum.or(most),
        };
        let mut grant = Grant {
            id: GrantId::new(),
            tenant: self.tenant.clone(),
            principal: self.principal.clone(),
            tool: self.tool.clone(),
            fingerprint,
            run: self.run.clone(),
            verified: false,
            // No call has this content: a version that does not know break-glass covers nothing.
            arguments: ArgumentScope::Exact,
            content: ContentDigest::NONE,
            names: None,
            uses: Some(self.uses),
            sum: at_most.map(|at_most| SumLimit { path: EVERY_AMOUNT.to_owned(), at_most }),
            currencies: std::collections::BTreeMap::new(),
            until: Some(now.saturating_add(self.lasting)),
            by: by.principal.clone(),
            known_by: Some(by.known_by),
            channel: Some(self.channel.clone()),
            canonical: by.canonical.clone(),
            // Of no call: it was given on none.
            request: RequestId::new(),
            break_glass: Some(BreakGlass {
                reason: self.reason.trim().to_owned(),
                roles: by.roles.clone(),
            }),
            rule: Vec::new(),
        };
        grant.rule = rule(&grant);
        GrantRecord::new(grant).stamped(now)
    }
}

/// Returns the reason that a call's card gives for running on such a grant.
pub(crate) fn break_glass_reason(grant: GrantId, by: &Principal) -> String {
    format!("runs under break-glass: {by} broke the glass (grant {grant})")
}

/// The words for what the sum of such a grant is over, in place of the name of an argument.
const EVERY_AMOUNT: &str = "every amount";

/// Returns the rule, line by line.
fn rule(grant: &Grant) -> Vec<String> {
    let mut lines = vec![format!(
        "BREAK-GLASS: run {} without the people who would be asked, when {} asks for it",
        text(&grant.tool),
        text(grant.principal.as_str()),
    )];
    lines.push(match &grant.run {
        Some(run) => format!("in the run {} and in what it delegates", text(run.as_str())),
        None => "in any run".to_owned(),
    });
    lines.push("with any arguments".to_owned());
    let uses = grant.uses.unwrap_or_default();
    lines.push(if uses == 1 { "at most once".to_owned() } else { format!("at most {uses} times") });
    if let Some(sum) = &grant.sum {
        let most = sum.at_most;
        lines.push(format!("for at most {most} in the tool's amounts, all calls together"));
    }
    if let Some(until) = grant.until {
        lines.push(format!("until {until}, or until it is revoked"));
    }
    lines.push("while the tool stays as it is, and the host's envelope covers it".to_owned());
    let why = grant.break_glass.as_ref().map_or("", |glass| &glass.reason);
    lines.push(format!("because: {}", visible(why)));
    lines
}

impl Grant {
    /// Returns whether it is a standing permission, or was given by breaking the glass.
    pub fn kind(&self) -> GrantKind {
        match self.break_glass {
            None => GrantKind::Standing,
            Some(_) => GrantKind::BreakGlass,
        }
    }

    /// Returns what a call draws on a grant that was given by breaking the glass, if the call
    /// matches it. `amounts` are the arguments that the tool declares as amounts. Whether an
    /// envelope of the host covers the grant is another question.
    pub(crate) fn covers_in_emergency(
        &self,
        call: &GrantedCall<'_>,
        amounts: &[impl AsRef<str>],
    ) -> Result<GrantUse, NotCovered> {
        let fits = |holds: bool, why: NotCovered| if holds { Ok(()) } else { Err(why) };
        let cx = call.context;
        fits(self.kind() == GrantKind::BreakGlass, NotCovered::Arguments)?;
        fits(self.tool == call.tool && self.fingerprint == call.fingerprint, NotCovered::Tool)?;
        let same_people = self.tenant == cx.tenant && self.principal == cx.principal;
        fits(same_people, NotCovered::Principal)?;
        let root = cx.root_of(call.run);
        fits(self.run.as_ref().is_none_or(|run| run == root), NotCovered::Run)?;
        let mut drawn = Amount::ZERO;
        for path in amounts {
            let limit = SumLimit { path: path.as_ref().to_owned(), at_most: Amount::ZERO };
            let amount = limit.amount(call.arguments).ok_or(NotCovered::Sum)?;
            drawn = drawn.plus(amount).ok_or(NotCovered::Sum)?;
        }
        Ok(GrantUse { grant: self.id, amount: drawn, kind: GrantKind::BreakGlass })
    }
}

impl GrantedCall<'_> {
    /// Returns the currencies that the arguments name.
    pub(crate) fn currencies(&self) -> Vec<String> {
        currencies(self.arguments).into_values().collect()
    }
}
