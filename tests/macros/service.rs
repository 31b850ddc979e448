//! Methods of a service as tools: `#[hitl_tools]`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hitl::call::ToolConfig;
use hitl::prelude::*;
use hitl::redact::Redactor;
use hitl::{GateBuilder, RunContext, Sensitive};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default)]
struct Bookings {
    booked: AtomicU32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Ticket {
    flight: String,
    seats: u32,
}

#[derive(Debug)]
struct Currency(&'static str);

#[hitl_tools]
impl Bookings {
    /// The most seats of one booking.
    const MOST: u32 = 9;

    fn new() -> Self {
        Self::default()
    }

    /// Returns the number of booked seats.
    fn booked(&self) -> u32 {
        self.booked.load(Ordering::SeqCst)
    }

    /// Books seats on a flight.
    #[hitl_tool(base_confidence = 100, describe = "Book {seats} seats on {flight}")]
    async fn book(
        &self,
        #[hitl(context)] cx: &CallContext,
        #[hitl(state)] currency: &Arc<Currency>,
        flight: &str,
        #[hitl(default = Self::MOST)] seats: u32,
        #[hitl(sensitive)] card: String,
        names: &[String],
    ) -> Result<Ticket, String> {
        if seats > Self::MOST {
            return Err(format!("{} asked for {seats} seats in {}", cx.principal, currency.0));
        }
        let _ = (card, names);
        self.booked.fetch_add(seats, Ordering::SeqCst);
        // Makes a value and runs nothing.
        let _again: BookingsBook = Self::book("other", 1, "", []);
        Ok(Ticket { flight: flight.to_owned(), seats: self.booked() })
    }

    /// How many seats are booked.
    #[hitl::hitl_tool(base_confidence = 100, read_only, name = "count_seats")]
    async fn count(&self) -> u32 {
        self.booked()
    }

    /// Forgets everything.
    #[hitl_tool(base_confidence = 100, auto_threshold = 90, destructive)]
    async fn clear(&self, #[hitl(context)] run: RunContext) {
        assert_eq!(run.attempt(), 1);
        self.booked.store(0, Ordering::SeqCst);
    }

    /// Does not exist.
    #[cfg(any())]
    #[hitl_tool]
    async fn never(&self, of: NoSuchType) {}
}

async fn gate() -> (Gate, Arc<Bookings>) {
    let bookings = Arc::new(Bookings::new());
    let gate = Gate::builder()
        .tools::<Bookings>(Arc::clone(&bookings))
        .state(Arc::new(Currency("EUR")))
        .build()
        .await
        .unwrap();
    (gate, bookings)
}

#[tokio::test]
async fn methods_run_on_the_service_of_the_gate() {
    let (gate, bookings) = gate().await;
    let call = Bookings::book("LH 1", 2, "4111", ["Ann".to_owned()]);
    let ticket = gate.call(call).by("ann").key("r", 0).await.unwrap();
    assert_eq!(ticket, Ticket { flight: "LH 1".to_owned(), seats: 2 });
    assert_eq!(gate.call(Bookings::count()).by("ann").await.unwrap(), 2);
    let text = r#"{"flight":"LH 2","card":"4111","names":[]}"#;
    let outcome = gate.call_json("book", text, CallContext::new("ann"), "r", 1).await.unwrap();
    let Outcome::Executed(output) = outcome else { panic!("{outcome:?}") };
    assert_eq!(output.parse::<Ticket>().unwrap().seats, 11);
    gate.call(Bookings::clear()).by("ann").await.unwrap();
    assert_eq!(bookings.booked(), 0);
    let error = gate.call(Bookings::book("LH 3", 10, "", [])).by("ann").await.unwrap_err();
    assert!(error.to_string().contains("ann asked for 10 seats in EUR"), "{error}");
}

#[tokio::test]
async fn a_service_registers_its_tools_under_the_names_of_its_methods() {
    let (gate, _) = gate().await;
    let names: Vec<_> = gate.tools().into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["book", "clear", "count_seats"]);
    let schema = schemars::schema_for!(BookingsBook).to_value();
    assert_eq!(schema["required"], serde_json::json!(["flight", "card", "names"]));
    assert_eq!(schema["properties"]["seats"]["default"], 9);
    let clear = ToolConfig::DEFAULT.base_confidence(100).auto_threshold(90).destructive();
    assert_eq!(BookingsClear::SPEC.config, clear);
    let call = Bookings::book("LH 1", 2, "4111-1111", []);
    assert_eq!(
        format!("{call:?}"),
        r#"BookingsBook({"flight":"LH 1","seats":2,"card":"[redacted]","names":[]})"#
    );
}

#[tokio::test]
async fn some_tools_of_a_service_are_registered_one_by_one() {
    let builder = Gate::builder().tool::<BookingsCount>();
    let error = builder.build().await.unwrap_err();
    assert!(error.to_string().contains("Bookings"), "{error}");
    let builder = Gate::builder().tool::<BookingsCount>().state(Arc::new(Bookings::new()));
    let gate = builder.build().await.unwrap();
    assert_eq!(gate.tools().len(), 1);
    assert_eq!(gate.call(Bookings::count()).by("ann").await.unwrap(), 0);
    // Registering all tools and also giving the service as state is an error.
    let builder = Gate::builder().tools::<Bookings>(Bookings::new());
    let builder: GateBuilder = builder.state(Arc::new(Currency("EUR")));
    let error = builder.state(Arc::new(Bookings::new())).build().await.unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
}

/// A service in a module of its own, whose tools are used from outside.
mod office {
    use hitl::hitl_tools;

    pub(crate) struct Desk {
        pub(crate) owner: String,
    }

    pub(crate) mod tools {
        use super::super::*;

        #[hitl_tools(crate = hitl)]
        impl super::Desk {
            /// Whose desk it is.
            #[hitl_tool(base_confidence = 100, read_only)]
            pub(crate) async fn whose(&self, next: Option<Vec<super::super::Secret>>) -> String {
                format!("{} {}", self.owner, next.map_or(0, |next| next.len()))
            }
        }
    }

    struct Twin;

    #[hitl_tools]
    impl Twin {
        /// Has a sibling of the same name elsewhere.
        #[hitl_tool(name = "twin_whose")]
        async fn whose(&self) -> Option<Box<u8>> {
            let _call: TwinWhose = Self::whose();
            None
        }
    }
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Secret {
    word: Sensitive<String>,
}

#[tokio::test]
async fn a_service_may_be_named_by_a_path() {
    let desk = office::Desk { owner: "Ann".to_owned() };
    let gate = Gate::builder().tools::<office::Desk>(desk).build().await.unwrap();
    let secret = Secret { word: Sensitive::new("hunter2".to_owned()) };
    let call = office::Desk::whose(Some(vec![secret]));
    assert!(!format!("{call:?}").contains("hunter2"));
    assert_eq!(gate.call(call).by("ann").await.unwrap(), "Ann 1");
    let _ = Redactor::standard();
}
