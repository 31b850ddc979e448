//! Grant drafts: terms, the request on which they were given, and the person who gives them. A
//! draft becomes a grant or is refused.

use std::collections::BTreeMap;

use hitl_base::{Json, Timestamp};
use serde::{Deserialize, Serialize};

use super::currency::currencies;
use super::describe::rule;
use super::{
    ArgumentScope, ArgumentTest, Condition, Grant, GrantKind, GrantLifetime, GrantRefusal,
    GrantTerms, GrantedCall, InvalidOrder, NotCovered, OutsideEnvelope,
};
use crate::approval::{ApprovalRequest, Choice, DecisionChannel, ReviewerIdentity};
use crate::call::{BindingDigest, Risk, Tenant};
use crate::ids::{GrantId, RequestId};
use crate::machine::{CallRecord, CallState, Refusal};
use crate::policy::each_value;

/// The most conditions, and the most texts in one of them.
const MOST: usize = 32;
/// The most characters of a path or a text of a condition.
const LONGEST: usize = 1000;

/// Terms that a human gives on the request that they were shown. Like a decision, a draft names the
/// revision, so that nothing is permitted that was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrantDraft {
    /// The tenant of the call.
    pub tenant: Tenant,
    /// The request that was shown.
    pub request: RequestId,
    /// Its revision,
    pub revision: u32,
    /// and its binding digest.
    pub binding: BindingDigest,
    /// The permission.
    pub terms: GrantTerms,
    /// The person who permits it, as the host has verified them.
    pub by: ReviewerIdentity,
    /// The channel through which they permit it, as the code says that took their word.
    #[serde(default, skip_serializing_if = "DecisionChannel::is_host")]
    pub channel: DecisionChannel,
}

/// The reason why a grant is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// The request has changed since it was shown, or no longer waits.
    #[error("the request has changed, or was decided, since it was shown; look at it again")]
    Stale,
    /// The host does not let them decide this tenant's calls.
    #[error("this request belongs to a tenant whose calls they may not decide")]
    WrongTenant,
    /// A call of critical risk is always reviewed.
    #[error("a call of critical risk is looked at each time; no grant is given for it")]
    Critical,
    /// One person's approval does not suffice for it.
    #[error("this tool needs more than one person's word; no grant is given for it")]
    Quorum,
    /// The tool does not offer approval.
    #[error("this tool is not approved by a plain yes; no grant is given for it")]
    NotApprovable,
    /// Requesters do not grant themselves a permission.
    #[error("who asks for this call cannot give a grant on it; ask somebody else")]
    FourEyes,
    /// A program cannot give a grant.
    #[error("only a human gives a grant on this tool")]
    NotHuman,
    /// It comes through a channel that cannot approve the request.
    #[error("{0}")]
    Channel(Refusal),
    /// A deletion is confirmed by name each time.
    #[error("a deletion is confirmed by its name each time; no grant is given for it")]
    Confirmed,
    /// The contents that the arguments name are reviewed each time.
    #[error("what this call names is read and looked at each time; no grant is given for it")]
    Contents,
    /// The preview of the call failed, so what it would do is not known, or it has a warning.
    #[error("the preview of this call failed or warns: look at each such call")]
    Preview,
    /// A call that repeats an effect is reviewed each time.
    #[error(
        "this call repeats the effect of an earlier one, and each repetition is looked at; no grant is given for it"
    )]
    RepeatsEffect,
    /// A policy or a factor requires a review of each such call.
    #[error("a policy or a factor wants each such call looked at; no grant lifts that")]
    Demanded,
    /// A grant for good on a risky or destructive tool has no bound.
    #[error(
        "a grant for good on this tool is too broad: say how often (`uses`), how much (`sum`) or until when (`until`)"
    )]
    TooBroad,
    /// A condition is invalid.
    #[error("{0}")]
    Invalid(&'static str),
    /// A condition is about an argument that is hidden from the person who permits it.
    #[error(
        "an argument that is hidden cannot be named in a grant; permit exactly these arguments"
    )]
    Hidden,
    /// The request would not fit its own grant.
    #[error("the request does not fit these terms itself: {0}")]
    DoesNotFit(NotCovered),
    /// Even this request's own draw would exceed the grant.
    #[error("the terms leave no room for this request itself")]
    NoRoom,
    /// The order to break the glass is not one.
    #[error("{0}")]
    InvalidOrder(#[from] InvalidOrder),
    /// No envelope that the host declared covers what would be given by breaking the glass.
    #[error("the glass stays whole: {0}")]
    OutsideEnvelope(#[from] OutsideEnvelope),
    /// As many grants as are kept track of were given by breaking the glass, and are in force.
    #[error("the glass is broken too often at once; revoke a grant that is not needed, or wait")]
    TooManyInForce,
}

impl ApprovalRequest {
    /// Returns whether a grant may be given on it at all, under any terms: user interfaces call
    /// this before they offer one. The terms, the policies and the state at that time are checked
    /// by the [preview](crate::Gate::preview_grant).
    pub fn may_be_granted(&self) -> Result<(), GrantError> {
        ensure(self.risk < Risk::Critical, GrantError::Critical)?;
        ensure(self.quorum.is_one(), GrantError::Quorum)?;
        ensure(self.choices.contains(&Choice::Approve), GrantError::NotApprovable)?;
        ensure(self.contents.is_empty(), GrantError::Contents)?;
        ensure(self.has_sound_preview(), GrantError::Preview)?;
        ensure(self.repeats.is_none(), GrantError::RepeatsEffect)?;
        ensure(self.confirmation().is_none(), GrantError::Confirmed)
    }

    /// Begins a draft that permits calls like this one to run without asking, under these terms.
    /// Add [`by`](GrantDraftBuilder::by), and have it [previewed](crate::Gate::preview_grant).
    pub fn grant(&self, terms: GrantTerms) -> GrantDraftBuilder<'_> {
        GrantDraftBuilder { request: self, terms, channel: DecisionChannel::HOST }
    }
}

/// Terms that still need the person who permits them.
#[derive(Debug)]
#[must_use = "say who permits it: `.by(principal)`"]
pub struct GrantDraftBuilder<'r> {
    request: &'r ApprovalRequest,
    terms: GrantTerms,
    channel: DecisionChannel,
}

impl GrantDraftBuilder<'_> {
    /// Names the channel through which it comes, as for a
    /// [decision](crate::approval::DecisionDraft::through). The request must be one that
    /// [may be approved through](ApprovalRequest::may_be_approved_through) it.
    pub fn through(mut self, channel: DecisionChannel) -> Self {
        self.channel = channel;
        self
    }

    /// Sets the person who permits it. The host vouches for their identity.
    pub fn by(self, by: impl Into<ReviewerIdentity>) -> GrantDraft {
        let request = self.request;
        GrantDraft {
            tenant: request.key.tenant.clone(),
            request: request.id,
            revision: request.revision,
            binding: request.binding,
            terms: self.terms,
            by: by.into(),
            channel: self.channel,
        }
    }
}

impl GrantDraft {
    /// Returns the resulting grant. `arguments` are those of the request, `shown` the same as a
    /// reviewer sees them; nothing interprets those that the tool declares `inert`.
    pub(crate) fn grant(
        &self,
        record: &CallRecord,
        arguments: &Json,
        shown: &Json,
        now: Timestamp,
        inert: &[&str],
    ) -> Result<Grant, GrantError> {
        let request = &record.request;
        let same = request.id == self.request
            && request.revision == self.revision
            && request.binding == self.binding
            && request.key.tenant == self.tenant;
        let waits = record.state == CallState::Pending && now < request.expires_at;
        ensure(same && waits, GrantError::Stale)?;
        ensure(self.by.may_decide(&self.tenant), GrantError::WrongTenant)?;
        request.may_be_granted()?;
        request.may_be_approved_through(&self.channel).map_err(GrantError::Channel)?;
        let (by, giver) = (&self.by.principal, self.by.identity());
        record.takes_a_grant_of(GrantKind::Standing, by, &giver).map_err(|why| match why {
            GrantRefusal::NotHuman => GrantError::NotHuman,
            _ => GrantError::FourEyes,
        })?;
        let terms = &self.terms;
        let risky = request.risk >= Risk::High || request.hints.destructive;
        let exact = terms.arguments == ArgumentScope::Exact;
        let for_good = terms.lasting == GrantLifetime::Durable;
        let bounded = terms.uses.is_some() || terms.sum.is_some() || terms.until.is_some();
        ensure(!(risky && for_good) || bounded || exact, GrantError::TooBroad)?;
        self.check(arguments, shown)?;
        ensure(terms.uses != Some(0), GrantError::NoRoom)?;
        ensure(terms.until.is_none_or(|end| end > now), GrantError::NoRoom)?;
        let root = record.context.root_of(&request.key.run);
        let mut grant = Grant {
            id: GrantId::new(),
            tenant: self.tenant.clone(),
            principal: request.principal.clone(),
            tool: request.tool.clone(),
            fingerprint: request.fingerprint,
            run: (!for_good).then(|| root.clone()),
            verified: record.context.workspace_verified,
            arguments: terms.arguments.clone(),
            names: (!exact)
                .then(|| arguments.entries().iter().map(|(name, _)| name.clone()).collect()),
            content: record.current_content(),
            uses: terms.uses,
            sum: terms.sum.clone(),
            currencies: match &terms.sum {
                Some(_) => currencies(arguments),
                None => BTreeMap::new(),
            },
            until: terms.until,
            by: self.by.principal.clone(),
            known_by: Some(self.by.known_by),
            channel: Some(self.channel.clone()),
            canonical: self.by.canonical.clone(),
            request: request.id,
            break_glass: None,
            rule: Vec::new(),
        };
        let call = GrantedCall {
            tool: &request.tool,
            fingerprint: request.fingerprint,
            context: &record.context,
            run: &request.key.run,
            content: record.current_content(),
            arguments,
            inert,
            risky,
        };
        let drawn = grant.covers(&call).map_err(GrantError::DoesNotFit)?;
        let fits = grant.sum.as_ref().is_none_or(|sum| drawn.amount <= sum.at_most);
        ensure(fits, GrantError::NoRoom)?;
        grant.rule = rule(&grant, shown);
        Ok(grant)
    }

    /// Checks that the conditions are valid, and concern nothing that is hidden.
    fn check(&self, arguments: &Json, shown: &Json) -> Result<(), GrantError> {
        let conditions = match &self.terms.arguments {
            ArgumentScope::Matching(conditions) => conditions.as_slice(),
            _ => &[],
        };
        if matches!(&self.terms.arguments, ArgumentScope::Matching(none) if none.is_empty()) {
            return Err(GrantError::Invalid("say what the arguments must be, or permit any"));
        }
        ensure(conditions.len() <= MOST, GrantError::Invalid("there are too many conditions"))?;
        for condition in conditions {
            condition.check()?;
            is_shown(&condition.path, arguments, shown)?;
        }
        if let Some(sum) = &self.terms.sum {
            is_shown(&sum.path, arguments, shown)?;
            // The currencies are part of the rule's text.
            ensure(currencies(arguments) == currencies(shown), GrantError::Hidden)?;
        }
        Ok(())
    }
}

impl Condition {
    fn check(&self) -> Result<(), GrantError> {
        let texts: &[String] = match &self.test {
            ArgumentTest::Is(text) | ArgumentTest::Like(text) => std::slice::from_ref(text),
            ArgumentTest::OneOf(texts) if texts.is_empty() => {
                return Err(GrantError::Invalid("a list of what an argument may be is empty"));
            }
            ArgumentTest::OneOf(texts) => texts,
            ArgumentTest::Path(paths) => {
                let sound = paths.compile().is_ok_and(|paths| !paths.names_a_home());
                ensure(sound, GrantError::Invalid("a path needs plain folders and globs"))?;
                return ensure(
                    [&paths.inside, &paths.any, &paths.except].iter().all(|list| fits(list)),
                    GrantError::Invalid("a condition is too long"),
                );
            }
            ArgumentTest::Url(urls) => {
                ensure(urls.compile().is_ok(), GrantError::Invalid("a URL needs plain hosts"))?;
                return ensure(
                    [&urls.scheme, &urls.host, &urls.path, &urls.except]
                        .iter()
                        .all(|list| fits(list)),
                    GrantError::Invalid("a condition is too long"),
                );
            }
            ArgumentTest::Number(range) => {
                let sound = range.mistake().is_none() && range.max.is_some();
                return ensure(
                    sound,
                    GrantError::Invalid("a range of numbers needs `max`, and plain numbers"),
                );
            }
            ArgumentTest::AtMost(_) | ArgumentTest::AtLeast(_) | ArgumentTest::Bool(_) => &[],
        };
        ensure(fits(texts), GrantError::Invalid("a condition is too long"))?;
        // A condition that matches anything has no effect, but looks as if it had one.
        let says_nothing =
            matches!(&self.test, ArgumentTest::Like(form) if form.chars().all(|c| c == '*'));
        ensure(
            !says_nothing,
            GrantError::Invalid("`*` alone says nothing; leave the condition out"),
        )
    }
}

/// Returns whether there are not too many texts, and none is too long.
fn fits(texts: &[String]) -> bool {
    texts.len() <= MOST && texts.iter().all(|text| text.len() <= LONGEST)
}

/// Checks that a path leads only to values that a reviewer sees. If anything under it is hidden, it
/// returns an error for any guess about it, right or wrong.
fn is_shown(path: &str, arguments: &Json, shown: &Json) -> Result<(), GrantError> {
    let unsound = GrantError::Invalid("a path is written like `amount` or `payments[*].amount`");
    ensure(path.len() <= LONGEST, unsound.clone())?;
    let under = |tree| {
        let mut values = Vec::new();
        each_value(path, tree, &mut |value| values.push(value)).map(|()| values)
    };
    let (Ok(there), Ok(seen)) = (under(arguments), under(shown)) else { return Err(unsound) };
    ensure(there == seen, GrantError::Hidden)
}

fn ensure(holds: bool, otherwise: GrantError) -> Result<(), GrantError> {
    if holds { Ok(()) } else { Err(otherwise) }
}
