//! What the attribute expands to: the constructor and the arguments' struct in the fn's place, all
//! else out of sight.

mod arguments;
mod body;
mod spec;
mod tool;

pub(crate) use arguments::{arguments, path_text};
pub(crate) use tool::{Names, tool};
