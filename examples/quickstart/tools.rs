//! The airline's tools, as its agent sees them. Reads run at once; calls with consequences are
//! gated.
//!
//! This file decides who is asked: by a tool's base confidence and risk, the signals ([`signals`]),
//! and the standard thresholds 85 and 60.

use hitl::RunContext;
use hitl::confidence::{CallView, Factor, Signals};
use hitl::prelude::*;

use crate::airline::types::{
    Airport, Booking, Cabin, Certificate, FlightType, Insurance, Leg, Offer, Passenger, Payment,
    Reservation, User,
};
use crate::airline::{Airline, Refusal, World, calculator};
use crate::previews;

/// Registers every tool.
pub(crate) fn register(gate: GateBuilder) -> GateBuilder {
    gate.signals(signals())
        .tool::<GetUserDetails>()
        .tool::<GetReservationDetails>()
        .tool::<SearchDirectFlight>()
        .tool::<SearchOnestopFlight>()
        .tool::<ListAllAirports>()
        .tool::<Calculate>()
        .tool::<Think>()
        .tool::<BookReservation>()
        .tool::<CancelReservation>()
        .tool::<UpdateReservationFlights>()
        .tool::<UpdateReservationBaggages>()
        .tool::<UpdateReservationPassengers>()
        .tool::<SendCertificate>()
        .tool::<TransferToHumanAgents>()
}

/// Returns the standard signals, and one that only an airline has.
fn signals() -> Signals {
    Signals::standard().with(|call: &CallView<'_>| {
        let business = call.arguments.get("cabin")?.as_str()? == "business";
        business.then(|| Factor::points("business_cabin", -10, "Business is the dearest cabin."))
    })
}

/// Get the details of a user, with their payment methods and reservations.
#[hitl_tool(risk = "low", base_confidence = 95, read_only, describe = "Look up user {user_id}")]
async fn get_user_details(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    /// Like `sara_doe_496`.
    user_id: &str,
) -> Result<User, Refusal> {
    airline.serve(cx, "get_user_details", |world| world.user(user_id)).await
}

/// Get the details of a reservation.
#[hitl_tool(
    risk = "low",
    base_confidence = 95,
    read_only,
    describe = "Look up reservation {reservation_id}"
)]
async fn get_reservation_details(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    /// Like `8JX2WO`.
    reservation_id: &str,
) -> Result<Reservation, Refusal> {
    let look = |world: &mut World| world.reservation(reservation_id).cloned();
    airline.serve(cx, "get_reservation_details", look).await
}

/// Search direct flights between two airports on a day.
#[hitl_tool(
    risk = "low",
    base_confidence = 95,
    read_only,
    describe = "Search flights {origin} to {destination} on {date}"
)]
async fn search_direct_flight(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    /// The airport's code, like JFK.
    origin: &str,
    /// The airport's code, like LAX.
    destination: &str,
    /// Like 2024-01-01.
    date: &str,
) -> Result<Vec<Offer>, Refusal> {
    let search = |_: &mut World| World::direct(origin, destination, date);
    airline.serve(cx, "search_direct_flight", search).await
}

/// Search flights with one stop between two airports on a day.
#[hitl_tool(
    risk = "low",
    base_confidence = 95,
    read_only,
    describe = "Search flights {origin} to {destination} with a stop on {date}"
)]
async fn search_onestop_flight(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    /// The airport's code, like JFK.
    origin: &str,
    /// The airport's code, like LAX.
    destination: &str,
    /// Like 2024-01-01.
    date: &str,
) -> Result<Vec<Vec<Offer>>, Refusal> {
    let search = |_: &mut World| World::onestop(origin, destination, date);
    airline.serve(cx, "search_onestop_flight", search).await
}

/// List all airports and their cities.
#[hitl_tool(risk = "low", base_confidence = 95, read_only, describe = "List all airports")]
async fn list_all_airports(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
) -> Result<Vec<Airport>, Refusal> {
    airline.serve(cx, "list_all_airports", |_| Ok(World::airports())).await
}

/// Calculate the value of an expression of numbers, + - * / and brackets.
#[hitl_tool(risk = "low", base_confidence = 95, read_only, describe = "Calculate {expression}")]
async fn calculate(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    /// Like `2 + 2`.
    expression: &str,
) -> Result<f64, Refusal> {
    airline.serve(cx, "calculate", |_| calculator::evaluate(expression)).await
}

/// Think about something. Changes nothing and learns nothing; the thought is logged.
#[hitl_tool(risk = "low", base_confidence = 95, read_only, describe = "Think: {thought}")]
async fn think(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    thought: &str,
) -> Result<(), Refusal> {
    let _ = thought;
    airline.serve(cx, "think", |_| Ok(())).await
}

/// Book a reservation and charge its price.
#[hitl_tool(
    approval_type = "financial",
    risk = "medium",
    base_confidence = 75,
    expires = "3d",
    approve_label = "Book",
    preview = previews::would_book,
    describe = "Book {flight_type} {origin} to {destination} in {cabin} for {user_id}"
)]
async fn book_reservation(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    user_id: String,
    origin: String,
    destination: String,
    flight_type: FlightType,
    cabin: Cabin,
    flights: Vec<Leg>,
    passengers: Vec<Passenger>,
    payment_methods: Vec<Payment>,
    total_baggages: u32,
    nonfree_baggages: u32,
    insurance: Insurance,
) -> Result<Reservation, Refusal> {
    let booking = Booking {
        user_id,
        origin,
        destination,
        flight_type,
        cabin,
        flights,
        passengers,
        payment_methods,
        total_baggages,
        nonfree_baggages,
        insurance,
    };
    airline.serve(cx, "book_reservation", |world| world.book(booking)).await
}

/// Cancel a whole reservation and refund what was paid.
#[hitl_tool(
    approval_type = "deletion",
    risk = "high",
    base_confidence = 45,
    destructive,
    requires_reason,
    expires = "3d",
    approve_label = "Cancel the reservation",
    reject_label = "Keep it",
    preview = previews::would_cancel,
    describe = "Cancel reservation {reservation_id}"
)]
async fn cancel_reservation(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    reservation_id: &str,
) -> Result<Reservation, Refusal> {
    airline.serve(cx, "cancel_reservation", |world| world.cancel(reservation_id)).await
}

/// Change the flights or the cabin of a reservation and charge the difference.
#[hitl_tool(
    approval_type = "financial",
    risk = "medium",
    base_confidence = 65,
    expires = "3d",
    approve_label = "Change",
    preview = previews::would_change_flights,
    describe = "Change reservation {reservation_id} to {cabin}"
)]
async fn update_reservation_flights(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    reservation_id: &str,
    cabin: Cabin,
    /// All flights of the reservation, also those that stay.
    flights: Vec<Leg>,
    payment_id: &str,
) -> Result<Reservation, Refusal> {
    let change =
        |world: &mut World| world.change_flights(reservation_id, cabin, flights, payment_id);
    airline.serve(cx, "update_reservation_flights", change).await
}

/// Change the number of bags of a reservation and charge for them.
#[hitl_tool(
    approval_type = "financial",
    risk = "low",
    base_confidence = 75,
    expires = "3d",
    approve_label = "Change",
    preview = previews::would_change_bags,
    describe = "Change reservation {reservation_id} to {total_baggages} bags, {nonfree_baggages} paid"
)]
async fn update_reservation_baggages(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    reservation_id: &str,
    total_baggages: u32,
    nonfree_baggages: u32,
    payment_id: &str,
) -> Result<Reservation, Refusal> {
    let change = |world: &mut World| {
        world.change_bags(reservation_id, total_baggages, nonfree_baggages, payment_id)
    };
    airline.serve(cx, "update_reservation_baggages", change).await
}

/// Change who travels on a reservation.
#[hitl_tool(
    approval_type = "identity",
    risk = "medium",
    base_confidence = 60,
    expires = "3d",
    approve_label = "Change",
    preview = previews::would_change_passengers,
    describe = "Change the passengers of reservation {reservation_id}"
)]
async fn update_reservation_passengers(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    reservation_id: &str,
    passengers: Vec<Passenger>,
) -> Result<Reservation, Refusal> {
    let change = |world: &mut World| world.change_passengers(reservation_id, passengers);
    airline.serve(cx, "update_reservation_passengers", change).await
}

/// Send a certificate to a user: as good as money.
#[hitl_tool(
    approval_type = "financial",
    risk = "high",
    base_confidence = 50,
    requires_reason,
    expires = "3d",
    approve_label = "Send",
    preview = previews::would_send,
    describe = "Send {user_id} a certificate of ${amount}"
)]
async fn send_certificate(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    user_id: &str,
    amount: f64,
) -> Result<Certificate, Refusal> {
    airline.serve(cx, "send_certificate", |world| world.send_certificate(user_id, amount)).await
}

/// Hand the user over to a human agent, with a summary of what they want.
#[hitl_tool(
    approval_type = "communication",
    risk = "low",
    base_confidence = 90,
    describe = "Hand over to a human agent: {summary}"
)]
async fn transfer_to_human_agents(
    #[hitl(state)] airline: &Airline,
    #[hitl(context)] cx: &RunContext,
    summary: &str,
) -> Result<String, Refusal> {
    let _ = summary;
    airline.serve(cx, "transfer_to_human_agents", |_| Ok("transferred".to_owned())).await
}
