//! Plain text: text that nothing interprets.

/// Returns whether text means what its letters say to every reader: a shell, a file system, a
/// browser, a database, a terminal.
///
/// An allowlist, so that unforeseen characters are excluded: ASCII letters and digits, the letters
/// of Latin languages, single spaces inside, and `_ - . , : @ +`. Not two dots together, no sign at
/// the beginning of a word, no dot at the end, and after a colon a space or a digit: the other
/// forms are path segments, options, schemes, streams and file names.
pub(crate) fn is_plain(text: &str) -> bool {
    let mut before = ' ';
    for c in text.chars() {
        let fits = match c {
            '.' => !matches!(before, ' ' | '.'),
            ' ' | '-' | '+' | ':' | ',' | '@' => before != ' ',
            '_' => true,
            c => is_plain_letter(c),
        };
        if !fits || (before == ':' && c != ' ' && !c.is_ascii_digit()) {
            return false;
        }
        before = c;
    }
    text.is_empty() || !matches!(before, ' ' | '.' | ':')
}

/// Returns whether a name (of a tool, a principal, a role, a tenant) uses only characters that
/// cannot be mistaken for others.
pub(crate) fn has_plain_letters(name: &str) -> bool {
    name.chars().all(|c| is_plain_letter(c) || c.is_ascii_graphic() || c == ' ')
}

/// Returns whether a character is an ASCII letter or digit, or a letter of a Latin language. None
/// of them looks like another character, and none becomes ASCII when the text is normalised.
pub(super) fn is_plain_letter(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        // Multiplication and division signs; a dotless i, ligatures, a middle dot, an apostrophe:
        // forms of other letters. The long s ends the range.
        '\u{D7}'
        | '\u{F7}'
        | '\u{131}'..='\u{133}'
        | '\u{138}'
        | '\u{13F}'
        | '\u{140}'
        | '\u{149}' => false,
        c => ('\u{C0}'..='\u{17E}').contains(&c),
    }
}

/// Words in the names of tools that execute their input.
const INTERPRETERS: &[&str] = &[
    "bash",
    "cmd",
    "command",
    "commands",
    "console",
    "eval",
    "exec",
    "execute",
    "interpreter",
    "javascript",
    "node",
    "perl",
    "php",
    "powershell",
    "pwsh",
    "python",
    "repl",
    "ruby",
    "script",
    "sh",
    "shell",
    "sql",
    "ssh",
    "subprocess",
    "terminal",
    "zsh",
];

/// Words in the names of arguments that an interpreter reads.
const INTERPRETED: &[&str] = &[
    "arguments",
    "argv",
    "bash",
    "cmd",
    "cmdline",
    "code",
    "command",
    "commandline",
    "commands",
    "eval",
    "exec",
    "expr",
    "expression",
    "flags",
    "javascript",
    "jq",
    "line",
    "lua",
    "powershell",
    "program",
    "python",
    "query",
    "run",
    "script",
    "sh",
    "shell",
    "snippet",
    "source",
    "sql",
    "statement",
    "statements",
    "stdin",
    "template",
    "xpath",
];

/// Words in the names of arguments that are paths of files.
pub(crate) const PATH_NAMES: &[&str] = &[
    "cwd",
    "destination",
    "dir",
    "directory",
    "file",
    "filename",
    "filepath",
    "files",
    "folder",
    "output",
    "path",
    "paths",
    "root",
    "workdir",
];

/// Returns whether a shell, a database or another interpreter reads the text of an argument, as far
/// as the names of the tool and of the argument tell. `path` is written as in a rule.
///
/// To such a reader, text without any sign is a program too: `git clean` has none.
pub(crate) fn is_for_an_interpreter(tool: &str, path: &str) -> bool {
    has_word(tool, INTERPRETERS) || has_word(path, INTERPRETED) || has_word(path, INTERPRETERS)
}

/// Returns whether one of the words of a name is on a list: `run_shell`, `runShell`, `RUN-SHELL`.
pub(crate) fn has_word(name: &str, list: &[&str]) -> bool {
    let mut word = String::new();
    let mut lower = false;
    for c in name.chars().chain(['_']) {
        let ends = !c.is_alphanumeric() || (c.is_uppercase() && lower);
        if ends && !word.is_empty() {
            if list.contains(&word.as_str()) {
                return true;
            }
            word.clear();
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_plain() {
        for text in [
            "",
            "pay",
            "Trip to Berlin",
            "invoice 42",
            "Müller, Jürgen",
            "a.b",
            "user@example.com",
            "10:30",
            "snake_case",
            "v1.2.3",
            "Łódź",
            "shop-1",
            "a, b",
            "Re: hello",
            "a+b@example.com",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn invariant_5_text_with_syntax_is_not_plain() {
        for text in HOSTILE {
            assert!(!is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn interpreters_are_known_by_their_names() {
        for (tool, path) in [
            ("run_shell", "line"),
            ("bash", "x"),
            ("runCommand", "x"),
            ("t", "command"),
            ("t", "args.cmd"),
            ("t", "sqlQuery"),
            ("t", "steps[*].script"),
            ("SQL", "q"),
        ] {
            assert!(is_for_an_interpreter(tool, path), "{tool} {path}");
        }
        for (tool, path) in [("pay", "to"), ("send_mail", "subject"), ("flush", "commander")] {
            assert!(!is_for_an_interpreter(tool, path), "{tool} {path}");
        }
    }

    proptest! {
        #[test]
        fn invariant_5_no_text_with_a_character_that_is_interpreted_is_plain(
            before in "[a-z ]{0,8}",
            sign in "[^a-zA-Z0-9 _.,:@+\u{C0}-\u{17E}-]",
            after in "[a-z ]{0,8}",
        ) {
            let text = format!("{before}{sign}{after}");
            prop_assert!(!is_plain(&text), "{:?}", text);
        }
    }

    const HOSTILE: &[&str] = &[
        "git status; rm -rf x",
        "git status\nrm x",
        "a\rb",
        "a\tb",
        "a && b",
        "a | b",
        "a > b",
        "a < b",
        "$(id)",
        "`id`",
        "${IFS}",
        "$HOME",
        "a & b",
        "!!",
        "a*",
        "a?b",
        "[a]",
        "{a,b}",
        "(a)",
        "~root",
        "#x",
        "'a'",
        "\"a\"",
        "a\\b",
        "a/b",
        "..",
        "a/../b",
        "a..b",
        "%2e%2e",
        "a%00",
        "a\u{0}b",
        "a\u{7}",
        "a\u{200B}b",
        "a\u{202E}b",
        "\u{FEFF}a",
        "a\u{AD}b",
        "\u{FF0E}\u{FF0E}",
        "a\u{2215}b",
        "a\u{2044}b",
        "a\u{37E}b",
        "p\u{430}y",
        "\u{212A}elvin",
        "git -c x=y",
        "-rf",
        "a --force",
        " a",
        "a ",
        "a  b",
        "a.",
        ".git",
        "a .b",
        "C:.",
        "a:@b",
        "\u{17F}h",
        "a\u{A0}b",
        "a\u{2028}b",
        "\u{1D41A}",
        "e\u{301}",
        "a^b",
        "a^M",
        "<a>",
        "@file",
        "+x",
        ":a",
        "=cmd",
        "A=b c",
        "javascript:x",
        "git@host:x",
        "a:b",
        "x:",
        "a\u{D7}b",
    ];
}
