//! Deserializes a scanned tree into a typed value, with errors that quote nothing and numbers that
//! are either exact or refused.

use hitl_base::Json;
use hitl_base::json::{Whole, is_whole, same_number, whole};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::expected::one_of;
use super::{ArgumentError, ArgumentErrorKind};

/// The deserializer of a tree.
#[derive(Clone, Copy)]
pub(super) struct Tree<'t>(pub(super) &'t Json);

type Given<T> = Result<T, ArgumentError>;

fn inexact() -> ArgumentError {
    let why = "this number does not fit what the tool keeps exactly; write one that does";
    ArgumentError::new(ArgumentErrorKind::Inexact, why)
}

impl<'t> Tree<'t> {
    fn unexpected(self) -> Unexpected<'t> {
        match self.0 {
            Json::Null => Unexpected::Unit,
            Json::Bool(value) => Unexpected::Bool(*value),
            Json::Number(lexeme) if !is_whole(lexeme) => Unexpected::Float(0.0),
            Json::Number(_) => Unexpected::Signed(0),
            Json::String(_) => Unexpected::Str(""),
            Json::Array(_) => Unexpected::Seq,
            Json::Object(_) => Unexpected::Map,
        }
    }

    fn refuse<'de, V: Visitor<'de>>(self, visitor: &V) -> ArgumentError {
        ArgumentError::invalid_type(self.unexpected(), visitor)
    }

    /// Passes a number in the form that fits it: integers as such, others as a double if it prints
    /// back exactly as it was written.
    fn number<'de, V: Visitor<'de>>(self, lexeme: &str, visitor: V) -> Given<V::Value> {
        if let Ok(value) = lexeme.parse::<u64>() {
            visitor.visit_u64(value)
        } else if let Ok(value) = lexeme.parse::<i64>() {
            visitor.visit_i64(value)
        } else if let Ok(value) = lexeme.parse::<i128>() {
            visitor.visit_i128(value)
        } else if let Ok(value) = lexeme.parse::<u128>() {
            visitor.visit_u128(value)
        } else {
            self.double(lexeme, visitor)
        }
    }

    /// Passes a number to a type that holds integers, in any notation: `5.0` and `1e2` are
    /// integers.
    fn integer<'de, V: Visitor<'de>>(self, lexeme: &str, visitor: V) -> Given<V::Value> {
        if let Ok(value) = lexeme.parse::<u64>() {
            return visitor.visit_u64(value);
        }
        if let Ok(value) = lexeme.parse::<i64>() {
            return visitor.visit_i64(value);
        }
        let Some(Whole { negative, magnitude }) = whole(lexeme) else {
            let refused = if is_whole(lexeme) {
                ArgumentError::out_of_range(&visitor)
            } else {
                self.refuse(&visitor)
            };
            return Err(refused);
        };
        match (negative, i128::try_from(magnitude)) {
            (false, Ok(value)) => match u64::try_from(magnitude) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i128(value),
            },
            (false, Err(_)) => visitor.visit_u128(magnitude),
            (true, _) => match 0_i128.checked_sub_unsigned(magnitude) {
                Some(value) => match i64::try_from(value) {
                    Ok(value) => visitor.visit_i64(value),
                    Err(_) => visitor.visit_i128(value),
                },
                None => Err(ArgumentError::out_of_range(&visitor)),
            },
        }
    }

    fn double<'de, V: Visitor<'de>>(self, lexeme: &str, visitor: V) -> Given<V::Value> {
        let value: f64 = lexeme.parse().map_err(|_| self.refuse(&visitor))?;
        if same_number(lexeme, &format!("{value:?}")) {
            let taken = visitor.visit_f64(value);
            taken.map_err(
                |error: ArgumentError| {
                    if is_whole(lexeme) { error.about_whole_number() } else { error }
                },
            )
        } else {
            Err(inexact())
        }
    }
}

macro_rules! as_integer {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
            match self.0 {
                Json::Number(lexeme) => self.integer(lexeme, visitor),
                _ => Err(self.refuse(&visitor)),
            }
        })*
    };
}

macro_rules! as_any {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
            self.deserialize_any(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Tree<'de> {
    type Error = ArgumentError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
        match self.0 {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Number(lexeme) => self.number(lexeme, visitor),
            Json::String(text) => visitor.visit_borrowed_str(text),
            Json::Array(items) => {
                let mut items = Items { items: items.iter(), index: 0 };
                let value = visitor.visit_seq(&mut items)?;
                if items.items.len() > 0 {
                    return Err(ArgumentError::new(
                        ArgumentErrorKind::WrongType,
                        "the array has too many items",
                    ));
                }
                Ok(value)
            }
            Json::Object(entries) => {
                visitor.visit_map(Entries { entries: entries.iter(), value: None })
            }
        }
    }

    as_integer! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
        let Json::Number(lexeme) = self.0 else { return Err(self.refuse(&visitor)) };
        let value: f32 = lexeme.parse().map_err(|_| self.refuse(&visitor))?;
        if value.is_finite() && same_number(lexeme, &format!("{value:?}")) {
            visitor.visit_f32(value)
        } else {
            Err(inexact())
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
        match self.0 {
            Json::Number(lexeme) => self.double(lexeme, visitor),
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
        match self.0 {
            Json::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Given<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Given<V::Value> {
        match self.0 {
            Json::String(variant) => visitor.visit_enum(Variant { name: variant, value: None }),
            Json::Object(entries) => {
                let [(variant, value)] = entries.as_slice() else {
                    let why = format!("expected an object with one key: {}", one_of(variants));
                    return Err(ArgumentError::new(ArgumentErrorKind::WrongType, why));
                };
                visitor.visit_enum(Variant { name: variant, value: Some(value) })
            }
            other => Err(ArgumentError::not_one_of(variants, other.kind())),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Given<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Given<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Given<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Given<V::Value> {
        match self.0 {
            Json::Object(_) => self.deserialize_any(visitor),
            // An array would be taken as the fields in order, which nobody could read on a card.
            _ => Err(self.refuse(&visitor)),
        }
    }

    as_any! {
        deserialize_bool deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map deserialize_identifier
    }
}

struct Items<'t> {
    items: std::slice::Iter<'t, Json>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ArgumentError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Given<Option<T::Value>> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Tree(item)).map(Some).map_err(|error| error.inside_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'t> {
    entries: std::slice::Iter<'t, (String, Json)>,
    value: Option<(&'t str, &'t Json)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ArgumentError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Given<Option<K::Value>> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some((key, value));
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Given<V::Value> {
        let (key, value) =
            self.value.take().ok_or_else(|| ArgumentError::custom("value before key"))?;
        seed.deserialize(Tree(value)).map_err(|error| error.inside(key))
    }
}

/// A map key: text that may represent an integer or a bool.
struct Key<'t>(&'t str);

macro_rules! key_as {
    ($($method:ident, $visit:ident: $type:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
            match self.0.parse::<$type>() {
                // Accepts only the spelling that the snapshot would use: `01` and `+1` are other
                // keys.
                Ok(value) if value.to_string() == self.0 => visitor.$visit(value),
                _ => Err(ArgumentError::invalid_type(Unexpected::Str(""), &visitor).inside(self.0)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = ArgumentError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
        visitor.visit_borrowed_str(self.0)
    }

    key_as! {
        deserialize_bool, visit_bool: bool;
        deserialize_i8, visit_i8: i8; deserialize_i16, visit_i16: i16; deserialize_i32, visit_i32: i32;
        deserialize_i64, visit_i64: i64; deserialize_i128, visit_i128: i128;
        deserialize_u8, visit_u8: u8; deserialize_u16, visit_u16: u16; deserialize_u32, visit_u32: u32;
        deserialize_u64, visit_u64: u64; deserialize_u128, visit_u128: u128;
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Given<V::Value> {
        visitor.visit_enum(Variant { name: self.0, value: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Given<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Given<V::Value> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

struct Variant<'t> {
    name: &'t str,
    value: Option<&'t Json>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ArgumentError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Given<(V::Value, Self)> {
        Ok((seed.deserialize(Key(self.name))?, self))
    }
}

impl<'t> Variant<'t> {
    fn content(&self) -> Given<Tree<'t>> {
        let missing = || {
            ArgumentError::new(
                ArgumentErrorKind::WrongType,
                "expected an object with this as its key, and a value",
            )
        };
        self.value.map(Tree).ok_or_else(missing)
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ArgumentError;

    fn unit_variant(self) -> Given<()> {
        match self.value {
            None | Some(Json::Null) => Ok(()),
            Some(_) => Err(ArgumentError::new(
                ArgumentErrorKind::WrongType,
                "expected this as a string, without a value",
            )),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Given<T::Value> {
        seed.deserialize(self.content()?).map_err(|error| error.inside(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Given<V::Value> {
        self.content()?.deserialize_seq(visitor).map_err(|error| error.inside(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Given<V::Value> {
        self.content()?.deserialize_map(visitor).map_err(|error| error.inside(self.name))
    }
}
