//! Accepts connections and answers on them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::body::{SeatGuard, SeatedBody};
use super::closing::{Closing, closing};
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
    serve_until(listener, router, options, std::future::pending()).await
}

/// Serves a router until `stop` is ready; see [`serve`]. Then no connection is accepted any more,
/// event streams end, current requests are answered, and after [`ServeOptions::stop_grace`] what is
/// left is cut off.
///
/// Cancel safety: as [`serve`].
pub async fn serve_until(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let seats = Seats::new(&options);
    let arrivals = Arc::new(Semaphore::new(unread_connections(&options)));
    let (closer, closing) = closing();
    // Dropping them aborts the remaining connections, and the tasks beside them.
    let (mut connections, _beside) = (JoinSet::new(), beside(&options));
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &arrivals) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, from, unread)) => {
                // Without a seat the connection is closed at once.
                if let Some(seat) = seats.take(from.ip()) {
                    let peer = Peer::with_seat(from, Arc::clone(&seat));
                    let guest = Guest { peer, seat, closing: closing.clone() };
                    let answered = answer(stream, guest, router.clone(), options.clone());
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
    drop(listener);
    closer.close();
    // What has not ended by then is cut off.
    let _late =
        timeout(options.stop_grace, async { while connections.join_next().await.is_some() {} })
            .await;
    Ok(())
}

/// Starts what a server does beside its connections.
#[cfg_attr(
    not(feature = "tls"),
    expect(unused_variables, unused_mut, reason = "only TLS has such work")
)]
fn beside(options: &ServeOptions) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    #[cfg(feature = "tls")]
    if let Some(tls) = &options.tls {
        tasks.spawn(tls.clone().keep_current());
    }
    tasks
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

/// A connection that has a seat.
#[derive(Clone)]
struct Guest {
    peer: Peer,
    seat: Arc<Seat>,
    closing: Closing,
}

/// Answers the requests of one connection, until it ends or its seat is taken away.
async fn answer(stream: TcpStream, guest: Guest, router: Router, options: ServeOptions) {
    // Events are small and should not wait for more of them.
    let _unneeded = stream.set_nodelay(true);
    let stream = Connection::new(stream, options.write_deadline);
    #[cfg(feature = "tls")]
    if let Some(tls) = &options.tls {
        let secured = tokio::select! {
            () = guest.seat.taken_away() => return,
            secured = timeout(options.head_deadline, tls.accept(stream)) => secured,
        };
        // Neither a client that is late nor one that speaks no TLS gets an answer.
        let Ok(Ok(secured)) = secured else { return };
        return converse(secured, guest, router, &options, secure).await;
    }
    converse(stream, guest, router, &options, |_, _| {}).await;
}

/// Tells browsers to keep to TLS under this name.
#[cfg(feature = "tls")]
fn secure(host: Option<&HeaderValue>, headers: &mut HeaderMap) {
    let host = host.map(HeaderValue::as_bytes).unwrap_or_default();
    if !host.get(.."localhost".len()).is_some_and(|name| name.eq_ignore_ascii_case(b"localhost")) {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

/// Answers the requests that come over a stream. `complete` adds headers to an answer, given the
/// host that was asked.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    Guest { peer, seat, closing }: Guest,
    router: Router,
    options: &ServeOptions,
    complete: impl Fn(Option<&HeaderValue>, &mut HeaderMap) + Copy,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let host = request.headers().get(header::HOST).cloned();
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        let (answered, seat, closing) = (router.call(request), Arc::clone(&seat), closing.clone());
        async move {
            // Dropped with the request when the client goes away.
            let used = SeatGuard::new(seat);
            let mut response: Response<Body> = answered.await?;
            complete(host.as_ref(), response.headers_mut());
            Ok::<_, Infallible>(response.map(|body| SeatedBody::new(body, used, &closing)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_deadline)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // The way in which it ended does not matter here.
    tokio::select! {
        () = seat.taken_away() => return,
        _ = connection.as_mut() => return,
        () = closing.closed() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        () = seat.taken_away() => {}
        _ = connection => {}
    }
}
