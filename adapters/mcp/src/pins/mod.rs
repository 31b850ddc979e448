//! Pins: the definitions of an upstream's tools that the operator has approved. A tool whose
//! definition is not the pinned one, to the byte, is not served.
//!
//! A server describes its tools to the model in its own words, and can change them at any time:
//! also to text that instructs the model. The pins name what a person has looked at.
//!
//! | file | what is there |
//! |---|---|
//! | `definition` | one tool of a `tools/list`, exactly as it was sent, and its digest: pure |
//! | `comparison` | what is pinned against what is listed: pinned, new, changed, vanished: pure |
//! | `difference` | where two definitions differ, for the person who approves: pure |
//! | `hazards` | what a definition may hide from its reader: pure |
//! | `document` | the text of the pin file: pure |
//! | `pin_file` | the file, its lock, and its replacement as a whole |

mod comparison;
mod definition;
mod difference;
mod document;
mod hazards;
mod pin_file;

pub use comparison::{PinComparison, PinEntry, PinState};
pub use definition::{DefinitionError, DefinitionList, ToolDefinition};
pub use difference::{DefinitionDifference, FieldChange};
pub use document::{Pin, PinDocument, PinDocumentError, PinDocumentErrorKind, UpstreamPins};
pub use hazards::{DefinitionHazard, definition_hazards};
pub use pin_file::{PinError, PinErrorKind, PinFile};
