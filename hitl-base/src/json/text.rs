//! A JSON document as the text it is, inside a larger record.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Json, ScanError, scan};

/// A JSON document kept as text, byte for byte. In a record it appears as JSON, not as a string. Cheap
/// to clone; clones share the text.
#[derive(Clone)]
pub struct JsonText(Arc<RawValue>);

/// The text is not one JSON document.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a JSON document")]
pub struct NotJson(());

impl JsonText {
    /// Takes text that must be one JSON document.
    pub fn new(text: String) -> Result<Self, NotJson> {
        RawValue::from_string(text).map(|raw| Self(raw.into())).map_err(|_| NotJson(()))
    }

    /// `null`.
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The document as a tree. Fails on a duplicate key or absurd nesting, which plain JSON allows.
    pub fn tree(&self) -> Result<Json, ScanError> {
        scan(self.as_str())
    }
}

impl From<&Json> for JsonText {
    fn from(tree: &Json) -> Self {
        // A tree always writes valid JSON; `null` stands for the impossible.
        Self::new(tree.to_text()).unwrap_or_else(|_| Self::null())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(from).map(|raw| Self(raw.into()))
    }
}
