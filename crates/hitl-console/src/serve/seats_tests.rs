use futures::FutureExt as _;

use super::*;

fn seats(max: usize, per_address: usize) -> Arc<Seats> {
    let options = ServeOptions::new()
        .max_connections(max)
        .max_connections_per_address(per_address)
        .stream_reserve(1)
        .trusted_proxy("10.0.0.0/8".parse::<Cidr>().unwrap());
    Seats::new(&options)
}

fn address(n: u8) -> IpAddr {
    [192, 0, 2, n].into()
}

fn is_gone(seat: &Seat) -> bool {
    seat.taken_away().now_or_never().is_some()
}

fn counts(seats: &Seats) -> (usize, usize, usize) {
    let state = seats.state();
    let of_addresses: usize = state.addresses.values().map(|address| address.taken).sum();
    (state.taken, of_addresses, state.free.len())
}

#[test]
fn a_newcomer_gets_the_seat_that_was_without_a_reviewer_for_longest() {
    let seats = seats(3, 3);
    let [one, two, three] = [1, 2, 3].map(|n| seats.take(address(n)).unwrap());
    one.keep();
    let four = seats.take(address(4)).unwrap();
    assert!(!is_gone(&one) && is_gone(&two) && !is_gone(&three));
    one.release();
    let _five = seats.take(address(5)).unwrap();
    assert!(is_gone(&three) && !is_gone(&four) && !is_gone(&one), "it was used just now");
    assert_eq!(counts(&seats), (3, 3, 3));
    drop((one, two, three, four));
    assert_eq!(counts(&seats), (1, 1, 1));
}

#[test]
fn one_address_displaces_itself() {
    let seats = seats(10, 2);
    let [other, one, two] = [1, 2, 2].map(|n| seats.take(address(n)).unwrap());
    let _three = seats.take(address(2)).unwrap();
    assert!(!is_gone(&other) && is_gone(&one) && !is_gone(&two));
    // Neighbours in one IPv6 network count as one address.
    let [v6, _next, _last] =
        [1, 2, 3].map(|n| seats.take(format!("2001:db8::{n}").parse().unwrap()).unwrap());
    assert!(is_gone(&v6));
    // A proxy that carries many clients is not counted.
    let proxied: Vec<_> = (0..4).map(|_| seats.take([10, 0, 0, 1].into()).unwrap()).collect();
    assert!(!proxied.iter().any(|seat| is_gone(seat)));
}

#[test]
fn seats_that_reviewers_use_are_not_taken_away() {
    let seats = seats(2, 2);
    let [one, two] = [1, 1].map(|n| seats.take(address(n)).unwrap());
    one.keep();
    two.keep();
    two.keep();
    assert!(seats.take(address(1)).is_none() && seats.take(address(2)).is_none());
    assert!(!seats.make_room());
    drop(one);
    let three = seats.take(address(2)).unwrap();
    assert!(seats.make_room() && is_gone(&three));
    // A seat that was taken away is neither kept nor offered again.
    three.keep();
    three.release();
    assert_eq!(counts(&seats), (1, 1, 0));
    drop((two, three));
    assert_eq!(counts(&seats), (0, 0, 0));
    assert!(seats.state().addresses.is_empty());
}

#[test]
fn streams_leave_a_reserve() {
    let seats = seats(3, 3);
    let seat = seats.take(address(1)).unwrap();
    let (one, two) = (seat.stream_permit(), seat.stream_permit());
    assert!(one.is_some() && two.is_some() && seat.stream_permit().is_none());
    drop(one);
    assert!(seat.stream_permit().is_some());
}

#[test]
fn invariant_13_a_flood_leaves_no_more_than_the_seats() {
    let seats = seats(50, 20);
    let mut held = Vec::new();
    for n in 0..5_000_u32 {
        held.push(seats.take(IpAddr::from(n.to_be_bytes())).unwrap());
        assert!(counts(&seats).0 <= 50);
    }
    drop(held);
    assert_eq!(counts(&seats), (0, 0, 0));
}
