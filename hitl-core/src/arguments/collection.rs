//! The Rust collections whose items have a defined order, and the canonical order in which the
//! items of the others are written.

use std::cmp::Ordering;

use hitl_base::json::compare_numbers;

/// The order of a type's items, as far as its name reveals it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    /// The type keeps its items in insertion order.
    List,
    /// The order is meaningless: it differs from one value, or one process, to the next.
    Set,
    /// The name does not reveal it.
    Unknown,
}

/// Pointer types that are serialized as the value that they point to.
const POINTERS: [&str; 6] = [
    "&mut ",
    "&",
    "alloc::boxed::Box<",
    "alloc::rc::Rc<",
    "alloc::sync::Arc<",
    "alloc::borrow::Cow<",
];

impl Collection {
    /// Recognizes the collections of the standard library by the compiler's name for them. The
    /// compiler does not guarantee that name, so it is one source of three: a schema also declares
    /// sets, and a type of unknown kind is read again to see whether its order is stable.
    pub(super) fn from_type_name(type_name: &str) -> Self {
        let mut name = type_name;
        while let Some(inner) = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)) {
            // A `Cow` names its lifetime first.
            name = inner.strip_prefix("'_, ").unwrap_or(inner);
        }
        if name.starts_with('[') {
            return Self::List;
        }
        let path = name.split_once('<').map_or(name, |(path, _)| path);
        match (path.split_once("::"), path.rsplit_once("::")) {
            (Some(("std" | "alloc" | "core", _)), Some((_, kind))) => match kind {
                "Vec" | "VecDeque" | "LinkedList" => Self::List,
                "HashSet" | "BTreeSet" | "BinaryHeap" => Self::Set,
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

/// Compares two items of a set, each as its exact text: null, bools, numbers by value, then
/// strings, lists and objects by their text.
pub(super) fn item_order(a: &str, b: &str) -> Ordering {
    let rank = |text: &str| match text.as_bytes().first() {
        None | Some(b'n') => 0,
        Some(b't' | b'f') => 1,
        Some(b'-' | b'0'..=b'9') => 2,
        Some(b'"') => 3,
        Some(b'[') => 4,
        Some(_) => 5,
    };
    rank(a).cmp(&rank(b)).then_with(|| match rank(a) {
        2 => compare_numbers(a, b).unwrap_or(Ordering::Equal).then_with(|| a.cmp(b)),
        _ => a.cmp(b),
    })
}

#[cfg(test)]
mod tests {
    use std::any::type_name;
    use std::borrow::Cow;
    use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
    use std::sync::Arc;

    use super::*;

    /// Fails with a compiler that names these types differently.
    struct HashSetLike;

    #[test]
    fn the_collections_of_the_standard_library_are_recognized() {
        for set in [
            type_name::<HashSet<String>>(),
            type_name::<BTreeSet<Vec<u8>>>(),
            type_name::<BinaryHeap<std::cmp::Reverse<u64>>>(),
            type_name::<Box<HashSet<u8>>>(),
            type_name::<&Arc<BTreeSet<u8>>>(),
        ] {
            assert_eq!(Collection::from_type_name(set), Collection::Set, "{set}");
        }
        for list in [
            type_name::<Vec<HashSet<u8>>>(),
            type_name::<VecDeque<u8>>(),
            type_name::<LinkedList<u8>>(),
            type_name::<[u8]>(),
            type_name::<&[HashSet<u8>]>(),
            type_name::<Cow<'_, [u8]>>(),
        ] {
            assert_eq!(Collection::from_type_name(list), Collection::List, "{list}");
        }
        for other in
            [type_name::<HashMap<u8, u8>>(), type_name::<HashSetLike>(), "", "Vec", "my::Vec<u8>"]
        {
            assert_eq!(Collection::from_type_name(other), Collection::Unknown, "{other}");
        }
    }

    #[test]
    fn items_have_one_order() {
        let rising = [
            "null",
            "false",
            "true",
            "-10",
            "-2.5",
            "2",
            "10",
            "1e2",
            "\"\"",
            "\"10\"",
            "\"2\"",
            "[]",
            "{\"a\":1}",
            "{}",
        ];
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                assert_eq!(item_order(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        assert_ne!(item_order("1.0", "1"), Ordering::Equal, "two texts are never the same");
    }
}
