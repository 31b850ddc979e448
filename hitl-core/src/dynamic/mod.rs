//! Tools that are known only at run time, like those of an MCP server: an owned spec, a JSON Schema
//! as text, and one body type for all of them.
//!
//! ```text
//! text --scan--> tree --check against the schema--> Snapshot --permit--> body
//! ```

mod annotations;
mod check;
mod compile;
mod contents;
mod loops;
mod multiple;
mod preview;
mod rust_numbers;
mod schema;
mod secrets;
mod spec;
mod tool;
mod values;
mod write;

pub use annotations::{AnnotationTrust, McpAnnotations};
pub(crate) use contents::{DynContent, places_of};
pub(crate) use preview::DynPreview;
pub(crate) use schema::Schema;
pub use spec::DynSpec;
pub use tool::{DynArguments, DynTool, DynToolError, DynToolErrorKind};
pub(crate) use tool::{DynBody, DynFailure, Running};
