//! Accepts connections and answers on them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection::Connection;
use super::seats::{Seat, Seats};
use super::{Peer, ServeOptions};

/// The maximum number of headers of a request.
const MAX_HEADERS: usize = 100;
/// The maximum size of a request's head, in bytes; also of what is read or written ahead.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// The maximum number of connections that are accepted and not yet read.
const MAX_UNREAD: usize = 128;
/// The pause after which the system may have room for a connection again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves a router until its future is dropped, within the limits of [`ServeOptions::new`].
///
/// A head must arrive within 10 seconds, and a response must be read; at most 4096 connections are
/// open, at most 1024 of them from one address, and event streams leave 1024 to others. When there
/// is no room for a further connection, it gets the place of one that no reviewer is using: so
/// connections that only wait keep nobody out.
///
/// Cancel safety: dropping the future stops accepting, and cuts off the current responses.
pub async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    serve_with(listener, router, ServeOptions::new()).await
}

/// Serves a router until its future is dropped, within the given limits; see [`serve`].
pub async fn serve_with(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
) -> io::Result<()> {
    let seats = Seats::new(&options);
    let arrivals = Arc::new(Semaphore::new(unread_connections(&options)));
    // Dropping it aborts the remaining connections.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &arrivals) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, from, unread)) => {
                // Without a seat the connection is closed at once.
                if let Some(seat) = seats.take(from.ip()) {
                    let answered = answer(stream, from, seat, router.clone(), options.clone());
                    connections.spawn(read_first(answered, unread));
                }
            }
            Err(error) if is_of_the_client(&error) => {}
            // The system has no room, mostly for open files. Closing an idle connection makes some.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                seats.make_room();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Returns the number of connections that may be accepted and not yet read: fewer than the seats
/// for one address, so that none of them loses its seat before it is read.
fn unread_connections(options: &ServeOptions) -> usize {
    let seats = options.max_connections.min(options.max_connections_per_address);
    (seats / 2).clamp(1, MAX_UNREAD)
}

/// Accepts a connection, once few enough are unread. Cancel-safe.
async fn accept(
    listener: &TcpListener,
    arrivals: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
    // The semaphore is never closed.
    let unread = Arc::clone(arrivals).acquire_owned().await.ok();
    let (stream, from) = listener.accept().await?;
    Ok((stream, from, unread))
}

/// Lets a connection read the data that has arrived, before others may be accepted in its place:
/// however many connections come at once, a reviewer who has authenticated is answered.
async fn read_first(answered: impl Future<Output = ()>, unread: Option<OwnedSemaphorePermit>) {
    let mut answered = pin!(answered);
    for _ in 0..2 {
        if poll_fn(|cx| Poll::Ready(answered.as_mut().poll(cx))).await.is_ready() {
            return;
        }
        // The runtime learns of arrived data when it polls, which it does before this task runs
        // again.
        tokio::task::yield_now().await;
    }
    drop(unread);
    answered.await;
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection, until it ends or its seat is taken away.
async fn answer(
    stream: TcpStream,
    from: SocketAddr,
    seat: Arc<Seat>,
    router: Router,
    options: ServeOptions,
) {
    // Events are small and should not wait for more of them.
    let _unneeded = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let peer = Peer::with_seat(from, Arc::clone(&seat));
        request.extensions_mut().insert(ConnectInfo(peer));
        let (answered, seat) = (router.call(request), Arc::clone(&seat));
        async move {
            // Dropped with the request when the client goes away.
            let used = SeatGuard(seat);
            let response: Response<Body> = answered.await?;
            Ok::<_, Infallible>(response.map(|body| SeatedBody { body, _used: used }))
        }
    });
    let io = TokioIo::new(Connection::new(stream, options.write_deadline));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_deadline)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(io, service);
    tokio::select! {
        () = seat.taken_away() => {}
        // The way in which it ended does not matter here.
        _ = connection => {}
    }
}

/// A seat while a request is answered on it.
struct SeatGuard(Arc<Seat>);

impl Drop for SeatGuard {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// The body of a response; while it is written, its seat is used.
struct SeatedBody {
    body: Body,
    _used: SeatGuard,
}

impl HttpBody for SeatedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
