//! A statement that the store sends, and the parameters that go with it.

use tokio_postgres::types::{ToSql, Type};

/// A statement: its text, with `{s}` in place of the schema's name, and its parameters' types.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) text: &'static str,
    pub(super) types: &'static [Type],
}

/// The values of a statement's parameters, in order.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];
