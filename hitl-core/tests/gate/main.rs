//! The gate, through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation fails the test"
)]

mod aborts;
mod answering;
mod assigning;
mod attaching;
mod bad_input;
mod batch;
mod batch_effects;
mod break_glass;
mod channels;
mod contents;
mod corners;
mod declared_order;
mod drops;
mod dynamic;
mod earlier;
mod edits;
mod edits_for_model;
mod effects;
mod envelopes;
mod events;
mod extending;
mod failed_outputs;
mod fails_closed;
#[path = "../support/faulty.rs"]
mod faulty;
mod freezing;
mod grace;
#[path = "../support/granting.rs"]
mod granting;
mod grants;
mod grants_elsewhere;
mod grants_given;
mod hangs;
mod identity;
mod life;
mod limits;
mod mutations;
mod named_arguments;
mod notices;
mod outbox;
mod own_files;
mod own_words;
mod panics;
mod policy;
mod previews;
mod queue;
mod real_schemas;
mod reconcile;
mod remarks;
mod remembers;
mod reminders;
mod replacing;
mod rights;
mod rotation;
mod runs;
mod schema_keywords;
mod scorers;
#[path = "../support/slow.rs"]
mod slow;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tampered.rs"]
mod tampered;
mod tool_change;
mod uncover;
