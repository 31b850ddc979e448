//! What a call would do, for the person who decides it: facts from the airline's own systems, the
//! rule of the house, and the customer's last words. Nothing here changes anything.

#![expect(
    clippy::unused_async,
    reason = "this airline is in memory; a real one is asked over a network"
)]

use hitl::RunContext;
use hitl::call::CallPreview;

use crate::airline::records::Records;
use crate::airline::types::{
    Booking, Cabin, FlightType, Insurance, Leg, Membership, Passenger, Payment, Reservation, User,
};
use crate::airline::{Airline, Refusal, World, fares};

const CANCELLING: &str = "The rule: within 24 hours of booking; after that business class always, and others if they are \
                          insured and it is for health or weather. Never once a part has been flown.";
const UPGRADING: &str = "The rule: the cabin is changed for all passengers of a reservation. Basic economy keeps its flights.";
const CERTIFICATES: &str = "The rule: for members, insured or in business class, on complaint: $50 for each passenger of a \
                            delayed reservation, $100 of a cancelled one.";

/// What a booking would cost, beside what is paid.
#[expect(clippy::too_many_arguments, reason = "a preview takes the parameters of its tool")]
pub(crate) async fn would_book(
    airline: &Airline,
    cx: &RunContext,
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
) -> Result<CallPreview, Refusal> {
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
    let user = airline.look(cx, |world| world.user(&booking.user_id))?;
    let price = fares::price(&booking);
    let paid: f64 = booking.payment_methods.iter().map(|payment| payment.amount).sum();
    let missing = f64::from(price.total()) - paid;
    let (fare, people) = (price.fare, price.passengers);
    let cost = match price.bags + price.insurance {
        0 => format!("${} = ${fare} x {people}", price.total()),
        more => format!("${} = ${fare} x {people} + ${more} for bags and insurance", price.total()),
    };
    let free = fares::free_bags(user.membership, booking.cabin).saturating_mul(people);
    let by = booking.payment_methods.iter();
    let by =
        by.map(|payment| format!("${} {}", payment.amount, method(&user, &payment.payment_id)));
    let mut preview = begin(cx, &user)
        .fact("flights", days(&booking.flights))
        .fact("passengers", names(&booking.passengers))
        .fact("price", cost)
        .fact("paid", format!("${paid}: {}", by.collect::<Vec<_>>().join(", ")))
        .fact("bags", format!("{}, {free} are free for them", booking.total_baggages));
    if missing.abs() >= 0.005 {
        let what = if missing > 0.0 { "too little" } else { "too much" };
        preview = preview.warning(format!("the payment is ${} {what}", missing.abs()));
    }
    let certificates = booking.payment_methods.iter();
    let certificates = certificates.filter(|paid| paid.payment_id.starts_with("certificate_"));
    Ok(match certificates.count() {
        0 | 1 => preview,
        many => preview.warning(format!("{many} certificates pay; a booking takes one")),
    })
}

/// What a cancellation would refund, and whether the rules allow it.
pub(crate) async fn would_cancel(
    airline: &Airline,
    cx: &RunContext,
    reservation_id: &str,
) -> Result<CallPreview, Refusal> {
    let (reservation, user) = of_reservation(airline, cx, reservation_id)?;
    let refund: f64 = reservation.payment_history.iter().map(|paid| paid.amount.max(0.0)).sum();
    let recent = is_recent(&reservation);
    let since = if recent { "less than 24 hours ago" } else { "more than 24 hours ago" };
    let mut preview = begin(cx, &user)
        .fact("reservation", in_words(&reservation))
        .fact("booked", format!("{}, {since}", reservation.created_at.replace('T', " ")))
        .fact("refund", format!("${refund}"))
        .text(CANCELLING);
    if let Some(flown) = flown(&reservation) {
        preview = preview.warning(format!("flown already: {flown}"));
    }
    let insured = reservation.insurance == Insurance::Yes;
    Ok(match (recent, reservation.cabin, insured) {
        (true, _, _) | (_, Cabin::Business, _) => preview,
        (_, _, true) => preview.warning("only for health or weather: what did the customer say?"),
        (_, _, false) => preview.warning("neither recent, nor business class, nor insured"),
    })
}

/// What a change of flights or cabin would change and cost.
pub(crate) async fn would_change_flights(
    airline: &Airline,
    cx: &RunContext,
    reservation_id: &str,
    cabin: Cabin,
    flights: Vec<Leg>,
    payment_id: &str,
) -> Result<CallPreview, Refusal> {
    let (reservation, user) = of_reservation(airline, cx, reservation_id)?;
    let before = format!("{}: {}", reservation.cabin.name(), days(&reservation.flights));
    let after = format!("{}: {}", cabin.name(), days(&flights));
    let change =
        airline.look(cx, |world| world.price_of_change(reservation_id, cabin, &flights))?;
    let paid = format!("${change} with {}", method(&user, payment_id));
    Ok(begin(cx, &user)
        .difference("flights", before, after)
        .fact("passengers", names(&reservation.passengers))
        .fact("to pay", paid)
        .text(UPGRADING))
}

/// How many bags a reservation would have, and how many of them are free.
pub(crate) async fn would_change_bags(
    airline: &Airline,
    cx: &RunContext,
    reservation_id: &str,
    total_baggages: u32,
    nonfree_baggages: u32,
    payment_id: &str,
) -> Result<CallPreview, Refusal> {
    let (reservation, user) = of_reservation(airline, cx, reservation_id)?;
    let people = u32::try_from(reservation.passengers.len()).unwrap_or(u32::MAX);
    let free = fares::free_bags(user.membership, reservation.cabin).saturating_mul(people);
    let _ = payment_id;
    Ok(begin(cx, &user)
        .difference("bags", reservation.total_baggages, total_baggages)
        .fact("free for them", free)
        .fact("to be paid for", nonfree_baggages))
}

/// Who would travel instead of whom.
pub(crate) async fn would_change_passengers(
    airline: &Airline,
    cx: &RunContext,
    reservation_id: &str,
    passengers: Vec<Passenger>,
) -> Result<CallPreview, Refusal> {
    let (reservation, user) = of_reservation(airline, cx, reservation_id)?;
    let (before, after) = (names(&reservation.passengers), names(&passengers));
    Ok(begin(cx, &user).difference("passengers", before, after))
}

/// Whom a certificate would go to, and the reservations that it may be for.
pub(crate) async fn would_send(
    airline: &Airline,
    cx: &RunContext,
    user_id: &str,
    amount: f64,
) -> Result<CallPreview, Refusal> {
    let user = airline.look(cx, |world| world.user(user_id))?;
    let known = Records::shipped().reservations_of(user_id);
    let preview = known
        .fold(begin(cx, &user).fact("worth", format!("${amount}")), |preview, one| {
            preview.fact(format!("reservation {}", one.reservation_id), in_words(one))
        });
    Ok(preview.text(CERTIFICATES))
}

/// Begins a preview with the customer and, where the conversation is recorded, their last words.
fn begin(cx: &RunContext, user: &User) -> CallPreview {
    let member = match user.membership {
        Membership::Regular => "no member",
        Membership::Silver => "silver member",
        Membership::Gold => "gold member",
    };
    let customer = format!("{} {}, {member}", user.first_name, user.last_name);
    let preview = CallPreview::new().fact("customer", customer);
    match Records::shipped().conversation(cx.key()) {
        Some(said) => preview.fact("the customer wrote", &said.customer),
        None => preview,
    }
}

fn of_reservation(
    airline: &Airline,
    cx: &RunContext,
    id: &str,
) -> Result<(Reservation, User), Refusal> {
    airline.look(cx, |world: &mut World| {
        let reservation = world.reservation(id)?.clone();
        let user = world.user(&reservation.user_id.to_lowercase())?;
        Ok((reservation, user))
    })
}

fn in_words(reservation: &Reservation) -> String {
    let Reservation { origin, destination, cabin, flights, passengers, insurance, .. } =
        reservation;
    let insured = if *insurance == Insurance::Yes { "insured" } else { "not insured" };
    let (cabin, people, days) = (cabin.name(), names(passengers), days(flights));
    format!("{origin} to {destination}, {cabin}, {insured}, {days}, for {people}")
}

fn is_recent(reservation: &Reservation) -> bool {
    reservation.created_at >= Records::shipped().day_ago
}

/// Returns the flights before today, if there are any.
fn flown(reservation: &Reservation) -> Option<String> {
    let today = Records::shipped().now.get(..10).unwrap_or_default();
    let flown: Vec<Leg> =
        reservation.flights.iter().filter(|leg| leg.date.as_str() < today).cloned().collect();
    (!flown.is_empty()).then(|| format!("{} (today is {today})", days(&flown)))
}

fn days(flights: &[Leg]) -> String {
    let words: Vec<String> =
        flights.iter().map(|leg| format!("{} on {}", leg.flight_number, leg.date)).collect();
    words.join(", ")
}

fn names(passengers: &[Passenger]) -> String {
    let words: Vec<String> =
        passengers.iter().map(|one| format!("{} {}", one.first_name, one.last_name)).collect();
    words.join(", ")
}

/// Returns a way to pay in words, where they are known.
fn method<'a>(user: &'a User, id: &'a str) -> &'a str {
    let known = Records::shipped().customer(&user.user_id);
    known.and_then(|customer| customer.method(id)).unwrap_or(id)
}
