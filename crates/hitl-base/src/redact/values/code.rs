//! Code, other names and parts of something else that stand beside a name.

use super::super::forms::is_plain;
use super::super::natural_text::is_name;
use super::super::secret_names::words;
use super::super::spelling::Quotes;
use super::super::vocabulary::{ANYWHERE, WITHIN};
use super::{Join, Pair};

impl Pair<'_> {
    /// Returns whether the name is in capitals, which tells `KEY 1a2b..` from `cache key 1a2b..`.
    pub(super) fn is_shouted(&self) -> bool {
        let last = self.name.rsplit(['_', '-', '.']).next().unwrap_or_default();
        let capitals = last.bytes().rev().take_while(u8::is_ascii_uppercase).count();
        capitals >= 3
    }

    /// Returns whether this is a declaration whose value is not a literal: `let secret = captured`.
    pub(super) fn is_declared(&self) -> bool {
        const WORDS: &[&str] = &["let", "mut", "var", "val", "const", "auto", "final", "static"];
        let before = self.before().trim_end();
        let word = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        !self.is_quoted()
            && !(self.quotes == Quotes::Open)
            && WORDS.contains(&word)
            && self.join == Join::Sign
            && self.is_spaced()
            && is_plain(self.value())
            && (is_name(self.value()) || !self.value().bytes().any(|b| b.is_ascii_digit()))
    }

    /// Returns whether the name is a flag with one dash, as in some shells: `-Password`.
    pub(super) fn is_switch(&self) -> bool {
        self.name.starts_with('-') && self.name.len() > 3
    }

    /// Returns whether the value is code that reads a secret: `os.environ[..]`, `get_password()`,
    /// `config.password`, `Token::Brace`.
    pub(super) fn is_code(&self) -> bool {
        const KEYWORDS: &[&str] = &[
            "range", "new", "await", "yield", "typeof", "not", "lambda", "func", "function",
            "async", "return", "void", "mut", "ref", "in", "let", "const",
        ];
        let value = self.value();
        let after = self.after();
        let word = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let scoped = value.contains("::");
        let path = value
            .trim_start_matches(['&', ':', '*'])
            .trim_end_matches(['!', ':'])
            .replace("::", ".")
            .replace("->", ".")
            .replace("?.", ".");
        let plain = path.split('.').all(word);
        let digits = value.bytes().any(|byte| byte.is_ascii_digit());
        let called = after.starts_with(['(', '[', '{', '!']);
        let spaced = self.is_spaced();
        let tail = after.trim_start();
        let goes_on = ["+ ", "|| ", "&& ", "?", "if "].iter().any(|sign| tail.starts_with(sign));
        let last = |name: &str| words(name).pop();
        let same = self.name.to_ascii_lowercase().ends_with(&value.to_ascii_lowercase())
            || !digits && value.contains('_') && last(self.name) == last(value);
        plain && called && (!digits || is_name(&path))
            || plain
                && (after.starts_with(']') || spaced && (same || goes_on && after.starts_with(' ')))
            || plain && scoped
            || plain && path.contains('.') && (!digits || is_name(&path))
            || plain && after.starts_with('<') && spaced
            || value.starts_with("__")
            || path.starts_with("process.env")
            || path.starts_with("os.environ")
            || KEYWORDS.contains(&value) && after.starts_with(' ')
            || (spaced || !value.bytes().any(|b| b.is_ascii_lowercase())) && self.names_itself()
    }

    /// Returns whether a bare value is a name among arguments: `f(password=password,
    /// token=auth_token)`.
    pub(super) fn is_argument(&self) -> bool {
        let value = self.value();
        let name = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        name && self.text[self.value.end..].starts_with([',', ')'])
    }

    /// Returns whether more is appended to the value: `"Bearer " + token`, `"?key=" + key`.
    pub(super) fn is_a_part(&self) -> bool {
        let after = self.after().trim_start_matches(['"', '\'', '`', ' ']);
        self.value().ends_with([' ', '=']) && after.starts_with('+')
    }

    /// Returns whether the value is itself a secret's name: `TOKEN = "HITL_TOKEN"`, `token =
    /// next_token`.
    pub(super) fn names_itself(&self) -> bool {
        let value = self.value();
        // `X-Api-Key` is a header's name, `my-api-key` may be somebody's password.
        let parts = value.split('-');
        let header = parts.clone().all(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
        let plain = value.bytes().all(|b| {
            b.is_ascii_alphabetic()
                || matches!(b, b'_' | b'.' | b':')
                || header && b == b'-'
                || self.is_quoted() && b == b' '
        });
        let words = if plain { words(value) } else { Vec::new() };
        words.len() > 1
            && words
                .iter()
                .any(|word| ANYWHERE.contains(&word.as_str()) || WITHIN.contains(&word.as_str()))
    }

    /// Returns whether the pair is a route: `'/passwords/:id' => "passwords#edit"`, or a selector
    /// or page of a name: `password = "#new-password"`.
    pub(super) fn is_route(&self) -> bool {
        let value = self.value();
        let digits = value.bytes().any(|byte| byte.is_ascii_digit());
        let selects = value.starts_with(['#', '.', '/']) && is_name(value);
        if value.starts_with('/') && value[1..].contains('/') && is_name(value) {
            return true;
        }
        let leads = self.text[..self.start].ends_with('/') && value.contains(['/', '#']);
        !digits && (selects || leads && is_name(value))
    }
}
