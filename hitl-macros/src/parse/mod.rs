//! From tokens to what was meant. Each reader reports what it cannot read and goes on.

mod attribute;
mod block;
mod docs;
mod duration;
mod entries;
mod function;
mod lint;
mod named;
mod parameter;
mod rewritten;
mod scan;
mod unfit;
mod value;

pub(crate) use attribute::Attribute;
pub(crate) use block::{Block, Marked, Service, is_tool, root_of, without_ours};
pub(crate) use function::{Attributes, Function, Method, Returns};
pub(crate) use parameter::{Argument, ContentOf, DefaultValue, Held, Parameter, Role};
pub(crate) use rewritten::{Made, rewritten};
pub(crate) use scan::identifier;
pub(crate) use value::Stage;
