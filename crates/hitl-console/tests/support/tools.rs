//! A few tools, and pending calls of them.

use hitl::prelude::*;
use hitl::{ApprovalRequest, CallRecord, RequestId, Tenant};

#[path = "../../../../examples/shared/office.rs"]
mod office;

pub(crate) use office::{delete_project, sign_contract};

/// Sends a note.
#[hitl_tool(
    approval_type = "communication",
    risk = "low",
    base_confidence = 70,
    describe = "Send \"{text}\" to {to}"
)]
pub(crate) async fn send_note(to: String, text: String) -> String {
    format!("sent {text} to {to}")
}

/// Books a trip.
#[hitl_tool(
    approval_type = "financial",
    risk = "medium",
    base_confidence = 50,
    describe = "Book {origin} to {destination} for {traveller}"
)]
#[allow(clippy::too_many_arguments)]
pub(crate) async fn book_trip(
    traveller: String,
    origin: String,
    destination: String,
    /// How many bags.
    bags: u32,
    price: f64,
    insurance: bool,
    class: String,
    remarks: String,
) -> String {
    let _ = (traveller, bags, price, insurance, class, remarks);
    format!("booked {origin} to {destination}")
}

/// Builds a gate with all of them, in memory.
/// Refunds a payment.
#[hitl_tool(
    risk = "low",
    base_confidence = 95,
    effect = "refund:{payment}",
    describe = "Refund {payment}: {note}"
)]
pub(crate) async fn refund(payment: String, note: String) -> String {
    format!("{payment} {note}")
}

pub(crate) async fn gate() -> Gate {
    register(Gate::builder()).build().await.unwrap()
}

/// Registers the tools.
pub(crate) fn register(gate: GateBuilder) -> GateBuilder {
    office::register(gate).tool::<SendNote>().tool::<BookTrip>()
}

/// Submits a call that needs a human; returns its request.
pub(crate) async fn submit<T: Tool>(gate: &Gate, call: T) -> ApprovalRequest {
    submit_as(gate, call, CallContext::new("agent")).await
}

pub(crate) async fn submit_as<T: Tool>(gate: &Gate, call: T, cx: CallContext) -> ApprovalRequest {
    let Submission::Pending(ticket) = gate.submit(call).by(cx).await.unwrap() else {
        panic!("it needs a review")
    };
    ticket.request().clone()
}

pub(crate) async fn contract(gate: &Gate) -> ApprovalRequest {
    submit(gate, sign_contract("C-7", 5000.0, "Ann Lee", "Net 30", "1234-secret-pin")).await
}

pub(crate) async fn deletion(gate: &Gate) -> ApprovalRequest {
    submit(gate, delete_project("apollo")).await
}

pub(crate) async fn note(gate: &Gate) -> ApprovalRequest {
    submit(gate, send_note("bob", "Lunch?")).await
}

pub(crate) async fn record(gate: &Gate, id: RequestId) -> CallRecord {
    gate.unscoped().get(&Tenant::default(), id).await.unwrap().expect("there is a record")
}
