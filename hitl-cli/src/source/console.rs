//! A console, by what it takes and gives: its REST and its stream of events.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::Path;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::people::Demand;
use hitl_core::{CallState, DecisionId, GrantId, GrantTerms, Principal, RequestId, UncoveredCard};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::http::{Http, read};
use super::sse::Lines;
use crate::arguments::{Place, Who};
use crate::exit::{Exit, Failure};
use crate::view::{CallLine, Card, Change, Count, Given, GrantLine, Moved, Numbers, Rest, Step};

/// How long to wait before a lost stream is opened again, and how often in vain.
const AGAIN: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 10;
/// How many days of outcomes are counted.
const DAYS: u32 = 90;

/// A console, asked in the name of a token's owner.
pub(crate) struct Console(Http);

/// A page of its queue.
#[derive(Deserialize)]
pub(crate) struct Told {
    pub(crate) calls: Vec<CallLine>,
    pub(crate) next: Option<String>,
    pub(crate) now: Timestamp,
    counts: BTreeMap<String, Count>,
}

/// A page of its grants.
#[derive(Deserialize)]
pub(crate) struct GrantsTold {
    pub(crate) grants: Vec<GrantLine>,
    pub(crate) next: Option<GrantId>,
}

/// What a grant would permit.
#[derive(Deserialize)]
pub(crate) struct Previewed {
    pub(crate) rule: Vec<String>,
    pub(crate) waiting: usize,
    digest: String,
}

/// How a call whose outcome was not known has ended.
pub(crate) struct Settled {
    pub(crate) found: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) version: u64,
}

/// The token's owner.
pub(crate) struct Known {
    pub(crate) name: String,
    /// What a one-time code is demanded for. Nothing when nobody has enrolled, or the host vouches.
    pub(crate) demand: Option<Demand>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    principal: Principal,
    /// A console that does not say it checks no codes, and is not taken for one that does.
    code_for: CodeFor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum CodeFor {
    Nothing,
    Loosening,
    Answers,
}

#[derive(Deserialize)]
struct Audit {
    entries: Vec<EntryLine>,
}

#[derive(Deserialize)]
struct EntryLine {
    seq: u64,
    event: String,
    state: CallState,
    version: u64,
    at: Timestamp,
    by: Option<Principal>,
}

#[derive(Deserialize)]
struct CallEvent {
    event: String,
    at: Timestamp,
    by: Option<Principal>,
    call: CallLine,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    days: u32,
    by_day: BTreeMap<String, BTreeMap<String, u64>>,
    median_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct TaskList {
    tasks: Vec<Box<RawValue>>,
}

impl Console {
    /// A console whose address and token the command line and the environment name.
    pub(super) fn open(url: &str, place: &Place, audit: Option<&Path>) -> Result<Self, Failure> {
        if !place.tenant.is_empty() || place.key_file.is_some() {
            let why = "a console shows its token's own tenant, and keeps the key itself: leave out \
                       --tenant and --key-file (HITL_KEY_FILE)";
            return Err(Failure::usage(why));
        }
        if audit.is_some() {
            return Err(Failure::usage(
                "a console writes its own audit: leave out --audit (HITL_AUDIT)",
            ));
        }
        Ok(Self(Http::open(url, place.token_file.as_deref())?))
    }

    /// Whoever decides is known by the token.
    pub(crate) fn anonymous(who: &Who) -> Result<(), Failure> {
        if who.name.is_some() || !who.role.is_empty() {
            let why = "a console knows who decides by the token: leave out --as and --role \
                       (HITL_APPROVER)";
            return Err(Failure::usage(why));
        }
        Ok(())
    }

    /// Who the token's owner is, and what a one-time code is demanded of them for.
    pub(crate) fn known(&self) -> Result<Known, Failure> {
        let me: Me = read(&self.0.get("api/me", &[])?)?;
        let demand = match me.code_for {
            CodeFor::Nothing => None,
            CodeFor::Loosening => Some(Demand::Loosening),
            CodeFor::Answers => Some(Demand::Answers),
        };
        Ok(Known { name: me.principal.to_string(), demand })
    }

    /// Sends this one-time code with the next deed. One that no header can hold is refused here.
    pub(crate) fn send_code(&self, code: &str) -> Result<(), Failure> {
        self.0.send_code(code)
    }

    /// A page of the queue.
    pub(crate) fn queue(&self, query: &[(&str, String)]) -> Result<Told, Failure> {
        read(&self.0.get("api/calls", query)?)
    }

    /// All that the console says of a call.
    pub(crate) fn card(&self, id: RequestId) -> Result<Card, Failure> {
        let text = self.0.get(&format!("api/calls/{id}"), &[])?;
        // Read twice: what is flattened would lose the exact text of the arguments.
        let (line, rest) = (read::<CallLine>(&text)?, read::<Rest>(&text)?);
        let audit: Audit = read(&self.0.get(&format!("api/calls/{id}/audit"), &[])?)?;
        let history = audit.entries.into_iter().map(|entry| {
            let EntryLine { seq, event, state, version, at, by } = entry;
            Step { number: seq, moved: Moved { id, event, state, version, at, by } }
        });
        Ok(Card::told(line, rest, history.collect()))
    }

    /// A call with what redaction masks in it, as the card shows it.
    pub(crate) fn uncover(&self, card: &Card) -> Result<UncoveredCard, Failure> {
        let request = &card.request;
        let body = json!({ "revision": request.revision, "binding": request.binding });
        read(&self.0.deed(&format!("api/calls/{}/uncover", request.id), &body)?)
    }

    /// Says that a person looks at a call: others see it, and the audit keeps that it was shown.
    pub(crate) fn looks_at(&self, id: Option<RequestId>) -> Result<(), Failure> {
        self.0.post("api/presence", &json!({ "at": id })).map(drop)
    }

    /// Decides a call as the card shows it. `answer` is the rest of what is sent.
    pub(crate) fn decide(&self, card: &Card, answer: Value) -> Result<CallLine, Failure> {
        let request = &card.request;
        let mut body = json!({
            "revision": request.revision, "binding": request.binding, "decision": DecisionId::new(),
        });
        if let (Some(body), Value::Object(answer)) = (body.as_object_mut(), answer) {
            body.extend(answer);
        }
        read(&self.0.deed(&format!("api/calls/{}/decide", request.id), &body)?)
    }

    /// Settles a call whose outcome is not known.
    pub(crate) fn resolve(&self, id: RequestId, settled: Settled) -> Result<CallLine, Failure> {
        let Settled { found, reason, version } = settled;
        let body = json!({ "version": version, "found": found, "reason": reason });
        read(&self.0.deed(&format!("api/calls/{id}/resolve"), &body)?)
    }

    /// What a grant on a call would permit, as the card shows the call.
    pub(crate) fn preview_grant(
        &self,
        card: &Card,
        terms: &GrantTerms,
    ) -> Result<Previewed, Failure> {
        let (id, body) = (card.request.id, on_terms(card, terms));
        read(&self.0.post(&format!("api/calls/{id}/grant/preview"), &body)?)
    }

    /// Gives a grant, exactly as it was previewed.
    pub(crate) fn save_grant(
        &self,
        card: &Card,
        terms: &GrantTerms,
        preview: &Previewed,
    ) -> Result<Given, Failure> {
        let (id, mut body) = (card.request.id, on_terms(card, terms));
        body["preview"] = json!(preview.digest);
        read(&self.0.deed(&format!("api/calls/{id}/grant"), &body)?)
    }

    /// A page of its grants.
    pub(crate) fn grants(&self, query: &[(&str, String)]) -> Result<GrantsTold, Failure> {
        read(&self.0.get("api/grants", query)?)
    }

    /// One grant.
    pub(crate) fn grant(&self, id: GrantId) -> Result<GrantLine, Failure> {
        read(&self.0.get(&format!("api/grants/{id}"), &[])?)
    }

    /// Takes a grant back.
    pub(crate) fn revoke(&self, id: GrantId, reason: &str) -> Result<GrantLine, Failure> {
        let body = json!({ "reason": reason });
        read(&self.0.post(&format!("api/grants/{id}/revoke"), &body)?)
    }

    /// What waits, and what became of the calls of the last days.
    pub(crate) fn numbers(&self) -> Result<Numbers, Failure> {
        let days = [("days", DAYS.to_string())];
        let stats: Stats = read(&self.0.get("api/stats", &days)?)?;
        let query = [("order", "oldest".to_owned()), ("limit", "1".to_owned())];
        let Told { calls, counts, .. } = self.queue(&query)?;
        let count = |name: &str| counts.get(name).copied().unwrap_or_default();
        let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
        for (outcome, number) in stats.by_day.into_values().flatten() {
            *outcomes.entry(outcome).or_default() += number;
        }
        Ok(Numbers {
            states: [
                ("pending", count("all")),
                ("approved", count("approved")),
                ("claimed", count("claimed")),
                ("outcomeUnknown", count("unknown")),
            ]
            .into(),
            priorities: ["urgent", "high", "medium"].map(|p| (p.to_owned(), count(p))).into(),
            levels: ["quick", "full"].map(|level| (level.to_owned(), count(level))).into(),
            oldest_waits_since: calls.first().map(CallLine::created_at),
            outcomes,
            days: Some(stats.days),
            median_seconds: stats.median_seconds,
        })
    }

    /// The tasks of the reviewer's tenant, each as the console says it.
    pub(crate) fn tasks(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        Ok(read::<TaskList>(&self.0.get("api/tasks", &[])?)?.tasks)
    }

    /// Tells every change, until `tell` says that it is enough. A stream that is lost is opened
    /// again where it was.
    pub(crate) fn watch(
        &self,
        after: Option<String>,
        mut tell: impl FnMut(Change) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let (mut last, mut failed) = (after, 0);
        loop {
            let mut stream = match self.0.stream("api/events", last.as_deref()) {
                Ok(stream) => stream,
                Err(failure) if failure.exit == Exit::Failed && failed + 1 < ATTEMPTS => {
                    failed += 1;
                    std::thread::sleep(AGAIN * failed);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let (mut lines, mut line) = (Lines::default(), String::new());
            // A connection that breaks or falls silent is opened again.
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
                        let CallEvent { event, at, by, call } = read(&event.data)?;
                        let (id, state, version) = (call.id, call.state, call.version);
                        let place = last.clone().unwrap_or_default();
                        Change::Changed {
                            place,
                            entry: Moved { id, event, state, version, at, by },
                        }
                    }
                    _ => continue,
                };
                if !tell(change)? {
                    return Ok(());
                }
            }
            failed += 1;
            std::thread::sleep(AGAIN);
        }
    }
}

/// What a console is sent about a grant: the call as the card shows it, and the terms.
fn on_terms(card: &Card, terms: &GrantTerms) -> Value {
    let request = &card.request;
    json!({ "revision": request.revision, "binding": request.binding, "terms": terms })
}
