//! Secrets by name in text: `key=value`, headers, URL queries, flags.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::mask::{MaskReason, Masker};
use super::signs::{Signs, Stems};
use super::values::Pair;
use super::{patterns, places, wordy};

/// A name, what joins it to its value, and the value: quoted, or up to white space or a separator. A
/// quote that nobody closed has been cut off. Between them there may be a type (`password: str = ..`,
/// `password string = ..`), a bracket (`env["X"] = ..`), or a comma (`define("X", ..)`).
const PAIR: &str = concat!(
    r#"(?P<name>(?:--?)?(?:[A-Za-z\u{FF21}-\u{FF5A}][A-Za-z0-9_.\u{FF10}-\u{FF5A}-]{1,63}|[^\x00-\x7F]{2,16}))"#,
    r#"(?P<join>\\{0,4}["'`]?[\])]?(?:"#,
    r#"(?P<typed>[ \t]*:[ \t]*[A-Za-z_&?*][A-Za-z0-9_<>\[\]?&.:*]*[ \t]*=[ \t]*|[ \t]+[*\[\]A-Za-z][A-Za-z0-9_.\[\]*]*[ \t]+=[ \t]*)"#,
    r#"|(?P<block>:[ \t]*[|>][-+]?[ \t]*\r?\n[ \t]+)"#,
    r#"|(?:\[[0-9]*\])?[ \t]*(?:=>|:{1,3}=|[!=]==?|[?+.|&]{1,2}=|[=:])[ \t]*"#,
    r#"|(?P<bar>[ \t]*\|[ \t]*|[ \t]+-{1,2}[ \t]+)|(?P<call>[ \t]*[,(][ \t]*)"#,
    r#"|(?P<is>[ \t]+(?:is|was|to|as):?[ \t]+)|[ \t]+))"#,
    r#"(?P<scheme>(?i:bearer|basic|token|digest|ntlm|negotiate|apikey)[ \t]+)?"#,
    r#"(?:(?:[bBrRfFuUL@]{1,2})?(?:""|'')?\\{0,4}(?:"(?P<double>(?:[^"\\\r\n]|\\[^"\r\n])+)|'(?P<single>(?:[^'\\\r\n]|\\[^'\r\n])+)|`(?P<tick>[^`\r\n]+))\\{0,4}["'`]"#,
    r#"|\\{0,4}["'`]?(?P<bare>(?:[^\s"'`,;&<>(){}\[\]\\]|\\[^\s"'`nrtu\\])+|\[redacted(?::[0-9a-f]{10})?\]))"#,
);

static PAIRS: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests compile it")]
    patterns::compile(&format!("^(?:{PAIR})")).expect("the pairs are a valid regular expression")
});

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
                Cow::Owned(text.replace(secret.as_str(), &mask))
            } else {
                text
            }
        })
    }
}

pub(super) fn mask<'t>(text: &'t str, signs: Signs, masker: &Masker) -> Cow<'t, str> {
    let mut found = Masked::by(masker);
    let placed = if signs.place { places::mask(text, &mut found) } else { Cow::Borrowed(text) };
    let text = match placed {
        Cow::Borrowed(text) if !signs.stem => return Cow::Borrowed(text),
        Cow::Borrowed(text) => paired(text, &mut found),
        Cow::Owned(text) => Cow::Owned(paired(&text, &mut found).into_owned()),
    };
    found.elsewhere(text)
}

/// Masks what is joined to a secret's name.
fn paired<'t>(text: &'t str, masked: &mut Masked<'_>) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let stems = Stems::of(text);
    while let Some(stem) = stems.next(at) {
        let start = name_start(text, at.min(stem.start), stem.start);
        // What it is about is found by the fast engine, its parts by the slow one.
        let found = PAIRS.find(&text[start..]).and_then(|pair| PAIRS.captures(pair.as_str()));
        let Some(pair) = found.and_then(|found| Pair::new(text, start, &found)) else {
            at = stem.end;
            continue;
        };
        // A pair that is none may hide another one in what was taken for its value.
        at = pair.joined().max(stem.end);
        if let Some(secret) = pair.secret() {
            out.push_str(&text[copied..secret.start]);
            out.push_str(&masked.mask(&text[secret.clone()]));
            copied = secret.end;
            at = secret.end;
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
