//! Every statement of the store. The schema's name is inserted into each of them once.

use super::statement::Statement;
use super::{
    decisions, effects, executors, freeze, grants, holds, journal, metadata, multi_call, outbox,
    query, queue, retention, rotation, server, session, watch, write,
};

/// Returns the statements of all modules.
pub(super) fn all() -> Vec<&'static Statement> {
    [
        server::ALL,
        query::ALL,
        queue::ALL,
        write::ALL,
        multi_call::ALL,
        decisions::ALL,
        effects::ALL,
        executors::ALL,
        freeze::ALL,
        grants::ALL,
        holds::ALL,
        metadata::ALL,
        outbox::ALL,
        retention::ALL,
        rotation::ALL,
        journal::ALL,
        session::ALL,
        watch::ALL,
    ]
    .concat()
}
