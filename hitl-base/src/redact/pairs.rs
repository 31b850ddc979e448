//! Secrets by name in text: `key=value`, headers, URL queries, flags.

use std::borrow::Cow;

use super::mask::{MaskReason, Masker, leading_mask};
use super::patterns::Pattern;
use super::signs::{Signs, Stems};
use super::spelling::next_part;
use super::values::{Pair, Whole};
use super::{manifests, places, wordy};

/// A name, what joins it to its value, and how the value begins: see `values`. Between them there
/// may be a type (`password: str = ..`, `password string = ..`), a bracket (`env["X"] = ..`), or a
/// comma (`define("X", ..)`).
const PAIRS: &str = concat!(
    r#"(?P<name>(?:--?)?(?:[A-Za-z\u{C0}-\u{24F}\u{FF21}-\u{FF5A}][A-Za-z0-9_.\u{C0}-\u{24F}\u{FF10}-\u{FF5A}-]{1,63}|[^\x00-\x7F]{2,16}))"#,
    r#"(?P<join>\\{0,4}["'`]?[\])]?(?:&(?:quot|apos|#3[49]);|%2[27])?(?:"#,
    r#"(?P<typed>[ \t]*:[ \t]*[A-Za-z_&?*][A-Za-z0-9_<>\[\]?&.:*]*[ \t]*=[ \t]*|[ \t]+[*\[\]A-Za-z][A-Za-z0-9_.\[\]*]*[ \t]+=[ \t]*)"#,
    r#"|(?P<block>:[ \t]*(?:[|>][-+]?[ \t]*)?\r?\n[ \t]+)"#,
    r#"|(?:\[[0-9]*\])?[ \t]*(?:=>|:{1,3}=|[!=]==?|[?+.|&]{1,2}=|[=:]|%3[AaDd](?:%20)*)[ \t]*(?P<open>\([ \t\r\n]{0,40})?"#,
    r#"|(?P<bar>[ \t]*\|[ \t]*|[ \t]+-{1,2}>?[ \t]+)|(?P<call>[ \t]*[,(][ \t]*)"#,
    r#"|(?P<is>[ \t]+(?:is|was|to|as):?[ \t]+)|(?:\\t|[ \t])+))"#,
    r#"(?P<scheme>(?i:bearer|basic|token|digest|ntlm|negotiate|apikey)[ \t]+)?"#,
    r#"(?P<value>[^\s,;&<>(){}\[\]]|\[redacted|&(?:quot|apos|#3[49]);)"#,
);

/// The pairs.
pub(super) static PAIR: Pattern = Pattern::at_once(|| vec![("pair", PAIRS.to_owned())]);

/// Masks secrets, and knows them again.
pub(super) struct Masked<'m> {
    masker: &'m Masker,
    secrets: Vec<String>,
}

impl<'m> Masked<'m> {
    pub(super) fn by(masker: &'m Masker) -> Self {
        Self { masker, secrets: Vec::new() }
    }
}

impl Masked<'_> {
    /// So many secrets of a text are looked for elsewhere in it.
    const KNOWN: usize = 32;
    /// Shorter ones, and words, stand elsewhere by chance.
    const SHORTEST: usize = 8;

    pub(super) fn mask(&mut self, secret: &str) -> String {
        if self.secrets.len() < Self::KNOWN
            && secret.len() >= Self::SHORTEST
            && !wordy::is_name(secret)
            && !self.secrets.iter().any(|known| known == secret)
        {
            self.secrets.push(secret.to_owned());
        }
        self.masker.mask_for(secret, MaskReason::Name)
    }

    /// Masks the secrets where they stand without their name, too.
    fn elsewhere<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        self.secrets.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) {
                let mask = self.masker.mask_for(secret, MaskReason::Elsewhere);
                Cow::Owned(replaced(&text, secret, &mask))
            } else {
                text
            }
        })
    }
}

/// Replaces a secret, but not in the masks that stand in the text already: their marks may have its
/// letters.
fn replaced(text: &str, secret: &str, mask: &str) -> String {
    let mut masks = text
        .match_indices("[redacted")
        .filter_map(|(at, _)| leading_mask(&text[at..]).map(|mask| at..at + mask.len()))
        .peekable();
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut from) = (0, 0);
    while let Some(start) = text[from..].find(secret).map(|at| from + at) {
        let end = start + secret.len();
        // What is over before, or is a part of the secret, stands in nobody's way.
        while masks
            .next_if(|mask| mask.end <= start || start <= mask.start && mask.end <= end)
            .is_some()
        {}
        from = match masks.peek() {
            Some(mask) if mask.start < end => mask.end,
            _ => {
                out.push_str(&text[copied..start]);
                out.push_str(mask);
                copied = end;
                end
            }
        };
    }
    out + &text[copied..]
}

pub(super) fn mask<'t>(text: &'t str, signs: Signs, masker: &Masker) -> Cow<'t, str> {
    let mut found = Masked::by(masker);
    let placed = if signs.place { places::mask(text, &mut found) } else { Cow::Borrowed(text) };
    let placed = match placed {
        placed if !signs.stem => placed,
        Cow::Borrowed(text) => manifests::mask(text, &mut found),
        Cow::Owned(text) => Cow::Owned(manifests::mask(&text, &mut found).into_owned()),
    };
    let text = match placed {
        Cow::Borrowed(text) if !signs.stem => return Cow::Borrowed(text),
        Cow::Borrowed(text) => paired(text, &mut found),
        Cow::Owned(text) => Cow::Owned(paired(&text, &mut found).into_owned()),
    };
    found.elsewhere(text)
}

/// In one piece there may be so many pairs, each in the value of the one before. What has more is
/// masked: nobody writes so, and each would have the rest of the piece looked at again.
const NESTED: usize = 8;

/// Masks what is joined to a secret's name.
fn paired<'t>(text: &'t str, masked: &mut Masked<'_>) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let stems = Stems::of(text);
    let whole = Whole::of(text);
    // Where the last value ended that was none, and how many of them ended there.
    let (mut end, mut nested) = (0, 0);
    while let Some(stem) = stems.next(at) {
        let start = name_start(text, at.min(stem.start), stem.start);
        let found = PAIR.start(&text[start..]);
        let Some(pair) = found.and_then(|found| Pair::new(whole, start, &found)) else {
            at = stem.end;
            continue;
        };
        // A pair that is none may hide another one in what was taken for its value.
        at = pair.joined().max(stem.end);
        nested = if pair.bare_end() == Some(end) { nested + 1 } else { 0 };
        end = pair.bare_end().unwrap_or(0);
        if let Some(secret) = if nested > NESTED { Some(pair.whole()) } else { pair.secret() } {
            let mut part = Some(secret);
            while let Some(secret) = part {
                out.push_str(&text[copied..secret.start]);
                out.push_str(&masked.mask(&text[secret.clone()]));
                copied = secret.end;
                at = secret.end;
                part = if pair.is_quoted() { next_part(text, secret.end) } else { None };
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Where the name begins that has a stem at `stem`; not before `from`.
fn name_start(text: &str, from: usize, stem: usize) -> usize {
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let before = &text[from..stem];
    let kept: usize =
        before.chars().rev().take(60).take_while(|c| in_name(*c)).map(char::len_utf8).sum();
    let start = stem - kept;
    // A name begins with a letter, or with the dashes of a flag.
    let name = &text[start..];
    let lead = name.find(|c: char| !matches!(c, '_' | '.') && !c.is_numeric()).unwrap_or(0);
    let dashes = name[lead..].bytes().take_while(|b| *b == b'-').count();
    start + lead + dashes.saturating_sub(2)
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_secret_is_replaced_everywhere_but_in_a_mask() {
        for (text, secret, clean) in [
            ("a 00000000 b00000000", "00000000", "a # b#"),
            ("[redacted:0000000000]00000000", "00000000", "[redacted:0000000000]#"),
            ("00000000[redacted:0000000000]", "00000000", "#[redacted:0000000000]"),
            ("[redacted:0000000000][redacted:0000000001]", "00000000", ""),
            // What only looks like one is none.
            ("[redacted:00000000]", "00000000", "[redacted:#]"),
            ("[redacted 00000000]", "redacted", "[# 00000000]"),
            // A secret that ends in a mask, begins in one, or has one in it.
            ("hunter2x[redacted] hunter2x[", "hunter2x[", "hunter2x[redacted] #"),
            ("[redacted]hunter2x ]hunter2x", "]hunter2x", "[redacted]hunter2x #"),
            ("ab[redacted]cd ab[redacted]c", "ab[redacted]cd", "# ab[redacted]c"),
            ("a[redacted][redacted]", "a[redacted][", ""),
            ("é[redacted]é", "é", "#[redacted]#"),
        ] {
            let clean = if clean.is_empty() { text } else { clean };
            assert_eq!(replaced(text, secret, "#"), clean, "{secret}");
        }
    }
}
