//! The prices of flights, and the check of payments.
//!
//! Where a fare is not recorded, it changes all day, and the airline accepts any fare within the
//! range of the cabin: payments of other recordings were made at prices that this airline never
//! had.

use super::Refusal;
use super::fabricate::draw;
use super::records::Records;
use super::types::{Booking, Cabin, Insurance, Leg, Membership, Payment};

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
    let generated = || low + draw(&[&leg.flight_number, &leg.date, "fare"], high - low + 1);
    Records::shipped().fare(leg, cabin).unwrap_or_else(generated)
}

/// The parts of a price, in dollars.
pub(crate) struct Price {
    /// For all flights of one passenger.
    pub(crate) fare: u32,
    pub(crate) passengers: u32,
    pub(crate) bags: u32,
    pub(crate) insurance: u32,
}

impl Price {
    pub(crate) fn total(&self) -> u32 {
        let Self { fare, passengers, bags, insurance } = self;
        fare.saturating_mul(*passengers).saturating_add(*bags).saturating_add(*insurance)
    }
}

/// Returns the price of a booking at today's fares.
pub(crate) fn price(booking: &Booking) -> Price {
    let passengers = count(booking.passengers.len());
    let insured = if booking.insurance == Insurance::Yes { passengers } else { 0 };
    Price {
        fare: booking.flights.iter().map(|leg| quote(leg, booking.cabin)).sum(),
        passengers,
        bags: booking.nonfree_baggages.saturating_mul(BAG),
        insurance: insured.saturating_mul(INSURANCE),
    }
}

/// Returns the number of free bags of each passenger.
pub(crate) const fn free_bags(membership: Membership, cabin: Cabin) -> u32 {
    match (membership, cabin) {
        (Membership::Regular, Cabin::BasicEconomy) => 0,
        (Membership::Regular, Cabin::Economy) | (Membership::Silver, Cabin::BasicEconomy) => 1,
        (Membership::Regular, Cabin::Business)
        | (Membership::Silver, Cabin::Economy)
        | (Membership::Gold, Cabin::BasicEconomy) => 2,
        (Membership::Silver, Cabin::Business)
        | (Membership::Gold, Cabin::Economy | Cabin::Business) => 3,
    }
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
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
    let price = price(booking);
    let seats = count(booking.flights.len()).saturating_mul(price.passengers);
    let fees = price.bags.saturating_add(price.insurance);
    let recorded = |leg: &Leg| Records::shipped().fare(leg, booking.cabin).is_some();
    let (low, high) = if booking.flights.iter().all(recorded) {
        (price.total(), price.total())
    } else {
        let (low, high) = range(booking.cabin);
        (
            seats.saturating_mul(low).saturating_add(fees),
            seats.saturating_mul(high).saturating_add(fees),
        )
    };
    let (low, high) = (f64::from(low), f64::from(high));
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
