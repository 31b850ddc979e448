//! Measures how soon many watchers receive a decision: 1,000 event streams over loopback.
//!
//! `cargo run --release -p hitl-console --example load -- [WATCHERS] [DECISIONS]`
//!
//! Console and watchers share this process and its two worker threads. The time of each watcher
//! runs from the moment at which the reviewer's decision is given to the gate until the event has
//! arrived, including the storing of the decision. Exits with 1 when the 99th percentile is 50 ms
//! or more.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hitl::prelude::*;
use hitl_console::{Tasks, Token, Tokens, router, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

/// Sends a note.
#[hitl_tool(risk = "low", base_confidence = 70, describe = "Send {text}")]
async fn send_note(text: String) -> String {
    text
}

/// The limit, which must not be reached.
const BUDGET: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let measured = match runtime {
        Ok(runtime) => runtime.block_on(measure()),
        Err(error) => Err(error.into()),
    };
    match measured {
        Ok(p99) if p99 < BUDGET => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<Duration, Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let watchers = numbers.next().transpose()?.unwrap_or(1000);
    let decisions = numbers.next().transpose()?.unwrap_or(100);

    let gate = Gate::builder().tool::<SendNote>().build().await?;
    let token = Token::generate()?;
    let tokens = Tokens::new().with("ann", &token);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let console = router(gate.clone(), Tasks::none(), tokens);
    tokio::spawn(serve(listener, console));

    let (heard, mut arrivals) = mpsc::unbounded_channel();
    let (ready, failed) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(None)));
    for _ in 0..watchers {
        let (heard, ready, failed) = (heard.clone(), Arc::clone(&ready), Arc::clone(&failed));
        let secret = token.reveal().to_owned();
        tokio::spawn(async move {
            if let Err(error) = watch(address, &secret, &ready, &heard).await {
                failed.lock().unwrap_or_else(PoisonError::into_inner).replace(error.to_string());
            }
        });
    }
    let all = u32::try_from(watchers)?;
    let joined = tokio::time::timeout(Duration::from_secs(60), ready.acquire_many(all)).await;
    if joined.is_err() {
        let why = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        return Err(format!("not every watcher joined: {}", why.unwrap_or_default()).into());
    }

    let mut took = Vec::with_capacity(watchers * decisions);
    let before = cpu();
    for _ in 0..decisions {
        let Submission::Pending(ticket) = gate.submit(send_note("hi")).by("agent").await? else {
            return Err("it needs a review".into());
        };
        // The submission is an event too; only the decision is timed.
        tokio::time::sleep(Duration::from_millis(60)).await;
        while arrivals.try_recv().is_ok() {}
        let start = Instant::now();
        gate.decide(ticket.request().approve().by("ann")).await?;
        for _ in 0..watchers {
            let arrival = tokio::time::timeout(Duration::from_secs(10), arrivals.recv()).await;
            let at: Instant = arrival?.ok_or("the watchers are gone")?;
            took.push(at.duration_since(start));
        }
    }
    if let (Some(before), Some(after)) = (before, cpu()) {
        // Each decision comes with its submission: two events for every watcher.
        let events = u32::try_from(2 * watchers * decisions)?;
        let each = after.saturating_sub(before) / events;
        println!("CPU time per event and watcher, both ends of the connection: {each:?}");
    }
    took.sort_unstable();
    let part = |share: usize| took[(took.len() * share / 1000).min(took.len() - 1)];
    let p99 = part(990);
    println!("{watchers} watchers, {decisions} decisions: from the decision to its event");
    println!(
        "  p50 {:?}   p90 {:?}   p99 {p99:?}   greatest {:?}",
        part(500),
        part(900),
        part(1000)
    );
    Ok(p99)
}

/// Returns the processor time of this process, in user and system mode; if the system reports it,
/// in hundredths of a second. It does not depend on other processes on the machine.
fn cpu() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The fields after the program's name, which may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// Follows the stream, and reports the arrival of each event of a call.
async fn watch(
    address: SocketAddr,
    secret: &str,
    ready: &Semaphore,
    heard: &mpsc::UnboundedSender<Instant>,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET /api/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {secret}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let (mut buffer, mut text, mut joined) = ([0_u8; 8192], Vec::new(), false);
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let now = Instant::now();
        text.extend_from_slice(&buffer[..read]);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            let has = |what: &[u8]| event.windows(what.len()).any(|part| part == what);
            if !joined && has(b"event: hello") {
                joined = true;
                ready.add_permits(1);
            }
            if has(b"event: call") {
                // Nobody listens any more at the end.
                let _ended = heard.send(now);
            }
        }
    }
}
