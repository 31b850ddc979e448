//! Attributes below `#[hitl_tool]` that rewrite its body, as `tracing::instrument` does, see the
//! parameters that they name and no secrets.

#![expect(clippy::unwrap_used, reason = "a helper fails as its test does")]

use std::fmt::{Debug, Write as _};
use std::sync::Mutex;

use hitl::Gate;
use hitl::prelude::*;
use tracing_core::field::{Field, Visit};
use tracing_core::{Dispatch, Event, Metadata, Subscriber, dispatcher, span};

/// Everything that was recorded in spans of this file.
static RECORDED: Mutex<String> = Mutex::new(String::new());

struct Recorder;

struct Line<'l>(&'l mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "macro_attributes"
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut recorded = RECORDED.lock().unwrap();
        recorded.push_str(span.metadata().name());
        span.record(&mut Line(&mut recorded));
        recorded.push('\n');
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut recorded = RECORDED.lock().unwrap();
        values.record(&mut Line(&mut recorded));
        recorded.push('\n');
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Names what it shows.
#[hitl_tool(base_confidence = 100)]
#[tracing::instrument(
    name = "pay",
    skip(pin, token, cx),
    fields(amount = %amount, by = %cx.principal, limit = *limit, text = format!("{to}!"))
)]
async fn named(
    amount: u64,
    to: &str,
    note: String,
    #[hitl(sensitive)] pin: String,
    #[hitl(sensitive)] token: &str,
    #[hitl(state)] limit: &u64,
    #[hitl(context)] cx: &CallContext,
) -> Result<String, String> {
    Ok(format!("{amount} {to} {note} {} {} {limit} {}", pin.len(), token.len(), cx.principal))
}

/// Names nothing.
#[hitl_tool(base_confidence = 100)]
#[tracing::instrument(name = "unnamed")]
async fn unnamed(mut amount: u64, note: &str, #[hitl(sensitive)] mut pin: String) -> String {
    amount += 1;
    pin.push('!');
    format!("{amount} {note} {}", pin.len())
}

struct Desk(u8);

#[hitl_tools]
impl Desk {
    /// Names the service.
    #[hitl_tool(base_confidence = 100)]
    #[tracing::instrument(name = "desk", skip(self), fields(sum = self.0 + seats))]
    async fn book(&self, seats: u8, note: String, #[hitl(sensitive)] pin: &str) -> String {
        format!("{} {seats} {note} {}", self.0, pin.len())
    }
}

#[tokio::test]
async fn invariant_8_attributes_of_the_body_see_what_they_name_and_no_secrets() {
    dispatcher::set_global_default(Dispatch::new(Recorder)).unwrap();
    let gate = Gate::builder()
        .tool::<Named>()
        .tool::<Unnamed>()
        .tools::<Desk>(Desk(3))
        .state(100_u64)
        .build()
        .await
        .unwrap();

    let call = named(7, "bob", "a note", "hunter2", "t0ken");
    let said = gate.call(call).by("ann").await.unwrap();
    assert_eq!(said, "7 bob a note 7 5 100 ann");
    let said = gate.call(unnamed(7, "a note", "hunter2")).by("ann").await.unwrap();
    assert_eq!(said, "8 a note 8");
    let said = gate.call(Desk::book(2, "a note", "hunter2")).by("ann").await.unwrap();
    assert_eq!(said, "3 2 a note 7");

    let recorded = RECORDED.lock().unwrap().clone();
    let lines: Vec<_> = recorded.lines().collect();
    assert_eq!(
        lines,
        [
            "pay entry=Entry to=\"bob\" amount=7 by=ann limit=100 text=\"bob!\"",
            "unnamed entry=Entry",
            "desk entry=Entry seats=2 sum=5",
        ],
        "{recorded}"
    );
}
