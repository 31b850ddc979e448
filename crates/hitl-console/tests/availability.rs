//! Slow, idle, numerous and odd connections keep no reviewer out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use hitl::Gate;
use hitl_console::{Cidr, Console, ServeOptions, Tasks, Token, Tokens, serve_with};
use support::ask::{ANN, BOB, Events, raw, refusal};
use support::tools::{self, note};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

async fn console() -> (Gate, Console) {
    let gate = tools::gate().await;
    let (ann, bob) = (Token::from_secret(ANN), Token::from_secret(BOB));
    let tokens = Tokens::new().with("ann", &ann).with("bob", &bob);
    (gate.clone(), Console::new(gate, Tasks::none(), tokens))
}

async fn served(router: Router, options: ServeOptions) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { serve_with(listener, router, options).await.unwrap() });
    address
}

/// Returns the bytes of a reviewer's request.
fn request(line: &str, more: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {ANN}\r\n{more}\r\n"
    )
}

/// Sends a reviewer's request for their identity; returns the time it took.
async fn asks(address: SocketAddr) -> Duration {
    let began = Instant::now();
    let answer = raw(address, &request("GET /api/me", "")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    began.elapsed()
}

/// Waits until the other end closes.
async fn closed(socket: &mut TcpStream) {
    let mut bytes = Vec::new();
    let _ = socket.read_to_end(&mut bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_slow_connections_leave_a_reviewer_served() {
    let (_, console) = console().await;
    let options = ServeOptions::new().max_connections(400).max_connections_per_address(400);
    let address = served(console.router(), options).await;
    let mut slow = Vec::new();
    for n in 0..3_000 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        // Nothing, a part of a head, or a whole request on a connection that then stays idle.
        let begun = match n % 3 {
            0 => "",
            1 => "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
            _ => "GET /api/me HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        let _ = socket.write_all(begun.as_bytes()).await;
        slow.push(socket);
    }
    let mut took = Vec::new();
    for _ in 0..11 {
        took.push(asks(address).await);
    }
    took.sort();
    assert!(took[5] < Duration::from_millis(100), "{took:?}");
}

/// On one thread: without a limit the server accepts all waiting connections before anything else
/// runs.
#[tokio::test]
async fn who_has_asked_is_heard_however_many_come_at_once() {
    let (_, console) = console().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut asked = TcpStream::connect(address).await.unwrap();
    asked.write_all(request("GET /api/me", "").as_bytes()).await.unwrap();
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(address).await.unwrap());
    }
    let options = ServeOptions::new().max_connections(16).max_connections_per_address(8);
    let serving = tokio::spawn(serve_with(listener, console.router(), options));
    let mut answer = String::new();
    asked.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn a_full_house_makes_room_only_at_the_cost_of_those_who_wait() {
    let (gate, console) = console().await;
    let options = ServeOptions::new().max_connections(8).stream_reserve(5);
    let address = served(console.router(), options).await;
    let mut stream = Events::open(address, ANN, None).await;
    assert_eq!(stream.next().await.unwrap().kind, "hello");
    let mut waits = TcpStream::connect(address).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..50 {
        held.push(TcpStream::connect(address).await.unwrap());
        asks(address).await;
    }
    closed(&mut waits).await;
    note(&gate).await;
    assert_eq!(stream.next_of("call").await.data["event"], "submitted");
}

#[tokio::test]
async fn streams_leave_a_reserve_and_one_principal_leaves_some_to_others() {
    let (_, console) = console().await;
    let options = ServeOptions::new().max_connections(8).stream_reserve(5);
    let address = served(console.max_streams_per_principal(2).router(), options).await;
    let mut open = Vec::new();
    for secret in [ANN, ANN, BOB] {
        let mut stream = Events::open(address, secret, None).await;
        assert_eq!(stream.next().await.unwrap().kind, "hello");
        open.push(stream);
    }
    let third = raw(address, &request("GET /api/events", "")).await;
    assert_eq!(refusal(&third), (429, "tooMany".into()));
    assert!(third.contains("close some tabs"), "{third}");
    // Bob may open one more stream, but the remaining connections are not for streams.
    let bobs = request("GET /api/events", "").replace(ANN, BOB);
    assert_eq!(refusal(&raw(address, &bobs).await), (429, "tooMany".into()));
    asks(address).await;
    // A stream that ends releases its place.
    drop(open.pop());
    while !raw(address, &request("GET /api/me", "")).await.contains("200") {}
    let again = loop {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(bobs.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        socket.read_exact(&mut first).await.unwrap();
        if first.ends_with(b"200") {
            break socket;
        }
    };
    drop(again);
}

#[tokio::test]
async fn a_head_has_to_come_in_time() {
    let (_, console) = console().await;
    let options = ServeOptions::new().head_deadline(Duration::from_millis(50));
    let address = served(console.router(), options).await;
    for begun in ["", "GET", "GET / HTTP/1.1\r\nHost: localhost\r\n"] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(begun.as_bytes()).await.unwrap();
        closed(&mut socket).await;
    }
    // The same holds for the next request on a connection that is kept alive.
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET /api/me HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    closed(&mut socket).await;
    // A head that trickles is late too, however often a byte arrives.
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let began = Instant::now();
    while socket.write_all(b"x").await.is_ok() {
        tokio::task::yield_now().await;
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn a_body_has_to_come_in_time_and_is_not_waited_for_without_a_reviewer() {
    let (_, console) = console().await;
    let console = console.body_deadline(Duration::from_millis(50)).router();
    let address = served(console, ServeOptions::new()).await;
    let json = "Content-Type: application/json\r\nContent-Length: 100\r\n";
    let late = format!("{}{{\"at\":", request("POST /api/presence", json));
    assert_eq!(refusal(&raw(address, &late).await), (408, "slowBody".into()));
    let unknown = late.replace(ANN, "wrong");
    assert_eq!(refusal(&raw(address, &unknown).await), (401, "invalidToken".into()));
    let whole = "Content-Type: application/json\r\nContent-Length: 11\r\n";
    let whole = format!("{}{{\"at\":null}}", request("POST /api/presence", whole));
    assert!(raw(address, &whole).await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn a_large_or_endless_body_is_refused_before_it_is_read() {
    let (_, console) = console().await;
    let address = served(console.router(), ServeOptions::new()).await;
    let ask = |more: &str| {
        request("POST /api/presence", &format!("Content-Type: application/json\r\n{more}"))
    };
    // Not a byte of the body is sent, and the response still comes.
    for length in ["65537", "4294967296", "18446744073709551616"] {
        let answer = raw(address, &ask(&format!("Content-Length: {length}\r\n"))).await;
        assert!([413, 400].contains(&refusal(&answer).0), "{length}: {answer}");
    }
    let waits = ask("Content-Length: 65537\r\nExpect: 100-continue\r\n");
    let answer = raw(address, &waits).await;
    assert_eq!(refusal(&answer), (413, "tooLarge".into()), "and no 100 before it");
    for coding in ["chunked", "gzip, chunked"] {
        let chunks = format!("{}5\r\n", ask(&format!("Transfer-Encoding: {coding}\r\n")));
        assert_eq!(refusal(&raw(address, &chunks).await), (411, "lengthRequired".into()));
    }
    asks(address).await;
}

#[tokio::test]
async fn what_two_readers_would_read_differently_is_refused() {
    let (_, console) = console().await;
    let address = served(console.router(), ServeOptions::new()).await;
    let ask = |more: &str| request("GET /api/me", more);
    for doubled in [
        "Host: localhost\r\n",
        "Host: evil.example\r\n",
        "Authorization: Bearer other\r\n",
        "Origin: http://localhost\r\nOrigin: http://evil.example\r\n",
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n",
        "Last-Event-ID: 1\r\nlast-event-id: 2\r\n",
    ] {
        let answer = raw(address, &ask(doubled)).await;
        assert_eq!(refusal(&answer), (400, "doubledHeader".into()), "{doubled}");
    }
    // Two lengths, or a length and chunks, never make two requests of one.
    let smuggled = "GET /api/me HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for framing in [
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: 0, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Host : localhost\r\n",
        " folded: x\r\n",
    ] {
        let answer = raw(address, &format!("{}{smuggled}", ask(framing))).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(answers <= 1 && !answer.contains(" 200 "), "{framing}: {answer}");
    }
    // HTTP/1.0 names no host, and an absolute address must be the host's.
    for head in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET http://localhost@evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:80@evil.example\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    ] {
        let status = refusal(&raw(address, head).await).0;
        assert!([400, 421].contains(&status), "{head}: {status}");
    }
    assert!(raw(address, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await.contains(" 200 "));
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let (_, console) = console().await;
    let address = served(console.router(), ServeOptions::new()).await;
    let many = "X-Many: 1\r\n".repeat(200);
    let long = format!("X-Long: {}\r\n", "x".repeat(100_000));
    for head in [many, long] {
        let status = refusal(&raw(address, &request("GET /api/me", &head)).await).0;
        assert!([0, 400, 431].contains(&status), "{status}");
    }
    let long = format!("/api/calls?{}", "x".repeat(100_000));
    let status = refusal(&raw(address, &request(&format!("GET {long}"), "")).await).0;
    assert!([0, 414, 400, 431].contains(&status), "{status}");
    asks(address).await;
}

#[tokio::test]
async fn requests_that_are_sent_ahead_are_answered_in_turn() {
    let (_, console) = console().await;
    let address = served(console.router(), ServeOptions::new()).await;
    let one = "GET /api/me HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let ahead = format!("{}{}", one.repeat(500), request("GET /api/me", ""));
    let answer = raw(address, &ahead).await;
    assert_eq!(answer.matches("HTTP/1.1 401").count(), 500);
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1);
}

/// A probe that notifies when a response is abandoned.
struct Alive(Arc<Notify>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let given_up = Arc::new(Notify::new());
    let endless = {
        let given_up = Arc::clone(&given_up);
        move || {
            let alive = Alive(Arc::clone(&given_up));
            let chunks = futures::stream::repeat_with(move || {
                let _alive = &alive;
                Ok::<_, std::convert::Infallible>(vec![0_u8; 1 << 16])
            });
            std::future::ready(Body::from_stream(chunks))
        }
    };
    let options = ServeOptions::new().write_deadline(Duration::from_millis(50));
    let address = served(Router::new().route("/endless", get(endless)), options).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    socket.read_exact(&mut first).await.unwrap();
    // The client reads no more, and keeps its end open.
    given_up.notified().await;
    drop(socket);
}

#[tokio::test]
async fn a_proxy_that_is_trusted_tells_the_clients_address() {
    let (_, console) = console().await;
    let loopback: Cidr = "127.0.0.0/8".parse().unwrap();
    let trusting = served(console.trusted_proxy(loopback).router(), ServeOptions::new()).await;
    let guess = |from: &str| {
        request("GET /api/me", &format!("X-Forwarded-For: {from}\r\n")).replace(ANN, "guess")
    };
    for n in 0..10 {
        let refused = raw(trusting, &guess(&format!("1.1.1.{n}, 198.51.100.1"))).await;
        assert_eq!(refusal(&refused).0, 401, "what is left of it was written by the client");
    }
    assert_eq!(refusal(&raw(trusting, &guess("198.51.100.1")).await).0, 429);
    assert_eq!(refusal(&raw(trusting, &guess("198.51.100.2")).await).0, 401);
    // The forwarded headers are not trusted elsewhere.
    let (_, console) = self::console().await;
    let plain = served(console.router(), ServeOptions::new()).await;
    for n in 0..10 {
        assert_eq!(refusal(&raw(plain, &guess(&format!("198.51.100.{n}"))).await).0, 401);
    }
    assert_eq!(refusal(&raw(plain, &guess("198.51.100.99")).await).0, 429);
    asks(plain).await;
}
