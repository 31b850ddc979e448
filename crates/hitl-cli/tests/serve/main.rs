//! `hitl console` as it is run: a real process over a store that an executor in the test uses.
//!
//! | file | what it is about |
//! |---|---|
//! | `served`, `client` | starts the program, and asks it |
//! | `issuer` | a small real identity provider |
//! | `deciding` | decisions, `kill -9`, and an end in order |
//! | `tokens` | tokens in a file, and the one that is printed |
//! | `sign_in` | sign-in by the identity provider, and every refusal |
//! | `browser` | the same in a real browser |
//! | `tls` | certificates in files |

#![cfg(unix)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has failed"
)]

mod browser;
mod client;
mod deciding;
#[path = "../../../hitl-console/tests/browser/driver.rs"]
#[allow(dead_code, reason = "shared with the console's own tests")]
mod driver;
#[path = "../cli/house.rs"]
#[allow(dead_code, reason = "shared with the other tests of the program")]
mod house;
mod issuer;
#[path = "../../../hitl-console/tests/browser/screen.rs"]
#[allow(dead_code, reason = "shared with the console's own tests")]
mod screen;
mod served;
mod sign_in;
mod tls;
mod tokens;
