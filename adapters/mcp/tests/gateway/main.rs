//! The gateway over a server that misbehaves, as a real process: what reaches the server, how often
//! its tools ran, and what the client reads.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has failed"
)]

#[path = "../fixture/upstream.rs"]
mod fixture;
mod over_http;
mod passing;
mod pinning;
mod rig;
mod running;
mod sampling;
mod settings;

/// The server of these tests: this program again, started with the variable.
#[test]
fn fixture_upstream() {
    if let Ok(options) = std::env::var(rig::FIXTURE) {
        fixture::run(options.split('\n').filter(|it| !it.is_empty()).map(str::to_owned));
        // What the harness prints at the end is no message.
        std::process::exit(0);
    }
}
