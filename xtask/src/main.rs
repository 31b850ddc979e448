//! Repository chores: `cargo xtask test`, `cargo xtask postgres`.
//!
//! Little beyond the standard library, so that it builds in a moment.

mod bench;
mod book;
mod browser;
mod cargo;
mod dependencies;
mod dist;
mod docs_rs;
mod fuzz;
mod instructions;
mod javascript;
mod mcp_clients;
mod mutants;
mod package;
mod postgres;
mod quickstart;
mod spelling;
mod test;
mod tidy;
mod toolchain;
mod tools;

use std::process::ExitCode;

use crate::instructions::Baseline;
use crate::javascript::Mode;
use crate::test::Tier;

const HELP: &str = "\
Usage: cargo xtask test [--fast | --full]
       cargo xtask tidy
       cargo xtask dependencies
       cargo xtask book
       cargo xtask package
       cargo xtask dist
       cargo xtask javascript
       cargo xtask postgres
       cargo xtask mcp-clients
       cargo xtask bench [--quick | --thorough] [PATH ...]
       cargo xtask instructions [--keep]
       cargo xtask mutants [--part K/N]
       cargo xtask fuzz [--seconds N [TARGET]]

`test` runs what has to hold before a change is merged: format, lints, documentation, every test, every
example, and the quickstart on the data that comes along. It prints the time of each step. CI runs it.

`test --fast` is for while you work: format, lints, unit tests, and the contracts on memory and SQLite. It
does not run a test binary again that has passed and has not changed, and leaves out the tests of growth.

`test --full` also runs what takes long: long races and many deaths in place of some, benchmarks once, examples as
a newcomer builds them, and the instruction counts of a few paths beside those that are kept (with valgrind;
without it they are left out, never in CI).

A private PostgreSQL server is started for the tests that need one (its own folder, port and socket,
loopback only). Where the server is missing it is installed with apt-get, if this user may, and otherwise
this fails and says what to install. HITL_TEST_DATABASE_URL names a database to use instead.
HITL_SKIP_POSTGRES=1 goes without those tests, on a developer's machine and never in CI.

The console's tests drive a real browser: Chromium and ChromeDriver are installed with apt-get, and
axe-core with npm, in the same way. HITL_SKIP_BROWSER=1 goes without them, never in CI.

The tests of hitl-mcp run MCP's official clients, servers and conformance suite. pip fetches node 22 and the
Python packages, npm the others, into target/mcp-clients, at pinned versions. HITL_SKIP_MCP_CLIENTS=1 goes without
those tests, never in CI. `mcp-clients` only installs them, for single tests with `cargo test`.

`tidy` checks the repository's own texts: links, features, files that ARCHITECTURE.md names, lengths, and
words. `test` also checks the spelling with typos (installed with pip), and builds the book.

`dependencies` checks licences, sources and bans by deny.toml, and that the dependencies of the published
packages ask for no newer Rust than rust-version. If rustup has that Rust installed, it compiles with it too.
Vulnerabilities are left to `cargo deny check`, before a release.

`package` checks what each crate would be published with: its files, licences, README, keywords and categories. Then
it packs all of them as `cargo publish` does, without building the packages; `test --full` builds them too.

`dist` builds the program `hitl` with every feature, stripped, into target/dist/, and says how large it is. Beside it
are an archive for this host's target (program, completions, licences), SHA256SUMS, and the folder `container`, from
which podman or docker builds an image.

`book` builds the guide in docs/ with mdBook (installed with cargo, below the target folder).

The scripts of the console and of tests are checked by a formatter that npm fetches. HITL_SKIP_JAVASCRIPT=1 goes without that
check, never in CI. `javascript` formats them.

`postgres` starts such a server, says where it is, and ends it when a line or the end of its input comes:
for running single tests with `cargo test`.

`bench` measures every path of the performance budget beside its yardstick and prints one table; also
target/bench/results.json and results.svg. --quick takes under two minutes.

`instructions` counts the instructions of a few paths under callgrind and compares them with
benches/instructions.json; --keep writes that file anew.

`mutants` changes a seeded sample of 200 places of the pure parts, one at a time, and runs the tests: they have
to notice 95 %, and xtask/mutants.toml explains the rest. It takes hours; --part 1/4 tries a quarter.

`fuzz` runs each fuzz target for ten minutes under libFuzzer (cargo-fuzz; on Linux or macOS with a C++ compiler),
and keeps a small corpus of each in fuzz/kept, which `test` tries again.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["test"] => test::run(Tier::Standard),
        ["test", "--fast"] => test::run(Tier::Fast),
        ["test", "--full"] => test::run(Tier::Full),
        // By cargo, for each test binary.
        ["runner", ref rest @ ..] => return test::runner::run(rest),
        ["bench", ref rest @ ..] => bench::run(rest),
        ["instructions"] => instructions::run(Baseline::Compare),
        ["instructions", "--keep"] => instructions::run(Baseline::Keep),
        ["postgres"] => postgres::serve(),
        ["mcp-clients"] => mcp_clients::prepare().map(|_| ()),
        ["tidy"] => tidy::run(),
        ["dependencies"] => dependencies::check(),
        ["fuzz", ref rest @ ..] => fuzz::run(rest),
        ["mutants"] => mutants::run(None),
        ["mutants", "--part", part] => mutants::run(Some(part)),
        ["book"] => book::build(),
        ["package"] => package::check(),
        ["dist"] => dist::run(),
        ["javascript"] => javascript::format(Mode::Write),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\nxtask: {why}");
            ExitCode::FAILURE
        }
    }
}
