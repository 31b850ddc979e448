//! From tokens to what was meant. Each reader reports what it cannot read and goes on.

mod attribute;
mod block;
mod docs;
mod duration;
mod entries;
mod function;
mod parameter;
mod scan;
mod value;

pub(crate) use attribute::Attribute;
pub(crate) use block::{Block, Service, is_tool, root_of};
pub(crate) use function::{Function, Method, Returns};
pub(crate) use parameter::{Argument, DefaultValue, Held, Parameter, Role};
pub(crate) use scan::identifier;
pub(crate) use value::Stage;
