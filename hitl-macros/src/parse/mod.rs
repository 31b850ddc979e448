//! From tokens to their meaning. Each reader reports the parts that it cannot read and continues.

mod attribute;
mod docs;
mod duration;
mod entries;
mod function;
mod impl_block;
mod lint;
mod parameter;
mod parameter_uses;
mod rewritten;
mod scan;
mod unfit;
mod value;

pub(crate) use attribute::Attribute;
pub(crate) use function::{Attributes, Function, Method, Returns};
pub(crate) use impl_block::{ImplBlock, Service, ToolMethod, is_tool, root_of, without_ours};
pub(crate) use parameter::{
    AmountLimit, Argument, ContentOf, DefaultValue, ParamStorage, Parameter, Role,
};
pub(crate) use rewritten::{RewrittenToken, rewritten};
pub(crate) use scan::identifier;
pub(crate) use value::Stage;
