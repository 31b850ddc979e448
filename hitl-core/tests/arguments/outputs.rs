//! Outputs that cannot be written, or not be read back: the body ran, so the log reports it.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::sync::{Mutex, Once};

use hitl_core::{
    CallError, Gate, Outcome, Permit, SnapshotError, SnapshotWriter, Submission, Tool, ToolConfig,
    ToolSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                write!(self.0, "{}={value:?} ", field.name()).unwrap();
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        WARNINGS.lock().unwrap().push(text.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn warnings_about(tool: &str) -> Vec<String> {
    let named = format!("tool=\"{tool}\"");
    let plain = format!("tool={tool} ");
    let warnings = WARNINGS.lock().unwrap();
    warnings.iter().filter(|w| w.contains(&named) || w.contains(&plain)).cloned().collect()
}

trait Gift: Serialize + serde::de::DeserializeOwned + Send + 'static {
    const NAME: &'static str;
    fn gift() -> Self;
}

/// Defines tools that return a value: after a review, or at once.
macro_rules! gives {
    ($($config:expr => $name:ident),*) => {
        $(
            #[derive(Deserialize, JsonSchema)]
            struct $name<T> {
                #[serde(skip)]
                of: PhantomData<fn() -> T>,
            }

            impl<T: Gift> Tool for $name<T> {
                type Output = T;
                type Error = String;
                const SPEC: ToolSpec = ToolSpec::new(T::NAME, "Gives.").config($config);
                fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                    to.object(|_| Ok(()))
                }
                async fn run(permit: Permit<Self>) -> Result<T, String> {
                    drop(permit);
                    Ok(T::gift())
                }
            }
        )*
    };
}

gives! {
    ToolConfig::DEFAULT.base_confidence(20) => Reviewed,
    ToolConfig::DEFAULT.base_confidence(95).read_only() => Read
}

macro_rules! gift {
    ($(#[$attribute:meta])* $type:ident { $($body:tt)* } = $name:literal, $value:expr) => {
        $(#[$attribute])*
        #[derive(Serialize, Deserialize)]
        struct $type { $($body)* }
        impl Gift for $type {
            const NAME: &'static str = $name;
            fn gift() -> Self {
                $value
            }
        }
    };
}

gift!(Ratio { ratio: f64 } = "ratio", Self { ratio: f64::NAN });
gift!(ReadRatio { ratio: Vec<f64> } = "read_ratio", Self { ratio: vec![1.0, f64::INFINITY] });
gift!(Keyed { by: BTreeMap<(u8, u8), u8> } = "keyed", Self { by: [((1, 2), 3)].into() });
gift!(Double { of: Option<Option<u8>> } = "double", Self { of: Some(None) });
gift!(Plain { of: HashSet<u8>, at: Option<u8> } = "plain", Self { of: [3, 1, 2].into(), at: None });
gift!(
    Flat {
        #[serde(flatten)]
        by: Counts
    } = "flat",
    Self { by: Counts { of: [(7, 1)].into() } }
);

#[derive(Serialize, Deserialize)]
struct Counts {
    #[serde(flatten)]
    of: BTreeMap<u32, u8>,
}

/// Returns the outcome for a typed caller who comes back, and the lines of the log.
async fn reviewed<T: Gift>() -> (Result<T, CallError<String>>, Vec<String>)
where
    Reviewed<T>: Tool<Output = T, Error = String>,
{
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Collector).unwrap());
    let gate = Gate::builder().tool::<Reviewed<T>>().build().await.unwrap();
    let call = || Reviewed::<T> { of: PhantomData };
    let Submission::Pending(ticket) = gate.submit(call()).by("ann").key("r", 0).await.unwrap()
    else {
        panic!("it needs a review")
    };
    gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await, Ok(Outcome::Executed(_))), "the body ran");
    (gate.call(call()).by("ann").key("r", 0).await, warnings_about(T::NAME))
}

#[tokio::test]
async fn an_output_that_cannot_be_written_names_its_tool_and_the_reason() {
    let (again, warned) = reviewed::<Ratio>().await;
    assert!(matches!(again, Err(CallError::OutputUnavailable { .. })));
    assert!(warned[0].contains("not finite") && warned[0].contains("ratio"), "{warned:?}");
    let (again, warned) = reviewed::<Keyed>().await;
    assert!(matches!(again, Err(CallError::OutputUnavailable { .. })));
    assert!(warned[0].contains("map key") && warned[0].contains("by"), "{warned:?}");
    // Read-only, at once, without a record.
    let gate = Gate::builder().tool::<Read<ReadRatio>>().build().await.unwrap();
    let outcome = gate.call_json("read_ratio", "{}", "ann", "r", 1).await.unwrap();
    let Outcome::Executed(output) = outcome else { panic!("it runs") };
    assert_eq!(output.json(), None);
    let warned = warnings_about("read_ratio");
    assert!(warned[0].contains("not finite") && warned[0].contains("ratio[1]"), "{warned:?}");
}

#[tokio::test]
async fn an_output_that_does_not_read_back_is_warned_about_when_it_is_kept() {
    let (_, warned) = reviewed::<Double>().await;
    assert!(warned[0].contains("does not read back"), "{warned:?}");
    let (_, warned) = reviewed::<Flat>().await;
    assert!(warned[0].contains("does not read back"), "{warned:?}");
    let (again, warned) = reviewed::<Plain>().await;
    assert!(again.is_ok() && warned.is_empty(), "{warned:?}");
}
