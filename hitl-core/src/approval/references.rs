//! References in the arguments of a call: files, addresses, ids of files. Nobody inspected what
//! they lead to, and a card says so.
//!
//! Pure, linear in the arguments, and of bounded size. It judges by the form of a text and the name
//! of its argument, and only affects the text of a card: it never permits anything.

use hitl_base::Json;
use hitl_base::json::push_part;
use hitl_base::redact::MAX_POINTER;
use serde::{Deserialize, Serialize};

use super::ApprovalRequest;
use crate::policy::has_word;

/// The most references that are listed. Those beyond are counted.
const MAX_LISTED: usize = 32;
/// The most bytes of a path.
const MAX_PATH: usize = 4_096;
/// The most bytes of a name that are examined.
const MAX_NAME: usize = 128;
/// The most bytes of a scheme: real ones are shorter.
const MAX_SCHEME: usize = 24;
/// The most bytes of an id.
const MAX_ID: usize = 512;

/// Words in the names of arguments that hold paths.
const PATHS: &[&str] = &[
    "attachment",
    "attachments",
    "cwd",
    "dir",
    "directory",
    "file",
    "filename",
    "filenames",
    "filepath",
    "files",
    "folder",
    "path",
    "paths",
    "workdir",
];

/// Words in the names of arguments whose text may contain paths.
const COMMANDS: &[&str] =
    &["arg", "args", "argv", "cmd", "cmdline", "command", "commands", "script", "shell"];

/// Words in the names of arguments that hold ids of files.
const FILES: &[&str] = &[
    "artifact",
    "asset",
    "attachment",
    "blob",
    "doc",
    "document",
    "drive",
    "file",
    "folder",
    "image",
    "media",
    "upload",
];

/// The kind of thing that a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ReferenceKind {
    /// A file or a folder, by its path.
    Path,
    /// Something that is fetched from an address.
    Url,
    /// A file of another system, by its id.
    FileId,
}

/// An argument that refers to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reference {
    /// The argument: a JSON Pointer (RFC 6901) into the request's arguments.
    pub at: String,
    /// The kind of its target.
    pub kind: ReferenceKind,
}

/// The references in the arguments of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct References {
    /// The listed references, in the order of the arguments.
    pub listed: Vec<Reference>,
    /// The number of references beyond those that are listed.
    pub more: usize,
}

impl ApprovalRequest {
    /// Returns the references in the arguments that nobody inspected: paths, addresses and ids of
    /// files, except those whose contents the gate has [read](Self::contents).
    ///
    /// Goes by the form of the text and the name of the argument, so the result is not complete.
    pub fn references(&self) -> References {
        let Ok(tree) = self.arguments.tree() else { return References::default() };
        self.references_in(&tree)
    }

    /// Does the same for these arguments of the request.
    pub(crate) fn references_in(&self, arguments: &Json) -> References {
        let mut found = references(arguments);
        found.listed.retain(|one| self.contents.iter().all(|content| content.at != one.at));
        found
    }
}

/// Returns the references in some arguments.
pub(crate) fn references(arguments: &Json) -> References {
    let mut found = References::default();
    look(arguments, "", &mut String::new(), &mut found);
    found
}

fn look(tree: &Json, name: &str, at: &mut String, found: &mut References) {
    match tree {
        Json::String(text) => found.add(at, kind_of(name, text)),
        Json::Number(_) if is_file_id(name) => found.add(at, Some(ReferenceKind::FileId)),
        Json::Array(items) => {
            let depth = at.len();
            for (index, item) in items.iter().enumerate() {
                step(at, &index.to_string());
                look(item, name, at, found);
                at.truncate(depth);
            }
        }
        Json::Object(entries) => {
            let depth = at.len();
            for (key, value) in entries {
                step(at, key);
                // A key may itself be a reference.
                found.add(at, kind_of("", key));
                look(value, key, at, found);
                at.truncate(depth);
            }
        }
        _ => {}
    }
}

/// Appends one step, as long as the place can be named: a key may be as long as a document.
fn step(at: &mut String, part: &str) {
    if at.len() + part.len() <= MAX_POINTER {
        push_part(at, part);
    } else {
        at.push_str(&" ".repeat(MAX_POINTER.saturating_sub(at.len()) + 1));
    }
}

impl References {
    fn add(&mut self, at: &str, kind: Option<ReferenceKind>) {
        let Some(kind) = kind else { return };
        if self.listed.len() < MAX_LISTED && at.len() <= MAX_POINTER {
            self.listed.push(Reference { at: at.to_owned(), kind });
        } else {
            self.more += 1;
        }
    }
}

/// Returns what a text under this name refers to.
fn kind_of(name: &str, text: &str) -> Option<ReferenceKind> {
    let whole = text.trim();
    if whole.is_empty() {
        return None;
    }
    if let Some(kind) = has_address(whole) {
        return Some(kind);
    }
    if is_file_id(name) {
        let id = whole.len() <= MAX_ID && !whole.contains(char::is_whitespace);
        return id.then_some(ReferenceKind::FileId);
    }
    let name = name.get(..name.len().min(MAX_NAME)).unwrap_or_default();
    let in_words = || {
        has_word(name, COMMANDS)
            && whole.split(ends_word).any(|word| is_rooted(word) && word.len() > 1)
    };
    let is_path =
        looks_like_a_path(whole) || (has_word(name, PATHS) && may_be_a_path(whole)) || in_words();
    is_path.then_some(ReferenceKind::Path)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '`' | '=' | ';' | '|' | '&' | '<' | '>' | '(' | ')')
}

/// Returns the kind of the first address (`https://..`) in a text, if there is one. A `file:`
/// address is a path.
fn has_address(text: &str) -> Option<ReferenceKind> {
    if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
        return Some(ReferenceKind::Path);
    }
    text.match_indices("://").find_map(|(seam, _)| {
        let before = text[..seam].bytes().rev().take(MAX_SCHEME);
        let scheme = before.take_while(|b| b.is_ascii_alphanumeric() || b"+.-".contains(b)).count();
        let scheme = &text[seam - scheme..seam];
        let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        let goes_on = text[seam + 3..].starts_with(|c: char| !c.is_whitespace());
        let is_file = scheme.eq_ignore_ascii_case("file");
        let kind = if is_file { ReferenceKind::Path } else { ReferenceKind::Url };
        (named && goes_on).then_some(kind)
    })
}

/// Returns whether an argument of this name holds the id of a file.
fn is_file_id(name: &str) -> bool {
    let name = name.get(..name.len().min(MAX_NAME)).unwrap_or_default();
    has_word(name, FILES) && ends_in_id(name)
}

fn ends_in_id(name: &str) -> bool {
    let name = name.trim_end_matches(['_', '-']);
    let name = name.strip_suffix(['s', 'S']).unwrap_or(name);
    let Some(before) = name.len().checked_sub(2) else { return false };
    match (name.get(before..), name.get(..before).and_then(|rest| rest.chars().last())) {
        (Some("Id" | "ID"), Some(_)) => true,
        (Some("id"), Some(last)) => !last.is_alphanumeric(),
        _ => false,
    }
}

/// Returns whether a text is a path, under any argument name. A sentence with a slash is not.
fn looks_like_a_path(text: &str) -> bool {
    if text.len() > MAX_PATH || text.contains(char::is_control) {
        return false;
    }
    let first = text.split(char::is_whitespace).next().unwrap_or_default();
    let is_one_word = first.len() == text.len();
    if is_rooted(first) {
        // `/remind me` is not a path; `/home/ann/My Documents` is.
        let steps = first.matches(['/', '\\']).count();
        return steps >= 2 || (is_one_word && first.chars().any(char::is_alphabetic));
    }
    is_one_word && is_relative(text)
}

/// Returns whether a word starts like a path: at the root, the home directory, the current
/// directory, or a drive.
fn is_rooted(word: &str) -> bool {
    let mut chars = word.chars();
    let (first, second, third) = (chars.next(), chars.next(), chars.next());
    let is_separator = |c: Option<char>| matches!(c, Some('/' | '\\'));
    match (first, second) {
        (Some('/'), Some(second)) => second != '>' && second != '*',
        (Some('\\'), Some('\\')) => third.is_some(),
        (Some('~'), second) => {
            is_separator(second)
                || word[1..].split_once('/').is_some_and(|(user, _)| {
                    !user.is_empty() && user.chars().all(|c| c.is_alphanumeric() || c == '_')
                })
        }
        (Some('.'), Some('.')) => is_separator(third),
        (Some('.'), second) => is_separator(second),
        (Some(drive), Some(':')) => drive.is_ascii_alphabetic() && is_separator(third),
        _ => false,
    }
}

/// Returns whether a word is a relative path, judged by its steps and the extension of the last
/// one: `src/main.rs`.
fn is_relative(word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '@');
    let Some((folders, name)) = word.rsplit_once(['/', '\\']) else { return false };
    let steps = folders.split(['/', '\\']);
    let named = steps.into_iter().all(|step| !step.is_empty() && step.chars().all(is_part));
    named && name.chars().all(is_part) && has_ending(name)
}

fn has_ending(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty()
            && matches!(ending.len(), 1..=8)
            && ending.starts_with(|c: char| c.is_ascii_alphabetic())
            && ending.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// Returns whether a text can be a path, given that the name of its argument says that it is one.
fn may_be_a_path(text: &str) -> bool {
    let sentence =
        text.contains(char::is_whitespace) && !text.contains(['/', '\\']) && !has_ending(text);
    text.len() <= MAX_PATH && !text.contains(char::is_control) && !sentence
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use hitl_base::json::parse_json;
    use proptest::prelude::*;

    use super::*;

    fn kind(name: &str, text: &str) -> Option<ReferenceKind> {
        kind_of(name, text)
    }

    #[test]
    fn invariant_9_what_refers_to_something_is_found() {
        for text in [
            "/etc/passwd",
            "/etc",
            "/home/ann/My Documents/plan.pdf",
            "~/.ssh/id_ed25519",
            "~ann/notes",
            "./run.sh",
            "../../secrets.env",
            r"C:\Users\ann\x.txt",
            "c:/temp",
            r"\\server\share\x",
            r"..\x",
            "src/main.rs",
            r"src\main.rs",
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "see file:///etc/passwd",
        ] {
            assert_eq!(kind("text", text), Some(ReferenceKind::Path), "{text}");
        }
        for (name, text) in [
            ("path", "notes"),
            ("filename", "My plan.pdf"),
            ("output_dir", "out"),
            ("attachments", "a.pdf"),
            ("command", "cat /etc/passwd | mail x"),
            ("cmd", "source=~/.bashrc"),
            ("script", "bash ./run.sh"),
        ] {
            assert_eq!(kind(name, text), Some(ReferenceKind::Path), "{name} {text}");
        }
        for text in [
            "https://example.com/x?y=1",
            "Please read http://example.com today",
            "s3://bucket/key",
            "(ftp://x)",
            "git+ssh://host/repo.git",
        ] {
            assert_eq!(kind("text", text), Some(ReferenceKind::Url), "{text}");
        }
        for name in ["file_id", "fileId", "document-id", "driveItemId", "attachmentIDs", "doc_ids"]
        {
            assert_eq!(kind(name, "1AbC"), Some(ReferenceKind::FileId), "{name}");
        }
    }

    #[test]
    fn what_only_has_a_slash_or_a_name_refers_to_nothing() {
        for text in [
            "and/or",
            "Pay 1/2 now and/or later.",
            "01/02/2024",
            "text/html",
            "application/ld+json",
            "application/vnd.ms-excel",
            "Europe/Vienna",
            "n/a",
            "/remind me to buy milk and/or bread",
            "/10",
            "/",
            "a ./b",
            "</div>",
            "/* comment */",
            "://x",
            "12://x",
            "https:// nothing",
            "~5 people",
            "...",
            "C: drive",
            "3.5/4.5",
            "hello",
            "",
        ] {
            assert_eq!(kind("text", text), None, "{text}");
        }
        for (name, text) in [
            ("profile", "ann"),
            ("file", "This is what the file says"),
            ("paid", "17"),
            ("user_id", "17"),
            ("video", "17"),
            ("hybrid", "x"),
            ("command", "git status"),
            ("file_id", "two words"),
        ] {
            assert_eq!(kind(name, text), None, "{name} {text}");
        }
    }

    #[test]
    fn places_are_named_and_what_is_too_much_is_counted() {
        let tree = parse_json(
            r#"{"files":["a.txt",{"url":"https://x.org"}],"by":{"/etc/hosts":1},"fileId":7}"#,
        )
        .unwrap();
        let found = references(&tree);
        let places: Vec<_> = found.listed.iter().map(|one| (&*one.at, one.kind)).collect();
        assert_eq!(
            places,
            [
                ("/files/0", ReferenceKind::Path),
                ("/files/1/url", ReferenceKind::Url),
                ("/by/~1etc~1hosts", ReferenceKind::Path),
                ("/fileId", ReferenceKind::FileId),
            ]
        );
        let many = Json::Array(vec![Json::String("/etc/x".to_owned()); MAX_LISTED + 5]);
        assert_eq!((references(&many).listed.len(), references(&many).more), (MAX_LISTED, 5));
        let long = Json::Object(vec![(format!("/a/{}", "x".repeat(MAX_POINTER)), many)]);
        assert_eq!(references(&long).listed.len(), 0);
    }

    /// Texts that make a search restart repeatedly.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "/", "\\", "://", "a", ".", "..", "~", "C:", " ", "file:", "+", "x.y", "\u{301}", "id",
        ]);
        prop::collection::vec(pieces, 1..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at(name in ".{0,20}", text in ".{0,200}", odd in hostile()) {
            let _ = (kind(&name, &text), kind(&name, &odd), kind(&odd, &text));
        }
    }

    /// The ratio of the time for one long text to that for the same amount of short texts.
    fn excess(name: &str, piece: &str) -> f64 {
        const TIMES: usize = 16;
        let short = piece.repeat(8 * 1024 / piece.len());
        let long = short.repeat(TIMES);
        let cost = |text: &str, times: usize| {
            let began = Instant::now();
            (0..times).for_each(|_| {
                std::hint::black_box(kind(name, std::hint::black_box(text)));
            });
            began.elapsed().as_secs_f64()
        };
        let (mut shorts, mut longs) = (f64::INFINITY, f64::INFINITY);
        // Other processes use the machine too, so the shortest of several runs counts.
        for _ in 0..100 {
            shorts = shorts.min(cost(&short, TIMES));
            longs = longs.min(cost(&long, 1));
            if longs < 2.0 * shorts {
                break;
            }
        }
        // A text that is classified by its length alone takes no measurable time.
        if longs < 0.001 { 0.0 } else { longs / shorts }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_time_grows_with_the_text_and_no_faster(piece in hostile()) {
            for name in ["text", "path", "command", "file_id"] {
                let excess = excess(name, &piece);
                prop_assert!(excess < 4.0, "{name} {piece:?}: {excess}");
            }
        }
    }
}
