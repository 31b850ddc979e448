//! Compares two values of an argument's type by the traits that the type implements.
//!
//! `#[hitl_tool]` sees tokens: it cannot know which traits a type implements. So it lets the
//! compiler choose the first of these traits that applies, by the number of references to the
//! value.

use std::fmt::{self, Debug, Write as _};

/// Two values to compare.
#[derive(Debug)]
pub struct Same<'v, T: ?Sized>(pub &'v T, pub &'v T);

/// Comparison of types that implement `PartialEq`.
pub trait SameByEq {
    /// Returns whether they are equal.
    fn same(&self) -> bool;
}

impl<T: PartialEq + ?Sized> SameByEq for &&Same<'_, T> {
    fn same(&self) -> bool {
        self.0 == self.1
    }
}

/// Comparison of types that implement `Debug` and not `PartialEq`.
pub trait SameByDebug {
    /// Returns whether their `Debug` texts have the same words, in any order: hash maps have none.
    fn same(&self) -> bool;
}

impl<T: Debug + ?Sized> SameByDebug for &Same<'_, T> {
    fn same(&self) -> bool {
        words(self.0) == words(self.1)
    }
}

/// Comparison of all other types.
pub trait SameUnknown {
    /// Returns `true`: nothing is known.
    fn same(&self) -> bool;
}

impl<T: ?Sized> SameUnknown for Same<'_, T> {
    fn same(&self) -> bool {
        true
    }
}

/// Returns a fingerprint of the words in the `Debug` text of `value`.
fn words<T: Debug + ?Sized>(value: &T) -> u64 {
    let mut words = Words { all: 0, word: WORD };
    // A `Debug` that fails does so at the same point for both values.
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
        // Mixes the word, so that different words do not add up to the same sum.
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
        // The form that the macro generates.
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
