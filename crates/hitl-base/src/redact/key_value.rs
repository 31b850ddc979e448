//! Secrets by name in text: `key=value`, headers, URL queries, flags.

use std::borrow::Cow;

use super::mask::{Masker, NameMasker};
use super::patterns::Pattern;
use super::prefilter::{Signs, Stems};
use super::spelling::next_part;
use super::values::{Pair, Whole};
use super::{contexts, manifests};

/// A name, its join to the value, and the start of the value: see `values`. Between them there may
/// be a type (`password: str = ..`, `password string = ..`), a bracket (`env["X"] = ..`), or a
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

/// The pattern of a pair.
pub(super) static PAIR: Pattern = Pattern::at_once(|| vec![("pair", PAIRS.to_owned())]);

pub(super) fn mask<'t>(text: &'t str, signs: Signs, masker: &Masker) -> Cow<'t, str> {
    let mut found = NameMasker::new(masker);
    let placed = if signs.place { contexts::mask(text, &mut found) } else { Cow::Borrowed(text) };
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

/// The most pairs in one piece, each in the value of the one before. More are masked: nobody writes
/// that, and each would have the rest of the piece scanned again.
const NESTED: usize = 8;

/// Masks the values joined to secrets' names.
fn paired<'t>(text: &'t str, masked: &mut NameMasker<'_>) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let stems = Stems::new(text);
    let whole = Whole::new(text);
    // The end of the last value that was no secret, and the number of such values that ended there.
    let (mut end, mut nested) = (0, 0);
    while let Some(stem) = stems.next(at) {
        let start = name_start(text, at.min(stem.start), stem.start);
        let found = PAIR.start(&text[start..]);
        let Some(pair) = found.and_then(|found| Pair::new(whole, start, &found)) else {
            at = stem.end;
            continue;
        };
        // A pair that is no secret may hide another one in the text that was taken for its value.
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

/// Returns the start of the name whose stem begins at `stem`; not before `from`.
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
