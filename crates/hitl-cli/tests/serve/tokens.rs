//! Tokens in a file, and the one that is printed.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::house::{House, hitl, said};
use crate::served::{Served, read_until};

fn token(house: &House, arguments: &[&str]) -> String {
    let file = said(&house.path("tokens.toml"));
    let all = [&["console", "token"], arguments, &["--tokens", &file]].concat();
    house.hitl(&all).ended(0).out.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_once_and_ends_within_five_seconds_of_its_removal() {
    let house = House::new().await;
    let ann = token(&house, &["ann", "--role", "reviewer", "--tenant", "acme"]);
    let path = house.path("tokens.toml");
    let only_ann = std::fs::read_to_string(&path).unwrap();
    let bob = token(&house, &["bob"]);
    let both = std::fs::read_to_string(&path).unwrap();
    assert!(!both.contains(&ann) && !both.contains(&bob), "{both}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let served = Served::start(&house, &["--tokens", path.to_str().unwrap()]);
    assert_eq!(served.token, None);
    let me = served.get("/api/me", &ann).json();
    assert_eq!((&me["principal"], &me["tenant"]), (&"ann".into(), &"acme".into()));
    assert_eq!(served.get("/api/me", &bob).json()["tenant"], "default");

    let mut stream = TcpStream::connect(served.url.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "GET /api/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {bob}\r\n\r\n"
    )
    .unwrap();
    read_until(&mut stream, "event: hello");

    let removed = Instant::now();
    std::fs::write(&path, &only_ann).unwrap();
    // The stream ends by itself: with its last, empty chunk.
    read_until(&mut stream, "0\r\n\r\n");
    assert_eq!(served.get("/api/me", &bob).status, 401);
    assert!(removed.elapsed() < Duration::from_secs(5), "{:?}", removed.elapsed());
    assert_eq!(served.get("/api/me", &ann).status, 200);

    served.signal(Signal::TERM);
    let (_, log) = served.ended();
    for secret in [&ann, &bob] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_no_secret_is_an_argument_of_the_process() {
    let house = House::new().await;
    let ann = token(&house, &["ann"]);
    let file = said(&house.path("tokens.toml"));
    let served = Served::start(&house, &["--tokens", &file]);
    for name in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{name}", served.id())).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(&ann));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_it_does_not_start_where_others_could_decide_or_read_along() {
    let house = House::new().await;
    let tokens = house.file("tokens.toml", "");
    let db = said(&house.path("hitl.db"));
    let console = |options: &[&str]| hitl(&[&["--db", &db, "console"], options].concat());
    for options in [
        &["--listen", "0.0.0.0:0"][..],
        &["--listen", "0.0.0.0:0", "--tokens", &tokens],
        &["--listen", "0.0.0.0:0", "--tokens", &tokens, "--public-url", "https://a.example"],
        &["--listen", "[::]:0", "--behind-proxy", "10.0.0.0/8"],
        &["--public-url", "https://a.example"],
        &["--tokens", &tokens, "--tenant", "acme"],
    ] {
        let refused = console(options).ended(2);
        assert!(refused.out.is_empty() && refused.err.contains("--"), "{refused:?}");
    }
    let broken = house.file("broken.toml", "[[token]]\nname = 'ann'\nsha256 = 'abc'\n");
    let refused = console(&["--tokens", &broken]).ended(2);
    assert!(refused.err.contains("64 hexadecimal digits"), "{refused:?}");
    console(&["--tokens", "/nonexistent/tokens"]).ended(3);
    let config = house.file("console.toml", "listen = '0.0.0.0:0'\n");
    console(&["--config", &config]).ended(2);
    hitl(&["console"]).ended(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_an_agent_serves_no_console_and_makes_no_token() {
    let house = House::new().await;
    let (db, file) = (said(&house.path("hitl.db")), said(&house.path("tokens.toml")));
    for arguments in [
        &["console", "--listen", "127.0.0.1:0"][..],
        &["console", "--listen", "127.0.0.1:0", "--tokens", &file],
        &["console", "token", "eve", "--tokens", &file],
    ] {
        let all = [&["--db", &db], arguments].concat();
        let mut command = crate::house::program(&all);
        let refused = crate::house::ran(command.env("CLAUDECODE", "1")).ended(5);
        assert!(refused.out.is_empty() && refused.err.contains("only a person"), "{refused:?}");
        assert!(!house.path("tokens.toml").exists());
    }
}
