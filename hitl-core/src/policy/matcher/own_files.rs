//! The gate's own files: its policy, store, key, audit. A call that names one of them, or a folder
//! above one, is reviewed in full, whatever the rules and the grants allow: if it changed them, it
//! would decide about the next call.
//!
//! Pure. Links cannot be followed here: a driver (`gate/contents/file_lookup.rs`) receives the
//! paths that a call names, resolves them, and asks again with the results.

use std::borrow::Cow;
use std::path::{Component, Path as FsPath, PathBuf};

use hitl_base::Json;

use super::file_path::{Base, guess};
use super::first_look::FirstLook;
use super::glob::{Case, SegmentGlob};
use super::plain::{PATH_NAMES, has_word};
use super::spelling::{is_quoted, unescaped, unquoted};
use super::undisguised;

/// The most paths of one call that are looked up.
pub(crate) const MAX_PATHS: usize = 256;

/// Words in the names of arguments that a shell reads.
pub(super) const COMMAND_NAMES: &[&str] = &[
    "argv",
    "bash",
    "cmd",
    "cmdline",
    "command",
    "commandline",
    "commands",
    "script",
    "sh",
    "shell",
];

/// The gate's own files.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnFiles {
    files: Vec<OwnFile>,
    /// The working folder of this process.
    here: Vec<String>,
    home: Option<Vec<String>>,
    first_look: FirstLook,
}

#[derive(Clone, Debug)]
struct OwnFile {
    /// The segments of its absolute path, in lower case.
    steps: Vec<String>,
    /// The path as displayed to people.
    shown: String,
}

/// The relation of a call to the gate's own files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// The own file that it names, directly or by a folder above.
    pub(crate) file: Option<String>,
    /// Other paths that it names, which may be links.
    pub(crate) paths: Vec<PathBuf>,
    /// True if there are more paths than are looked up.
    pub(crate) too_many: bool,
}

/// The role of a text in the arguments.
#[derive(Clone, Copy)]
struct Part {
    /// True if its argument is named like a file or a command.
    is_path: bool,
    /// True if the text is the whole argument.
    is_whole: bool,
    /// True if the tool only reads.
    read_only: bool,
}

impl OwnFiles {
    /// Returns the set of these files, for a process whose working folder is `here` and whose
    /// user's home is `home`. Paths are absolute, with their links resolved as far as the caller
    /// can.
    pub(crate) fn new(files: &[PathBuf], here: Option<&FsPath>, home: Option<&FsPath>) -> Self {
        let mut own: Vec<OwnFile> = files
            .iter()
            .map(|file| OwnFile { steps: steps_of(file), shown: file.display().to_string() })
            .filter(|file| !file.steps.is_empty())
            .collect();
        own.sort_by(|a, b| a.steps.cmp(&b.steps));
        own.dedup_by(|a, b| a.steps == b.steps);
        let here = here.map(steps_of).unwrap_or_default();
        let mut bare: Vec<String> = Vec::new();
        for file in &own {
            let below = file.steps.strip_prefix(here.as_slice()).unwrap_or(&[]);
            bare.extend(below.first().into_iter().chain(file.steps.last()).cloned());
        }
        Self { files: own, here, home: home.map(steps_of), first_look: FirstLook::new(bare) }
    }

    /// Returns whether there are no files, or the JSON text of a call's arguments certainly names
    /// none of them: one pass over its bytes.
    pub(crate) fn surely_unnamed(&self, arguments: &str) -> bool {
        self.files.is_empty() || self.first_look.is_clear(arguments)
    }

    /// Returns the files and paths that the arguments of a call name. A tool that only reads may
    /// name a folder above.
    pub(crate) fn named_in(&self, arguments: &Json, read_only: bool) -> Named {
        let mut named = Named::default();
        if self.files.is_empty() {
            return named;
        }
        each_text(None, arguments, &mut |key, text| {
            let is = |names| key.is_some_and(|key| has_word(key, names));
            let (is_path, is_command) = (is(PATH_NAMES), is(COMMAND_NAMES));
            let is_short = text.len() <= super::MAX_TEXT_BYTES;
            // No system opens a longer path, but a program may normalise one first.
            named.too_many |= is_path && !is_short;
            let mut look_at = |word: &str, is_path: bool| {
                let part = Part { is_path, is_whole: word == text, read_only };
                self.look_at(word, part, &mut named);
                // In a longer text, words that look like paths are not opened as files.
                if is_short && (is_path || word.contains(['/', '\\', '%'])) {
                    named.look_up(word);
                }
            };
            if is_short {
                look_at(text, is_path);
            }
            each_word(text, text, is_command, &mut look_at);
            // Also as a shell reads it, and as a reader of escapes does.
            if is_quoted(text) {
                each_word(&unquoted(text), text, is_command, &mut look_at);
            }
            if let Some(plain) = unescaped(text) {
                each_word(&plain, text, is_command, &mut look_at);
            }
        });
        named
    }

    /// Returns the files as displayed to people.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.shown.as_str())
    }

    /// Returns the own file that this path, with all links resolved, is or is above.
    pub(crate) fn resolved(&self, path: &FsPath, read_only: bool) -> Option<&str> {
        let steps = steps_of(path);
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        self.files.iter().find(|file| file.is(&steps, read_only)).map(|file| file.shown.as_str())
    }

    fn look_at(&self, text: &str, part: Part, named: &mut Named) {
        let Part { is_path, is_whole, read_only } = part;
        if named.file.is_some() || !is_path && self.first_look.is_clear_text(text) {
            return;
        }
        let plain = undisguised(text).to_lowercase();
        let (path, clear) = guess(&plain);
        // Folders that every shell knows.
        let (base, steps) = match path.steps.split_first() {
            Some((&("$home" | "${home}"), below)) => (Base::Home, below),
            Some((&("$pwd" | "${pwd}" | "~+"), below)) => (Base::Here, below),
            _ => (path.base, path.steps.as_slice()),
        };
        let absolute = match base {
            Base::Root => steps.to_vec(),
            Base::Here => below(&self.here, steps),
            Base::Home => below(self.home.as_deref().unwrap_or_default(), steps),
        };
        // A word is a folder only if it is written like a path or its argument is named like one.
        let written = text.contains(['/', '\\', '%']) && (is_whole || !steps.is_empty());
        let folders = !read_only && (is_path || written);
        let relative = base != Base::Root || !clear;
        let wild = |step: &&str| step.chars().all(|c| c == '*');
        // `*` alone is a file pattern only in an argument for files.
        let pattern = is_path || !steps.iter().all(wild);
        // A web page is not a file.
        let web = plain.starts_with("https://") || plain.starts_with("http://");
        // The part after an unknown folder: `~ann/x`, `$DIR/x`.
        let unknown =
            steps.iter().rposition(|step| step.starts_with('~') || step.contains(['$', '`', '%']));
        let known = unknown.map(|at| &steps[at + 1..]).filter(|rest| !rest.is_empty());
        let found = self.files.iter().find(|file| {
            file.is(&absolute, !folders)
                || (!web && file.is_inside(steps, !folders))
                || (pattern && file.matches_glob(&absolute))
                || (relative && file.ends_with(steps))
                || known.is_some_and(|rest| file.ends_with(rest))
                || (relative && pattern && file.matches_glob_at_end(steps))
                // `-ofile`: an option and its value in one word.
                || (text.starts_with('-') && file.steps.last().is_some_and(|it| plain.ends_with(it)))
        });
        named.file = found.map(|file| file.shown.clone());
    }
}

impl Named {
    /// Queues a path to be looked up, as written and without its disguise.
    fn look_up(&mut self, text: &str) {
        if self.file.is_some() {
            return;
        }
        let plain = undisguised(text);
        // `file:///x`, and `file://localhost/x`.
        let url = plain.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("file://"));
        let plain =
            url.and_then(|_| plain[7..].find('/').map(|at| &plain[7 + at..])).unwrap_or(&plain);
        for path in [text, plain] {
            let path = FsPath::new(path);
            if path.to_string_lossy().contains("://") || self.paths.iter().any(|it| it == path) {
                continue;
            }
            if self.paths.len() >= MAX_PATHS {
                self.too_many = true;
                return;
            }
            self.paths.push(path.to_owned());
        }
    }
}

fn below<'s>(root: &'s [String], steps: &[&'s str]) -> Vec<&'s str> {
    root.iter().map(String::as_str).chain(steps.iter().copied()).collect()
}

impl OwnFile {
    /// Returns whether an absolute path is this file, a file that belongs to it (`-wal`, `.key`,
    /// `.1`), one inside it, or, unless `exactly`, a folder above.
    fn is(&self, steps: &[&str], exactly: bool) -> bool {
        let Some((name, above)) = self.steps.split_last() else { return false };
        let same = |a: &[&str], b: &[String]| a.iter().zip(b).all(|(a, b)| a == b);
        if steps.len() >= self.steps.len() {
            let (folder, rest) = steps.split_at(above.len());
            return same(folder, above) && rest.first().is_some_and(|it| belongs(it, name));
        }
        !exactly && same(steps, &self.steps)
    }

    /// Returns whether an absolute path ends with the whole path of this file, or of a folder above
    /// with at least two segments: the same file by way of another root (`/proc/1/root/..`,
    /// `file://localhost/..`, `/mnt/host/..`).
    fn is_inside(&self, steps: &[&str], exactly: bool) -> bool {
        self.steps.len() > 1
            && (1..steps.len().saturating_sub(1)).any(|from| self.is(&steps[from..], exactly))
    }

    /// Returns whether a relative path is the end of this file's path.
    fn ends_with(&self, steps: &[&str]) -> bool {
        let Some((last, before)) = steps.split_last() else { return false };
        let Some((name, above)) = self.steps.split_last() else { return false };
        belongs(last, name)
            && before.iter().rev().zip(above.iter().rev()).all(|(a, b)| a == b)
            && before.len() <= above.len()
    }

    /// Returns whether a shell pattern matches this file, or a folder above.
    fn matches_glob(&self, steps: &[&str]) -> bool {
        let Some(glob) = glob_of(steps) else { return false };
        let own: Vec<&str> = self.steps.iter().map(String::as_str).collect();
        (1..=own.len()).any(|end| glob.matches(&own[..end], Case::Folded))
    }

    /// Returns whether a shell pattern, in any folder, matches the end of this file's path.
    fn matches_glob_at_end(&self, steps: &[&str]) -> bool {
        let Some(glob) = glob_of(steps) else { return false };
        let own: Vec<&str> = self.steps.iter().map(String::as_str).collect();
        own.len()
            .checked_sub(steps.len())
            .is_some_and(|from| glob.matches(&own[from..], Case::Folded))
    }
}

/// Returns the glob that the segments of a path are to a shell, if they are one. Brackets and
/// braces count as any text.
fn glob_of(steps: &[&str]) -> Option<SegmentGlob> {
    if !steps.iter().any(|step| step.contains(['*', '?', '[', '{'])) {
        return None;
    }
    let plain = |step: &&str| -> Cow<'static, str> {
        let mut out = String::new();
        let mut inside = false;
        for c in step.chars() {
            match c {
                '[' | '{' => {
                    inside = true;
                    out.push('*');
                }
                ']' | '}' => inside = false,
                _ if inside => {}
                c => out.push(c),
            }
        }
        if out.contains("**") && out != "**" { out.replace("**", "*").into() } else { out.into() }
    };
    let steps: Vec<Cow<'static, str>> = steps.iter().map(plain).collect();
    SegmentGlob::new(steps.iter().map(AsRef::as_ref)).ok()
}

/// Returns whether a name is this file's, or that of a file that belongs to it.
fn belongs(name: &str, own: &str) -> bool {
    name.strip_prefix(own)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_alphanumeric()))
}

/// Calls `look_at` with each word of a text, and whether it is part of a command. Skips a word that
/// is the `whole` argument, which was checked already.
fn each_word(text: &str, whole: &str, is_command: bool, look_at: &mut dyn FnMut(&str, bool)) {
    for word in text.split(ends_word).filter(|word| !word.is_empty()) {
        if word != whole {
            look_at(word, is_command);
        }
        // `@file`, `+file`: a program reads the file.
        let bare = word.trim_start_matches(['@', '+', '#', '!']);
        if bare.len() < word.len() && !bare.is_empty() {
            look_at(bare, is_command);
        }
        // `host:file`, `key:file`.
        if let Some((_, after)) = word.rsplit_once(':')
            && !word.contains("://")
        {
            look_at(after, false);
        }
    }
}

/// Returns whether a character ends a word of a command.
fn ends_word(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\'' | '"' | ';' | '|' | '&' | '<' | '>' | '(' | ')' | '=' | ',' | '`')
}

/// Returns the segments of a path of this system, in lower case.
fn steps_of(path: &FsPath) -> Vec<String> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(step) => Some(step.to_string_lossy().to_lowercase()),
            _ => None,
        })
        .collect()
}

fn each_text<'j>(
    key: Option<&'j str>,
    tree: &'j Json,
    see: &mut dyn FnMut(Option<&'j str>, &'j str),
) {
    match tree {
        Json::String(text) => see(key, text),
        Json::Array(items) => items.iter().for_each(|item| each_text(key, item, see)),
        Json::Object(entries) => {
            for (name, value) in entries {
                // A path may also be a key: `{"files": {"hitl.db": ".."}}`.
                see(key, name);
                each_text(Some(name), value, see);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "own_files_tests.rs"]
mod tests;
