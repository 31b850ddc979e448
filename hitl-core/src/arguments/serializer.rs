//! Writes a value as its one exact JSON text: keys sorted by their bytes, numbers as their type
//! prints them, sets sorted, non-finite numbers refused. Remembers which bytes are secret.

use std::any::type_name;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use hitl_base::Sensitive;
use hitl_base::json::write_string;
use hitl_base::redact::reveal;
use serde::Serialize;
use serde::ser::{self, Serializer};

use super::collection::{Collection, item_order};
use super::object::ObjectWriter;
use super::places::{ListKind, PlaceId, Places};
use super::trace::{Event, Trace};
use super::{SnapshotError, SnapshotErrorKind};

/// The deepest value that is written. The writer recurses, and so do its readers.
const DEEPEST: usize = 256;

/// The writer of a snapshot's text. Tools receive one; see [`Tool::snapshot`](crate::Tool).
#[derive(Debug, Default)]
pub struct SnapshotWriter {
    pub(super) out: String,
    /// The depth of the value that is being written.
    depth: usize,
    /// The ranges of `out` that are secret. Sorted, without overlap.
    pub(super) hidden: Vec<Range<usize>>,
    /// True if everything written now lies inside a secret already.
    hiding: bool,
    /// The name of the type that is being written.
    of: &'static str,
    /// The places in the schema, if it declares sets, and the place that is being written.
    places: Option<Arc<Places>>,
    place: Option<PlaceId>,
    /// The facts that the text does not contain.
    pub(super) trace: Trace,
}

impl SnapshotWriter {
    /// Creates a writer with room for the arguments of an ordinary call.
    pub(super) fn roomy() -> Self {
        Self { out: String::with_capacity(256), ..Self::default() }
    }

    /// Does the same, for a tool whose schema has these places.
    pub(super) fn within(places: Option<&Arc<Places>>) -> Self {
        let places = places.filter(|places| places.has_sets()).cloned();
        let place = places.is_some().then_some(Places::ROOT);
        Self { places, place, ..Self::roomy() }
    }

    /// Writes an object. The order in which its fields are written is irrelevant.
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
        self.of = type_name::<T>();
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

    /// Opens a list that keeps its order.
    fn list(&mut self, close: &'static str) -> ListWriter<'_> {
        self.out.push('[');
        let items_place = match (&self.places, self.place) {
            (Some(places), Some(place)) => places.items(place),
            _ => None,
        };
        let start = self.out.len();
        ListWriter { writer: self, items: 0, close, items_place, start, order: Order::Own }
    }

    /// Opens a list of a type that may be a set.
    fn sequence(&mut self) -> Result<ListWriter<'_>, SnapshotError> {
        let said = match (&self.places, self.place) {
            (Some(places), Some(place)) => places.list(place),
            _ => ListKind::Ordered,
        };
        let order = match (Collection::from_type_name(self.of), said) {
            (Collection::List, _) => Order::Own,
            (Collection::Set, _) | (Collection::Unknown, ListKind::Set) => {
                Order::Sorted(Vec::new())
            }
            (Collection::Unknown, ListKind::Ordered) => Order::Unproven,
            (Collection::Unknown, ListKind::Unclear) => {
                return Err(SnapshotError::new(SnapshotErrorKind::UnclearOrder));
            }
        };
        Ok(ListWriter { order, ..self.list("]") })
    }

    /// Writes `{"Variant":`. The value is written next; the caller closes the brace.
    fn variant(&mut self, variant: &str) {
        self.out.push('{');
        write_string(&mut self.out, variant);
        self.out.push(':');
        self.enter(variant);
    }

    /// Moves to the place of the value under `key`, and returns the place before.
    pub(super) fn enter(&mut self, key: &str) -> Option<PlaceId> {
        let left = self.place;
        if let (Some(places), Some(place)) = (&self.places, left) {
            self.place = places.entry(place, key);
        }
        left
    }

    /// Returns to the place of the list or object that is being written.
    pub(super) fn leave(&mut self, place: Option<PlaceId>) {
        self.place = place;
    }

    /// Notes the top-level argument that the next values belong to.
    pub(super) fn begin_argument(&mut self, number: usize) {
        if self.depth == 0 {
            self.trace.begin_argument(number);
        }
    }

    /// Notes that the arguments were not written in the order of their names.
    pub(super) fn arguments_sorted(&mut self) {
        if self.depth == 0 {
            self.trace.unnamed = true;
        }
    }

    /// Reorders everything written since `start` into these pieces, with commas between them, and
    /// moves their hidden ranges along.
    pub(super) fn reorder(&mut self, start: usize, pieces: impl Iterator<Item = Range<usize>>) {
        let body = self.out.split_off(start);
        let first_hidden = self.hidden.partition_point(|range| range.start < start);
        let hidden = self.hidden.split_off(first_hidden);
        for (i, piece) in pieces.enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            let (from, to) = (piece.start, self.out.len());
            self.out.push_str(&body[from - start..piece.end - start]);
            let first = hidden.partition_point(|range| range.start < from);
            let inside = hidden[first..].iter().take_while(|range| range.end <= piece.end);
            self.hidden.extend(inside.map(|r| r.start - from + to..r.end - from + to));
        }
    }
}

type Done = Result<(), SnapshotError>;

macro_rules! as_printed {
    ($($method:ident: $type:ty = $event:ident),* $(,)?) => {
        $(fn $method(self, value: $type) -> Done {
            self.trace.note(Event::$event);
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
        serialize_bool: bool = Bool,
        serialize_i8: i8 = I8, serialize_i16: i16 = I16, serialize_i32: i32 = I32,
        serialize_i64: i64 = I64, serialize_i128: i128 = I128,
        serialize_u8: u8 = U8, serialize_u16: u16 = U16, serialize_u32: u32 = U32,
        serialize_u64: u64 = U64, serialize_u128: u128 = U128,
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.trace.note(Event::F32);
        if !value.is_finite() {
            return Err(SnapshotError::new(SnapshotErrorKind::NotFinite));
        }
        // `Debug` of a float is its shortest exact spelling, always with a `.0` or an exponent.
        self.printed(format_args!("{value:?}"))
    }

    fn serialize_f64(self, value: f64) -> Done {
        self.trace.note(Event::F64);
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
        let mut list = self.list("]");
        for byte in value {
            list.item(byte)?;
        }
        list.close();
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.trace.note(Event::None);
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.trace.note(Event::Some);
        self.value(value)
    }

    fn serialize_unit(self) -> Done {
        self.trace.note(Event::Unit);
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Done {
        self.trace.note_variant(name, index);
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Done {
        self.trace.note_name(name);
        if name == Sensitive::<()>::NAME { self.secret(value) } else { self.value(value) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.trace.note_variant(name, index);
        self.variant(variant);
        self.value(value)?;
        self.out.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<ListWriter<'w>, SnapshotError> {
        self.sequence()
    }

    fn serialize_tuple(self, _: usize) -> Result<ListWriter<'w>, SnapshotError> {
        Ok(self.list("]"))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<ListWriter<'w>, SnapshotError> {
        self.trace.note_name(name);
        Ok(self.list("]"))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ListWriter<'w>, SnapshotError> {
        self.trace.note_variant(name, index);
        self.variant(variant);
        Ok(self.list("]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<ObjectWriter<'w>, SnapshotError> {
        Ok(ObjectWriter::open(self))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<ObjectWriter<'w>, SnapshotError> {
        // `serde_json`'s raw values and big numbers pretend to be structs that only `serde_json`
        // understands; their content may not be canonical.
        if name.starts_with("$serde_json::private") {
            return Err(SnapshotError::new(SnapshotErrorKind::Unsupported));
        }
        self.trace.note_name(name);
        Ok(ObjectWriter::open(self))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ObjectWriter<'w>, SnapshotError> {
        self.trace.note_variant(name, index);
        self.variant(variant);
        Ok(ObjectWriter::open_variant(self))
    }
}

/// The writer of an array.
#[derive(Debug)]
pub struct ListWriter<'w> {
    writer: &'w mut SnapshotWriter,
    items: usize,
    close: &'static str,
    items_place: Option<PlaceId>,
    /// The offset of the first item, after the bracket.
    start: usize,
    order: Order,
}

/// The order in which a list is written.
#[derive(Debug)]
enum Order {
    /// The order in which the items arrive.
    Own,
    /// The order in which the items arrive; whether it is stable is unknown.
    Unproven,
    /// The canonical order of a set, whose items arrive in any order. Contains the range of each
    /// item in the text.
    Sorted(Vec<Range<usize>>),
}

impl ListWriter<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if self.items > 0 {
            self.writer.out.push(',');
        }
        let index = self.items;
        self.items += 1;
        let start = self.writer.out.len();
        let list = self.writer.place;
        self.writer.leave(self.items_place);
        self.writer.value(value).map_err(|error| error.inside(&format!("[{index}]")))?;
        self.writer.leave(list);
        if let Order::Sorted(spans) = &mut self.order {
            spans.push(start..self.writer.out.len());
        }
        Ok(())
    }

    fn close(self) {
        match self.order {
            Order::Own => {}
            Order::Unproven => self.writer.trace.unproven |= self.items > 1,
            Order::Sorted(mut spans) => {
                let text = &self.writer.out;
                let order = |a: &Range<usize>, b: &Range<usize>| {
                    item_order(&text[a.clone()], &text[b.clone()])
                };
                if !spans.is_sorted_by(|a, b| order(a, b).is_le()) {
                    spans.sort_by(order);
                    self.writer.reorder(self.start, spans.into_iter());
                }
            }
        }
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
