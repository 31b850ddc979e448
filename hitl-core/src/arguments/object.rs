//! Writes an object with its keys in the order of their bytes, in whatever order they arrive.

use std::borrow::Cow;
use std::ops::Range;

use hitl_base::json::write_string;
use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};

use super::serializer::SnapshotWriter;
use super::{SnapshotError, SnapshotErrorKind};

/// The writer of the fields of an object.
#[derive(Debug)]
pub struct ObjectWriter<'w> {
    writer: &'w mut SnapshotWriter,
    /// The offset of the object's first entry, after the brace.
    start: usize,
    entries: Vec<Entry>,
    close: &'static str,
    /// The key whose value is not written yet.
    key: Option<Cow<'static, str>>,
}

#[derive(Debug)]
struct Entry {
    key: Cow<'static, str>,
    /// The range of `"key":value` in the text, without the comma.
    bytes: Range<usize>,
}

impl<'w> ObjectWriter<'w> {
    pub(super) fn open(writer: &'w mut SnapshotWriter) -> Self {
        writer.out.push('{');
        Self { start: writer.out.len(), writer, entries: Vec::new(), close: "}", key: None }
    }

    pub(super) fn open_variant(writer: &'w mut SnapshotWriter) -> Self {
        Self { close: "}}", ..Self::open(writer) }
    }

    /// Writes a field that may be shown.
    pub fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), SnapshotError> {
        self.entry(Cow::Borrowed(name), |writer| writer.value(value))
    }

    /// Writes a field that is a secret: it runs, but is never shown.
    pub fn sensitive<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), SnapshotError> {
        self.entry(Cow::Borrowed(name), |writer| writer.secret(value))
    }

    fn entry(
        &mut self,
        key: Cow<'static, str>,
        value: impl FnOnce(&mut SnapshotWriter) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        if !self.entries.is_empty() {
            self.writer.out.push(',');
        }
        let start = self.writer.out.len();
        write_string(&mut self.writer.out, &key);
        self.writer.out.push(':');
        self.writer.begin_argument(self.entries.len());
        let object = self.writer.enter(&key);
        value(self.writer).map_err(|error| error.inside(&key))?;
        self.writer.leave(object);
        self.entries.push(Entry { key, bytes: start..self.writer.out.len() });
        Ok(())
    }

    pub(super) fn close(mut self) -> Result<(), SnapshotError> {
        if !self.entries.is_sorted_by(|a, b| a.key.as_bytes() <= b.key.as_bytes()) {
            self.sort();
        }
        if let Some(pair) = self.entries.windows(2).find(|pair| pair[0].key == pair[1].key) {
            return Err(SnapshotError::new(SnapshotErrorKind::DuplicateKey).inside(&pair[0].key));
        }
        self.writer.out.push_str(self.close);
        Ok(())
    }

    /// Sorts the written entries.
    fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        let pieces = self.entries.iter().map(|entry| entry.bytes.clone());
        self.writer.reorder(self.start, pieces);
        self.writer.arguments_sorted();
    }
}

impl ser::SerializeStruct for ObjectWriter<'_> {
    type Ok = ();
    type Error = SnapshotError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), SnapshotError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), SnapshotError> {
        self.close()
    }
}

impl ser::SerializeStructVariant for ObjectWriter<'_> {
    type Ok = ();
    type Error = SnapshotError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), SnapshotError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), SnapshotError> {
        self.close()
    }
}

impl ser::SerializeMap for ObjectWriter<'_> {
    type Ok = ();
    type Error = SnapshotError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), SnapshotError> {
        self.key = Some(Cow::Owned(key.serialize(KeyText)?));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SnapshotError> {
        let key =
            self.key.take().ok_or_else(|| SnapshotError::new(SnapshotErrorKind::Unsupported))?;
        self.entry(key, |writer| writer.value(value))
    }

    fn end(self) -> Result<(), SnapshotError> {
        self.close()
    }
}

/// The serializer of a map key as text. Refuses everything but text, integers and bools.
struct KeyText;

type Text = Result<String, SnapshotError>;

fn not_a_key<T>() -> Result<T, SnapshotError> {
    Err(SnapshotError::new(SnapshotErrorKind::Key))
}

macro_rules! as_text {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Text {
            Ok(value.to_string())
        })*
    };
}

impl Serializer for KeyText {
    type Ok = String;
    type Error = SnapshotError;
    type SerializeSeq = Impossible<String, SnapshotError>;
    type SerializeTuple = Impossible<String, SnapshotError>;
    type SerializeTupleStruct = Impossible<String, SnapshotError>;
    type SerializeTupleVariant = Impossible<String, SnapshotError>;
    type SerializeMap = Impossible<String, SnapshotError>;
    type SerializeStruct = Impossible<String, SnapshotError>;
    type SerializeStructVariant = Impossible<String, SnapshotError>;

    as_text! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_f32(self, _: f32) -> Text {
        not_a_key()
    }
    fn serialize_f64(self, _: f64) -> Text {
        not_a_key()
    }
    fn serialize_bytes(self, _: &[u8]) -> Text {
        not_a_key()
    }
    fn serialize_none(self) -> Text {
        not_a_key()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Text {
        not_a_key()
    }
    fn serialize_unit(self) -> Text {
        not_a_key()
    }
    fn serialize_unit_struct(self, _: &'static str) -> Text {
        not_a_key()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Text {
        Ok(variant.to_owned())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Text {
        // A secret must not become a key: keys are shown.
        if name == hitl_base::Sensitive::<()>::NAME { not_a_key() } else { value.serialize(self) }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Text {
        not_a_key()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, SnapshotError> {
        not_a_key()
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, SnapshotError> {
        not_a_key()
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, SnapshotError> {
        not_a_key()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, SnapshotError> {
        not_a_key()
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, SnapshotError> {
        not_a_key()
    }
    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, SnapshotError> {
        not_a_key()
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, SnapshotError> {
        not_a_key()
    }
}
