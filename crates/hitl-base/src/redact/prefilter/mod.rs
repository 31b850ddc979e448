//! Signs that a text must have for a secret to be in it: found in one quick pass, so that the slow
//! patterns run on few texts.
//!
//! It pays 50 % of the instructions of "assess" (cargo xtask instructions).
//!
//! A sign is necessary but not sufficient. Each pattern has a test that everything it finds has its
//! sign.

mod literals;
mod places;
mod shapes;

use std::ops::{ControlFlow, Range};
use std::sync::LazyLock;

use memchr::memmem;

use super::patterns::Pattern;
use literals::{Literal, Literals};

/// The signs in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// A part of a secret's name: see `pairs`.
    pub(super) stem: bool,
    /// The start of a place that holds only secrets: see `places`.
    pub(super) place: bool,
    /// The prefix or the length of a secret's shape: see `shapes`.
    pub(super) shape: bool,
}

/// The meaning of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A stem of secrets' names.
    Stem,
    /// A possible stem in letters beyond ASCII: the slow pattern decides.
    Foreign,
    /// A place.
    Place,
    /// A place if a colon follows.
    Header,
    /// A place if it is a key.
    Key,
    /// A place if digits follow soon.
    Digits,
    /// A shape if a token follows.
    Scheme,
    /// A shape if spelled exactly so: the prefix of tokens that may be shorter than other shapes.
    Mark(&'static str),
}

/// Returns the literal of a name's stem.
const fn stem(text: &'static str, rare: usize) -> Literal<Kind> {
    Literal::new(text.as_bytes(), rare, Kind::Stem)
}

const fn other(text: &'static [u8], rare: usize, kind: Kind) -> Literal<Kind> {
    Literal::new(text, rare, kind)
}

/// All literals, each with the position of its three letters that are rarest in documentation.
const LITERALS: &[Literal<Kind>] = &[
    stem("pass", 0),
    stem("pasw", 1),
    stem("psw", 0),
    stem("pssw", 0),
    stem("pw", 0),
    stem("secret", 1),
    stem("token", 0),
    stem("key", 0),
    stem("auth", 1),
    stem("cred", 0),
    stem("cookie", 3),
    stem("pin", 0),
    stem("otp", 0),
    stem("cvv", 0),
    stem("cvc", 0),
    stem("ssn", 0),
    stem("jwt", 0),
    stem("bearer", 0),
    stem("mnemonic", 1),
    stem("session", 2),
    stem("string", 0),
    stem("seed", 0),
    stem("code", 0),
    stem("card", 0),
    stem("psk", 0),
    stem("salt", 0),
    stem("sas", 0),
    stem("sig", 0),
    stem("hmac", 0),
    stem("license", 4),
    stem("access", 1),
    stem("login", 1),
    stem("sid", 0),
    stem("webhook", 1),
    stem("dsn", 0),
    stem("private", 3),
    stem("api", 0),
    stem("_pat", 0),
    stem("sess", 0),
    stem("bundle_", 4),
    stem("kennw", 2),
    stem("contrase", 2),
    stem("senha", 1),
    stem("motdep", 1),
    stem("wachtw", 0),
    stem("geheim", 0),
    stem("clave", 1),
    stem("haslo", 1),
    stem("ifre", 0),
    stem("heslo", 2),
    stem("losen", 0),
    stem("adgang", 0),
    stem("salasana", 0),
    stem("parol", 1),
    stem("jelsz", 0),
    stem("lozink", 0),
    stem("geslo", 2),
    stem("slapta", 0),
    stem("sandi", 0),
    other(b"\xD0\xBF\xD0", 0, Kind::Foreign), // "па.."
    other(b"\xD0\x9F\xD0", 0, Kind::Foreign), // "Па.."
    other("密".as_bytes(), 0, Kind::Foreign),
    other("口".as_bytes(), 0, Kind::Foreign),
    other("パ".as_bytes(), 0, Kind::Foreign),
    other("비".as_bytes(), 0, Kind::Foreign),
    other("패스".as_bytes(), 0, Kind::Foreign),
    other("암호".as_bytes(), 0, Kind::Foreign),
    other("토큰".as_bytes(), 0, Kind::Foreign),
    other("令牌".as_bytes(), 0, Kind::Foreign),
    other("hasł".as_bytes(), 2, Kind::Foreign),
    other("hasŁ".as_bytes(), 2, Kind::Foreign),
    other("暗証".as_bytes(), 0, Kind::Foreign),
    other(b"\xD1\x81\xD0", 0, Kind::Foreign), // "се.."
    other(b"\xD0\xA1\xD0", 0, Kind::Foreign), // "Се.."
    // Full-width letters.
    other(b"\xEF\xBC", 0, Kind::Foreign),
    other(b"\xEF\xBD", 0, Kind::Foreign),
    other(b"passwor", 3, Kind::Place),
    other(b"identified", 4, Kind::Place),
    other(b"securestring", 2, Kind::Place),
    other(b"networkcredential", 5, Kind::Place),
    other(b"directoryentry", 7, Kind::Place),
    other(b"cookie", 3, Kind::Header),
    other(b"value", 2, Kind::Key),
    other(b"kty", 0, Kind::Place),
    other(b"getenv", 3, Kind::Place),
    other(b"environ", 3, Kind::Place),
    other(b"env", 0, Kind::Place),
    other(b"(\"", 0, Kind::Place),
    other(b"('", 0, Kind::Place),
    other(b"variable \"", 0, Kind::Place),
    other(b"\npass ", 0, Kind::Place),
    other(b"> pass ", 0, Kind::Place),
    other(b": pass ", 0, Kind::Place),
    other(b"-pass ", 0, Kind::Place),
    other(b" login ", 2, Kind::Place),
    other(b" plain ", 2, Kind::Place),
    other(b"jdbc:", 0, Kind::Place),
    other(b":5432:", 2, Kind::Place),
    other(b":*:", 0, Kind::Place),
    other(b"arg ", 1, Kind::Place),
    other(b"de passe", 3, Kind::Place),
    other(b"byte", 0, Kind::Place),
    other(b"0x", 0, Kind::Place),
    other(b"u8", 0, Kind::Place),
    other(b"int8", 1, Kind::Place),
    other(b"mnemonic", 1, Kind::Place),
    other(b"phrase", 0, Kind::Place),
    other(b"seed", 0, Kind::Place),
    other(b"words", 2, Kind::Place),
    other(b" /p", 0, Kind::Place),
    other(b"sqlplus", 1, Kind::Place),
    other(b"sqlldr", 2, Kind::Place),
    other(b"expdp", 1, Kind::Place),
    other(b"impdp", 1, Kind::Place),
    other(b"rman", 0, Kind::Place),
    other(b"code", 0, Kind::Digits),
    other(b"pin", 0, Kind::Digits),
    other(b"otp", 0, Kind::Digits),
    other(b"tan", 0, Kind::Digits),
    other(b"number", 0, Kind::Digits),
    other(b"cvv", 0, Kind::Digits),
    other(b"cvc", 0, Kind::Digits),
    other(b"ssn", 0, Kind::Digits),
    other(b"security", 3, Kind::Digits),
    other(b"bearer", 0, Kind::Scheme),
    other(b"basic", 2, Kind::Scheme),
    other(b"eyj", 0, Kind::Mark("eyJ")),
    other(b"akcp", 0, Kind::Mark("AKCp")),
    other(b"xox", 0, Kind::Mark("xox")),
    other(b"ltai", 0, Kind::Mark("LTAI")),
    other(b"flwseck", 2, Kind::Mark("FLWSECK")),
    other(b"flwpubk", 2, Kind::Mark("FLWPUBK")),
];

/// The largest difference between the positions of the rarest letters in two stems.
const APART: usize = 4;

static SIGNS: LazyLock<Literals<Kind>> = LazyLock::new(|| Literals::new(LITERALS));

/// The stems as a pattern: it decides which stems there are in letters beyond ASCII.
pub(super) static STEM: Pattern = Pattern::anywhere(|| {
    const FOREIGN: &[&str] = &[
        "парол",
        "hasł",
        "секрет",
        "密码",
        "密碼",
        "密钥",
        "令牌",
        "口令",
        "パス",
        "暗証",
        "비밀",
        "비번",
        "패스워드",
        "암호",
        "토큰",
        "[\u{FF21}-\u{FF5A}]",
    ];
    let ascii = LITERALS.iter().filter(|literal| literal.kind == Kind::Stem).map(Literal::text);
    let folded = |stem: &str| ("stem", format!("(?i:{stem})"));
    ascii.map(|stem| folded(&stem)).chain(FOREIGN.iter().map(|stem| folded(stem))).collect()
});

/// Returns the signs in a text.
pub(super) fn signs(text: &str) -> Signs {
    if is_folded_oddly(text) {
        return Signs { stem: true, place: true, shape: true };
    }
    let bytes = text.as_bytes();
    let mut signs = Signs { place: places::has_a_sign(bytes), ..Signs::default() };
    SIGNS.each(bytes, |start, literal| {
        let after = &bytes[start + literal.len()..];
        match literal.kind {
            Kind::Stem | Kind::Foreign => signs.stem = true,
            Kind::Place => signs.place = true,
            Kind::Header => signs.place |= places::joined(after).starts_with(b":"),
            Kind::Key => signs.place |= places::is_a_key(after),
            Kind::Digits => signs.place |= places::has_digits(after),
            Kind::Scheme => signs.shape |= shapes::has_a_token(after),
            Kind::Mark(mark) => signs.shape |= bytes[start..].starts_with(mark.as_bytes()),
        }
        if signs == (Signs { stem: true, place: true, shape: true }) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    signs.shape = signs.shape || shapes::has_a_sign(bytes);
    signs
}

/// An iterator-like search for the stems of a text.
pub(super) struct Stems<'t> {
    text: &'t str,
    /// True if only the slow pattern finds its stems.
    odd: bool,
}

impl<'t> Stems<'t> {
    /// Returns the stems of a text.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, odd: is_folded_oddly(text) }
    }

    /// Returns the next stem that begins at or after `from`, which must be a character boundary.
    pub(super) fn next(&self, from: usize) -> Option<Range<usize>> {
        let near = if self.odd { from } else { self.near(from)? };
        STEM.place(self.text, near).map(|(start, end)| start..end)
    }

    /// Returns a position at or after `from` before which no stem begins; `None` if there is no
    /// stem.
    fn near(&self, from: usize) -> Option<usize> {
        let mut near = None;
        SIGNS.each(&self.text.as_bytes()[from..], |start, literal| match literal.kind {
            Kind::Stem | Kind::Foreign => {
                near = Some(start);
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        });
        // The stem whose rarest letters come first need not begin first.
        let mut near = from + near?.saturating_sub(APART);
        while !self.text.is_char_boundary(near) {
            near += 1;
        }
        Some(near)
    }
}

/// Returns whether a text has one of the two letters beyond ASCII that case-fold to `s` and `k`.
fn is_folded_oddly(text: &str) -> bool {
    !text.is_ascii()
        && ["ſ", "\u{212A}"]
            .iter()
            .any(|odd| memmem::find(text.as_bytes(), odd.as_bytes()).is_some())
}

#[cfg(test)]
mod tests;
