//! What the attribute expands to: the constructor and the arguments' struct in the fn's place, all
//! else out of sight.

mod arguments;
mod body;
mod contents;
mod round_trip;
mod spec;
mod tool;
mod tool_set;

pub(crate) use arguments::path_text;
pub(crate) use tool::{Expansion, Names, tool};
pub(crate) use tool_set::tool_set;
