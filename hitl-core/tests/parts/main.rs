//! The parts of the gate: machine, audit, policy, snapshots, stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation fails the test"
)]

mod audit_chain;
mod audit_verify;
mod deep_values;
#[path = "../support/faulty.rs"]
mod faulty;
mod machine;
mod machine_channels;
mod machine_deciding;
mod machine_drawing;
mod machine_preview;
mod machine_reconcile;
#[path = "../support/machine.rs"]
mod machine_support;
mod policy_channels;
mod policy_file;
mod policy_packs;
mod policy_rules;
mod policy_zones;
mod secrets;
mod snapshots;
mod store_contract;
#[path = "../support/mod.rs"]
mod support;
