//! The types of the airline's requests and replies, with the names that its agent knows.

#![expect(clippy::struct_field_names, reason = "the names are the airline's wire format")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A class of seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cabin {
    BasicEconomy,
    Economy,
    Business,
}

impl Cabin {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BasicEconomy => "basic economy",
            Self::Economy => "economy",
            Self::Business => "business",
        }
    }
}

/// There, or there and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlightType {
    OneWay,
    RoundTrip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Insurance {
    Yes,
    No,
}

/// One flight on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leg {
    /// Like HAT001.
    pub(crate) flight_number: String,
    /// Like 2024-05-20.
    pub(crate) date: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Passenger {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    /// Date of birth, like 1990-01-31.
    pub(crate) dob: String,
}

/// Part of a price, and what it is paid with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    /// Like `credit_card_123`, `gift_card_123` or `certificate_123`.
    pub(crate) payment_id: String,
    /// In dollars.
    pub(crate) amount: f64,
}

/// What a customer asks for when they book.
pub(crate) struct Booking {
    pub(crate) user_id: String,
    pub(crate) origin: String,
    pub(crate) destination: String,
    pub(crate) flight_type: FlightType,
    pub(crate) cabin: Cabin,
    pub(crate) flights: Vec<Leg>,
    pub(crate) passengers: Vec<Passenger>,
    pub(crate) payment_methods: Vec<Payment>,
    pub(crate) total_baggages: u32,
    pub(crate) nonfree_baggages: u32,
    pub(crate) insurance: Insurance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Membership {
    Regular,
    Silver,
    Gold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Confirmed,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) reservation_id: String,
    pub(crate) user_id: String,
    pub(crate) origin: String,
    pub(crate) destination: String,
    pub(crate) flight_type: FlightType,
    pub(crate) cabin: Cabin,
    pub(crate) flights: Vec<Leg>,
    pub(crate) passengers: Vec<Passenger>,
    pub(crate) payment_history: Vec<Payment>,
    pub(crate) total_baggages: u32,
    pub(crate) nonfree_baggages: u32,
    pub(crate) insurance: Insurance,
    /// Like `2024-05-08T14:58:17`.
    pub(crate) created_at: String,
    pub(crate) status: Status,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) user_id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) membership: Membership,
    pub(crate) payment_methods: Vec<String>,
    pub(crate) reservations: Vec<String>,
}

/// A flight that is for sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) flight_number: String,
    pub(crate) origin: String,
    pub(crate) destination: String,
    pub(crate) date: String,
    pub(crate) basic_economy: u32,
    pub(crate) economy: u32,
    pub(crate) business: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Airport {
    pub(crate) code: String,
    pub(crate) city: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Certificate {
    pub(crate) certificate_id: String,
    pub(crate) user_id: String,
    pub(crate) amount: f64,
}
