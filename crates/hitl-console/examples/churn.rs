//! Measures how long a reviewer waits while thousands of slow connections come and go over
//! loopback.
//!
//! `cargo run --release -p hitl-console --example churn -- [REQUESTS] [SLOW] [BACKLOG]`
//!
//! A process of its own opens slow connections as fast as the system lets it. They send nothing,
//! half a head, or a whole request; once `SLOW` are held, each new one closes the oldest. Each
//! request of the reviewer is a connection of its own. `BACKLOG` is the length of the listener's
//! queue, 1024 by default. Exits with 1 when the slowest request took 100 ms or more.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
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

/// The time that no request may take.
const BUDGET: Duration = Duration::from_millis(100);
/// The number of threads that open slow connections.
const FLOODERS: usize = 4;
/// The first argument of the attacker's process.
const FLOOD: &str = "flood";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [first, address, slow] = &arguments[..]
        && first == FLOOD
    {
        return match attack(address, slow) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    match measure(&arguments) {
        Ok(slowest) if slowest < BUDGET => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("churn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<Duration, Box<dyn Error>> {
    let numbers = arguments.iter().map(|text| text.parse::<usize>());
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let number = |at: usize, otherwise| numbers.get(at).copied().unwrap_or(otherwise);
    let (requests, slow) = (number(0, 3_000), number(1, 10_000));
    let backlog = u32::try_from(number(2, 1_024))?;

    let token = Token::generate()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let address = runtime.block_on(begin(&token, backlog))?;

    let mut attacker = Attacker::start(address, slow)?;
    while attacker.opened()? < slow {
        thread::sleep(Duration::from_millis(50));
    }
    let (dropped, before, began) = (overflows(), attacker.opened()?, Instant::now());
    let (mut took, mut refused) = (Vec::with_capacity(requests), 0);
    for _ in 0..requests {
        match ask(address, token.reveal()) {
            Ok(time) => took.push(time),
            Err(_) => refused += 1,
        }
    }
    let millis = began.elapsed().as_millis().max(1);
    let per_second = (attacker.opened()? - before) as u128 * 1000 / millis;
    attacker.stop()?;
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

/// The process that opens slow connections. It answers each line with the number of those that it
/// has opened so far, and ends with its input.
struct Attacker {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Attacker {
    fn start(address: SocketAddr, slow: usize) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([FLOOD, &address.to_string(), &slow.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(ask), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the attacker has no pipes".into());
        };
        Ok(Self { child, ask, answers: BufReader::new(answers) })
    }

    fn opened(&mut self) -> Result<usize, Box<dyn Error>> {
        self.ask.write_all(b"\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }

    fn stop(self) -> io::Result<()> {
        let Self { mut child, ask, .. } = self;
        drop(ask);
        child.wait().map(drop)
    }
}

/// Runs in the attacker's process.
fn attack(address: &str, slow: &str) -> Result<(), Box<dyn Error>> {
    let (address, slow) = (address.parse()?, slow.parse::<usize>()?);
    let (over, opened) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let flooders: Vec<_> = (0..FLOODERS)
        .map(|_| {
            let (over, opened) = (Arc::clone(&over), Arc::clone(&opened));
            thread::spawn(move || flood(address, slow / FLOODERS, &over, &opened))
        })
        .collect();
    for _line in io::stdin().lines().map_while(Result::ok) {
        println!("{}", opened.load(Ordering::Relaxed));
    }
    over.store(true, Ordering::Relaxed);
    for flooder in flooders {
        let _ended = flooder.join();
    }
    Ok(())
}

/// Opens slow connections, and closes the oldest when it holds more than `held`.
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

/// Asks who the reviewer is, and returns the time that took.
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

/// Returns the number of connections for which the queue had no place, where the system counts
/// them.
fn overflows() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/net/netstat").ok()?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let at = lines.next()?.split(' ').position(|name| name == "ListenOverflows")?;
    lines.next()?.split(' ').nth(at)?.parse().ok()
}
