//! Gates over the scratch store, and a tool that counts how often it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hitl_base::JsonText;
use hitl_core::store::Store;
use hitl_core::{
    CallState, DynArguments, DynSpec, DynTool, Gate, GateBuilder, Outcome, Permit, Risk, RuleSet,
    Submission, Ticket, ToolConfig,
};

use super::scratch::Scratch;
use super::trial::Stop;
use crate::args::AuditKind;

/// The tool of the trials, who asks for it, and who decides.
pub(super) const TOOL: &str = "hitl_verify";
pub(super) const REQUESTER: &str = "hitl-verify-requester";
pub(super) const REVIEWER: &str = "hitl-verify-reviewer";

pub(super) const SCHEMA: &str = r#"{"type": "object", "required": ["amount"], "additionalProperties": false,
    "properties": {"amount": {"type": "integer"}, "secret": {"type": "string", "writeOnly": true}}}"#;

/// A tool that asks a person, and one that asks nobody.
pub(super) const ASKS: ToolConfig = ToolConfig::DEFAULT.base_confidence(50).risk(Risk::High);
pub(super) const ASKS_NOBODY: ToolConfig = ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low);

/// What the trials are made with. The functions are the configuration's; tests break them.
pub(super) struct Lab {
    pub(super) scratch: Scratch,
    /// The host's rules, in force where a person is asked.
    pub(super) rules: Option<RuleSet>,
    /// The text of the host's rule file.
    pub(super) rule_text: Option<String>,
    pub(super) audit_kind: AuditKind,
    /// The store of the scratch place, as gates use it.
    pub(super) wrap: fn(Arc<dyn Store>) -> Arc<dyn Store>,
    /// The last settings of each gate.
    pub(super) settings: fn(GateBuilder) -> GateBuilder,
}

/// Counts the runs of the tool, and keeps the arguments of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness {
    runs: Arc<AtomicU64>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    /// Returns how often the tool has run.
    pub(super) fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }

    /// Returns the arguments of the last run.
    pub(super) fn last(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    fn note(&self, arguments: String) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(arguments);
        self.runs.fetch_add(1, Ordering::SeqCst);
    }
}

impl Lab {
    /// Opens another handle on the store, as another process would.
    pub(super) async fn open(&self) -> Result<Arc<dyn Store>, Stop> {
        Ok((self.wrap)(self.scratch.open().await?))
    }

    /// Builds a gate whose calls wait for a person, under the host's rules.
    pub(super) async fn asking(
        &self,
        store: &Arc<dyn Store>,
        witness: &Witness,
    ) -> Result<Gate, Stop> {
        let builder = builder(store, ASKS, witness)?;
        self.build(match &self.rules {
            Some(rules) => builder.policy(rules.clone()),
            None => builder,
        })
        .await
    }

    /// Builds a gate with the last settings.
    pub(super) async fn build(&self, builder: GateBuilder) -> Result<Gate, Stop> {
        Ok((self.settings)(builder).build().await?)
    }

    /// Builds a gate over a new handle, and submits a call of it that waits for a person.
    pub(super) async fn pending(
        &self,
        run: &str,
        witness: &Witness,
    ) -> Result<(Gate, Ticket), Stop> {
        let gate = self.asking(&self.open().await?, witness).await?;
        let ticket = self.waits(submit(&gate, run, 0).await?)?;
        Ok((gate, ticket))
    }

    /// Returns the ticket of a call that waits.
    pub(super) fn waits(&self, submission: Submission) -> Result<Ticket, Stop> {
        match submission {
            Submission::Pending(ticket) => Ok(ticket),
            Submission::Done { outcome: Outcome::Denied { reason }, .. }
                if self.rules.is_some() =>
            {
                let why = format!("the rule file denies the call that is tried: {reason}");
                Err(Stop::NotApplicable(why))
            }
            Submission::Done { outcome, .. } => Err(Stop::Failed(format!(
                "a call ended that should wait for a person: {outcome:?}"
            ))),
        }
    }

    /// Approves a call by the reviewer.
    pub(super) async fn approve(&self, gate: &Gate, ticket: &Ticket) -> Result<(), Stop> {
        let decided = gate.decide(ticket.request().approve().by(REVIEWER)).await;
        match decided {
            Ok(record) if record.state() != CallState::Pending => Ok(()),
            Ok(_) if self.rules.is_some() => {
                let why = "the rule file asks for more than one approval of the call that is tried";
                Err(Stop::NotApplicable(why.to_owned()))
            }
            Err(error) if self.rules.is_some() && error.refusal().is_some() => {
                let why =
                    format!("the rule file lets nobody approve the call that is tried: {error}");
                Err(Stop::NotApplicable(why))
            }
            Ok(record) => Err(Stop::Failed(format!("an approved call is {}", record.state()))),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the arguments of the trials with this amount.
pub(super) fn arguments(amount: u64) -> String {
    format!(r#"{{"amount": {amount}}}"#)
}

/// Submits a call of a run.
pub(super) async fn submit(gate: &Gate, run: &str, position: u64) -> Result<Submission, Stop> {
    Ok(gate.submit_json(TOOL, &arguments(1), REQUESTER, run, position).await?)
}

/// Submits a call that does not wait for a person, and waits until it has ended.
pub(super) async fn drive(gate: &Gate, run: &str, position: u64) -> Result<Outcome, Stop> {
    match submit(gate, run, position).await? {
        Submission::Pending(ticket) => Ok(ticket.wait().await?),
        Submission::Done { outcome, .. } => Ok(outcome),
    }
}

/// Starts a gate over this store with the tool of the trials.
pub(super) fn builder(
    store: &Arc<dyn Store>,
    config: ToolConfig,
    witness: &Witness,
) -> Result<GateBuilder, Stop> {
    let witness = witness.clone();
    let body = move |permit: Permit<DynArguments>| {
        witness.note(permit.open().0.json().to_owned());
        async { Ok::<_, String>(JsonText::null()) }
    };
    let spec = DynSpec::new(TOOL, "Does nothing, and is counted.").config(config);
    let tool = DynTool::new(spec, SCHEMA, body);
    let tool = tool.map_err(|error| Stop::Failed(error.to_string()))?;
    let builder = Gate::builder().on_notice(|_| {});
    Ok(builder.store(Arc::clone(store)).dyn_tool(tool))
}
