//! One tool for every type of argument.

mod absent;
mod defaults;
mod numbers;
mod outputs;
mod round_trips;
mod sets;
mod words;

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use hitl_core::{
    ArgumentError, CallKey, Gate, GateError, Outcome, Permit, SnapshotError, SnapshotWriter,
    Submission, Tool, ToolConfig, ToolSpec,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A type of argument.
pub(crate) trait Argument:
    Serialize + DeserializeOwned + JsonSchema + Send + 'static
{
}
impl<T: Serialize + DeserializeOwned + JsonSchema + Send + 'static> Argument for T {}

/// A tool that takes one value, asks about it, and gives it back.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Take<T> {
    pub(crate) value: T,
}

impl<T: Argument> Tool for Take<T> {
    type Output = T;
    type Error = String;
    const SPEC: ToolSpec =
        ToolSpec::new("take", "Takes a value.").config(ToolConfig::DEFAULT.base_confidence(20));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("value", &self.value))
    }
    async fn run(permit: Permit<Self>) -> Result<T, String> {
        Ok(permit.open().0.value)
    }
}

fn letters(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}

pub(crate) struct Taker<T> {
    pub(crate) gate: Gate,
    of: PhantomData<fn() -> T>,
}

pub(crate) async fn taker<T: Argument>() -> Taker<T> {
    let gate = Gate::builder().tool::<Take<T>>().build().await.unwrap();
    Taker { gate, of: PhantomData }
}

impl<T: Argument> Taker<T> {
    /// Returns the text shown to a reviewer, and the text that runs once they have approved.
    pub(crate) async fn asked(&self, text: &str) -> Result<(String, String), GateError> {
        // Each call has a key of its own.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = CallKey::new("asked", NEXT.fetch_add(1, Ordering::Relaxed));
        let submitted =
            self.gate.submit_json("take", text, "ann", key.run.clone(), key.position).await?;
        Ok(self.approved(submitted, &key).await)
    }

    /// Returns the same for a call from code.
    pub(crate) async fn asked_typed(
        &self,
        value: T,
        position: u64,
    ) -> Result<(String, String), GateError> {
        let key = CallKey::new("typed", position);
        let submitted = self.gate.submit(Take { value }).by("ann").key("typed", position).await?;
        Ok(self.approved(submitted, &key).await)
    }

    async fn approved(&self, submitted: Submission, key: &CallKey) -> (String, String) {
        let Submission::Pending(ticket) = submitted else { panic!("it needs a review") };
        let shown = ticket.request().arguments.as_str().to_owned();
        self.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        let outcome = ticket.wait().await;
        let Ok(Outcome::Executed(output)) = outcome else {
            panic!("approved, and then: {outcome:?} of {key} {shown}")
        };
        (shown, output.json().unwrap().to_owned())
    }

    /// Returns the text of `value` as it is shown, which is also the text that runs.
    pub(crate) async fn shown(&self, value: &str) -> String {
        let text = format!("{{\"value\":{value}}}");
        let asked = self.asked(&text).await;
        let (shown, ran) = asked.unwrap_or_else(|error| panic!("{text}: {error}"));
        let shown = shown.strip_prefix("{\"value\":").unwrap().strip_suffix('}').unwrap();
        // The schema of an output does not mark sets.
        assert_eq!(letters(shown), letters(&ran), "what was shown is what runs");
        shown.to_owned()
    }

    /// Returns the reason why `value` is refused before anybody is asked.
    pub(crate) async fn refused(&self, value: &str) -> ArgumentError {
        let text = format!("{{\"value\":{value}}}");
        let error = self.asked(&text).await.err().unwrap_or_else(|| panic!("{text} was taken"));
        error.arguments().unwrap_or_else(|| panic!("{text}: {error}")).clone()
    }
}
