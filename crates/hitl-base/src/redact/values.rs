//! Decides whether a value joined to a name is that name's secret, or code, a label, another name.

use std::ops::Range;

use regex::Captures;

use super::entropy;
use super::forms::{
    is_between_strings, is_command, is_drawn, is_licence, is_link, is_mixed, is_odd, is_plain,
};
use super::mask::is_mask;
use super::natural_text::is_name;
use super::patterns::floor;
use super::placeholder::is_placeholder;
use super::secret_names::{Name, judge, names_a_key, words};
use super::spelling::{Quotes, Value, percent_length, value_at};

mod around;
mod code;
mod extent;

use around::{OF_SENTENCES, in_one_piece};

/// Words that follow a flag in prose.
const OF_FLAGS: &[&str] = &["option", "flag", "argument", "parameter"];

/// The join between name and value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    /// `name: type = value`.
    Typed,
    /// `name: |`, and the value on a line of its own.
    Block,
    /// `name | value`, `name - value`.
    Bar,
    /// `name, value`, `name(value`.
    Call,
    /// `name is value`.
    Is,
    /// `name == value`.
    Equals,
    /// `name: value`.
    Colon,
    /// `name = value`, in any of its spellings.
    Sign,
    /// Nothing but white space.
    Space,
}

/// A text that contains pairs.
#[derive(Clone, Copy)]
pub(super) struct Whole<'t> {
    text: &'t str,
    /// True if the text has several lines: computed once, and not for each pair.
    lines: bool,
}

impl<'t> Whole<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, lines: text.contains('\n') }
    }
}

/// The most bytes on either side of a pair that are examined: a line has no bound.
const AROUND: usize = 256;

/// A name and the value joined to it.
pub(super) struct Pair<'t> {
    text: &'t str,
    lines: bool,
    /// The start of the name.
    start: usize,
    name: &'t str,
    join: Join,
    /// The range of the join.
    between: Range<usize>,
    value: Range<usize>,
    quotes: Quotes,
    /// True for `Bearer value`.
    scheme: bool,
    /// True if the value may continue beyond the part that was examined.
    cut: bool,
}

impl<'t> Pair<'t> {
    /// Returns the pair that was found at `start`.
    pub(super) fn new(
        Whole { text, lines }: Whole<'t>,
        start: usize,
        found: &Captures<'_>,
    ) -> Option<Self> {
        let has = |group| found.name(group).is_some();
        let here = |range: Range<usize>| start + range.start..start + range.end;
        let between = here(found.name("join")?.range());
        let sign = text[between.clone()].trim_matches(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\' | ']' | ')')
        });
        let join = match sign {
            _ if has("typed") => Join::Typed,
            _ if has("block") => Join::Block,
            _ if has("bar") => Join::Bar,
            _ if has("call") => Join::Call,
            _ if has("is") => Join::Is,
            "" => Join::Space,
            ":" => Join::Colon,
            sign if sign.contains("%3") => Join::Sign,
            sign if sign.contains("!=") || sign.contains("==") => Join::Equals,
            _ => Join::Sign,
        };
        let name = &text[here(found.name("name")?.range())];
        let begins = start + found.name("value")?.start();
        let (join, between) = match in_one_piece(text, &between) {
            Some(end) if join == Join::Typed => (Join::Colon, between.start..end),
            _ => (join, between),
        };
        let scheme = found.name("scheme").and_then(|_| value_at(text, begins));
        let (mut value, scheme) = match scheme {
            Some(value) => (value, true),
            None => (value_at(text, between.end)?, false),
        };
        if sign.contains("%3") && value.quotes == Quotes::None {
            let place = &text[value.place.clone()];
            value.place.end = value.place.start + percent_length(place);
        }
        if value.place.is_empty() {
            return None;
        }
        let Value { place: value, quotes, cut } = value;
        // Brackets contain code, unless they contain a string.
        if has("open") && !matches!(quotes, Quotes::Closed) {
            return None;
        }
        Some(Self { text, lines, start, name, join, between, value, quotes, scheme, cut })
    }

    /// Returns whether the value is a quoted string.
    pub(super) fn is_quoted(&self) -> bool {
        matches!(self.quotes, Quotes::Closed | Quotes::Ticks)
    }

    /// Returns whether there is white space before the value.
    fn is_spaced(&self) -> bool {
        self.text[self.between.clone()].ends_with([' ', '\t'])
    }

    /// Returns the position before which there is no other name: the value, or the text that was
    /// taken for one. The text between them may itself be a name.
    pub(super) fn joined(&self) -> usize {
        if matches!(self.join, Join::Typed | Join::Space) { self.start } else { self.between.end }
    }

    fn value(&self) -> &'t str {
        &self.text[self.value.clone()]
    }

    /// Returns the text before the name on its line, up to [`AROUND`].
    fn before(&self) -> &'t str {
        let near = &self.text[floor(self.text, self.start.saturating_sub(AROUND))..self.start];
        near.rsplit('\n').next().unwrap_or_default()
    }

    /// Returns the text after the value, up to `AROUND` bytes.
    fn after(&self) -> &'t str {
        &self.text[self.value.end..floor(self.text, self.value.end + AROUND)]
    }

    /// Returns the end of the value, if it is not quoted.
    pub(super) fn bare_end(&self) -> Option<usize> {
        (!self.is_quoted()).then_some(self.value.end)
    }

    /// Returns the range of the whole value.
    pub(super) fn whole(&self) -> Range<usize> {
        self.value.start..self.end()
    }

    /// Returns the range of the secret, if there is one.
    pub(super) fn secret(&self) -> Option<Range<usize>> {
        let value = self.value();
        let name = judge(self.name.trim_start_matches('-'));
        // A piece this long is no word, no name and no code.
        if self.cut {
            return (name == Name::Secret).then(|| self.whole());
        }
        if name == Name::Plain {
            return None;
        }
        // `Bearer x` has a shape of its own.
        let scheme = self.join == Join::Space
            && ["bearer", "basic"].iter().any(|scheme| self.name.eq_ignore_ascii_case(scheme));
        if scheme || is_mask(value) || is_placeholder(value) || self.is_route() {
            return None;
        }
        // The first line of a key: its shape gives the end of the whole.
        let begins = value.contains("-----BEGIN") && !value.contains("-----END");
        let scoped = self.join == Join::Colon && value.starts_with(':');
        if begins || scoped || self.is_declared() || is_link(value) || self.is_in_an_arn() {
            return None;
        }
        if !self.is_quoted() && OF_SENTENCES.contains(&value.trim_end_matches('.'))
            || name == Name::Suspect && self.is_an_ordinary_key()
        {
            return None;
        }
        if self.is_quoted() && is_between_strings(value)
            || (self.quotes == Quotes::Open) && value.starts_with(['+', '.', ',', ')', ';', ':'])
        {
            return None;
        }
        let secret = match name {
            Name::Secret => self.is_of_a_secret(),
            Name::Suspect => self.is_of_a_suspect(),
            Name::Plain => false,
        };
        secret.then(|| self.whole())
    }

    fn is_of_a_suspect(&self) -> bool {
        let value = self.value();
        let hexadecimal = value.bytes().all(|byte| byte.is_ascii_hexdigit());
        if entropy::is_uuid(value) {
            let name = words(self.name.trim_end_matches(|c: char| c.is_ascii_digit()));
            // The one id that is a secret (`secret_id`), and keys.
            let queried = self.text[..self.start].ends_with(['?', '&', '<']);
            return name.ends_with(&["secret".to_owned(), "id".to_owned()])
                || names_a_key(self.name)
                || queried && self.name.eq_ignore_ascii_case("key");
        }
        // In a query, a value named `key` is a key, unless it is a word.
        if self.name.eq_ignore_ascii_case("key") && self.text[..self.start].ends_with(['?', '&']) {
            return value.len() >= 16 && !is_name(value);
        }
        let salt = self.name.to_ascii_lowercase().contains("salt");
        if self.is_quoted()
            && (entropy::is_noise(value) || salt && value.len() >= 8 && is_odd(value))
        {
            return true;
        }
        if is_licence(value) {
            return true;
        }
        entropy::looks_secret(value)
            && (self.is_quoted() || !self.is_code())
            && (self.join != Join::Space || self.is_shouted() || !hexadecimal && value.len() >= 20)
    }

    fn is_of_a_secret(&self) -> bool {
        let value = self.value();
        let digits = value.bytes().any(|byte| byte.is_ascii_digit());
        let letters_only = value.bytes().all(|byte| byte.is_ascii_alphabetic());
        let one_word = !value.contains(char::is_whitespace);
        let flag = self.name.starts_with("--");
        match self.join {
            // A number with a type is a constant: `ADD_KEY: u32 = 3`.
            Join::Typed if !self.is_quoted() && value.starts_with(|c: char| c.is_ascii_digit()) => {
                false
            }
            // `auth0|1a2b..` is a user id.
            Join::Bar if !self.is_spaced() && self.ends_as_an_issuer() => false,
            Join::Bar => {
                is_drawn(value)
                    || self.is_quoted() && value.len() >= 16 && is_plain(value) && !is_name(value)
            }
            Join::Block => {
                let marked = self.text[self.between.clone()].contains(['|', '>']);
                value.len() >= 4 && (marked || is_odd(value) && self.ends_its_line())
            }
            // `the PIN is 1234`, but `the token is expired`.
            Join::Is => {
                let word = words(self.name).iter().any(|word| word.starts_with("pass"));
                value.len() >= 4 && (digits || self.is_quoted() && one_word && word)
            }
            // `define("DB_PASSWORD", "..")`, `setPassword("..")`: only a quoted value counts. In
            // prose, names are in backticks.
            Join::Call if self.quotes == Quotes::Ticks => entropy::looks_secret(value),
            Join::Call => {
                self.is_quoted()
                    && (value.len() >= 6 && one_word && is_odd(value) || entropy::is_noise(value))
            }
            // A comparison with a literal: `if (password == "hunter2")`.
            Join::Equals => {
                self.is_quoted() && value.len() >= 6 && !letters_only
                    || !self.is_spaced() && entropy::looks_secret(value)
            }
            _ if self.scheme && !self.is_quoted() => {
                flag || self.join != Join::Space && (value.len() >= 16 || !letters_only)
            }
            // `password "hunter2"` is a value, `password "reset"` is prose.
            Join::Space if self.is_quoted() => {
                let tag = (self.quotes == Quotes::Ticks) || value.contains([':', '=', '/', ',']);
                flag || self.is_switch() || value.len() >= 6 && one_word && !tag && is_odd(value)
            }
            // `"Bearer " + token`.
            _ if self.is_quoted() => {
                !self.names_itself()
                    && !self.is_a_part()
                    && !is_command(value, self.quotes == Quotes::Ticks)
            }
            // A flag has its value after a space: `--password hunter2`, but `the password is`. So
            // has any value that cannot be a word.
            Join::Space if flag => {
                // `--all-secrets shows ..`.
                let many = self.name.ends_with('s') && !self.name.ends_with("pass");
                !value.starts_with('-') && !OF_FLAGS.contains(&value) && (!many || is_odd(value))
            }
            Join::Space => {
                !value.starts_with('-')
                    && (self.is_switch() && digits
                        || is_mixed(value)
                        || entropy::looks_secret(value)
                        || entropy::is_uuid(value)
                        || self.is_shouted()
                            && value.len() >= 20
                            && is_plain(value)
                            && !is_name(value))
            }
            // `password: the one you know` is prose; `password: hunter2` is not, nor is a whole
            // line.
            Join::Colon => {
                let words = !digits && is_name(value) && !value.ends_with('!');
                let name = self.is_all() && value.len() >= 6;
                let coded = name
                    || value.len() >= 6 && (!letters_only || is_odd(value))
                    || value.len() >= 16;
                flag || self.odd_end().is_some()
                    || (coded && !words || self.is_a_line()) && !self.is_code()
            }
            Join::Typed | Join::Sign => {
                self.odd_end().is_some()
                    || value.len() >= 3 && !self.is_code() && !self.is_argument()
            }
        }
    }
}
