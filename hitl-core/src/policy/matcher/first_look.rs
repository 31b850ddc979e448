//! A fast check of a call's arguments: whether they certainly name none of the gate's own files.
//! One pass over the bytes, which pays 18 % of the time of "auto call, read-only, small"
//! (`cargo xtask bench auto_call`). Pure.
//!
//! It may return `false` for a text that names none of them: then the full check runs. It never
//! returns `true` for one that does.

use super::own_files::COMMAND_NAMES;
use super::plain::PATH_NAMES;

/// The names that begin with one byte.
#[derive(Clone, Debug, Default)]
struct Begins {
    /// Names of files, and of folders to which relative paths are relative, in lower case.
    files: Box<[String]>,
    /// Words in the names of arguments that are paths or commands.
    words: Box<[&'static str]>,
}

/// The names to search for, by their first byte.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstLook(Box<[Begins]>);

impl FirstLook {
    /// Returns a check for these names, which must be in lower case.
    pub(super) fn new(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        names.dedup();
        let of = |byte: u8| {
            let begins = |name: &str| {
                name.bytes().next().is_some_and(|first| first.eq_ignore_ascii_case(&byte))
            };
            let words = PATH_NAMES.iter().chain(COMMAND_NAMES).copied();
            Begins {
                files: names.iter().filter(|name| begins(name)).cloned().collect(),
                words: words.filter(|word| begins(word)).collect(),
            }
        };
        Self((0..=u8::MAX).map(of).collect())
    }

    /// Returns whether the JSON text of a call's arguments certainly names none.
    pub(super) fn is_clear(&self, arguments: &str) -> bool {
        let bytes = arguments.as_bytes();
        // The start of the current string.
        let mut inside: Option<usize> = None;
        for (at, byte) in bytes.iter().enumerate() {
            match (byte, inside) {
                (b'"', None) => inside = Some(at + 1),
                // A string is never left at an escaped quote: a backslash is already a sign.
                (b'"', Some(from)) => {
                    inside = None;
                    let next = bytes[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
                    if next == Some(&b':') && self.is_path_or_command(&bytes[from..at]) {
                        return false;
                    }
                }
                (_, None) => {}
                (_, Some(_)) => {
                    if is_sign(bytes, at) || self.begins_name(bytes, at) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Returns whether one text of the arguments certainly names none, if its argument is not named
    /// like a path or a command.
    pub(super) fn is_clear_text(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        (0..bytes.len()).all(|at| !is_sign(bytes, at) && !self.begins_name(bytes, at))
    }

    /// Returns whether one of the names begins here, possibly with shell quotes inside.
    fn begins_name(&self, bytes: &[u8], at: usize) -> bool {
        let Some(begins) = self.0.get(usize::from(bytes[at])) else { return false };
        begins.files.iter().any(|name| {
            let mut there = bytes[at..].iter().filter(|b| !matches!(b, b'\'' | b'^' | b'`'));
            name.bytes().all(|b| there.next().is_some_and(|there| there.eq_ignore_ascii_case(&b)))
        })
    }

    /// Returns whether an argument of this name is a path or a command: agrees with `has_word`.
    fn is_path_or_command(&self, name: &[u8]) -> bool {
        let starts = |at: usize| {
            at == 0
                || !name[at - 1].is_ascii_alphanumeric()
                || (name[at].is_ascii_uppercase() && name[at - 1].is_ascii_lowercase())
        };
        let ends = |at: usize| {
            at == name.len()
                || !name[at].is_ascii_alphanumeric()
                || (name[at].is_ascii_uppercase() && name[at - 1].is_ascii_lowercase())
        };
        (0..name.len()).filter(|at| starts(*at)).any(|at| {
            let Some(begins) = self.0.get(usize::from(name[at])) else { return false };
            begins.words.iter().any(|word| {
                let there = name.get(at..at + word.len());
                there.is_some_and(|there| there.eq_ignore_ascii_case(word.as_bytes()))
                    && ends(at + word.len())
            })
        })
    }
}

/// Returns whether a sign begins here. Text without signs is no path of several segments, no shell
/// pattern and no disguise of a name. Signs beyond ASCII are the characters that are invisible, or
/// that file systems or hitl read as ASCII.
fn is_sign(bytes: &[u8], at: usize) -> bool {
    let next = || bytes.get(at + 1).copied().unwrap_or_default();
    match bytes[at] {
        0xC2 => next() <= 0xA0 || next() == 0xAD,
        0xC4 | 0xDB => next() == 0xB0,
        0xC5 => next() == 0xBF,
        0xCB => next() == 0x90,
        0xCD => next() == 0x8F,
        0xD8 => next() == 0x9C,
        0xD9 => next() == 0xA0,
        0xE4 => next() == 0xB8,
        0xEA => next() == 0x9E,
        byte => {
            matches!(byte, b'/' | b'\\' | b'%' | b'~' | b'*' | b'?' | b'[' | b'{' | b'$')
                || matches!(byte, 0xE1 | 0xE2 | 0xE3 | 0xEF | 0xF0 | 0xF3)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain::has_word;
    use super::super::{ascii_of, undisguised};
    use super::*;
    use proptest::prelude::*;

    fn look() -> FirstLook {
        FirstLook::new(vec!["hitl.db".to_owned(), "conf".to_owned()])
    }

    #[test]
    fn ordinary_calls_are_clear() {
        for arguments in [
            r#"{"to":"bob","amount":12.5,"note":"she should finish the show; don't rush"}"#,
            r#"{"items":[{"title":"Profile of a cashier"}],"text":"a, b: c (d) & e"}"#,
            r#"{"text":"Grüße aus München, привет"}"#,
            r#"{"subject":"Re: the script of the root folder, and its output"}"#,
            r#"{"profile":"x","cashier":1,"finished":true}"#,
        ] {
            assert!(look().is_clear(arguments), "{arguments}");
        }
    }

    #[test]
    fn names_signs_paths_and_commands_are_not() {
        for arguments in [
            r#"{"note":"hitl.db"}"#,
            r#"{"note":"hi''tl.db"}"#,
            r#"{"note":"HI^TL.DB"}"#,
            r#"{"note":"a hitl.[d]b"}"#,
            r#"{"note":"{hitl,x}.db"}"#,
            r#"{"note":"$X"}"#,
            r#"{"hitl.db":1}"#,
            r#"{"outFile":"x"}"#,
            r#"{"out-file" : "x"}"#,
            r#"{"a":[{"sh":"x"}]}"#,
            r#"{"note":"a \" hit"}"#,
        ] {
            assert!(!look().is_clear(arguments), "{arguments}");
        }
    }

    /// Every character from which a disguise is removed is a sign here.
    #[test]
    fn every_character_that_is_read_as_another_is_a_sign() {
        for c in ('\u{80}'..=char::MAX).filter(|c| !hitl_base::display::is_unseen(*c)) {
            let folded = c.to_lowercase().any(|c| c.is_ascii());
            if ascii_of(c) != c || folded {
                let text = c.to_string();
                assert!(is_sign(text.as_bytes(), 0), "{:x}", u32::from(c));
            }
        }
        // Characters that macOS file systems ignore in names, and other invisible ones.
        for c in
            "\u{AD}\u{34F}\u{61C}\u{180E}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{202A}\u{202E}\
                  \u{2060}\u{206A}\u{206F}\u{FE0F}\u{FEFF}\u{E0001}\u{A0}\u{85}"
                .chars()
        {
            assert!(is_sign(c.to_string().as_bytes(), 0), "{:x}", u32::from(c));
            assert_eq!(undisguised(&format!("a{c}b")), "ab", "{:x}", u32::from(c));
        }
    }

    proptest! {
        #[test]
        fn names_of_arguments_are_read_as_everywhere(name in "(path|file|sh|out|Path|File|SH|_|-|x|É| ){1,5}") {
            let is = has_word(&name, PATH_NAMES) || has_word(&name, COMMAND_NAMES);
            let looked = look().is_path_or_command(name.as_bytes());
            prop_assert!(looked || !is, "{}", name);
            prop_assert!(!name.is_ascii() || looked == is, "{}", name);
        }
    }
}
