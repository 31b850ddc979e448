//! What the airline's systems hold about the customers of the shipped calls: taken from the
//! recordings, as are the words that customer and agent had exchanged before each call.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hitl::CallKey;
use serde::Deserialize;

use super::types::{Cabin, Leg, Membership, Reservation};

static RECORDS: LazyLock<Records> = LazyLock::new(|| {
    // The file is part of the program; without it the airline generates everything.
    serde_json::from_str(include_str!("../data/airline-records.json")).unwrap_or_default()
});

/// The airline's records.
#[derive(Default, Deserialize)]
pub(crate) struct Records {
    /// The time at which the recorded calls were made, like `2024-05-15T15:00:00`.
    pub(crate) now: String,
    /// The time a day before.
    pub(crate) day_ago: String,
    customers: BTreeMap<String, Customer>,
    reservations: Vec<Reservation>,
    fares: Vec<Fare>,
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
pub(crate) struct Customer {
    pub(crate) membership: Membership,
    /// What they pay with, in words, by id.
    methods: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Fare {
    flight_number: String,
    date: String,
    basic_economy: u32,
    economy: u32,
    business: u32,
}

/// The last words before a call.
#[derive(Deserialize)]
pub(crate) struct Conversation {
    run: String,
    position: u64,
    pub(crate) customer: String,
    pub(crate) agent: String,
}

impl Records {
    pub(crate) fn shipped() -> &'static Self {
        &RECORDS
    }

    pub(crate) fn customer(&self, id: &str) -> Option<&Customer> {
        self.customers.get(id)
    }

    pub(crate) fn reservation(&self, id: &str) -> Option<&Reservation> {
        self.reservations.iter().find(|reservation| reservation.reservation_id == id)
    }

    pub(crate) fn reservations_of<'a>(
        &'a self,
        user: &'a str,
    ) -> impl Iterator<Item = &'a Reservation> {
        self.reservations.iter().filter(move |reservation| reservation.user_id == user)
    }

    /// Returns the price in dollars of a flight for one passenger.
    pub(super) fn fare(&self, leg: &Leg, cabin: Cabin) -> Option<u32> {
        let same = |fare: &&Fare| fare.flight_number == leg.flight_number && fare.date == leg.date;
        let fare = self.fares.iter().find(same)?;
        Some(match cabin {
            Cabin::BasicEconomy => fare.basic_economy,
            Cabin::Economy => fare.economy,
            Cabin::Business => fare.business,
        })
    }

    /// Returns what was said before a call. A run may be part of a longer name.
    pub(crate) fn conversation(&self, key: &CallKey) -> Option<&Conversation> {
        self.conversations.iter().find(|said| {
            let before = key.run.as_str().strip_suffix(said.run.as_str());
            key.position == said.position
                && before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
        })
    }
}

impl Customer {
    /// Returns a way to pay, in words.
    pub(crate) fn method(&self, id: &str) -> Option<&str> {
        self.methods.get(id).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_records_can_be_read() {
        let records = Records::shipped();
        let reservation = records.reservation("I6M8JQ").unwrap();
        assert_eq!(reservation.created_at, "2024-05-08T14:58:17");
        assert!(records.reservations_of(&reservation.user_id).count() > 3);
        let customer = records.customer("noah_muller_9847").unwrap();
        assert_eq!(customer.method("credit_card_6040264"), Some("Visa ending in 2076"));
        let said = |run: &str| records.conversation(&CallKey::new(run, 8)).is_some();
        assert!(said("task-46/trial-3") && said("again/task-46/trial-3"));
        assert!(!said("xtask-46/trial-3") && !said("task-46"));
    }
}
