//! Characters that are not displayed as themselves.

use super::canonical::has_equivalent;
use super::lookalike::reads_as;

/// Returns whether a character is invisible, is displayed as an unusual space, is displayed as the
/// font likes, or changes how its neighbours are displayed.
pub fn is_unseen(c: char) -> bool {
    c.is_control() || {
        let code = u32::from(c);
        // Most text returns here.
        code >= 0xA0 && (is_ignorable(code) || is_odd_space(code) || is_unassigned(code))
    }
}

/// Default-ignorable characters (Unicode's own list), and format characters that fonts display as
/// nothing.
fn is_ignorable(code: u32) -> bool {
    matches!(code,
        0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x2800 | 0x3164 | 0xFEFF
        | 0xFFA0
        | 0x180B..=0x180F
        | 0x200B..=0x200F
        | 0x2028..=0x202E
        | 0x2060..=0x206F
        | 0xFE00..=0xFE0F
        | 0xFFF0..=0xFFFB
        | 0x13430..=0x1345F
        | 0x1BCA0..=0x1BCA3
        | 0x1D159
        | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF)
}

/// Spaces that look like the ordinary one, or push text out of sight.
fn is_odd_space(code: u32) -> bool {
    matches!(code, 0x00A0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000)
}

/// Private use and noncharacters: a font may draw anything there.
fn is_unassigned(code: u32) -> bool {
    matches!(code, 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xF_0000..) || code & 0xFFFE == 0xFFFE
}

/// Marks that are drawn over or under the character before them.
pub(super) fn is_mark(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF
        | 0xFE20..=0xFE2F)
}

/// A way in which a text may deceive its reader, for a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TextHazard {
    /// A change of the writing direction.
    Bidi,
    /// Characters that move the cursor or colour the terminal.
    Control,
    /// Invisible characters, or unusual spaces.
    Invisible,
    /// A word that mixes letters of alphabets that look alike.
    Alphabets,
    /// Letters or signs that look like those of ASCII and are others: see [`reads_as`].
    Lookalikes,
    /// A text that has a differently encoded equivalent that looks the same: see
    /// [`has_equivalent`].
    Equivalent,
}

impl TextHazard {
    /// Returns the wording of the hazard in a warning.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Bidi => "characters that change the direction of writing",
            Self::Control => "control characters",
            Self::Invisible => "characters that cannot be seen",
            Self::Alphabets => "words that mix letters of different alphabets",
            Self::Lookalikes => "letters or signs that look like others",
            Self::Equivalent => "letters that can be written in another way and look the same",
        }
    }
}

/// Returns the hazards of `text`, in order and each once. Line breaks and tabs are not hazards.
pub fn text_hazards(text: &str) -> Vec<TextHazard> {
    let mut found: Vec<TextHazard> = text.chars().filter_map(oddity).collect();
    if mixes_alphabets(text) {
        found.push(TextHazard::Alphabets);
    } else if reads_as(text).is_some() {
        found.push(TextHazard::Lookalikes);
    }
    if has_equivalent(text) {
        found.push(TextHazard::Equivalent);
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn oddity(c: char) -> Option<TextHazard> {
    match c {
        '\n' | '\r' | '\t' => None,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(TextHazard::Bidi)
        }
        c if c.is_control() => Some(TextHazard::Control),
        c if is_unseen(c) => Some(TextHazard::Invisible),
        _ => None,
    }
}

/// Returns whether a word mixes Latin letters with Greek or Cyrillic ones, which look like them.
pub fn mixes_alphabets(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    text.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let any = |is: fn(char) -> bool| word.chars().any(is);
        let latin = any(|c| c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}'));
        let greek = any(|c| matches!(c, '\u{370}'..='\u{3ff}'));
        let cyrillic = any(|c| matches!(c, '\u{400}'..='\u{52f}'));
        u8::from(latin) + u8::from(greek) + u8::from(cyrillic) > 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_odd_is_named() {
        assert_eq!(text_hazards("plain, with\nlines and ü"), []);
        assert_eq!(text_hazards("pay \u{202e}boB"), [TextHazard::Bidi]);
        assert_eq!(text_hazards("\u{1b}[2J\u{200b}"), [TextHazard::Control, TextHazard::Invisible]);
        assert_eq!(text_hazards("a\u{a0}b"), [TextHazard::Invisible]);
        // A Cyrillic letter in a Latin word.
        assert_eq!(text_hazards("p\u{430}ypal"), [TextHazard::Alphabets]);
        assert_eq!(text_hazards("\u{ff30}ay"), [TextHazard::Lookalikes]);
        assert_eq!(text_hazards("caf\u{65}\u{301}"), [TextHazard::Equivalent]);
        assert!(!mixes_alphabets("Привет, Anna"));
    }
}
