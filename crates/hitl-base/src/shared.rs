//! Serde for values behind an `Arc`: `#[serde(with = "hitl_base::shared::value")]` and the like.
//!
//! Serde's own feature `rc` would be on in every program that depends on hitl, and would let it
//! serialise shared values by mistake.

/// A value.
pub mod value {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the value.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        (**value).serialize(serializer)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// A text.
pub mod text {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

/// A text that may be missing: `null`, or with `#[serde(default)]` no field at all.
pub mod optional_text {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the text, or `null`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        text: &Option<Arc<str>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(serializer)
    }

    /// Reads a text, or `null`.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<str>>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Arc::from))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shared {
        #[serde(with = "super::value")]
        number: Arc<u8>,
        #[serde(with = "super::text")]
        text: Arc<str>,
        #[serde(default, with = "super::optional_text", skip_serializing_if = "Option::is_none")]
        more: Option<Arc<str>>,
    }

    #[test]
    fn shared_values_are_written_as_what_they_share() {
        let shared = |more: Option<&str>| Shared {
            number: Arc::new(7),
            text: "a \"b\"".into(),
            more: more.map(Arc::from),
        };
        for (more, json) in [
            (None, r#"{"number":7,"text":"a \"b\""}"#),
            (Some("c"), r#"{"number":7,"text":"a \"b\"","more":"c"}"#),
        ] {
            assert_eq!(serde_json::to_string(&shared(more)).unwrap(), json);
            assert_eq!(serde_json::from_str::<Shared>(json).unwrap(), shared(more));
        }
        assert!(serde_json::from_str::<Shared>(r#"{"number":7,"text":null}"#).is_err());
        let null = r#"{"number":7,"text":"","more":null}"#;
        assert_eq!(serde_json::from_str::<Shared>(null).unwrap().more, None);
    }
}
