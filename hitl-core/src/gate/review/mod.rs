//! People's actions on calls: decide, edit, extend, take back, assign, uncover, abort, and grant
//! calls like the one on display; who is away.

pub(super) mod absence;
#[cfg(feature = "policy-files")]
pub(super) mod accept_policy;
pub(super) mod assign;
pub(super) mod decide;
pub(super) mod edit;
pub(super) mod edit_by_schema;
pub(super) mod edit_preview;
pub(super) mod extend;
pub(super) mod grant_admin;
pub(super) mod grant_pending;
pub(super) mod reask;
pub(super) mod review_access;
pub(super) mod revision;
pub(super) mod run_calls;
pub(super) mod take_back;
pub(super) mod typed_text;
pub(super) mod uncover;
pub(super) mod uncovered_card;
pub(super) mod uncovered_request;
