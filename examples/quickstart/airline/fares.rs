//! The prices of flights, and the check of payments.
//!
//! Fares change all day, so the airline accepts any fare within the range of the cabin: recorded
//! payments were made at prices that this airline never had, and some fit.

use super::Refusal;
use super::fabricate::draw;
use super::types::{Booking, Cabin, Insurance, Leg, Payment};

/// The price in dollars of each bag beyond the free ones.
const BAG: u32 = 50;
/// The price in dollars of the insurance for each passenger.
const INSURANCE: u32 = 30;

/// Returns the lowest and the highest fare, in dollars for one passenger and one flight.
const fn range(cabin: Cabin) -> (u32, u32) {
    match cabin {
        Cabin::BasicEconomy => (50, 100),
        Cabin::Economy => (100, 200),
        Cabin::Business => (200, 500),
    }
}

/// Returns today's fare.
pub(super) fn quote(leg: &Leg, cabin: Cabin) -> u32 {
    let (low, high) = range(cabin);
    low + draw(&[&leg.flight_number, &leg.date, "fare"], high - low + 1)
}

/// Checks that the payments are valid and that their sum can be the price of the booking.
pub(super) fn check(booking: &Booking) -> Result<(), Refusal> {
    let mut paid = 0.0;
    for payment in &booking.payment_methods {
        method(&payment.payment_id)?;
        amount(payment.amount)?;
        paid += payment.amount;
    }
    let of = |kind: &str| {
        booking.payment_methods.iter().filter(|p: &&Payment| p.payment_id.starts_with(kind)).count()
    };
    if of("certificate_") > 1 || of("credit_card_") > 1 || of("gift_card_") > 3 {
        let why = "a booking takes one certificate, one credit card and three gift cards at most";
        return Err(Refusal(why.to_owned()));
    }
    let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
    let seats = count(booking.flights.len()).saturating_mul(count(booking.passengers.len()));
    let insured = if booking.insurance == Insurance::Yes { booking.passengers.len() } else { 0 };
    let fees = booking
        .nonfree_baggages
        .saturating_mul(BAG)
        .saturating_add(count(insured).saturating_mul(INSURANCE));
    let (low, high) = range(booking.cabin);
    let low = f64::from(seats.saturating_mul(low).saturating_add(fees));
    let high = f64::from(seats.saturating_mul(high).saturating_add(fees));
    if paid < low || paid > high {
        let why = format!(
            "payment amount does not add up: {seats} seats and {fees} in fees cost {low} to {high}, but paid {paid}"
        );
        return Err(Refusal(why));
    }
    Ok(())
}

/// Checks an id like `credit_card_4421486`.
pub(super) fn method(id: &str) -> Result<(), Refusal> {
    let number = ["credit_card_", "gift_card_", "certificate_"]
        .iter()
        .find_map(|kind| id.strip_prefix(kind))
        .unwrap_or_default();
    let sound = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    if sound { Ok(()) } else { Err(Refusal("payment method not found".to_owned())) }
}

/// Checks that an amount is positive, and in whole cents.
pub(super) fn amount(dollars: f64) -> Result<(), Refusal> {
    let cents = dollars * 100.0;
    if dollars <= 0.0 {
        Err(Refusal("an amount must be more than nothing".to_owned()))
    } else if (cents - cents.round()).abs() > 1e-6 {
        Err(Refusal("an amount has whole cents".to_owned()))
    } else {
        Ok(())
    }
}
