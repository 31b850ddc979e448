//! The routes below `api/`.

mod absence;
mod assign;
mod audit;
mod bulk;
mod calls;
mod decide;
mod edits;
mod events;
mod extend;
mod extract;
mod freeze;
mod grants;
mod health;
mod openapi;
#[cfg(feature = "policy-files")]
mod policies;
mod presence;
mod requester;
mod resolve;
mod routes;
mod session;
mod stats;
mod take_back;
mod tasks;
mod uncover;

pub(crate) use health::routes as health_routes;
pub(crate) use routes::routes;
