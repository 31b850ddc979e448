//! `hitl mcp` as clients and operators use it: real processes, of which some are killed.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has failed"
)]

#[path = "../../../../adapters/mcp/tests/fixture/upstream.rs"]
mod fixture;
mod gateway;
mod installing;
mod surviving;

/// The server of these tests: this program again, started with the variable.
#[test]
fn fixture_upstream() {
    if let Ok(options) = std::env::var(gateway::FIXTURE) {
        fixture::run(options.split('\n').filter(|it| !it.is_empty()).map(str::to_owned));
        // What the harness prints at the end is no message.
        std::process::exit(0);
    }
}
