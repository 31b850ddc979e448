//! Letters, digits and signs that look like those of ASCII.

mod table;

use std::sync::LazyLock;

use super::invisible::is_unseen;
use table::LOOKALIKES;

/// Pairs of a character and the ASCII character it looks like, sorted.
static SORTED: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let all = LOOKALIKES.iter().flat_map(|(ascii, alike)| alike.chars().map(|c| (c, *ascii)));
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all
});

/// The length from which a word of one foreign alphabet in which every letter looks Latin is
/// deceptive. A shorter word is deceptive too, unless other words show that the text is of that
/// alphabet.
const LONG_WORD: usize = 6;

/// Returns the ASCII character that `c` looks like: for full-width and mathematical letters,
/// letters of other alphabets, and lookalikes of dots and slashes. `None` for ASCII and for
/// characters that look like themselves.
///
/// The data are those of UTS 39 (Unicode's confusables) and of NFKC.
///
/// ```
/// # use hitl::display::lookalike;
/// assert_eq!(lookalike('\u{430}'), Some('a'));
/// assert_eq!(lookalike('\u{ff0f}'), Some('/'));
/// assert_eq!(lookalike('\u{e9}'), None);
/// ```
pub fn lookalike(c: char) -> Option<char> {
    let code = u32::from(c);
    let nth = |first: char, at: u32| char::from_u32(u32::from(first) + at);
    match code {
        0..0x80 => None,
        0xFF01..=0xFF5E => nth('!', code - 0xFF01),
        0x1D400..=0x1D6A3 => match (code - 0x1D400) % 52 {
            upper @ 0..26 => nth('A', upper),
            lower => nth('a', lower - 26),
        },
        0x1D7CE..=0x1D7FF => nth('0', (code - 0x1D7CE) % 10),
        _ => SORTED.binary_search_by_key(&c, |(alike, _)| *alike).ok().map(|at| SORTED[at].1),
    }
}

/// Returns the skeleton of `text`: each lookalike replaced by its ASCII character, and ASCII signs
/// that look alike by one of them (`0` and `O`, `1`, `l`, `I` and `|`, `rn` and `m`). Two texts of
/// the same skeleton can be mistaken for one another.
///
/// ```
/// # use hitl::display::skeleton;
/// assert_eq!(skeleton("acct-1O0"), skeleton("acct-l00"));
/// assert_eq!(skeleton("m\u{430}rk"), skeleton("mark"));
/// assert_ne!(skeleton("mark"), skeleton("Mark"));
/// ```
pub fn skeleton(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match lookalike(c).unwrap_or(c) {
            '0' => out.push('O'),
            '1' | 'I' | '|' => out.push('l'),
            'm' => out.push_str("rn"),
            '`' | '\u{2018}' | '\u{2019}' => out.push('\''),
            c => out.push(c),
        }
    }
    out
}

/// Returns the ASCII reading of `text`, if letters or signs in it deceive: they are of another
/// alphabet or form and look like ASCII where ASCII is expected. `None` if nothing deceives: text
/// in its own alphabet does not, although some of its letters look Latin.
///
/// ```
/// # use hitl::display::reads_as;
/// assert_eq!(reads_as("p\u{430}ypal").as_deref(), Some("paypal"));
/// assert_eq!(reads_as("\u{440}\u{430}\u{443}\u{440}\u{430}").as_deref(), Some("paypa"));
/// assert_eq!(reads_as("evil\u{2024}com").as_deref(), Some("evil.com"));
/// assert_eq!(reads_as("Привет, мир"), None);
/// ```
pub fn reads_as(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let deceives = has_deceptive_sign(text) || has_deceptive_word(text);
    deceives.then(|| text.chars().map(|c| lookalike(c).unwrap_or(c)).collect())
}

/// Returns whether a lookalike of a dot, a slash or the like is between letters or digits.
fn has_deceptive_sign(text: &str) -> bool {
    let mut before = '\0';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let sign = lookalike(c).filter(|ascii| matches!(ascii, '.' | '/' | '\\' | ':' | '@' | '_'));
        let after = chars.peek().copied().unwrap_or('\0');
        if sign.is_some() && is_alike(before) && is_alike(after) {
            return true;
        }
        before = c;
    }
    false
}

fn is_alike(c: char) -> bool {
    lookalike(c).unwrap_or(c).is_ascii_alphanumeric()
}

/// The letters of a word, counted by what they look like.
#[derive(Clone, Copy, Default)]
struct Letters {
    ascii: usize,
    /// Other forms of ASCII letters and digits: full-width, mathematical, enclosed.
    forms: usize,
    /// Letters of other alphabets that look like ASCII.
    alike: usize,
    /// Letters that look like themselves.
    own: usize,
}

impl Letters {
    fn new(word: &str) -> Self {
        let mut letters = Self::default();
        for c in word.chars() {
            match lookalike(c) {
                None if c.is_ascii_alphanumeric() => letters.ascii += 1,
                None if c.is_alphanumeric() => letters.own += 1,
                None => {}
                Some(_) if is_form(c) => letters.forms += 1,
                Some(_) => letters.alike += 1,
            }
        }
        letters
    }

    /// Returns whether the word mixes ASCII with another alphabet, or uses a form that only looks
    /// like ASCII.
    fn deceive(self) -> bool {
        self.forms > 0 || (self.alike > 0 && self.ascii > 0 && self.own == 0)
    }

    /// Returns whether every letter is of another alphabet and looks like ASCII.
    fn are_all_alike(self) -> bool {
        self.alike > 0 && self.ascii + self.own + self.forms == 0
    }
}

fn has_deceptive_word(text: &str) -> bool {
    let words = || text.split(|c: char| !(c.is_alphanumeric() || is_form(c)));
    // True once a word has letters that look like themselves: the text may be of their alphabet.
    let mut own_words = false;
    let mut short = false;
    for word in words() {
        let letters = Letters::new(word);
        if letters.deceive() || (letters.are_all_alike() && letters.alike >= LONG_WORD) {
            return true;
        }
        own_words |= letters.own > 0;
        short |= letters.are_all_alike() && letters.alike > 1;
    }
    short && !own_words
}

/// Returns whether a character is another form of an ASCII letter or digit, outside any alphabet.
fn is_form(c: char) -> bool {
    matches!(u32::from(c),
        0x2070..=0x209C | 0x2100..=0x214F | 0x2160..=0x217F | 0x2460..=0x24FF | 0x1D400..=0x1D7FF
        | 0xFF10..=0xFF19 | 0xFF21..=0xFF3A | 0xFF41..=0xFF5A | 0x1F100..=0x1F1FF
        | 0x1FBF0..=0x1FBF9)
        && lookalike(c).is_some_and(|ascii| ascii.is_ascii_alphanumeric())
}

/// Returns the host in `text` as people read it, if it has one in IDNA form (`xn--..`). `None` if
/// there is none, or if it does not decode.
///
/// ```
/// # use hitl::display::decoded_hosts;
/// let text = "https://xn--bcher-kva.example/x";
/// assert_eq!(decoded_hosts(text).as_deref(), Some("https://b\u{fc}cher.example/x"));
/// assert_eq!(decoded_hosts("https://example.com"), None);
/// ```
pub fn decoded_hosts(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut done, mut seen) = (0, 0);
    for (at, prefix) in match_prefixes(text) {
        // A label that was decoded is not decoded again for each prefix in it.
        if at < seen {
            continue;
        }
        let rest = &text[at + prefix..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
        seen = at + prefix + end;
        let label = super::punycode::decode(&rest[..end]);
        if let Some(label) = label.filter(|label| !label.chars().any(is_unseen)) {
            out.push_str(&text[done..at]);
            out.push_str(&label);
            done = seen;
        }
    }
    (done > 0).then(|| out + &text[done..])
}

/// Returns the positions at which IDNA labels begin, and the length of their prefix.
fn match_prefixes(text: &str) -> impl Iterator<Item = (usize, usize)> {
    const MARK: &str = "xn--";
    let bytes = text.as_bytes();
    let ends = bytes.len().saturating_sub(MARK.len() - 1);
    (0..ends).filter_map(move |at| {
        let here = bytes[at..at + MARK.len()].eq_ignore_ascii_case(MARK.as_bytes());
        let encoded = at >= 3 && bytes[at - 3] == b'%';
        let begins = at == 0 || encoded || !bytes[at - 1].is_ascii_alphanumeric();
        (here && begins).then_some((at, MARK.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_9_letters_of_other_alphabets_and_forms_are_known_for_what_they_look_like() {
        for (text, reads) in [
            ("\u{441}\u{445}\u{430}\u{441}\u{435}\u{443}", "cxacey"), // Cyrillic, a whole word
            ("\u{ff30}\u{ff41}\u{ff59}", "Pay"),                      // full-width
            ("\u{1d4ab}\u{1d4ec}", "Pc"),                             // mathematical
            ("\u{1d7d9}\u{1d7d8}", "10"),
            ("g\u{585}\u{585}gle", "google"),    // Armenian
            ("\u{13aa}\u{13a2}\u{13da}", "ATS"), // Cherokee
            ("\u{3bf}\u{3bd}\u{3bf}", "ovo"),    // Greek
            ("bank\u{2215}transfer", "bank/transfer"),
            ("a\u{ff0e}b", "a.b"),
            ("user\u{ff20}host", "user@host"),
            ("\u{217c}\u{217c}c", "llc"),
        ] {
            assert_eq!(reads_as(text).as_deref(), Some(reads), "{text:?}");
        }
    }

    #[test]
    fn text_in_its_own_alphabet_does_not_deceive() {
        for text in [
            "plain text, 100 %",
            "Größe, naïve, smørrebrød",
            "Мы с ним пошли в лес, а он остался",
            "Καλημέρα κόσμε, ο καιρός",
            "支持API。",
            "東京都（日本）！",
            "2010\u{2013}2020",
            "x² + y² ≈ 5",
            "Ցանկացած",
            "한국어 문장입니다.",
            "he said \u{201c}no\u{201d}",
        ] {
            let expected = text.contains('²').then(|| "x2 + y2 ≈ 5".to_owned());
            assert_eq!(reads_as(text), expected, "{text:?}");
        }
    }

    #[test]
    fn hosts_are_decoded_and_what_is_none_is_left() {
        let apple = decoded_hosts("http://XN--80ak6aa92e.com").unwrap();
        assert_eq!(reads_as(&apple).as_deref(), Some("http://apple.com"));
        let two = decoded_hosts("xn--mnchen-3ya.de and xn--bcher-kva.example").unwrap();
        assert_eq!(two, "m\u{fc}nchen.de and b\u{fc}cher.example");
        for none in ["", "xn--", "xn--a b", "axn--bcher-kva", "xn--\u{e9}", "xn---"] {
            assert_eq!(decoded_hosts(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_label_is_read_once_however_many_marks_are_in_it() {
        // If each prefix were decoded to the end of the text, this would take quadratic time.
        let text = "-xn--".repeat(1024 * 1024);
        assert_eq!(decoded_hosts(&text), None);
        let host = format!("{}.xn--bcher-kva.example", "xn--".to_owned() + &"-xn--".repeat(1_000));
        assert!(decoded_hosts(&host).unwrap().ends_with(".b\u{fc}cher.example"));
    }

    #[test]
    fn the_table_has_each_character_once() {
        assert!(SORTED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(
            SORTED.len() > 1_000
                && SORTED.iter().all(|(c, ascii)| !c.is_ascii() && ascii.is_ascii())
        );
    }
}
