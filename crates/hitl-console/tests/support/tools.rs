//! A few tools, and pending calls of them.

use hitl::prelude::*;
use hitl::schemars;
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

/// Sends an e-mail to a customer.
#[hitl_tool(
    approval_type = "communication",
    risk = "medium",
    base_confidence = 70,
    describe = "E-mail {to}: {subject}"
)]
pub(crate) async fn send_email(body: String, subject: String, to: String) -> String {
    format!("{subject} {body} went to {to}, api_key=sk-live-4242424242424242abcd")
}

/// Refunds money to a customer's card.
#[hitl_tool(
    approval_type = "financial",
    risk = "medium",
    base_confidence = 80,
    describe = "Refund ${amount} to {customer} for order {order}"
)]
pub(crate) async fn refund(amount: f64, customer: String, order: String, reason: String) -> String {
    format!("refunded {amount} to {customer} for {order}: {reason}")
}

/// One leg of a trip.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, hitl::JsonSchema, PartialEq)]
pub(crate) struct Leg {
    pub(crate) flight_number: String,
    pub(crate) date: String,
}

/// Somebody who flies.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, hitl::JsonSchema, PartialEq)]
pub(crate) struct Contact {
    pub(crate) name: String,
    pub(crate) phone: String,
}

/// Books a reservation and charges its price.
#[hitl_tool(
    approval_type = "financial",
    risk = "medium",
    base_confidence = 70,
    describe = "Book {origin} to {destination} for {user_id}"
)]
#[allow(clippy::too_many_arguments)]
pub(crate) async fn book_reservation(
    cabin: String,
    destination: String,
    flights: Vec<Leg>,
    insurance: String,
    nonfree_baggages: u32,
    origin: String,
    contact: Contact,
    payment_id: String,
    tags: Vec<String>,
    user_id: String,
) -> String {
    let _ = (cabin, flights, insurance, nonfree_baggages, contact, payment_id, tags, user_id);
    format!("booked {origin} to {destination}")
}

/// Returns legs of a trip.
pub(crate) fn legs(count: u32) -> Vec<Leg> {
    let leg = |at: u32| Leg {
        flight_number: format!("HAT{:03}", 100 + at),
        date: format!("2024-05-{:02}", 10 + at % 20),
    };
    (0..count).map(leg).collect()
}

/// Submits a reservation whose e-mail address of a payer comes late in the declaration.
pub(crate) async fn reservation(gate: &Gate, flights: u32) -> ApprovalRequest {
    let text = |text: &str| text.to_owned();
    let contact = Contact { name: text("Mohamed Silva"), phone: text("+1 555 0100") };
    let tags = vec![text("vip"), text("12"), text("null")];
    let (cabin, to, from) = (text("business"), text("SFO"), text("JFK"));
    let (no, card, user) = (text("no"), text("credit_card_9"), text("mohamed_silva_9265"));
    let call = book_reservation(cabin, to, legs(flights), no, 0, from, contact, card, tags, user);
    submit(gate, call).await
}

/// Refunds a payment.
#[hitl_tool(
    risk = "low",
    base_confidence = 95,
    effect = "refund:{payment}",
    describe = "Refund {payment}: {note}"
)]
pub(crate) async fn pay_back(payment: String, note: String) -> String {
    format!("{payment} {note}")
}

/// Builds a gate with all of them, in memory.
pub(crate) async fn gate() -> Gate {
    register(Gate::builder()).build().await.unwrap()
}

/// Registers the tools.
pub(crate) fn register(gate: GateBuilder) -> GateBuilder {
    let gate = office::register(gate).tool::<SendNote>().tool::<BookTrip>();
    gate.tool::<SendEmail>().tool::<Refund>().tool::<BookReservation>()
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

/// Does the same in a run of the host's.
pub(crate) async fn submit_in<T: Tool>(
    gate: &Gate,
    call: T,
    cx: CallContext,
    (run, position): (&str, u64),
) -> ApprovalRequest {
    let submitted = gate.submit(call).by(cx).key(run, position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it needs a review") };
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
