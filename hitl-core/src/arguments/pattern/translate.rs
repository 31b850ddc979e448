//! Reads an expression of ECMA-262 and writes it for the `regex` crate.
//!
//! What Unicode mode forbids but all engines without it read in one way, like `\-` or a lone `}`,
//! is read in that way. What the two modes read differently is read as in Unicode mode.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::class::CharSet;
use super::error::PatternError;

/// The deepest nesting of groups.
const MAX_DEPTH: usize = 50;

/// The greatest number in a counted repetition.
const MAX_COUNT: u64 = 100_000;

/// An expression for the `regex` crate.
pub(super) struct Translated {
    pub(super) text: String,
    /// The number of its states, counted with its repetitions.
    pub(super) weight: u64,
}

/// Translates an expression.
pub(super) fn translate(source: &str) -> Result<Translated, PatternError> {
    let chars: Vec<char> = source.chars().collect();
    let mut reader = Reader {
        chars: &chars,
        at: 0,
        out: String::new(),
        names: HashSet::new(),
        plain_only: None,
        is_unicode_only: false,
    };
    let weight = reader.alternatives(0)?;
    if reader.peek().is_some() {
        return Err(PatternError::at(reader.at, ")", "closes no group"));
    }
    if let Some((position, construct)) = reader.plain_only.filter(|_| reader.is_unicode_only) {
        let why = "is wrong in Unicode mode, and the expression means something else without it";
        return Err(PatternError::at(position, &construct, why));
    }
    Ok(Translated { text: reader.out, weight })
}

struct Reader<'p> {
    chars: &'p [char],
    at: usize,
    out: String,
    /// The names of groups.
    names: HashSet<String>,
    /// The first construct that is wrong in Unicode mode, and its position.
    plain_only: Option<(usize, String)>,
    /// True if a part means something else without Unicode mode.
    is_unicode_only: bool,
}

/// A part of an expression.
enum Term {
    /// A part that can be repeated, and its number of states.
    Atom(u64),
    /// A condition on a position, which cannot be repeated.
    Assertion,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum InClass {
    Yes,
    No,
}

/// A member of a class.
enum Member {
    One(char),
    Many(CharSet),
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        let is_next = self.starts_with(text);
        if is_next {
            self.at += text.chars().count();
        }
        is_next
    }

    fn starts_with(&self, text: &str) -> bool {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        text.chars().count() <= rest.len() && text.chars().zip(rest).all(|(a, b)| a == *b)
    }

    /// Returns the text from `start` to the present position.
    fn since(&self, start: usize) -> String {
        self.chars.get(start..self.at).unwrap_or_default().iter().collect()
    }

    /// Notes a construct that is wrong in Unicode mode.
    fn note_plain(&mut self, start: usize) {
        let construct = self.since(start);
        self.plain_only.get_or_insert((start, construct));
    }

    fn refuse<T>(&self, start: usize, why: &str) -> Result<T, PatternError> {
        Err(PatternError::at(start, &self.since(start), why))
    }

    fn alternatives(&mut self, depth: usize) -> Result<u64, PatternError> {
        let mut weight = 0_u64;
        loop {
            match self.peek() {
                None | Some(')') => return Ok(weight),
                Some('|') => {
                    self.at += 1;
                    self.out.push('|');
                    weight = weight.saturating_add(1);
                }
                Some(_) => weight = weight.saturating_add(self.term(depth)?),
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<u64, PatternError> {
        let (start, written) = (self.at, self.out.len());
        let term = self.atom(depth)?;
        let atom = self.since(start);
        let quantifier = self.at;
        let Some((least, most)) = self.quantifier()? else {
            return Ok(match term {
                Term::Atom(weight) => weight,
                Term::Assertion => 1,
            });
        };
        let Term::Atom(weight) = term else {
            let why = format!("repeats `{atom}`, which matches no text");
            return self.refuse(quantifier, &why);
        };
        // A group of its own, so that the quantifier belongs to the whole atom.
        self.out.insert_str(written, "(?:");
        self.out.push(')');
        let _ = match most {
            Some(most) => write!(self.out, "{{{least},{most}}}"),
            None => write!(self.out, "{{{least},}}"),
        };
        if self.skip("?") {
            self.out.push('?');
        }
        let again = self.at;
        if self.quantifier()?.is_some() {
            return self.refuse(again, "repeats a repetition");
        }
        Ok(weight.saturating_mul(most.unwrap_or(least).max(least).max(1)))
    }

    /// Reads a quantifier: the least and the greatest number of repetitions.
    fn quantifier(&mut self) -> Result<Option<(u64, Option<u64>)>, PatternError> {
        let start = self.at;
        let range = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(start),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(range))
    }

    fn counted(&mut self, start: usize) -> Result<Option<(u64, Option<u64>)>, PatternError> {
        self.at += 1;
        let least = self.number();
        let most = match (least, self.skip(",")) {
            (Some(least), false) => Some(Some(least)),
            (Some(_), true) => Some(self.number()),
            (None, _) => None,
        };
        let (Some(least), Some(most), true) = (least, most, self.skip("}")) else {
            // A brace that counts nothing is a character.
            self.at = start;
            return Ok(None);
        };
        if least > MAX_COUNT || most.is_some_and(|most| most > MAX_COUNT) {
            return self.refuse(start, "repeats too often");
        }
        if most.is_some_and(|most| most < least) {
            return self.refuse(start, "has its numbers out of order");
        }
        Ok(Some((least, most)))
    }

    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        let mut number = 0_u64;
        while let Some(digit) = self.peek().and_then(|next| next.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit.into());
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }

    fn atom(&mut self, depth: usize) -> Result<Term, PatternError> {
        let start = self.at;
        let Some(next) = self.next() else { return Ok(Term::Assertion) };
        match next {
            '^' => return Ok(self.assertion(r"\A")),
            '$' => return Ok(self.assertion(r"\z")),
            '(' => return self.group(start, depth),
            '[' => {
                let set = self.class(start)?;
                set.write(&mut self.out);
            }
            '.' => CharSet::of_dot().write(&mut self.out),
            '\\' => return self.escape(start),
            '*' | '+' | '?' => return self.refuse(start, "repeats nothing"),
            '{' => {
                self.at = start;
                if self.quantifier()?.is_some() {
                    return self.refuse(start, "repeats nothing");
                }
                self.at = start + 1;
                self.note_plain(start);
                self.literal('{');
            }
            '}' | ']' => {
                self.note_plain(start);
                self.literal(next);
            }
            other => self.literal(other),
        }
        Ok(Term::Atom(1))
    }

    fn assertion(&mut self, written: &str) -> Term {
        self.out.push_str(written);
        Term::Assertion
    }

    fn literal(&mut self, character: char) {
        self.note_wide(character);
        if character.is_ascii_alphanumeric() {
            self.out.push(character);
        } else {
            let _ = write!(self.out, r"\x{{{:X}}}", u32::from(character));
        }
    }

    /// Notes a character that is two without Unicode mode.
    fn note_wide(&mut self, character: char) {
        self.is_unicode_only |= u32::from(character) > 0xFFFF;
    }

    fn group(&mut self, start: usize, depth: usize) -> Result<Term, PatternError> {
        if depth >= MAX_DEPTH {
            return self.refuse(start, "is nested too deeply");
        }
        for look in ["?=", "?!", "?<=", "?<!"] {
            if self.skip(look) {
                return self.refuse(start, "looks around, which has no counterpart here");
            }
        }
        if self.skip("?<") {
            self.name(start)?;
        } else if !self.skip("?:") && self.skip("?") {
            self.next();
            return self.refuse(start, "is no group of ECMA-262");
        }
        self.out.push_str("(?:");
        let weight = self.alternatives(depth + 1)?;
        if !self.skip(")") {
            return Err(PatternError::at(start, "(", "is never closed"));
        }
        self.out.push(')');
        Ok(Term::Atom(weight.max(1)))
    }

    fn name(&mut self, start: usize) -> Result<(), PatternError> {
        let first = self.at;
        while let Some(next) = self.peek() {
            let fits = next == '$'
                || next == '_'
                || next.is_ascii_alphabetic()
                || (self.at > first && next.is_ascii_digit());
            if !fits {
                break;
            }
            self.at += 1;
        }
        let name = self.since(first);
        if name.is_empty() || !self.skip(">") {
            return self.refuse(start, "has a name that is not of A-Z, a-z, 0-9, `_` and `$`");
        }
        if !self.names.insert(name) {
            return self.refuse(start, "has the name of another group");
        }
        Ok(())
    }

    fn escape(&mut self, start: usize) -> Result<Term, PatternError> {
        match self.peek() {
            Some('b') => {
                self.at += 1;
                return Ok(self.assertion(r"(?-u:\b)"));
            }
            Some('B') => {
                self.at += 1;
                return Ok(self.assertion(r"(?-u:\B)"));
            }
            _ => {}
        }
        match self.escaped(start, InClass::No)? {
            Member::One(character) => self.literal(character),
            Member::Many(set) => set.write(&mut self.out),
        }
        Ok(Term::Atom(1))
    }

    /// Reads what follows a backslash, inside a class or outside.
    fn escaped(&mut self, start: usize, in_class: InClass) -> Result<Member, PatternError> {
        let Some(letter) = self.next() else {
            return self.refuse(start, "escapes nothing");
        };
        if let Some(set) = CharSet::of_escape(letter) {
            return Ok(Member::Many(set));
        }
        let character = match letter {
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{B}',
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => '\0',
            '0'..='9' => {
                return self.refuse(
                    start,
                    "refers back to a group, or is an octal number; neither has a counterpart here",
                );
            }
            'k' => {
                return self.refuse(start, "refers back to a group, which has no counterpart here");
            }
            'p' | 'P' => {
                return self.refuse(
                    start,
                    "names a property of Unicode, whose members depend on the engine's version",
                );
            }
            'c' => match self.next().filter(char::is_ascii_alphabetic) {
                Some(letter) => char::from(letter as u8 % 32),
                None => return self.refuse(start, "is followed by no letter"),
            },
            'x' => self.hexadecimal(start, 2).map(char::from_u32)?.unwrap_or_default(),
            'u' => return self.unicode(start).map(Member::One),
            other if r"^$\.*+?()[]{}|/".contains(other) => other,
            // In Unicode mode, a hyphen is escaped in classes only.
            '-' if in_class == InClass::Yes => '-',
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => {
                self.note_plain(start);
                other
            }
            _ => return self.refuse(start, "is no escape of ECMA-262"),
        };
        Ok(Member::One(character))
    }

    fn hexadecimal(&mut self, start: usize, digits: usize) -> Result<u32, PatternError> {
        let mut number = 0;
        for _ in 0..digits {
            let Some(digit) = self.next().and_then(|next| next.to_digit(16)) else {
                return self.refuse(start, &format!("needs {digits} hexadecimal digits"));
            };
            number = number * 16 + digit;
        }
        Ok(number)
    }

    fn unicode(&mut self, start: usize) -> Result<char, PatternError> {
        const SURROGATE: &str =
            "is half of a character (a surrogate), which no text contains alone";
        if self.skip("{") {
            self.is_unicode_only = true;
            let first = self.at;
            while self.peek().is_some_and(|next| next.is_ascii_hexdigit()) {
                self.at += 1;
            }
            let digits = self.since(first);
            if digits.is_empty() || !self.skip("}") {
                return self.refuse(start, "is no code point");
            }
            let digits = digits.trim_start_matches('0');
            let number = if digits.is_empty() { Ok(0) } else { u32::from_str_radix(digits, 16) };
            return match number.map(|number| (number, char::from_u32(number))) {
                Ok((_, Some(character))) => Ok(character),
                Ok((0xD800..=0xDFFF, _)) => self.refuse(start, SURROGATE),
                _ => self.refuse(start, "is no code point"),
            };
        }
        let unit = self.hexadecimal(start, 4)?;
        if (0xD800..0xDC00).contains(&unit) && self.starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            if !self.starts_with("{") {
                let low = self.hexadecimal(start, 4)?;
                if (0xDC00..0xE000).contains(&low) {
                    self.is_unicode_only = true;
                    let pair = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                    return Ok(char::from_u32(pair).unwrap_or_default());
                }
            }
            self.at = before;
        }
        match char::from_u32(unit) {
            Some(character) => Ok(character),
            None => self.refuse(start, SURROGATE),
        }
    }

    fn class(&mut self, start: usize) -> Result<CharSet, PatternError> {
        let negated = self.skip("^");
        let mut set = CharSet::default();
        loop {
            if self.skip("]") {
                return Ok(if negated { set.complement() } else { set });
            }
            let from = self.at;
            let first = self.member(start)?;
            // A hyphen before the end is a character.
            let is_range = self.starts_with("-") && !self.starts_with("-]");
            if !is_range {
                add(&mut set, first);
                continue;
            }
            self.at += 1;
            let last = self.member(start)?;
            match (first, last) {
                (Member::One(first), Member::One(last)) if first <= last => set.add(first, last),
                (Member::One(_), Member::One(_)) => {
                    return self.refuse(from, "has its ends out of order");
                }
                // A hyphen beside a class is a character, where it is allowed at all.
                (first, last) => {
                    self.note_plain(from);
                    add(&mut set, first);
                    set.add('-', '-');
                    add(&mut set, last);
                }
            }
        }
    }

    fn member(&mut self, class: usize) -> Result<Member, PatternError> {
        let start = self.at;
        match self.next() {
            None => Err(PatternError::at(class, "[", "is never closed")),
            Some('\\') if self.skip("b") => Ok(Member::One('\u{8}')),
            Some('\\') => self.escaped(start, InClass::Yes),
            Some(other) => {
                self.note_wide(other);
                Ok(Member::One(other))
            }
        }
    }
}

fn add(set: &mut CharSet, member: Member) {
    match member {
        Member::One(character) => set.add(character, character),
        Member::Many(many) => set.extend(many),
    }
}
