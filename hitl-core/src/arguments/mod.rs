//! Arguments: from a model's text to a typed value, and from a typed value to the exact text that
//! is shown, digested, stored and run.
//!
//! ```text
//! text --scan--> tree --deserializer--> T --writer--> Snapshot
//!                  '------------- exact: nothing was changed or lost -'
//! ```

mod changes;
mod collection;
mod comparison;
mod declared_order;
mod deserializer;
mod error;
mod expected;
mod lossless;
mod named;
mod nearest;
mod object;
mod patch;
mod pattern;
mod places;
mod respell;
mod schema_order;
mod serializer;
mod shown;
mod snapshot;
mod text;
mod trace;
mod unwritten;

pub use changes::ArgumentChanges;
pub use comparison::PathPart;
pub(crate) use comparison::{Difference, differences, place};
pub(crate) use declared_order::DeclaredOrder;
pub use error::{ArgumentError, ArgumentErrorKind, SnapshotError, SnapshotErrorKind};
pub(crate) use named::{ArgumentNames, Secrecy};
pub(crate) use nearest::{known_instead, listed};
pub use object::ObjectWriter;
pub(crate) use patch::patched;
pub(crate) use pattern::Pattern;
pub(crate) use places::{Places, resolve};
pub(crate) use respell::or_empty;
pub use serializer::SnapshotWriter;
pub(crate) use shown::{Layers, Shown, text_layers, tree_layers};
pub(crate) use snapshot::{SecretScan, check_round_trip, encode, parse, parse_text, snapshot};
pub use snapshot::{Snapshot, debug_arguments};
