//! The program while it serves.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::house::{House, Waiting, program, said};

/// A console that is served. It is killed when it is dropped.
pub(crate) struct Served {
    child: Child,
    out: BufReader<ChildStdout>,
    log: Option<JoinHandle<String>>,
    pub(crate) url: String,
    /// The token that was printed, if one was.
    pub(crate) token: Option<String>,
    /// Everything that it has printed so far.
    pub(crate) printed: String,
    pub(crate) client: Client,
}

/// Returns an address on which nothing listens.
pub(crate) fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

impl Served {
    /// Serves a house's store on any free port.
    pub(crate) fn start(house: &House, options: &[&str]) -> Self {
        Self::start_at(house, "127.0.0.1:0", options)
    }

    pub(crate) fn start_at(house: &House, listen: &str, options: &[&str]) -> Self {
        let db = said(&house.path("hitl.db"));
        let fixed = ["--db", &db, "console", "--json", "--listen", listen];
        let mut child = program(&[&fixed[..], options].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut errors = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let Ok(said) = serde_json::from_str::<Value>(&line) else {
            let status = child.wait().unwrap();
            panic!("it does not serve: {status}: {line} {}", log.join().unwrap())
        };
        let url = said["url"].as_str().unwrap().to_owned();
        let token = said["token"].as_str().map(str::to_owned);
        Self { child, out, log: Some(log), url, token, printed: line, client: Client::new() }
    }

    /// Returns the number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end. Returns how it ended, and everything that it has printed and logged.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let mut all = std::mem::take(&mut self.printed);
        self.out.read_to_string(&mut all).unwrap();
        all += &self.log.take().unwrap().join().unwrap();
        (status, all)
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.client.get(&format!("{}{path}", self.url), &[("authorization", &bearer)])
    }

    /// Approves a call as it was shown.
    pub(crate) fn approve(&self, call: &Waiting, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let url = format!("{}/api/calls/{}/decide", self.url, call.id);
        self.client.post(&url, &approval(call), &[("authorization", &bearer)])
    }
}

/// Reads until a text has come.
pub(crate) fn read_until(stream: &mut TcpStream, end: &str) {
    let mut seen = Vec::new();
    let mut bytes = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains(end) {
        let read = stream.read(&mut bytes).unwrap();
        assert!(read > 0, "{end:?} does not come: {}", String::from_utf8_lossy(&seen));
        seen.extend(&bytes[..read]);
    }
}

/// Returns the body of an approval.
pub(crate) fn approval(call: &Waiting) -> Value {
    let request = call.ticket.request();
    json!({ "answer": "approve", "revision": request.revision, "binding": call.binding })
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
