//! `hitl console`: the reviewers' page over a store. It runs nothing; executors do.
//!
//! | folder or file | what is there |
//! |---|---|
//! | `args` | the options, on the command line or in a file |
//! | `plan` | checks the options against one another: pure |
//! | `address` | a public address, and which addresses are of this machine: pure |
//! | `tokens/` | a file of hashed tokens, read again when it changes |
//! | `oidc/` | sign-in by an identity provider |
//! | `sessions` | who is signed in, and for how long: pure |
//! | `cookies` | the cookies of a sign-in: pure |
//! | `sign_ins` | who a request is from: a token, or a session |
//! | `peers` | refuses connections that do not come from the declared proxy |
//! | `run` | starts and stops the server |

mod address;
mod args;
mod cookies;
mod oidc;
mod peers;
mod plan;
mod run;
mod sessions;
mod sign_ins;
mod tokens;

pub(crate) use args::ServeArgs;
pub(crate) use run::run;
#[cfg(feature = "mcp")]
pub(crate) use run::stopped;
#[cfg(feature = "mcp")]
pub(crate) use sign_ins::{SignIns, TokenSource};
#[cfg(feature = "mcp")]
pub(crate) use tokens::TokenList;
