//! The misbehaving MCP server of the tests, as a program to try a gateway with:
//!
//! ```sh
//! cargo build -p hitl-mcp --example fixture_upstream
//! hitl mcp --pin-first-use -- target/debug/examples/fixture_upstream
//! ```

#[path = "../tests/fixture/upstream.rs"]
mod upstream;

fn main() {
    upstream::run(std::env::args().skip(1));
}
