//! The facts about a written value that its text does not contain: `Some(None)` and `None` are both
//! `null`, and two variants of an untagged enum may have the same text. Compared when a call's text
//! is read back, because after an approval the text is what runs.

/// The number of counters, one for each argument. Later arguments share the last counter.
const LANES: usize = 8;
const LAST_LANE: u8 = 7;

/// A fingerprint of the events in which a value was written, for each argument. The order of events
/// does not count: a hash map has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    lanes: [u16; LANES],
    lane: u8,
    /// True if a list of a type that may have no order of its own has more than one item.
    pub(super) unproven: bool,
    /// True if the arguments were not written in the order of their names.
    pub(super) unnamed: bool,
}

/// An event of serde's data model that can have the same text as another event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    None = 0x1d35,
    Some = 0x2ba7,
    Unit = 0x3c4f,
    Bool = 0x4e93,
    I8 = 0x51f1,
    I16 = 0x6329,
    I32 = 0x77cb,
    I64 = 0x8a0d,
    I128 = 0x9b61,
    U8 = 0xa5d7,
    U16 = 0xb847,
    U32 = 0xc9a3,
    U64 = 0xd6ef,
    U128 = 0xe215,
    F32 = 0xf48b,
    F64 = 0x0f59,
}

impl Trace {
    pub(super) fn begin_argument(&mut self, number: usize) {
        self.lane = u8::try_from(number).unwrap_or(LAST_LANE).min(LAST_LANE);
    }

    pub(super) fn note(&mut self, event: Event) {
        self.add(event as u16);
    }

    pub(super) fn note_name(&mut self, name: &str) {
        self.add(hash(name));
    }

    pub(super) fn note_variant(&mut self, name: &str, index: u32) {
        let [a, b, ..] = index.to_le_bytes();
        self.add(hash(name).rotate_left(5) ^ u16::from_le_bytes([a, b]).wrapping_mul(0x9e37));
    }

    fn add(&mut self, event: u16) {
        if let Some(lane) = self.lanes.get_mut(usize::from(self.lane)) {
            *lane = lane.wrapping_add(event);
        }
    }

    /// Returns the number of the first argument that was written in other events, if any.
    pub(super) fn first_difference(&self, other: &Self) -> Option<usize> {
        self.lanes.iter().zip(&other.lanes).position(|(a, b)| a != b)
    }

    /// Returns whether the number of an argument is its index among the sorted names.
    pub(super) fn names_argument(&self, number: usize) -> bool {
        !self.unnamed && number < usize::from(LAST_LANE)
    }
}

fn hash(name: &str) -> u16 {
    name.bytes().fold(0x811c, |hash, byte| (hash ^ u16::from(byte)).wrapping_mul(0x0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_variant_or_name_is_another_trace() {
        let mut seen = Vec::new();
        for name in ["Card", "Cash", "Wire", "None", "Some"] {
            let mut of_name = Trace::default();
            of_name.note_name(name);
            seen.push(of_name);
            for index in 0..12 {
                let mut of_variant = Trace::default();
                of_variant.note_variant(name, index);
                seen.push(of_variant);
            }
        }
        for (at, trace) in seen.iter().enumerate() {
            let same = seen[..at].iter().position(|other| other.first_difference(trace).is_none());
            assert_eq!(same, None, "{at}");
        }
    }
}
