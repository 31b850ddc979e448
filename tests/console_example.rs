//! The console's example as its users run it: a process that prints its address, and the token to
//! sign in.

#![cfg(all(feature = "sqlite", unix))]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "shared/example.rs"]
mod example;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A time longer than a slow machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running example, stopped when the test ends.
struct Running {
    process: Child,
    /// The host and port that it printed.
    address: String,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(folder: &TempDir, options: &[&str]) -> Self {
        let mut command = Command::new(example::built("console"));
        command.arg("--db").arg(folder.path().join("console.db"));
        command.args(["--listen", "127.0.0.1:0"]).args(options);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.strip_prefix("hitl console: http://").unwrap();
        let address = address.trim_end_matches('/').to_owned();
        Self { process, address, lines }
    }

    /// Returns the status and the body of a response.
    fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.find('{').and_then(|from| {
            let mut read = serde_json::Deserializer::from_str(&answer[from..]).into_iter();
            read.next()?.ok()
        });
        (status, body.unwrap_or_default())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[test]
fn it_listens_where_it_is_told_and_has_something_to_decide() {
    let folder = TempDir::new().unwrap();
    let console = Running::start(&folder, &["--token", "ann=ann-secret", "--token=bob=bob=secret"]);
    assert!(console.address.starts_with("127.0.0.1:"), "{}", console.address);
    for (token, name) in [("ann-secret", "ann"), ("bob=secret", "bob")] {
        let (status, me) = console.get("/api/me", token);
        assert_eq!((status, me["principal"].as_str()), (200, Some(name)));
    }
    assert_eq!(console.get("/api/me", "ann").0, 401);
    // An agent proposes real calls.
    let since = Instant::now();
    let waiting = loop {
        let (status, list) = console.get("/api/calls", "ann-secret");
        assert_eq!(status, 200);
        let calls = list["calls"].as_array().unwrap().len();
        if calls > 3 || since.elapsed() > PATIENCE {
            break list;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let tools: Vec<&str> =
        waiting["tools"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(tools.contains(&"book_reservation") && tools.contains(&"sign_contract"), "{tools:?}");
    assert!(waiting["calls"].as_array().unwrap().len() > 3, "{waiting}");
}

#[test]
fn a_token_is_made_for_who_names_none() {
    let folder = TempDir::new().unwrap();
    let mut console = Running::start(&folder, &[]);
    let second = console.lines.next().unwrap().unwrap();
    let token = second.strip_prefix("sign in with:").unwrap().trim().to_owned();
    assert_eq!(token.strip_prefix("hitl_").unwrap().len(), 64, "256 bits");
    assert_eq!(console.get("/api/me", &token).1["principal"], "reviewer");
}
