//! A JSON document kept as text inside a larger record.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Json, ParseJsonError, parse_json};

/// A JSON document kept as text, byte for byte. A record embeds it as JSON, not as a string. Cheap
/// to clone; clones share the text.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(Arc<str>);

/// An error for text that is not one JSON document.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a JSON document")]
pub struct InvalidJson(());

impl JsonText {
    /// Wraps text that must be one JSON document.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] if it is not.
    pub fn new(text: String) -> Result<Self, InvalidJson> {
        serde_json::from_str::<&RawValue>(&text)
            .map(|raw| Self(raw.get().into()))
            .map_err(|_| InvalidJson(()))
    }

    /// Wraps text that one of hitl's own writers has just written, without parsing it again. Shares
    /// the text.
    #[doc(hidden)]
    pub fn written(text: Arc<str>) -> Self {
        Self(text)
    }

    /// Returns `null`.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the document into a tree.
    ///
    /// # Errors
    ///
    /// [`ParseJsonError`] for a duplicate key or excessive nesting, which plain JSON allows.
    pub fn tree(&self) -> Result<Json, ParseJsonError> {
        parse_json(self.as_str())
    }
}

impl From<&Json> for JsonText {
    fn from(tree: &Json) -> Self {
        // A tree always writes valid JSON.
        Self(tree.to_text().into())
    }
}

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
        // Parsed here and not on construction: most texts are made more often than they are sent.
        // Text that is not JSON would not make a valid record either.
        let raw: &RawValue = serde_json::from_str(&self.0)
            .map_err(|_| serde::ser::Error::custom("a text that is no JSON document"))?;
        raw.serialize(to)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(from).map(|raw| Self(Box::<str>::from(raw).into()))
    }
}
