//! Sign-in by an identity provider: the code flow of `OpenID` Connect, with PKCE.
//!
//! | file | what is there |
//! |---|---|
//! | `claims` | which reviewer the claims of an ID token name: pure |
//! | `pending` | the secrets of a sign-in that is under way: pure |
//! | `provider` | what the provider is asked, and the check of its ID token |
//! | `http_client` | one request to the provider |
//! | `desk` | begins and completes sign-ins, and keeps the sessions |
//! | `routes`, `paths` | the pages, and where they are |
//! | `error` | why somebody is not signed in |

mod claims;
mod desk;
mod error;
mod http_client;
mod paths;
mod pending;
mod provider;
mod routes;

pub(super) use claims::{ClaimRules, GroupMap};
pub(super) use desk::SignInDesk;
pub(super) use paths::{SIGN_IN, SIGN_OUT};
pub(super) use provider::OidcPlan;
pub(super) use routes::routes;
