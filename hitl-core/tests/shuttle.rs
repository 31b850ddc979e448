//! Races at the gate, explored: the crate's own code over locks and tasks that are scheduled in
//! random orders. In every order, one wins, and a body runs at most once.
//!
//! This compiles the sources a second time, with [`sync`] in place of `src/sync.rs`. Timers fire
//! whenever the scheduler likes, and so before and after everything else.
#![allow(
    ambiguous_glob_reexports,
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the sources of the crate as they are, and tests, which fail by panicking"
)]

#[path = "shuttle/sync.rs"]
mod sync;

#[path = "../src/approval/mod.rs"]
pub mod approval;
#[path = "../src/arguments/mod.rs"]
pub mod arguments;
#[path = "../src/audit/mod.rs"]
pub mod audit;
#[path = "../src/call/mod.rs"]
pub mod call;
#[path = "../src/confidence/mod.rs"]
pub mod confidence;
#[path = "../src/dynamic/mod.rs"]
pub mod dynamic;
#[path = "../src/gate/mod.rs"]
pub mod gate;
#[path = "../src/grant/mod.rs"]
pub mod grant;
#[path = "../src/hex.rs"]
mod hex;
#[path = "../src/ids.rs"]
mod ids;
#[path = "../src/machine/mod.rs"]
pub mod machine;
#[path = "../src/open.rs"]
mod open;
#[path = "../src/panic.rs"]
mod panic;
#[cfg(feature = "people")]
#[path = "../src/people/mod.rs"]
pub mod people;
#[path = "../src/policy/mod.rs"]
pub mod policy;
#[path = "../src/queue/mod.rs"]
pub mod queue;
#[path = "../src/seal/mod.rs"]
pub mod seal;
#[path = "../src/store/mod.rs"]
pub mod store;

// As in `src/lib.rs`, for names that the sources import from the crate root.
pub use approval::*;
pub use arguments::*;
pub use audit::*;
pub use call::*;
pub use confidence::*;
pub use gate::*;
pub use grant::*;
pub use ids::*;
pub use machine::*;
pub use policy::*;
pub use queue::*;
pub use seal::{HostKey, HostKeys, KeyId};
pub use store::*;

#[path = "shuttle/races.rs"]
mod races;
#[path = "shuttle/world.rs"]
mod world;

/// Runs the races with a harness of its own, because the sources' unit tests must not run over
/// shuttle's locks. Like the usual one, it takes parts of names, and ignores arguments that start
/// with a dash.
fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    for (name, race) in races::RACES.iter().filter(|(name, _)| chosen(name)) {
        race();
        println!("test {name} ... ok");
    }
}
