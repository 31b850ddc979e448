//! The routes below `api/`.

mod audit;
mod bulk;
mod calls;
mod decide;
mod events;
mod grants;
mod openapi;
mod person;
#[cfg(feature = "policy-files")]
mod policies;
mod presence;
mod read;
mod routes;
mod session;
mod settle;
mod stats;
mod tasks;
mod uncover;

pub(crate) use routes::routes;
