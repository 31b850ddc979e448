//! The reviewers' side of [hitl](https://docs.rs/hitl), which puts a human in the loop of AI
//! agents: a queue, cards and live events, as an [`axum::Router`] that an app nests under a path of
//! its own.
//!
//! ```no_run
//! # async fn example(gate: hitl::Gate) -> Result<(), Box<dyn std::error::Error>> {
//! use hitl_console::{Tasks, Token, Tokens, router, serve};
//!
//! let ann = Token::generate()?;
//! println!("ann signs in with {}", ann.reveal());
//! let tokens = Tokens::new().with("ann", &ann);
//! let console = router(gate, Tasks::none(), tokens);
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7171").await?;
//! serve(listener, console).await?;
//! # Ok(()) }
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | [`router`], [`Console`] | the routes; [`Console`] has the settings |
//! | [`Tokens`], [`Auth`] | who somebody is: bearer tokens, or the host's own sign-in |
//! | [`Tasks`] | the tasks whose progress is shown |
//! | [`serve`] | serves a router with limits on connections; any other axum server does as well |
//!
//! # What it promises
//!
//! - **Identity comes from [`Auth`]**, never from a body. Every request is authenticated again,
//!   and an open event stream is closed within five seconds of the end of its reviewer's right.
//! - **A decision is about what was shown**: it carries id, revision and binding digest, so that a
//!   stale page cannot approve something else.
//! - **No ambient authority.** The page keeps its token in `sessionStorage`, which no other origin
//!   can read and no browser sends by itself. (A cookie would be sent to every port of this host.)
//!   For hosts whose own sign-in is a cookie, every change needs a header that other sites cannot
//!   set, and the same origin.
//! - **Other sites stay out**: names that are not the console's are refused (DNS rebinding),
//!   nothing is answered across origins, and a GET changes nothing.
//! - **Text is text.** The page sets text only as text; the policy that it is served with forbids
//!   inline scripts and styles, and makes the browser refuse text as markup.

// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod absences;
mod api;
mod assets;
mod auth;
mod card;
mod client;
mod compression;
mod console;
mod decided_calls;
mod error;
mod feed;
mod health;
mod journaled_tasks;
mod middleware;
mod policies;
mod presence;
mod queue;
mod serve;
mod state;
mod streams;
mod tasks;

pub use auth::{
    Auth, AuthError, ParseTokenHashError, RandomnessError, Reviewer, SignIn, Token, TokenHash,
    Tokens,
};
pub use client::{Cidr, ParseCidrError};
pub use console::{Console, router};
pub use serve::{LimitedListener, Peer, ServeOptions, serve, serve_until, serve_with};
#[cfg(feature = "tls")]
pub use serve::{Tls, TlsError};
pub use tasks::Tasks;

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
