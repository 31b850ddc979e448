//! Names, exact or with wildcards, compiled once.

/// A name pattern: `*` is any text, `?` is any one character, `\` takes the next character as it
/// is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Exact(Box<str>),
    Glob(Box<[Piece]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Char(char),
    One,
    Any,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => Piece::Char(chars.next().unwrap_or('\\')),
                c => Piece::Char(c),
            });
        }
        let plain: Option<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Char(c) => Some(*c),
                _ => None,
            })
            .collect();
        plain.map_or_else(|| Self::Glob(pieces.into()), |name| Self::Exact(name.into()))
    }

    pub(super) fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(name) => Some(name),
            Self::Glob(_) => None,
        }
    }

    /// Returns whether it matches every name.
    pub(crate) fn is_any(&self) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Glob(pieces) => pieces.iter().all(|piece| *piece == Piece::Any),
        }
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *name,
            Self::Glob(pieces) => glob(pieces, name),
        }
    }
}

/// Matches a glob. Linear in the name for one star, and at most the product of both lengths: on a
/// mismatch only the last star takes one character more.
fn glob(pieces: &[Piece], name: &str) -> bool {
    let (mut at, mut rest) = (0, name);
    let mut star: Option<(usize, &str)> = None;
    loop {
        let step = match (pieces.get(at), rest.chars().next()) {
            (Some(Piece::Any), _) => {
                star = Some((at + 1, rest));
                at += 1;
                continue;
            }
            (None, None) => return true,
            (Some(Piece::One), Some(c)) => Some(c),
            (Some(Piece::Char(wanted)), Some(c)) if *wanted == c => Some(c),
            _ => None,
        };
        if let Some(c) = step {
            at += 1;
            rest = &rest[c.len_utf8()..];
            continue;
        }
        // The last star takes one character more.
        let Some((after, from)) = star else { return false };
        let Some(c) = from.chars().next() else { return false };
        rest = &from[c.len_utf8()..];
        star = Some((after, rest));
        at = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_mean_what_people_expect() {
        for (pattern, name, expected) in [
            ("pay", "pay", true),
            ("pay", "Pay", false),
            ("pay_*", "pay_bob", true),
            ("pay_*", "pay_", true),
            ("*_pay", "repay", false),
            ("*a*b*", "xaxbx", true),
            ("*a*b", "aab", true),
            ("?", "é", true),
            ("??", "é", false),
            ("", "", true),
            ("*", "", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_glob_is_the_regular_expression_it_reads_as(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            let expression: String = pattern.chars().map(|c| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                c => c.to_string(),
            }).collect();
            let expected = regex::Regex::new(&format!("^(?:{expression})$")).unwrap().is_match(&name);
            prop_assert_eq!(Pattern::new(&pattern).matches(&name), expected);
        }
    }
}
