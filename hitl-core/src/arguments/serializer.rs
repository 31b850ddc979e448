//! Writes a value as the one exact JSON text it has: keys sorted by their bytes, numbers as their
//! type prints them, non-finite numbers refused. Remembers which bytes are secret.

use std::fmt::{self, Write as _};
use std::ops::Range;

use hitl_base::Sensitive;
use hitl_base::json::write_string;
use hitl_base::redact::reveal;
use serde::Serialize;
use serde::ser::{self, Serializer};

use super::object::ObjectWriter;
use super::{SnapshotError, SnapshotErrorKind};

/// The deepest value that is written. The writer recurses, and so do its readers.
const DEEPEST: usize = 256;

/// Collects the text of a snapshot. Tools are handed one; see [`Tool::snapshot`](crate::Tool).
#[derive(Debug, Default)]
pub struct SnapshotWriter {
    pub(super) out: String,
    /// How deep the value that is being written lies.
    depth: usize,
    /// Which bytes of `out` are secret. Sorted, without overlap.
    pub(super) hidden: Vec<Range<usize>>,
    /// Whether everything written now lies inside a secret already.
    hiding: bool,
}

impl SnapshotWriter {
    /// With room for the arguments of an ordinary call.
    pub(super) fn roomy() -> Self {
        Self { out: String::with_capacity(256), ..Self::default() }
    }

    /// Writes an object. The order in which its fields are written does not matter.
    pub fn object(
        &mut self,
        fields: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let mut object = ObjectWriter::open(self);
        fields(&mut object)?;
        object.close()
    }

    pub(super) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SnapshotError> {
        if self.depth == DEEPEST {
            return Err(SnapshotError::new(SnapshotErrorKind::TooDeep));
        }
        self.depth += 1;
        let written = value.serialize(&mut *self);
        self.depth -= 1;
        written
    }

    pub(super) fn secret<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SnapshotError> {
        if self.hiding {
            return self.value(value);
        }
        let start = self.out.len();
        self.hiding = true;
        let written = reveal(|| self.value(value));
        self.hiding = false;
        self.hidden.push(start..self.out.len());
        written
    }

    fn printed(&mut self, text: fmt::Arguments<'_>) -> Result<(), SnapshotError> {
        self.out.write_fmt(text).map_err(|_| SnapshotError::new(SnapshotErrorKind::Unsupported))
    }

    fn list(&mut self) -> ListWriter<'_> {
        self.out.push('[');
        ListWriter { writer: self, items: 0, close: "]" }
    }

    /// `{"Variant":` and what closes it.
    fn variant(&mut self, variant: &str) {
        self.out.push('{');
        write_string(&mut self.out, variant);
        self.out.push(':');
    }
}

type Done = Result<(), SnapshotError>;

macro_rules! as_printed {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Done {
            self.printed(format_args!("{value}"))
        })*
    };
}

impl<'w> Serializer for &'w mut SnapshotWriter {
    type Ok = ();
    type Error = SnapshotError;
    type SerializeSeq = ListWriter<'w>;
    type SerializeTuple = ListWriter<'w>;
    type SerializeTupleStruct = ListWriter<'w>;
    type SerializeTupleVariant = ListWriter<'w>;
    type SerializeMap = ObjectWriter<'w>;
    type SerializeStruct = ObjectWriter<'w>;
    type SerializeStructVariant = ObjectWriter<'w>;

    as_printed! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_f32(self, value: f32) -> Done {
        if !value.is_finite() {
            return Err(SnapshotError::new(SnapshotErrorKind::NotFinite));
        }
        // `Debug` of a float is its shortest exact spelling, always with a `.0` or an exponent.
        self.printed(format_args!("{value:?}"))
    }

    fn serialize_f64(self, value: f64) -> Done {
        if !value.is_finite() {
            return Err(SnapshotError::new(SnapshotErrorKind::NotFinite));
        }
        self.printed(format_args!("{value:?}"))
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        write_string(&mut self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        let mut list = self.list();
        for byte in value {
            list.item(byte)?;
        }
        list.close();
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.value(value)
    }

    fn serialize_unit(self) -> Done {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Done {
        if name == Sensitive::<()>::NAME { self.secret(value) } else { self.value(value) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.variant(variant);
        self.value(value)?;
        self.out.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<ListWriter<'w>, SnapshotError> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _: usize) -> Result<ListWriter<'w>, SnapshotError> {
        Ok(self.list())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<ListWriter<'w>, SnapshotError> {
        Ok(self.list())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ListWriter<'w>, SnapshotError> {
        self.variant(variant);
        self.out.push('[');
        Ok(ListWriter { writer: self, items: 0, close: "]}" })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<ObjectWriter<'w>, SnapshotError> {
        Ok(ObjectWriter::open(self))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<ObjectWriter<'w>, SnapshotError> {
        // `serde_json`'s raw values and big numbers pass themselves off as structs that only
        // `serde_json` understands; what they hold is not known to be canonical.
        if name.starts_with("$serde_json::private") {
            return Err(SnapshotError::new(SnapshotErrorKind::Unsupported));
        }
        Ok(ObjectWriter::open(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ObjectWriter<'w>, SnapshotError> {
        self.variant(variant);
        Ok(ObjectWriter::open_variant(self))
    }
}

/// Writes an array.
#[derive(Debug)]
pub struct ListWriter<'w> {
    writer: &'w mut SnapshotWriter,
    items: usize,
    close: &'static str,
}

impl ListWriter<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if self.items > 0 {
            self.writer.out.push(',');
        }
        let index = self.items;
        self.items += 1;
        self.writer.value(value).map_err(|error| error.inside(&format!("[{index}]")))
    }

    fn close(self) {
        self.writer.out.push_str(self.close);
    }
}

macro_rules! list {
    ($($trait:ident::$method:ident),*) => {
        $(impl ser::$trait for ListWriter<'_> {
            type Ok = ();
            type Error = SnapshotError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.item(value)
            }
            fn end(self) -> Done {
                self.close();
                Ok(())
            }
        })*
    };
}

list!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);
