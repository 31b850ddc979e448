//! The other end of a connection, as handlers know it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::seats::Seat;

/// Where a connection comes from. Failed logins are counted by it.
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    /// Its place, where the server is ours.
    seat: Option<Arc<Seat>>,
}

/// One of the connections that streams may take.
#[derive(Debug)]
pub(crate) struct StreamSeat(
    #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit,
);

/// No stream may take a further connection: the rest is kept for others.
#[derive(Debug)]
pub(crate) struct NoStreamSeat;

impl Peer {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, seat: None }
    }

    pub(super) fn with_seat(address: SocketAddr, seat: Arc<Seat>) -> Self {
        Self { address, seat: Some(seat) }
    }

    /// Returns the address at the other end.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A reviewer uses the connection: until it is answered, nobody else gets its place.
    pub(crate) fn keep_seat(&self) {
        if let Some(seat) = &self.seat {
            seat.keep();
        }
    }

    /// Takes one of the connections that streams may take; `None` where the server is not ours.
    pub(crate) fn stream_seat(&self) -> Result<Option<StreamSeat>, NoStreamSeat> {
        let Some(seat) = &self.seat else { return Ok(None) };
        seat.stream_permit().map(|permit| Some(StreamSeat(permit))).ok_or(NoStreamSeat)
    }
}
