//! People who have enrolled a credential of their own: a device that shows one-time codes, or
//! printed codes. An agent that runs under a person's user id, or has read a console's token, does
//! not have it.
//!
//! | file | what is there |
//! |---|---|
//! | `deed` | what somebody is about to do, and whether a code is demanded for it: pure |
//! | `enrolment`, `totp` | who has enrolled what, and what a typed code proves: pure |
//! | `registry` | [`People`]: the store's mark that keeps it |
//! | `error` | why a code does not count, or nothing was enrolled |
//!
//! What this holds against, and what not, is said in `docs/who-decides.md`.

mod deed;
mod enrolment;
mod error;
mod registry;
mod totp;

pub use deed::{Deed, Demand};
pub use error::{PeopleError, PeopleErrorKind};
pub use registry::{EnrolledPerson, People};
