//! A client of a console: its REST routes and its stream of events.

use std::io::BufRead as _;
use std::path::Path;
use std::time::Duration;

use hitl_core::approval::Patch;
use hitl_core::people::CodeDemand;
use hitl_core::{CallState, DecisionId, GrantId, GrantTerms, Principal, RequestId, UncoveredCard};
use hitl_wire::assignment::{AbsenceList, AssignBody, AssignedCall, AwayBody};
use hitl_wire::decision::{AnswerKind, PresenceBody, ResolveBody, TakeBackBody, UncoverBody};
use hitl_wire::edit::{EditPreview, EditPreviewBody};
use hitl_wire::freeze::{FreezeBody, FreezeList, THAW, ThawBody};
use hitl_wire::grant::{
    GrantPage, GrantPreview, GrantPreviewBody, GrantSaveBody, RevokeBody, SavedGrant,
};
use hitl_wire::history::HistoryEntry;
use hitl_wire::queue::Count;
use hitl_wire::session::{CodeFor, Me};
use hitl_wire::stats::Stats;
use hitl_wire::task::TaskList;
use hitl_wire::{
    CallDetail, CallEvent, CallHistory, CallPage, CallSummary, DecisionBody, GrantSummary,
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::http::Http;
use super::neglect::is_late;
use super::sse::Lines;
use crate::args::{BackendArgs, DeciderArgs, IdArg, IdSearch};
use crate::exit::{Exit, Failure};
use crate::view::{
    CallLine, Card, Change, ChangeEntry, GrantResult, NumberedEntry, PastReport, StatsReport,
};

/// The delay before a lost stream is opened again, and the number of attempts.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);
const MAX_ATTEMPTS: u32 = 10;
/// The number of days whose outcomes are counted.
const STATS_DAYS: u32 = 90;

/// A client that acts in the name of a token's owner.
pub(crate) struct ConsoleClient(Http);

/// The token's owner.
pub(crate) struct TokenOwner {
    pub(crate) name: String,
    /// The actions that require a one-time code; `None` when nobody has enrolled, or the host
    /// vouches.
    pub(crate) demand: Option<CodeDemand>,
}

impl ConsoleClient {
    /// Opens the console whose address and token the command line and the environment name.
    pub(super) fn open(
        url: &str,
        backend: &BackendArgs,
        audit: Option<&Path>,
    ) -> Result<Self, Failure> {
        if backend.key_file.is_some() {
            let why = "a console keeps the key itself: leave out --key-file (HITL_KEY_FILE)";
            return Err(Failure::usage(why));
        }
        if backend.tenant.len() > 1 {
            return Err(Failure::usage("a console shows one tenant at a time: name one --tenant"));
        }
        if audit.is_some() {
            return Err(Failure::usage(
                "a console writes its own audit: leave out --audit (HITL_AUDIT)",
            ));
        }
        let tenant = backend.tenant.first().map(String::as_str);
        Ok(Self(Http::open(url, backend.token_file.as_deref(), tenant)?))
    }

    /// Refuses options that name the decider: over a console the token does.
    pub(crate) fn refuse_name(who: &DeciderArgs) -> Result<(), Failure> {
        if who.name.is_some() || !who.role.is_empty() {
            let why = "the token names who decides over a console: leave out --as and --role \
                       (HITL_APPROVER)";
            return Err(Failure::usage(why));
        }
        Ok(())
    }

    /// Returns the token's owner, and the actions that require a one-time code of them.
    pub(crate) fn token_owner(&self) -> Result<TokenOwner, Failure> {
        let me: Me = read(&self.0.get("api/me", &[])?)?;
        let demand = match me.code_for {
            CodeFor::Nothing => None,
            CodeFor::Loosening => Some(CodeDemand::Loosening),
            CodeFor::Answers => Some(CodeDemand::Answers),
        };
        Ok(TokenOwner { name: me.principal.to_string(), demand })
    }

    /// Returns the console's rule files, in the reader's own form; none if it has none.
    pub(crate) fn policies<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        #[derive(serde::Deserialize)]
        struct Policies<T> {
            policies: Vec<T>,
        }
        let me: Me = read(&self.0.get("api/me", &[])?)?;
        if me.policies == 0 {
            return Ok(Vec::new());
        }
        Ok(read::<Policies<T>>(&self.0.get("api/policies", &[])?)?.policies)
    }

    /// Sends this one-time code with the next action. A code that no header can hold is refused
    /// here.
    pub(crate) fn send_code(&self, code: &str) -> Result<(), Failure> {
        self.0.send_code(code)
    }

    /// Returns a page of the queue.
    pub(crate) fn queue(&self, query: &[(&str, String)]) -> Result<CallPage, Failure> {
        read(&self.0.get("api/calls", query)?)
    }

    /// Counts the approved calls that should have been started by now, among the oldest ones.
    pub(crate) fn count_idle(&self) -> Result<Count, Failure> {
        let query = [("order", "oldest"), ("limit", "200"), ("state", "approved")];
        let page = self.queue(&query.map(|(name, value)| (name, value.to_owned())))?;
        let idle = page.calls.iter().filter(|call| is_late(call.updated_at, page.now)).count();
        Ok(Count { counted: idle as u64, more: page.next.is_some() })
    }

    /// Returns everything that the console knows of a call. A part of an id is compared with every
    /// call that the console keeps.
    pub(crate) fn card(&self, id: &IdArg<RequestId>) -> Result<Card, Failure> {
        let id = match id {
            IdArg::Whole(id) => *id,
            IdArg::Part(part) => self.find_call(part)?,
        };
        let detail: CallDetail = read(&self.0.get(&format!("api/calls/{id}"), &[])?)?;
        let history: CallHistory = read(&self.0.get(&format!("api/calls/{id}/audit"), &[])?)?;
        let steps = history.entries.into_iter().map(|entry| {
            let HistoryEntry { seq, event, state, version, at, by, channel } = entry;
            NumberedEntry {
                number: seq,
                entry: ChangeEntry { id, event, state, version, at, by, channel },
            }
        });
        Ok(Card::from_console(detail, steps.collect()))
    }

    fn find_call(&self, part: &str) -> Result<RequestId, Failure> {
        let mut search = IdSearch::new(part, "call");
        let mut after = None;
        loop {
            let mut query = vec![("order", "oldest".to_owned()), ("limit", "200".to_owned())];
            query.push(("state", CallState::ALL.map(CallState::name).join(",")));
            query.extend(after.take().map(|after| ("after", after)));
            let page = self.queue(&query)?;
            for call in &page.calls {
                search.add(call.id, || format!("{}: {}", call.state, call.title));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return search.finish(),
            }
        }
    }

    /// Returns a call with its masked values, as the card shows it.
    pub(crate) fn uncover(&self, card: &Card) -> Result<UncoveredCard, Failure> {
        let request = &card.request;
        let (revision, binding) = (request.revision, request.binding);
        let body = UncoverBody { revision, binding, places: None };
        read(&self.0.post_once(&format!("api/calls/{}/uncover", request.id), &body)?)
    }

    /// Checks an edit of a call as the card shows it, and returns its result. Nothing is stored.
    pub(crate) fn preview_edit(&self, card: &Card, patch: &str) -> Result<EditPreview, Failure> {
        let request = &card.request;
        let (revision, binding) = (request.revision, request.binding);
        let body = EditPreviewBody { revision, binding, patch: Patch::new(patch) };
        read(&self.0.post(&format!("api/calls/{}/edit/preview", request.id), &body)?)
    }

    /// Reports that a person looks at a call: others see it, and the audit records that it was
    /// shown.
    pub(crate) fn set_presence(&self, id: Option<RequestId>) -> Result<(), Failure> {
        self.0.post("api/presence", &PresenceBody { at: id }).map(drop)
    }

    /// Starts a decision on a call as the card shows it. Sending it twice is harmless.
    pub(crate) fn decision(card: &Card, answer: AnswerKind) -> DecisionBody {
        let request = &card.request;
        let decision = Some(DecisionId::new());
        DecisionBody { decision, ..DecisionBody::new(request.revision, request.binding, answer) }
    }

    /// Decides a call.
    pub(crate) fn decide(&self, id: RequestId, body: &DecisionBody) -> Result<CallLine, Failure> {
        let call: CallSummary = read(&self.0.post_once(&format!("api/calls/{id}/decide"), body)?)?;
        Ok(call.into())
    }

    /// Assigns a call to a reviewer, or to nobody any more.
    pub(crate) fn assign(
        &self,
        id: &IdArg<RequestId>,
        to: Option<Principal>,
    ) -> Result<AssignedCall, Failure> {
        let id = match id {
            IdArg::Whole(id) => *id,
            IdArg::Part(part) => self.find_call(part)?,
        };
        read(&self.0.post(&format!("api/calls/{id}/assign"), &AssignBody { to })?)
    }

    /// Returns who is away.
    pub(crate) fn absences(&self) -> Result<AbsenceList, Failure> {
        read(&self.0.get("api/absences", &[])?)
    }

    /// Says that the token's owner is away.
    pub(crate) fn set_absence(&self, absence: &AwayBody) -> Result<AbsenceList, Failure> {
        read(&self.0.post("api/absences/mine", absence)?)
    }

    /// Says that the token's owner is back.
    pub(crate) fn end_absence(&self) -> Result<AbsenceList, Failure> {
        read(&self.0.post("api/absences/end", &serde_json::json!({}))?)
    }

    /// Resolves a call whose outcome is unknown.
    pub(crate) fn resolve(&self, id: RequestId, body: &ResolveBody) -> Result<CallLine, Failure> {
        let call: CallSummary = read(&self.0.post_once(&format!("api/calls/{id}/resolve"), body)?)?;
        Ok(call.into())
    }

    /// Takes an approval back.
    pub(crate) fn take_back(
        &self,
        id: RequestId,
        body: &TakeBackBody,
    ) -> Result<CallLine, Failure> {
        let call: CallSummary = read(&self.0.post(&format!("api/calls/{id}/take-back"), body)?)?;
        Ok(call.into())
    }

    /// Previews a grant on a call, as the card shows the call.
    pub(crate) fn preview_grant(
        &self,
        card: &Card,
        terms: &GrantTerms,
    ) -> Result<GrantPreview, Failure> {
        let request = &card.request;
        let (id, terms) = (request.id, terms.clone());
        let (revision, binding) = (request.revision, request.binding);
        let body = GrantPreviewBody { revision, binding, terms };
        read(&self.0.post(&format!("api/calls/{id}/grant/preview"), &body)?)
    }

    /// Gives a grant, exactly as it was previewed.
    pub(crate) fn save_grant(
        &self,
        card: &Card,
        terms: &GrantTerms,
        preview: GrantPreview,
    ) -> Result<GrantResult, Failure> {
        let request = &card.request;
        let (id, terms, preview) = (request.id, terms.clone(), preview.digest);
        let (revision, binding) = (request.revision, request.binding);
        let body = GrantSaveBody { revision, binding, terms, preview };
        let saved: SavedGrant = read(&self.0.post_once(&format!("api/calls/{id}/grant"), &body)?)?;
        Ok(saved.into())
    }

    /// Returns a page of its grants.
    pub(crate) fn grants(&self, query: &[(&str, String)]) -> Result<GrantPage, Failure> {
        read(&self.0.get("api/grants", query)?)
    }

    /// Returns one grant.
    pub(crate) fn grant(&self, id: &IdArg<GrantId>) -> Result<GrantSummary, Failure> {
        let id = match id {
            IdArg::Whole(id) => *id,
            IdArg::Part(part) => self.find_grant(part)?,
        };
        read(&self.0.get(&format!("api/grants/{id}"), &[])?)
    }

    fn find_grant(&self, part: &str) -> Result<GrantId, Failure> {
        let mut search = IdSearch::new(part, "grant");
        let mut after = None;
        loop {
            let mut query = vec![("which", "all".to_owned()), ("limit", "200".to_owned())];
            query.extend(after.map(|after: GrantId| ("after", after.to_string())));
            let page = self.grants(&query)?;
            for grant in &page.grants {
                search.add(grant.id, || grant.tool.clone());
            }
            after = page.next;
            if after.is_none() {
                return search.finish();
            }
        }
    }

    /// Returns what is frozen for the token's tenant.
    pub(crate) fn freezes(&self) -> Result<FreezeList, Failure> {
        read(&self.0.get("api/freezes", &[])?)
    }

    /// Freezes the token's tenant.
    pub(crate) fn freeze(&self, reason: &str) -> Result<FreezeList, Failure> {
        let body = FreezeBody { reason: reason.to_owned() };
        read(&self.0.post("api/freeze", &body)?)
    }

    /// Thaws the token's tenant.
    pub(crate) fn thaw(&self) -> Result<FreezeList, Failure> {
        read(&self.0.post_once("api/thaw", &ThawBody { confirm: THAW.to_owned() })?)
    }

    /// Revokes a grant.
    pub(crate) fn revoke(&self, id: GrantId, reason: &str) -> Result<GrantSummary, Failure> {
        let body = RevokeBody { reason: reason.to_owned() };
        read(&self.0.post(&format!("api/grants/{id}/revoke"), &body)?)
    }

    /// Counts pending calls, and the decisions and outcomes of the last days.
    pub(crate) fn stats(&self) -> Result<StatsReport, Failure> {
        let days = [("days", STATS_DAYS.to_string())];
        let stats: Stats = read(&self.0.get("api/stats", &days)?)?;
        let days = stats.days;
        let query = [("order", "oldest".to_owned()), ("limit", "1".to_owned())];
        let CallPage { calls, counts, .. } = self.queue(&query)?;
        Ok(StatsReport {
            states: [
                ("pending", counts.all),
                ("approved", counts.approved),
                ("claimed", counts.claimed),
                ("outcomeUnknown", counts.unknown),
            ]
            .into(),
            priorities: [
                ("urgent".to_owned(), counts.urgent),
                ("high".to_owned(), counts.high),
                ("medium".to_owned(), counts.medium),
            ]
            .into(),
            levels: [("quick".to_owned(), counts.quick), ("full".to_owned(), counts.full)].into(),
            oldest_waits_since: calls.first().map(|call| call.created_at),
            past: PastReport::new(stats, Some(days)),
        })
    }

    /// Returns the tasks of the reviewer's tenant, each as the console sends it.
    pub(crate) fn tasks(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        Ok(read::<TaskList<_>>(&self.0.get("api/tasks", &[])?)?.tasks)
    }

    /// Passes every change to `tell`, until that returns that it is enough. A lost stream is
    /// reopened at its last position.
    pub(crate) fn watch(
        &self,
        after: Option<String>,
        mut tell: impl FnMut(Change) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let (mut last, mut failed) = (after, 0);
        loop {
            let mut stream = match self.0.stream("api/events", last.as_deref()) {
                Ok(stream) => stream,
                Err(failure) if failure.exit == Exit::Failed && failed + 1 < MAX_ATTEMPTS => {
                    failed += 1;
                    std::thread::sleep(RECONNECT_DELAY * failed);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let (mut lines, mut line) = (Lines::default(), String::new());
            // A connection that breaks or falls silent is reopened.
            while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                let event = lines.take(&line);
                line.clear();
                let Some(event) = event else { continue };
                failed = 0;
                let before = last.clone();
                last = event.id.or(last);
                let change = match event.kind.as_str() {
                    "gap" => Change::Gap { after: before.unwrap_or_default() },
                    "call" => {
                        let CallEvent { event, at, by, channel, call } = read(&event.data)?;
                        let (id, state, version) = (call.id, call.state, call.version);
                        let place = last.clone().unwrap_or_default();
                        Change::Changed {
                            place,
                            entry: ChangeEntry { id, event, state, version, at, by, channel },
                        }
                    }
                    _ => continue,
                };
                if !tell(change)? {
                    return Ok(());
                }
            }
            failed += 1;
            std::thread::sleep(RECONNECT_DELAY);
        }
    }
}

/// Parses a document that a console has sent.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|_| {
        let why = "this is not an answer of a console: check that --url is the console's own address, and \
                   that it has this version";
        Failure::new(Exit::Failed, why)
    })
}
