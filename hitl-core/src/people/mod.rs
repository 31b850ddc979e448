//! People who have enrolled a credential of their own: a device that shows one-time codes, or
//! printed codes. An agent that runs under a person's user id, or has read a console's token, does
//! not have it.
//!
//! | file | contents |
//! |---|---|
//! | `deed` | the actions of people, and whether one requires a code: pure |
//! | `enrolment`, `totp` | the enrolments, and the check of a typed code: pure |
//! | `registry` | [`People`]: the store's mark that keeps them |
//! | `error` | the reasons why a code is not accepted, or nothing was enrolled |
//!
//! `docs/who-decides.md` says which attacks this withstands, and which not.

mod deed;
mod enrolment;
mod error;
mod registry;
mod totp;

pub use deed::{CodeDemand, Deed};
pub use error::{PeopleError, PeopleErrorKind};
pub use registry::{EnrolledPerson, People};
