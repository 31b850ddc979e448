//! The expansion of the attribute: the constructor and the arguments' struct in place of the fn,
//! everything else hidden.

mod arguments;
mod body;
mod contents;
mod preview;
mod round_trip;
mod spec;
mod tool;
mod tool_set;

pub(crate) use arguments::path_text;
pub(crate) use tool::{Expansion, Names, tool};
pub(crate) use tool_set::tool_set;
