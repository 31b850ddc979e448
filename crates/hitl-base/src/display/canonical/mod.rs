//! Detects text that normalisation would change: a differently encoded text looks the same.

mod table;

use std::sync::LazyLock;

use table::{COMPOSED, REPLACED};

/// Pairs of a base and a mark that normalisation composes, sorted.
static PAIRS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let pairs = COMPOSED.iter().flat_map(|(mark, bases)| bases.chars().map(|base| (base, *mark)));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs
});

/// Returns whether normalisation form C would change `text`: a letter is decomposed (`e` and an
/// accent), a sign has a canonical replacement (the Kelvin sign for `K`, the Greek question mark
/// for `;`), or marks are out of canonical order. Then a different text looks the same.
///
/// ```
/// # use hitl::display::has_equivalent;
/// assert!(has_equivalent("caf\u{65}\u{301}") && has_equivalent("273 \u{212a}"));
/// assert!(!has_equivalent("caf\u{e9}, 273 K"));
/// ```
pub fn has_equivalent(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let (mut base, mut last, mut order) = ('\0', '\0', 0);
    for c in text.chars() {
        if !c.is_ascii() {
            let jamo = is_composed_jamo(last, c);
            // A mark of another class between a base and its own mark does not block composition.
            if is_replaced(c) || jamo || is_pair(last, c) || (order > 0 && is_pair(base, c)) {
                return true;
            }
        }
        let next = order_of(c);
        if next > 0 && next < order {
            return true;
        }
        if next == 0 {
            base = c;
        }
        (last, order) = (c, next);
    }
    false
}

fn is_pair(base: char, mark: char) -> bool {
    PAIRS.binary_search(&(base, mark)).is_ok()
}

fn is_replaced(c: char) -> bool {
    let code = u32::from(c);
    let at = REPLACED.partition_point(|(_, last)| *last < code);
    REPLACED.get(at).is_some_and(|(first, _)| *first <= code)
}

/// Returns whether the two Korean letters compose to one syllable.
fn is_composed_jamo(before: char, c: char) -> bool {
    let (before, code) = (u32::from(before), u32::from(c));
    let leads = (0x1100..=0x1112).contains(&before) && (0x1161..=0x1175).contains(&code);
    let open = (0xAC00..=0xD7A3).contains(&before) && (before - 0xAC00).is_multiple_of(28);
    leads || (open && (0x11A8..=0x11C2).contains(&code))
}

/// Returns a common mark's canonical combining class; 0 for anything else.
fn order_of(c: char) -> u8 {
    match u32::from(c) {
        0x0334..=0x0338 => 1,
        0x0321..=0x0322 | 0x0327..=0x0328 => 202,
        0x031B => 216,
        0x0316..=0x0319
        | 0x031C..=0x0320
        | 0x0323..=0x0326
        | 0x0329..=0x0333
        | 0x0339..=0x033C
        | 0x0347..=0x0349
        | 0x034D..=0x034E
        | 0x0353..=0x0356
        | 0x0359..=0x035A => 220,
        0x034F => 0,
        0x0315 | 0x031A | 0x0358 => 232,
        0x035C | 0x035F | 0x0362 => 233,
        0x035D..=0x035E | 0x0360..=0x0361 => 234,
        0x0345 => 240,
        0x0300..=0x036F => 230,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_text_writes_otherwise_is_known() {
        for text in [
            "A\u{30a}",         // composed: \u{c5}
            "\u{212b}",         // the Angstrom sign
            "\u{37e}",          // the Greek question mark
            "\u{1f71}",         // an accent of old Greek
            "\u{1112}\u{1161}", // parts of a Korean syllable
            "\u{d558}\u{11ab}", // a syllable and its end
            "\u{f900}",         // a second code of a Chinese character
            "x\u{301}\u{323}",  // marks out of order
            "a\u{323}\u{302}",  // composed in two steps
            "o\u{323}\u{31b}",  // a mark between
            "\u{958}",          // never part of a normal text
        ] {
            assert!(has_equivalent(text), "{text:?}");
        }
        for text in [
            "plain",
            "Ångström, Größe, naïve, Việt Nam",
            "Привет, мир; йод",
            "한국어",
            "x\u{301}",        // there is no such letter
            "x\u{323}\u{301}", // in order
            "漢字、かな",
            "\u{985}\u{9be}", // a vowel sign of Bengali
            "नमस्ते",
        ] {
            assert!(!has_equivalent(text), "{text:?}");
        }
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(REPLACED.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(PAIRS.len() > 900);
    }
}
