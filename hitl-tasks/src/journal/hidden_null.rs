//! Detects values that JSON's `null` hides: a `Some` that is written as `null` reads back as
//! `None`.

use std::fmt::{self, Display};

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Counts the parts of a value that JSON cannot distinguish from an absent one: `Some(None)`,
/// `Some(())`, and a number in a `Some` that is not finite.
pub(super) fn count<T: Serialize>(value: &T) -> u64 {
    let mut hidden = 0;
    // A value that cannot be written was refused before.
    let _ = value.serialize(Probe { hidden: &mut hidden });
    hidden
}

/// The JSON that a value is written as, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Null,
    Other,
}

/// A serializer that writes nothing.
struct Probe<'a> {
    hidden: &'a mut u64,
}

#[derive(Debug)]
struct Unwritable;

impl Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it cannot be written")
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Probed = Result<Written, Unwritable>;

macro_rules! others {
    ($($method:ident($kind:ty))+) => {$(
        fn $method(self, _: $kind) -> Probed {
            Ok(Written::Other)
        }
    )+};
}

impl<'a> Serializer for Probe<'a> {
    type Ok = Written;
    type Error = Unwritable;
    type SerializeSeq = Probe<'a>;
    type SerializeTuple = Probe<'a>;
    type SerializeTupleStruct = Probe<'a>;
    type SerializeTupleVariant = Probe<'a>;
    type SerializeMap = Probe<'a>;
    type SerializeStruct = Probe<'a>;
    type SerializeStructVariant = Probe<'a>;

    others! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_i128(i128) serialize_u8(u8) serialize_u16(u16) serialize_u32(u32)
        serialize_u64(u64) serialize_u128(u128)
    }

    fn serialize_f32(self, number: f32) -> Probed {
        Ok(if number.is_finite() { Written::Other } else { Written::Null })
    }

    fn serialize_f64(self, number: f64) -> Probed {
        Ok(if number.is_finite() { Written::Other } else { Written::Null })
    }

    fn serialize_none(self) -> Probed {
        Ok(Written::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Probed {
        let written = value.serialize(Probe { hidden: &mut *self.hidden })?;
        if written == Written::Null {
            *self.hidden += 1;
        }
        Ok(written)
    }

    fn serialize_unit(self) -> Probed {
        Ok(Written::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Probed {
        Ok(Written::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Probed {
        Ok(Written::Other)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, of: &T) -> Probed {
        of.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        of: &T,
    ) -> Probed {
        of.serialize(self)?;
        Ok(Written::Other)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unwritable> {
        Ok(self)
    }
}

impl Probe<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), Unwritable> {
        part.serialize(Probe { hidden: &mut *self.hidden }).map(drop)
    }
}

macro_rules! compounds {
    ($($name:ident::$method:ident($($key:ty)?))+) => {$(
        impl $name for Probe<'_> {
            type Ok = Written;
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $(_: $key,)?
                part: &T,
            ) -> Result<(), Unwritable> {
                self.part(part)
            }

            fn end(self) -> Probed {
                Ok(Written::Other)
            }
        }
    )+};
}

compounds! {
    SerializeSeq::serialize_element()
    SerializeTuple::serialize_element()
    SerializeTupleStruct::serialize_field()
    SerializeTupleVariant::serialize_field()
    SerializeStruct::serialize_field(&'static str)
    SerializeStructVariant::serialize_field(&'static str)
}

impl SerializeMap for Probe<'_> {
    type Ok = Written;
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Unwritable> {
        // A key is text or a number; `null` is refused as one.
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.part(value)
    }

    fn end(self) -> Probed {
        Ok(Written::Other)
    }
}
