//! Decisions over HTTP; the executor in the test runs what is approved.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use hitl::prelude::*;
use rustix::process::Signal;
use serde_json::json;

use crate::client::Client;
use crate::house::{House, Waiting};
use crate::served::{Served, approval, read_until};

/// Write a line.
#[hitl_tool(risk = "high", base_confidence = 50)]
async fn write_line(file: String) -> Result<(), std::io::Error> {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(b"ran\n")
}

/// A house whose executor has a tool that leaves a trace of each run.
async fn house() -> (House, Gate) {
    let house = House::new().await;
    let gate = Gate::builder().store(house.store.clone()).tool::<WriteLine>().build();
    let gate = gate.await.unwrap();
    (house, gate)
}

async fn waiting(gate: &Gate, file: &Path) -> Waiting {
    let file = file.to_str().unwrap().to_owned();
    let submission = gate.submit(write_line(file)).by("owner").await.unwrap();
    let Submission::Pending(ticket) = submission else { panic!("it waits for a human") };
    let request = ticket.request();
    let (id, binding) = (request.id.to_string(), request.binding.to_string());
    Waiting { ticket, id, binding }
}

fn runs(file: &Path) -> usize {
    std::fs::read_to_string(file).unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_on_the_page_runs_once_where_the_tool_is() {
    let (house, gate) = house().await;
    let served = Served::start(&house, &["--audit", house.path("logs").to_str().unwrap()]);
    let token = served.token.clone().unwrap();
    assert_eq!(served.get("/api/me", &token).json()["principal"], "tester");
    assert_eq!(served.get("/api/me", "hitl_wrong").status, 401);

    let file = house.path("trace");
    let call = waiting(&gate, &file).await;
    let listed = served.get("/api/calls", &token).json();
    assert_eq!(listed["calls"][0]["id"], call.id.as_str());
    let done = served.approve(&call, &token);
    assert_eq!(done.status, 200, "{done:?}");
    call.ticket.wait().await.unwrap();
    assert_eq!(served.approve(&call, &token).status, 409, "it is decided once");
    assert_eq!(runs(&file), 1);

    // It has no tools and runs nothing: what is edited is checked by the recorded schema.
    let edited = house.wire("Initech", 9000).await;
    let body = json!({ "revision": 1, "binding": edited.binding, "patch": {"amount": "much"} });
    let bearer = format!("Bearer {token}");
    let url = format!("{}/api/calls/{}/edit/preview", served.url, edited.id);
    let refused = served.client.post(&url, &body, &[("authorization", &bearer)]);
    assert_eq!(refused.status, 422, "{refused:?}");

    // Tasks are those of the journal, and it says so.
    assert_eq!(served.get("/api/tasks", &token).json(), json!({ "tasks": [], "journaled": true }));

    let audited = std::fs::read_to_string(house.path("logs").join("audit-1.jsonl")).unwrap();
    assert!(audited.contains(&call.id) && audited.contains("\"knownBy\":\"token\""), "{audited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_a_console_that_is_killed_while_it_decides_runs_nothing_twice() {
    let (house, gate) = house().await;
    let mut decided = 0;
    for round in 0..8_u64 {
        let file = house.path(&format!("trace-{round}"));
        let call = waiting(&gate, &file).await;
        let served = Served::start(&house, &[]);
        let token = served.token.clone().unwrap();
        let mut stream = TcpStream::connect(served.url.strip_prefix("http://").unwrap()).unwrap();
        let body = approval(&call).to_string();
        write!(
            stream,
            "POST /api/calls/{}/decide HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            call.id,
            body.len()
        )
        .unwrap();
        // At another point of the decision in each round, the last one after its answer.
        if round == 7 {
            assert!(stream.read(&mut [0; 64]).unwrap() > 0);
        } else {
            std::thread::sleep(std::time::Duration::from_micros(700 * round));
        }
        served.signal(Signal::KILL);
        drop(served);

        let before = house.state(&call.id);
        if before == "pending" {
            assert_eq!(runs(&file), 0, "nothing runs without a decision");
            let again = Served::start(&house, &[]);
            let token = again.token.clone().unwrap();
            assert_eq!(again.approve(&call, &token).status, 200);
        } else {
            decided += 1;
        }
        call.ticket.wait().await.unwrap();
        assert_eq!((house.state(&call.id).as_str(), runs(&file)), ("executed", 1));
    }
    assert!(decided >= 1, "the last one was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_in_order_and_closes_the_streams() {
    for signal in [Signal::TERM, Signal::INT] {
        let house = House::new().await;
        let served = Served::start(&house, &[]);
        let token = served.token.clone().unwrap();
        let mut stream = TcpStream::connect(served.url.strip_prefix("http://").unwrap()).unwrap();
        write!(
            stream,
            "GET /api/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
        )
        .unwrap();
        read_until(&mut stream, "event: hello");
        served.signal(signal);
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).unwrap();
        assert!(seen.ends_with(b"0\r\n\r\n"), "the stream ends as a whole: no part is cut off");
        let (status, log) = served.ended();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_no_credentials_and_says_nothing_about_calls() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let served = Served::start(&house, &[]);
    // A load balancer asks by address.
    let by_address = [("host", "10.1.2.3:7171")];
    for (path, expected) in [
        ("/health", json!({ "healthy": true })),
        ("/ready", json!({ "ready": true, "store": "ok", "audit": "ok", "policy": "ok" })),
    ] {
        let answer = Client::new().get(&format!("{}{path}", served.url), &by_address);
        assert_eq!((answer.status, answer.json()), (200, expected));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!answer.text.contains(&call.id));
    }
    assert_eq!(Client::new().get(&format!("{}/api/me", served.url), &by_address).status, 421);
}
