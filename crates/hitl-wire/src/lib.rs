//! The JSON that a console of [hitl](https://docs.rs/hitl) and its clients exchange, each document
//! defined once. Use it to write another client in Rust.
//!
//! | module | documents |
//! |---|---|
//! | [`call`] | a call in a list ([`CallSummary`]), and its card ([`CallDetail`]) |
//! | [`earlier`] | the calls of its run before it |
//! | [`queue`] | a page of calls, and how many there are |
//! | [`history`] | the history of a call, and its audit |
//! | [`decision`] | decisions and other changes of calls that a client sends |
//! | [`assignment`] | to whom a call is assigned, and who is away |
//! | [`edit`] | edits: previewed |
//! | [`grant`] | grants: previewed, saved, listed, revoked |
//! | [`freeze`] | what is frozen; to freeze and to thaw |
//! | [`task`] | tasks |
//! | [`stats`] | outcomes and times to decision |
//! | [`event`] | the data of the events of the stream |
//! | [`session`] | who is signed in, and how to sign in |
//! | [`tenant_header`] | the tenant that a request is about |
//! | [`error`] | why a request was refused |
//!
//! # Shape
//!
//! Names are camelCase. Moments are ISO 8601 in UTC with milliseconds, ids are UUIDs, digests are
//! hexadecimal, amounts are decimal text so that no number is rounded. A field that has no value is
//! left out. Texts may come from a model or a person: escape them before you show them.
//!
//! Ids, digests and words such as a call's state are the types of `hitl-core`, so that a word means
//! the same on both sides and a value that was read is safe to print.
//!
//! # Compatibility
//!
//! Fields are only added. Data from a console is read leniently: unknown fields are ignored, and a
//! field that a client can do without gets its default when it is missing or cannot be read. Data
//! from a client is read strictly: an unknown field is refused, so that a misspelt limit does not
//! become no limit.
//!
//! Types are exhaustive on purpose: the compiler names every place that must fill a new field. All
//! crates of a release have the same version.

// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod assignment;
pub mod call;
pub mod decision;
pub mod earlier;
pub mod edit;
pub mod error;
pub mod event;
pub mod freeze;
pub mod grant;
pub mod history;
mod lenient;
pub mod queue;
#[cfg(feature = "openapi")]
pub mod schema;
pub mod session;
pub mod stats;
pub mod task;
pub mod tenant_header;
mod terms;

pub use call::{CallDetail, CallSummary};
pub use decision::DecisionBody;
pub use earlier::EarlierList;
pub use error::ErrorBody;
pub use event::CallEvent;
pub use grant::GrantSummary;
pub use history::CallHistory;
pub use queue::CallPage;
pub use task::TaskSummary;

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
