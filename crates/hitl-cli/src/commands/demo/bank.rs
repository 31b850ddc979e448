//! Where the payments of the demo arrive, and the tool that makes them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hitl_base::JsonText;
use hitl_core::{DynArguments, DynSpec, DynTool, Gate, GateBuilder, Permit, RuleSet, ToolConfig};
use serde::{Deserialize, Serialize};

use super::run::failed;
use crate::exit::Failure;

/// The schema of the tool `pay`.
const SCHEMA: &str = r#"{"type": "object", "required": ["to", "amount"], "additionalProperties": false,
    "properties": {"to": {"type": "string"}, "amount": {"type": "integer", "minimum": 1}}}"#;

/// A rule by which a person sees every payment.
pub(super) const EVERY_PAYMENT: &str = r#"
schema = 1
version = "1"
[[rule]]
name = "a person sees every payment"
effect = "full"
tool = "pay"
"#;

/// A payment, and the arguments of `pay`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payment {
    pub(super) to: String,
    pub(super) amount: u64,
}

impl Payment {
    pub(super) fn new(to: &str, amount: u64) -> Self {
        Self { to: to.to_owned(), amount }
    }

    /// Returns the arguments of `pay`, as a model writes them.
    pub(super) fn json(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string(self)?)
    }
}

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.amount, self.to)
    }
}

/// The bank: every payment that arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Bank(Arc<Mutex<Vec<Payment>>>);

impl Bank {
    pub(super) fn pay(&self, payment: Payment) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(payment);
    }

    /// Returns the payments, in the order of their arrival.
    pub(super) fn payments(&self) -> Vec<Payment> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the line about what arrived.
    pub(super) fn statement(&self) -> String {
        let paid: Vec<String> = self.payments().iter().map(Payment::to_string).collect();
        if paid.is_empty() {
            "paid: nothing".to_owned()
        } else {
            format!("paid: {}", paid.join(", "))
        }
    }

    /// Returns the loss: the payments that nobody wanted.
    pub(super) fn loss(&self, wanted: &[Payment]) -> Option<String> {
        let paid = self.payments();
        let unwanted = paid.iter().filter(|payment| !wanted.contains(payment));
        let unwanted: Vec<String> = unwanted.map(Payment::to_string).collect();
        (!unwanted.is_empty()).then(|| format!("{} that nobody wanted", unwanted.join(", ")))
    }
}

/// Returns a gate builder that says nothing by itself: the demo says what waits.
pub(super) fn quiet_builder() -> GateBuilder {
    Gate::builder().on_notice(|_| {})
}

/// Returns a gate builder with the tool `pay` and these rules.
pub(super) fn gate(bank: &Bank, config: ToolConfig, rules: &str) -> Result<GateBuilder, Failure> {
    let bank = bank.clone();
    let body = move |permit: Permit<DynArguments>| {
        let paid = permit.open().0.parse::<Payment>().map(|payment| bank.pay(payment));
        async move { paid.map(|()| JsonText::null()) }
    };
    Ok(quiet_builder().dyn_tool(pay_tool(config, body)?).policy(rule_set(rules)?))
}

/// Returns the tool `pay` with this body.
pub(super) fn pay_tool<F, R, E>(config: ToolConfig, body: F) -> Result<DynTool, Failure>
where
    F: Fn(Permit<DynArguments>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<JsonText, E>> + Send + 'static,
    E: fmt::Display + fmt::Debug + Send + 'static,
{
    let config = config.describe("Pay {amount} to {to}");
    let spec = DynSpec::new("pay", "Pays an invoice.").config(config);
    DynTool::new(spec, SCHEMA, body).map_err(failed)
}

/// Reads rules.
pub(super) fn rule_set(text: &str) -> Result<RuleSet, Failure> {
    RuleSet::parse(text).map_err(failed)
}
