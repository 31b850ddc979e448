//! Measures how long a reviewer waits while thousands of slow connections come and go over
//! loopback.
//!
//! `cargo run --release -p hitl-console --example churn -- [REQUESTS] [SLOW] [BACKLOG]`
//!
//! Slow connections are opened as fast as the system allows, send nothing, half a head, or a whole
//! request, and are opened again once `SLOW` are held. Each request of the reviewer is a connection
//! of its own. `BACKLOG` is the backlog of the listener, 1024 by default. Exits with 1 when the
//! slowest request took 100 ms or more.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hitl::prelude::*;
use hitl_console::{Tasks, Token, Tokens, router, serve};
use tokio::net::TcpSocket;

/// Sends a note.
#[hitl_tool(risk = "low", base_confidence = 70, describe = "Send {text}")]
async fn send_note(text: String) -> String {
    text
}

/// The limit, which must not be reached.
const BUDGET: Duration = Duration::from_millis(100);
/// The number of threads that open slow connections.
const FLOODERS: usize = 4;

fn main() -> ExitCode {
    match measure() {
        Ok(slowest) if slowest < BUDGET => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("churn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<Duration, Box<dyn Error>> {
    let numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let number = |at: usize, otherwise| numbers.get(at).copied().unwrap_or(otherwise);
    let (requests, slow) = (number(0, 3_000), number(1, 10_000));
    let backlog = u32::try_from(number(2, 1_024))?;

    let token = Token::generate()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let address = runtime.block_on(begin(&token, backlog))?;

    let (over, opened) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let flooders: Vec<_> = (0..FLOODERS)
        .map(|_| {
            let (over, opened) = (Arc::clone(&over), Arc::clone(&opened));
            thread::spawn(move || flood(address, slow / FLOODERS, &over, &opened))
        })
        .collect();
    while opened.load(Ordering::Relaxed) < slow {
        thread::sleep(Duration::from_millis(10));
    }
    let (dropped, before, began) = (overflows(), opened.load(Ordering::Relaxed), Instant::now());
    let (mut took, mut refused) = (Vec::with_capacity(requests), 0);
    for _ in 0..requests {
        match ask(address, token.reveal()) {
            Ok(time) => took.push(time),
            Err(_) => refused += 1,
        }
    }
    let millis = began.elapsed().as_millis().max(1);
    let per_second = (opened.load(Ordering::Relaxed) - before) as u128 * 1000 / millis;
    over.store(true, Ordering::Relaxed);
    for flooder in flooders {
        let _ended = flooder.join();
    }
    runtime.shutdown_background();

    took.sort_unstable();
    let slowest = took.last().copied().unwrap_or_default();
    let at = |share: usize| took.get(took.len() * share / 1000).copied().unwrap_or(slowest);
    println!(
        "{requests} requests beside {slow} slow connections, {per_second:.0} new ones a second"
    );
    println!(
        "p50 {:?}, p90 {:?}, p99 {:?}, p99.9 {:?}, max {slowest:?}",
        at(500),
        at(900),
        at(990),
        at(999)
    );
    println!("over 100 ms: {}", took.iter().filter(|took| **took >= BUDGET).count());
    println!("cut off: {refused}");
    if let (Some(before), Some(after)) = (dropped, overflows()) {
        println!("connections that the system dropped: {}", after - before);
    }
    if refused > 0 { Err("requests were cut off".into()) } else { Ok(slowest) }
}

/// Starts a console and returns its address.
async fn begin(token: &Token, backlog: u32) -> Result<SocketAddr, Box<dyn Error>> {
    let gate = Gate::builder().tool::<SendNote>().build().await?;
    let tokens = Tokens::new().with("ann", token);
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(backlog)?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, router(gate, Tasks::none(), tokens)));
    Ok(address)
}

/// Opens slow connections, holds this many of them, and continues.
fn flood(address: SocketAddr, held: usize, over: &AtomicBool, opened: &AtomicUsize) {
    let mut sockets = VecDeque::new();
    while !over.load(Ordering::Relaxed) {
        let Ok(mut socket) = TcpStream::connect(address) else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let begun = match opened.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => "",
            1 => "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
            _ => "GET /api/me HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        // The console may have closed it by now.
        let _closed = socket.write_all(begun.as_bytes());
        sockets.push_back(socket);
        if sockets.len() > held {
            sockets.pop_front();
        }
    }
}

/// Requests the reviewer's identity; returns the time that took.
fn ask(address: SocketAddr, secret: &str) -> Result<Duration, io::Error> {
    let began = Instant::now();
    let mut socket = TcpStream::connect(address)?;
    write!(
        socket,
        "GET /api/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {secret}\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.1 200") {
        Ok(began.elapsed())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()))
    }
}

/// Returns how often the system had no room for a waiting connection, if it reports that.
fn overflows() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/net/netstat").ok()?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let at = lines.next()?.split(' ').position(|name| name == "ListenOverflows")?;
    lines.next()?.split(' ').nth(at)?.parse().ok()
}
