//! The peer of a connection, as handlers see it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::seats::Seat;

/// The peer of a connection. Failed logins are counted by its address.
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    /// The connection's seat, if this crate's server accepted it.
    seat: Option<Arc<Seat>>,
}

/// One of the connections that streams may take.
#[derive(Debug)]
pub(crate) struct StreamSeat(
    #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit,
);

/// The error when no stream may take a further connection: the rest is reserved for other requests.
#[derive(Debug)]
pub(crate) struct NoStreamSeat;

impl Peer {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, seat: None }
    }

    pub(super) fn with_seat(address: SocketAddr, seat: Arc<Seat>) -> Self {
        Self { address, seat: Some(seat) }
    }

    /// Returns the address of the peer.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Keeps the seat for the reviewer who uses the connection: until the response is written, no
    /// other connection gets it.
    pub(crate) fn keep_seat(&self) {
        if let Some(seat) = &self.seat {
            seat.keep();
        }
    }

    /// Takes one of the connections that streams may take; `None` if the server is not this
    /// crate's.
    pub(crate) fn stream_seat(&self) -> Result<Option<StreamSeat>, NoStreamSeat> {
        let Some(seat) = &self.seat else { return Ok(None) };
        seat.stream_permit().map(|permit| Some(StreamSeat(permit))).ok_or(NoStreamSeat)
    }
}
