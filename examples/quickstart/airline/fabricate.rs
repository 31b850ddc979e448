//! Users, reservations and flights that no record knows, generated from their ids: the same id
//! always gives the same data, so that any recording can be replayed.

use super::Refusal;
use super::fares;
use super::records::Records;
use super::types::{
    Airport, Cabin, FlightType, Insurance, Leg, Membership, Offer, Passenger, Payment, Reservation,
    Status, User,
};

const AIRPORTS: [(&str, &str); 20] = [
    ("SFO", "San Francisco"),
    ("JFK", "New York"),
    ("LAX", "Los Angeles"),
    ("ORD", "Chicago"),
    ("DFW", "Dallas"),
    ("DEN", "Denver"),
    ("SEA", "Seattle"),
    ("ATL", "Atlanta"),
    ("MIA", "Miami"),
    ("BOS", "Boston"),
    ("PHX", "Phoenix"),
    ("IAH", "Houston"),
    ("LAS", "Las Vegas"),
    ("MCO", "Orlando"),
    ("EWR", "Newark"),
    ("CLT", "Charlotte"),
    ("MSP", "Minneapolis"),
    ("DTW", "Detroit"),
    ("PHL", "Philadelphia"),
    ("LGA", "New York"),
];
const FIRST_NAMES: [&str; 6] = ["Ava", "Noah", "Yara", "Ivan", "Mei", "Omar"];
const LAST_NAMES: [&str; 6] = ["Kim", "Silva", "Rossi", "Ahmed", "Martin", "Lee"];

/// Returns the FNV-1a hash: the same on every machine, unlike the hasher of a map.
pub(super) fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

/// Returns a number below `end`, derived from the hash of `parts`.
pub(super) fn draw(parts: &[&str], end: u32) -> u32 {
    u32::try_from(hash(parts) % u64::from(end.max(1))).unwrap_or(0)
}

fn pick<T: Copy>(from: &[T], parts: &[&str]) -> T {
    let end = u32::try_from(from.len()).unwrap_or(1);
    from[draw(parts, end) as usize]
}

pub(super) fn airports() -> Vec<Airport> {
    let airport = |(code, city): (&str, &str)| Airport { code: code.into(), city: city.into() };
    AIRPORTS.into_iter().map(airport).collect()
}

pub(super) fn airport(code: &str) -> Result<(), Refusal> {
    let known = AIRPORTS.iter().any(|(known, _)| *known == code);
    if known { Ok(()) } else { Err(Refusal("unknown airport code".to_owned())) }
}

/// Generates the user of an id like `mia_li_3668`: names and a number.
pub(super) fn user(id: &str) -> Result<User, Refusal> {
    let mut parts: Vec<&str> = id.split('_').collect();
    let number = parts.pop().unwrap_or_default();
    let named = parts.len() >= 2
        && parts.iter().all(|part| !part.is_empty() && part.chars().all(char::is_alphabetic));
    if !named || number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal("user not found".to_owned()));
    }
    let method = |kind: &str| format!("{kind}_{}", 1_000_000 + draw(&[id, kind], 9_000_000));
    Ok(User {
        user_id: id.to_owned(),
        first_name: capital(parts[0]),
        last_name: capital(parts[parts.len() - 1]),
        email: format!("{}.{}@example.com", parts[0], parts[parts.len() - 1]),
        membership: Records::shipped().customer(id).map_or_else(
            || pick(&[Membership::Regular, Membership::Silver, Membership::Gold], &[id, "member"]),
            |customer| customer.membership,
        ),
        payment_methods: ["credit_card", "gift_card", "certificate"].map(method).to_vec(),
        reservations: (0..2).map(|n| reservation_id(&[id, &n.to_string()])).collect(),
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Generates an id of six capital letters and digits.
pub(super) fn reservation_id(parts: &[&str]) -> String {
    const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut rest = hash(parts);
    let mut letter = || {
        let at = usize::try_from(rest % 36).unwrap_or(0);
        rest /= 36;
        char::from(LETTERS[at])
    };
    (0..6).map(|_| letter()).collect()
}

pub(super) fn reservation(id: &str) -> Result<Reservation, Refusal> {
    let sound = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if id.len() != 6 || !id.chars().all(sound) {
        return Err(Refusal("reservation not found".to_owned()));
    }
    if let Some(recorded) = Records::shipped().reservation(id) {
        return Ok(recorded.clone());
    }
    let first_name = pick(&FIRST_NAMES, &[id, "first"]);
    let last_name = pick(&LAST_NAMES, &[id, "last"]);
    let user_id = format!("{first_name}_{last_name}_{}", 1_000 + draw(&[id, "user"], 9_000));
    let user = user(&user_id.to_lowercase())?;
    let at = draw(&[id, "origin"], 20);
    let to = (at + 1 + draw(&[id, "destination"], 19)) % 20;
    let cabin = pick(&[Cabin::BasicEconomy, Cabin::Economy, Cabin::Business], &[id, "cabin"]);
    let flights = vec![Leg {
        flight_number: format!("HAT{:03}", draw(&[id, "flight"], 300)),
        date: format!("2024-05-{:02}", 16 + draw(&[id, "day"], 14)),
    }];
    let price = f64::from(fares::quote(&flights[0], cabin));
    Ok(Reservation {
        reservation_id: id.to_owned(),
        origin: AIRPORTS[at as usize].0.to_owned(),
        destination: AIRPORTS[to as usize].0.to_owned(),
        flight_type: FlightType::OneWay,
        cabin,
        flights,
        passengers: vec![Passenger {
            first_name: user.first_name,
            last_name: user.last_name,
            dob: format!(
                "19{:02}-0{}-15",
                50 + draw(&[id, "year"], 50),
                1 + draw(&[id, "month"], 9)
            ),
        }],
        payment_history: vec![Payment {
            payment_id: user.payment_methods[0].clone(),
            amount: price,
        }],
        user_id: user.user_id,
        total_baggages: draw(&[id, "bags"], 3),
        nonfree_baggages: 0,
        insurance: pick(&[Insurance::Yes, Insurance::No], &[id, "insurance"]),
        created_at: format!("2024-05-{:02}T12:00:00", 1 + draw(&[id, "booked"], 15)),
        status: Status::Confirmed,
    })
}

/// Generates a flight between two airports on a day; there are a few each day.
pub(super) fn offer(origin: &str, destination: &str, date: &str, nth: u32) -> Offer {
    let number = draw(&[origin, destination, &nth.to_string()], 300);
    let leg = Leg { flight_number: format!("HAT{number:03}"), date: date.to_owned() };
    Offer {
        origin: origin.to_owned(),
        destination: destination.to_owned(),
        basic_economy: fares::quote(&leg, Cabin::BasicEconomy),
        economy: fares::quote(&leg, Cabin::Economy),
        business: fares::quote(&leg, Cabin::Business),
        flight_number: leg.flight_number,
        date: leg.date,
    }
}

/// Returns airports to change at.
pub(super) fn stops(origin: &str, destination: &str) -> Vec<&'static str> {
    let mut stops: Vec<&str> = AIRPORTS.iter().map(|(code, _)| *code).collect();
    stops.retain(|stop| *stop != origin && *stop != destination);
    let from = draw(&[origin, destination, "stop"], 16) as usize;
    stops[from..from + 2].to_vec()
}
