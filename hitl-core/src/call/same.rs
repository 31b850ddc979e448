//! Whether two values of an argument's type are the same, compared by what the type can do.
//!
//! `#[hitl_tool]` sees tokens: it cannot know whether a type compares. So it asks the compiler for
//! the first of these that holds, by how often the value is referenced.

use std::fmt::{self, Debug, Write as _};

/// Two values to compare.
#[derive(Debug)]
pub struct Same<'v, T: ?Sized>(pub &'v T, pub &'v T);

/// For types that compare.
pub trait SameByEq {
    /// Returns whether they are equal.
    fn same(&self) -> bool;
}

impl<T: PartialEq + ?Sized> SameByEq for &&Same<'_, T> {
    fn same(&self) -> bool {
        self.0 == self.1
    }
}

/// For types that do not compare, and can be shown.
pub trait SameByDebug {
    /// Returns whether they show the same words, in any order: hash maps have none.
    fn same(&self) -> bool;
}

impl<T: Debug + ?Sized> SameByDebug for &Same<'_, T> {
    fn same(&self) -> bool {
        words(self.0) == words(self.1)
    }
}

/// For all other types.
pub trait SameUnknown {
    /// Returns `true`: nothing is known.
    fn same(&self) -> bool;
}

impl<T: ?Sized> SameUnknown for Same<'_, T> {
    fn same(&self) -> bool {
        true
    }
}

/// A fingerprint of the words in what `value` shows.
fn words<T: Debug + ?Sized>(value: &T) -> u64 {
    let mut words = Words { all: 0, word: WORD };
    // A `Debug` that fails shows as much of both values.
    let _ = write!(words, "{value:?}");
    words.end();
    words.all
}

const WORD: u64 = 0xcbf2_9ce4_8422_2325;

struct Words {
    all: u64,
    word: u64,
}

impl Words {
    fn end(&mut self) {
        // Mixed, so that other words do not add up to the same.
        let mixed = (self.word ^ (self.word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        self.all = self.all.wrapping_add(mixed ^ (mixed >> 32));
        self.word = WORD;
    }
}

impl fmt::Write for Words {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || byte >= 0x80 {
                self.word = (self.word ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            } else {
                self.end();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Same, SameByDebug as _, SameByEq as _, SameUnknown as _};

    #[derive(Debug)]
    struct Shown {
        by: HashMap<String, u8>,
        skipped: u32,
    }

    struct Silent;

    #[test]
    fn values_are_compared_by_what_their_type_can_do() {
        // The macro's own form.
        macro_rules! same {
            ($a:expr, $b:expr) => {
                (&&&Same(&$a, &$b)).same()
            };
        }
        assert!(same!(5, 5) && !same!(5, 6));
        assert!(same!("a", "a") && !same!(Some(None::<u8>), None));
        let shown = |skipped| Shown { by: (0..20).map(|n| (n.to_string(), n)).collect(), skipped };
        for _ in 0..20 {
            assert!(same!(shown(1), shown(1)), "a hash map shows its entries in any order");
            assert!(!same!(shown(1), shown(2)));
        }
        assert!(same!(Silent, Silent));
        assert_eq!((shown(1).by.len(), shown(1).skipped), (20, 1));
    }
}
