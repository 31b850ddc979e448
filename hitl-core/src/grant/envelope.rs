//! Envelopes: what a person may let run in an emergency, declared by the host beforehand. Pure.

use std::time::Duration;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Amount, GrantRecord, SumLimit};
use crate::call::{Identity, Principal, Risk, Tenant};
use crate::policy::Glob;

/// The longest that a grant may last which was given by breaking the glass.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The most names of one kind in an envelope, and the most bytes of one.
const MOST: usize = 100;
const LONGEST_NAME: usize = 256;

/// The bounds within which a person may break the glass: which tools, who, for how long, how often
/// and up to which sum. Without an envelope nobody may break it.
///
/// A grant that was given by breaking the glass counts only where the gate that uses it has an
/// envelope that covers it, each time that it is used.
///
/// ```
/// use std::time::Duration;
/// use hitl::grant::Envelope;
///
/// let envelope = Envelope::new(["restart_*", "drop_replica"])
///     .role("oncall")
///     .longest(Duration::from_secs(3600))
///     .uses(5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[must_use = "give it to a gate or a rule set"]
pub struct Envelope {
    tools: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    people: Vec<Principal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    /// Milliseconds.
    longest: u64,
    uses: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tenants: Vec<String>,
}

/// The reason why an envelope is refused: it would cover nothing, or not what its author thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEnvelope {
    /// No tool is named.
    #[error("an envelope names its tools: exactly, or with `*`")]
    NoTool,
    /// Nobody may break the glass.
    #[error("an envelope names who may break the glass: people, or roles")]
    Nobody,
    /// The longest time is zero, or more than 24 hours.
    #[error("the longest time of an envelope is more than nothing, and at most 24 hours")]
    Longest,
    /// No use is permitted.
    #[error("an envelope permits at least one use")]
    NoUse,
    /// A currency is named without a sum.
    #[error("a currency without a sum limits nothing; say the sum too")]
    Currency,
    /// There are too many names, or one is empty or longer than 256 bytes.
    #[error("an envelope has at most 100 names of a kind, none empty or longer than 256 bytes")]
    Names,
}

/// The reason why an envelope does not cover a grant that was given by breaking the glass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutsideEnvelope {
    /// The gate has none.
    #[error("the host declares no envelope, so nobody may break it")]
    None,
    /// The tool is not in it.
    #[error("no envelope of the host covers this tool")]
    Tool,
    /// The tool's risk is critical, or it is destructive, and no envelope names it exactly.
    #[error(
        "the tool is of critical risk or destructive, and no envelope of the host names it without \
         wildcards"
    )]
    NotNamed,
    /// The tenant is not in it.
    #[error("no envelope of the host covers this tool for this tenant")]
    Tenant,
    /// The person who gave it is not in it.
    #[error("the host's envelope for this tool does not let this person break the glass")]
    Person,
    /// It lasts too long, or has no end.
    #[error("it would last longer than the host's envelope permits")]
    Longest,
    /// It permits too many uses, or any number.
    #[error("it would permit more uses than the host's envelope does")]
    Uses,
    /// It permits a larger sum, or the tool declares an amount and the envelope none.
    #[error("it would permit a larger sum than the host's envelope does, or one that has no limit")]
    Sum,
    /// The call names another currency.
    #[error("the call is in another currency than the host's envelope")]
    Currency,
    /// It is not in force.
    #[error("it is not among those that are in force")]
    NotInForce,
}

/// A tool, as an envelope sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmergencyTool<'t> {
    pub(crate) name: &'t str,
    pub(crate) risk: Risk,
    pub(crate) destructive: bool,
    /// True if it declares an amount.
    pub(crate) has_amount: bool,
    /// The currencies that the call names; none before there is a call.
    pub(crate) currencies: &'t [String],
}

impl Envelope {
    /// Begins an envelope for these tools, each named exactly or with `*` and `?`: for one use
    /// within an hour, in the default tenant, by nobody yet.
    ///
    /// A tool of critical risk, and a destructive one, is covered only where it is named exactly.
    pub fn new<T: Into<String>>(tools: impl IntoIterator<Item = T>) -> Self {
        Self {
            tools: tools.into_iter().map(Into::into).collect(),
            people: Vec::new(),
            roles: Vec::new(),
            longest: 3_600_000,
            uses: 1,
            sum: None,
            currency: None,
            tenants: Vec::new(),
        }
    }

    /// Names the tools.
    #[cfg(feature = "policy-files")]
    pub(crate) fn of_tools(mut self, tools: Vec<String>) -> Self {
        self.tools = tools;
        self
    }

    /// Lets this person break the glass.
    pub fn person(mut self, person: impl Into<Principal>) -> Self {
        self.people.push(person.into());
        self
    }

    /// Lets people with this role break the glass.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the longest time that a grant may last: at most 24 hours.
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Sets the most starts on one grant.
    pub fn uses(mut self, uses: u64) -> Self {
        self.uses = uses;
        self
    }

    /// Sets the most that all calls on one grant may come to, over every argument that the tool
    /// declares as an amount. Without it, no tool with an amount is covered.
    pub fn sum(mut self, at_most: Amount) -> Self {
        self.sum = Some(at_most);
        self
    }

    /// Names the currency of the sum. Without it, no call is covered that names a currency.
    pub fn currency(mut self, currency: impl Into<String>) -> Self {
        self.currency = Some(currency.into());
        self
    }

    /// Adds a tenant, by its name or with wildcards. Once one is named, the default tenant is
    /// covered only if it is named too.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenants.push(tenant.into());
        self
    }

    /// Returns what is wrong with it.
    pub fn check(&self) -> Result<(), InvalidEnvelope> {
        let ensure = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        let is_name = |name: &str| !name.trim().is_empty() && name.len() <= LONGEST_NAME;
        let texts = [&self.tools, &self.roles, &self.tenants];
        ensure(!self.tools.is_empty(), InvalidEnvelope::NoTool)?;
        ensure(!self.people.is_empty() || !self.roles.is_empty(), InvalidEnvelope::Nobody)?;
        let names = texts.iter().all(|list| list.len() <= MOST && list.iter().all(|n| is_name(n)));
        let people = self.people.len() <= MOST && self.people.iter().all(|p| is_name(p.as_str()));
        ensure(names && people, InvalidEnvelope::Names)?;
        ensure(self.currency.as_deref().is_none_or(is_name), InvalidEnvelope::Names)?;
        let longest = Duration::from_millis(self.longest);
        ensure(longest > Duration::ZERO && longest <= LONGEST, InvalidEnvelope::Longest)?;
        ensure(self.uses > 0, InvalidEnvelope::NoUse)?;
        ensure(self.sum.is_some() || self.currency.is_none(), InvalidEnvelope::Currency)
    }

    /// Returns whether it names a tool, exactly or with wildcards.
    pub(crate) fn names(&self, tool: &str) -> bool {
        self.tools.iter().any(|pattern| Glob::new(pattern).matches(tool))
    }

    /// Returns the largest sum that it permits.
    pub(crate) fn largest_sum(&self) -> Option<Amount> {
        self.sum
    }

    /// Checks whether it covers a grant for this tool at `now`, by the store's clock.
    pub(crate) fn covers(
        &self,
        record: &GrantRecord,
        tool: EmergencyTool<'_>,
        now: Timestamp,
    ) -> Result<(), OutsideEnvelope> {
        let ensure = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        let grant = &record.grant;
        let glass = grant.break_glass.as_ref().ok_or(OutsideEnvelope::NotInForce)?;
        ensure(self.check().is_ok(), OutsideEnvelope::None)?;
        ensure(grant.tool == tool.name && self.names(tool.name), OutsideEnvelope::Tool)?;
        let is_exact = |pattern: &String| Glob::new(pattern) == Glob::Exact(tool.name.into());
        let needs_name = tool.risk >= Risk::Critical || tool.destructive;
        ensure(!needs_name || self.tools.iter().any(is_exact), OutsideEnvelope::NotNamed)?;
        ensure(self.has_tenant(&grant.tenant), OutsideEnvelope::Tenant)?;
        let giver = grant.giver();
        let is_named = self.people.iter().any(|person| Identity::new(person, None).is(&giver));
        let has_role = glass.roles.iter().any(|role| self.roles.contains(role));
        ensure(is_named || has_role, OutsideEnvelope::Person)?;
        let longest = Duration::from_millis(self.longest);
        let is_short = |from: Timestamp| {
            grant.until.is_some_and(|until| until.saturating_duration_since(from) <= longest)
        };
        // What is left is compared too: a record may say anything about when it was saved.
        ensure(is_short(record.saved_at) && is_short(now), OutsideEnvelope::Longest)?;
        let few = grant.uses.is_some_and(|uses| (1..=self.uses).contains(&uses));
        ensure(few, OutsideEnvelope::Uses)?;
        ensure(self.limits(grant.sum.as_ref(), tool.has_amount), OutsideEnvelope::Sum)?;
        let same = |named: &String| self.currency.as_ref() == Some(named);
        ensure(!tool.has_amount || tool.currencies.iter().all(same), OutsideEnvelope::Currency)
    }

    fn has_tenant(&self, tenant: &Tenant) -> bool {
        if self.tenants.is_empty() {
            return *tenant == Tenant::default();
        }
        self.tenants.iter().any(|pattern| Glob::new(pattern).matches(tenant.as_str()))
    }

    fn limits(&self, sum: Option<&SumLimit>, has_amount: bool) -> bool {
        match (self.sum, sum) {
            (Some(most), Some(sum)) => sum.at_most <= most,
            (None, _) | (_, None) => !has_amount,
        }
    }

    /// Returns whether it covers nothing that `wider` does not cover, as far as that can be proven
    /// from what is written.
    pub(crate) fn is_within(&self, wider: &Self) -> bool {
        let any = |list: &[String]| list.iter().any(|name| Glob::new(name).is_any());
        let default = [Tenant::default().as_str().to_owned()];
        let tenants = |list: &[String]| -> Vec<String> {
            if list.is_empty() { default.to_vec() } else { list.to_vec() }
        };
        let (own, their) = (tenants(&self.tenants), tenants(&wider.tenants));
        let money = match (self.sum, wider.sum) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(their)) => {
                let same = self.currency.is_none() || self.currency == wider.currency;
                own <= their && same
            }
        };
        // `*` covers no critical tool, so it is no wider than a name.
        self.tools.iter().all(|tool| wider.tools.contains(tool))
            && self.people.iter().all(|person| wider.people.contains(person))
            && self.roles.iter().all(|role| wider.roles.contains(role))
            && (any(&their) || own.iter().all(|tenant| their.contains(tenant)))
            && self.longest <= wider.longest
            && self.uses <= wider.uses
            && money
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
