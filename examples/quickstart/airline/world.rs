//! One run's airline: the bookings, changes and cancellations in it.

use std::collections::{BTreeMap, BTreeSet};

use super::records::Records;
use super::types::{
    Airport, Booking, Cabin, Certificate, Leg, Offer, Passenger, Payment, Reservation, Status, User,
};
use super::{Refusal, fabricate, fares};

/// The maximum number of bags of one reservation.
const MOST_BAGS: u32 = 20;
/// The largest certificate, in dollars.
const LARGEST_CERTIFICATE: f64 = 5_000.0;

/// The differences from the data that the ids generate.
#[derive(Default)]
pub(crate) struct World {
    reservations: BTreeMap<String, Reservation>,
    /// Reservations made here, by user.
    booked: BTreeMap<String, Vec<String>>,
    /// Certificates sent here, by user.
    sent: BTreeMap<String, Vec<String>>,
    spent_certificates: BTreeSet<String>,
}

impl World {
    pub(crate) fn airports() -> Vec<Airport> {
        fabricate::airports()
    }

    pub(crate) fn user(&self, id: &str) -> Result<User, Refusal> {
        let mut user = fabricate::user(id)?;
        user.reservations.extend(self.booked.get(id).into_iter().flatten().cloned());
        user.payment_methods.extend(self.sent.get(id).into_iter().flatten().cloned());
        user.payment_methods.retain(|method| !self.spent_certificates.contains(method));
        Ok(user)
    }

    pub(crate) fn reservation(&mut self, id: &str) -> Result<&mut Reservation, Refusal> {
        if !self.reservations.contains_key(id) {
            self.reservations.insert(id.to_owned(), fabricate::reservation(id)?);
        }
        self.reservations.get_mut(id).ok_or_else(|| Refusal("reservation not found".to_owned()))
    }

    pub(crate) fn direct(from: &str, to: &str, on: &str) -> Result<Vec<Offer>, Refusal> {
        route(from, to)?;
        date(on)?;
        Ok((0..3).map(|nth| fabricate::offer(from, to, on, nth)).collect())
    }

    pub(crate) fn onestop(from: &str, to: &str, on: &str) -> Result<Vec<Vec<Offer>>, Refusal> {
        route(from, to)?;
        date(on)?;
        let via = |stop: &str| {
            vec![fabricate::offer(from, stop, on, 0), fabricate::offer(stop, to, on, 1)]
        };
        Ok(fabricate::stops(from, to).into_iter().map(via).collect())
    }

    pub(crate) fn book(&mut self, booking: Booking) -> Result<Reservation, Refusal> {
        fabricate::user(&booking.user_id)?;
        route(&booking.origin, &booking.destination)?;
        legs(&booking.flights)?;
        people(&booking.passengers)?;
        bags(booking.total_baggages, booking.nonfree_baggages)?;
        fares::check(&booking)?;
        let certificates: Vec<String> = booking
            .payment_methods
            .iter()
            .map(|payment| payment.payment_id.clone())
            .filter(|id| id.starts_with("certificate_"))
            .collect();
        if certificates.iter().any(|id| self.spent_certificates.contains(id)) {
            return Err(Refusal("the certificate has been used".to_owned()));
        }
        self.spent_certificates.extend(certificates);
        let mine = self.booked.entry(booking.user_id.clone()).or_default();
        let id = fabricate::reservation_id(&[&booking.user_id, "booked", &mine.len().to_string()]);
        mine.push(id.clone());
        let reservation = Reservation {
            reservation_id: id.clone(),
            user_id: booking.user_id,
            origin: booking.origin,
            destination: booking.destination,
            flight_type: booking.flight_type,
            cabin: booking.cabin,
            flights: booking.flights,
            passengers: booking.passengers,
            payment_history: booking.payment_methods,
            total_baggages: booking.total_baggages,
            nonfree_baggages: booking.nonfree_baggages,
            insurance: booking.insurance,
            created_at: Records::shipped().now.clone(),
            status: Status::Confirmed,
        };
        self.reservations.insert(id, reservation.clone());
        Ok(reservation)
    }

    pub(crate) fn cancel(&mut self, id: &str) -> Result<Reservation, Refusal> {
        let reservation = self.confirmed(id)?;
        let refunds: Vec<Payment> = reservation
            .payment_history
            .iter()
            .map(|paid| Payment { payment_id: paid.payment_id.clone(), amount: -paid.amount })
            .collect();
        reservation.payment_history.extend(refunds);
        reservation.status = Status::Cancelled;
        Ok(reservation.clone())
    }

    pub(crate) fn change_flights(
        &mut self,
        id: &str,
        cabin: Cabin,
        flights: Vec<Leg>,
        payment_id: &str,
    ) -> Result<Reservation, Refusal> {
        legs(&flights)?;
        fares::method(payment_id)?;
        if payment_id.starts_with("certificate_") {
            return Err(Refusal("a certificate cannot pay for a change".to_owned()));
        }
        let reservation = self.confirmed(id)?;
        if reservation.flights == flights && reservation.cabin == cabin {
            return Err(Refusal("nothing would change".to_owned()));
        }
        let amount = difference(reservation, cabin, &flights);
        reservation.payment_history.push(Payment { payment_id: payment_id.to_owned(), amount });
        reservation.flights = flights;
        reservation.cabin = cabin;
        Ok(reservation.clone())
    }

    /// Returns what other flights or another cabin would cost, in dollars: less than nothing is a
    /// refund.
    pub(crate) fn price_of_change(
        &mut self,
        id: &str,
        cabin: Cabin,
        flights: &[Leg],
    ) -> Result<f64, Refusal> {
        legs(flights)?;
        Ok(difference(self.reservation(id)?, cabin, flights))
    }

    pub(crate) fn change_bags(
        &mut self,
        id: &str,
        total: u32,
        nonfree: u32,
        payment_id: &str,
    ) -> Result<Reservation, Refusal> {
        bags(total, nonfree)?;
        fares::method(payment_id)?;
        let reservation = self.confirmed(id)?;
        if total < reservation.total_baggages {
            return Err(Refusal("bags can be added, not removed".to_owned()));
        }
        reservation.total_baggages = total;
        reservation.nonfree_baggages = nonfree;
        Ok(reservation.clone())
    }

    pub(crate) fn change_passengers(
        &mut self,
        id: &str,
        passengers: Vec<Passenger>,
    ) -> Result<Reservation, Refusal> {
        people(&passengers)?;
        let reservation = self.confirmed(id)?;
        if passengers.len() != reservation.passengers.len() {
            return Err(Refusal("the number of passengers cannot change".to_owned()));
        }
        reservation.passengers = passengers;
        Ok(reservation.clone())
    }

    pub(crate) fn send_certificate(
        &mut self,
        user: &str,
        amount: f64,
    ) -> Result<Certificate, Refusal> {
        fabricate::user(user)?;
        fares::amount(amount)?;
        if amount > LARGEST_CERTIFICATE {
            return Err(Refusal("a certificate of that size needs another department".to_owned()));
        }
        let mine = self.sent.entry(user.to_owned()).or_default();
        let number = fabricate::draw(&[user, "sent", &mine.len().to_string()], 9_000_000);
        let certificate_id = format!("certificate_{}", 1_000_000 + number);
        mine.push(certificate_id.clone());
        Ok(Certificate { certificate_id, user_id: user.to_owned(), amount })
    }

    fn confirmed(&mut self, id: &str) -> Result<&mut Reservation, Refusal> {
        let reservation = self.reservation(id)?;
        match reservation.status {
            Status::Confirmed => Ok(reservation),
            Status::Cancelled => Err(Refusal("the reservation has been cancelled".to_owned())),
        }
    }
}

fn difference(reservation: &Reservation, cabin: Cabin, flights: &[Leg]) -> f64 {
    let price = |flights: &[Leg], cabin| -> u32 {
        flights.iter().map(|leg| fares::quote(leg, cabin)).sum()
    };
    let people = u32::try_from(reservation.passengers.len()).unwrap_or(1);
    let was = price(&reservation.flights, reservation.cabin);
    let is = price(flights, cabin);
    (f64::from(is) - f64::from(was)) * f64::from(people)
}

fn route(from: &str, to: &str) -> Result<(), Refusal> {
    fabricate::airport(from)?;
    fabricate::airport(to)?;
    if from == to { Err(Refusal("there and back is no route".to_owned())) } else { Ok(()) }
}

fn legs(flights: &[Leg]) -> Result<(), Refusal> {
    if flights.is_empty() {
        return Err(Refusal("a reservation has at least one flight".to_owned()));
    }
    for leg in flights {
        let number = leg.flight_number.strip_prefix("HAT").unwrap_or_default();
        if number.len() != 3 || !number.chars().all(|c| c.is_ascii_digit()) {
            return Err(Refusal("flight not found".to_owned()));
        }
        date(&leg.date)?;
    }
    Ok(())
}

fn people(passengers: &[Passenger]) -> Result<(), Refusal> {
    if passengers.is_empty() || passengers.len() > 5 {
        return Err(Refusal("a reservation is for one to five passengers".to_owned()));
    }
    for passenger in passengers {
        if passenger.first_name.trim().is_empty() || passenger.last_name.trim().is_empty() {
            return Err(Refusal("a passenger has a first and a last name".to_owned()));
        }
        date(&passenger.dob)?;
    }
    Ok(())
}

fn bags(total: u32, nonfree: u32) -> Result<(), Refusal> {
    if nonfree > total || total > MOST_BAGS {
        return Err(Refusal("these numbers of bags make no sense".to_owned()));
    }
    Ok(())
}

/// Checks that a day like 2024-05-20 exists in the calendar.
fn date(text: &str) -> Result<(), Refusal> {
    let wrong = || Refusal("a date is written like 2024-05-20".to_owned());
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return Err(wrong()) };
    let digits = |part: &str, length| {
        let sound = part.len() == length && part.chars().all(|c| c.is_ascii_digit());
        sound.then(|| part.parse::<u32>().unwrap_or(0)).ok_or_else(wrong)
    };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if day == 0 || day > days { Err(Refusal("there is no such day".to_owned())) } else { Ok(()) }
}
