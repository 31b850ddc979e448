//! The bodies of the fuzz targets: each takes any bytes, and panics if an invariant does not hold.
//!
//! They are plain functions, so that `cargo test` runs them too, briefly, on a toolchain that has
//! no fuzzer. See `fuzz/README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a panic is what a fuzzer looks for"
)]

mod arguments;
mod audit;
mod matchers;
mod redaction;
mod render;
mod rules;

pub use arguments::arguments;
pub use audit::audit;
pub use matchers::matchers;
pub use redaction::redaction;
pub use render::render;
pub use rules::rules;

/// A target.
pub type Target = fn(&[u8]);

/// Every target, with its initial inputs.
pub const TARGETS: &[(&str, Target, &[&str])] = &[
    ("arguments", arguments, arguments::SEEDS),
    ("audit", audit, audit::SEEDS),
    ("matchers", matchers, matchers::SEEDS),
    ("redaction", redaction, redaction::SEEDS),
    ("render", render, render::SEEDS),
    ("rules", rules, rules::SEEDS),
];

/// Splits one input into two texts at the first byte 0xFF.
fn two(data: &[u8]) -> (String, String) {
    let (a, b) = data
        .iter()
        .position(|byte| *byte == 0xFF)
        .map_or((data, data), |at| (&data[..at], &data[at + 1..]));
    (String::from_utf8_lossy(a).into_owned(), String::from_utf8_lossy(b).into_owned())
}
