//! The body of a response: it keeps its connection's seat, and ends with the server if it is a
//! stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::closing::{Closed, Closing};
use super::seats::Seat;

/// A seat while a request is answered on it.
pub(super) struct SeatGuard(Arc<Seat>);

impl SeatGuard {
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        Self(seat)
    }
}

impl Drop for SeatGuard {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// The body of a response; while it is written, its seat is used.
pub(super) struct SeatedBody {
    body: Body,
    /// Set for a body of unknown length: an event stream, which would never end by itself.
    closed: Option<Closed>,
    _used: SeatGuard,
}

impl SeatedBody {
    pub(super) fn new(body: Body, used: SeatGuard, closing: &Closing) -> Self {
        let endless = body.size_hint().exact().is_none();
        Self { body, closed: endless.then(|| closing.closed()), _used: used }
    }
}

impl HttpBody for SeatedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(closed) = &mut self.closed
            && closed.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
