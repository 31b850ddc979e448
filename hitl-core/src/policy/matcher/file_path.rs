//! A matcher for paths of files: normalised, below a root, by globs.
//!
//! The file system is not accessed: symbolic links are not followed. Protect against links in the
//! tool, or with a root that only the host writes to.

use serde::{Deserialize, Serialize};

use super::glob::{Case, SegmentGlob};
use super::plain::is_plain_letter;
use super::{MAX_TEXT_BYTES, Match, Reading, undisguised};

/// A set of paths: those below one of `inside` that one of `any` matches and none of `except`
/// matches. An empty list restricts nothing.
///
/// Globs begin with `/`, with `**/` (at any depth), with `~/` (a home folder; only where a rule
/// tightens), or without any of these, for a path below `inside` or as the tool receives it.
///
/// Where a rule relaxes, only a path in the plainest form matches, so none with: `..`, percent
/// signs, `;`, doubled slashes, backslashes, `~`, characters that are not Latin letters, a dot or a
/// space at the end of a name. Where it tightens, such disguises are removed, and a path that is
/// still ambiguous matches.
///
/// ```
/// use hitl::policy::{Argument, PathMatcher, Rule, RuleConditions};
///
/// let ours = PathMatcher::inside("/srv/project").except(["**/.git/**", "**/.env"]);
/// let rule = Rule::auto("reads").when(RuleConditions::tool("read").argument(Argument::at("file").file(ours)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct PathMatcher {
    /// Absolute folders; or `.`, the base of the tool's own relative paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// Globs of which at least one must match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<String>,
    /// Globs of which none may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// The absolute folder to which relative paths are relative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl PathMatcher {
    /// Returns a matcher for everything below this folder.
    pub fn inside(folder: impl Into<String>) -> Self {
        Self { inside: vec![folder.into()], ..Self::default() }
    }

    /// Returns a matcher for the paths that one of these globs matches.
    pub fn any<G: Into<String>>(globs: impl IntoIterator<Item = G>) -> Self {
        Self { any: globs.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Restricts the matcher to paths that one of these globs matches.
    #[must_use]
    pub fn matching<G: Into<String>>(mut self, globs: impl IntoIterator<Item = G>) -> Self {
        self.any.extend(globs.into_iter().map(Into::into));
        self
    }

    /// Excludes paths that one of these globs matches.
    #[must_use]
    pub fn except<G: Into<String>>(mut self, globs: impl IntoIterator<Item = G>) -> Self {
        self.except.extend(globs.into_iter().map(Into::into));
        self
    }

    /// Sets the folder to which relative paths are relative.
    #[must_use]
    pub fn from(mut self, folder: impl Into<String>) -> Self {
        self.from = Some(folder.into());
        self
    }

    /// Compiles the matcher. The error describes the mistake in it.
    pub(crate) fn compile(&self) -> Result<PathProgram, String> {
        if self.inside.is_empty() && self.any.is_empty() {
            return Err("a path needs `inside` or `any`".to_owned());
        }
        let globs = |globs: &[String]| -> Result<Vec<Glob>, String> {
            globs.iter().map(|glob| Glob::new(glob)).collect()
        };
        Ok(PathProgram {
            inside: self.inside.iter().map(|root| Root::new(root)).collect::<Result<_, _>>()?,
            any: globs(&self.any)?,
            except: globs(&self.except)?,
            from: match &self.from {
                Some(from) if from.starts_with('/') => Some(steps(from)?),
                Some(_) => return Err("`from` is an absolute folder, like `/srv/app`".to_owned()),
                None => None,
            },
        })
    }
}

/// A [`PathMatcher`], compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathProgram {
    inside: Vec<Root>,
    any: Vec<Glob>,
    except: Vec<Glob>,
    from: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Root {
    absolute: bool,
    steps: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Glob {
    anchor: Anchor,
    glob: SegmentGlob,
}

/// The base of a glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    Root,
    Home,
    Anywhere,
    /// A path below `inside`, or relative to the base of the tool's relative paths.
    Here,
}

impl Root {
    fn new(text: &str) -> Result<Self, String> {
        match text {
            "." => Ok(Self { absolute: false, steps: Vec::new() }),
            text if text.starts_with('/') => Ok(Self { absolute: true, steps: steps(text)? }),
            _ => Err(format!("`inside` is an absolute folder or `.`, not `{text}`")),
        }
    }
}

/// Returns the segments of an absolute folder in a rule.
fn steps(text: &str) -> Result<Vec<String>, String> {
    match parse(text) {
        Some(path) => Ok(path.steps.into_iter().map(str::to_owned).collect()),
        None => Err(format!("`{text}` is no plain folder, like `/srv/app`")),
    }
}

impl Glob {
    fn new(text: &str) -> Result<Self, String> {
        let (anchor, rest) = match text {
            text if text.starts_with("**/") => (Anchor::Anywhere, text),
            text if text.starts_with("~/") => (Anchor::Home, &text[2..]),
            text if text.starts_with('/') => (Anchor::Root, &text[1..]),
            text => (Anchor::Here, text),
        };
        Ok(Self { anchor, glob: SegmentGlob::new(rest.split('/'))? })
    }

    fn matches(&self, path: &Path<'_>, below: Option<&[&str]>, case: Case) -> Match {
        let is = |steps: &[&str]| {
            if self.glob.matches(steps, case) { Match::Yes } else { Match::No }
        };
        match (self.anchor, path.base, below) {
            (Anchor::Here, _, Some(below)) => is(below),
            (Anchor::Anywhere, ..)
            | (Anchor::Root, Base::Root, _)
            | (Anchor::Here, Base::Here, None)
            | (Anchor::Home, Base::Home, _) => is(&path.steps),
            (Anchor::Home, Base::Root, _) => home_of(&path.steps).map_or(Match::No, is),
            _ => Match::Unknown,
        }
    }
}

/// Returns the segments below somebody's home folder, at the usual places of common systems.
fn home_of<'p, 't>(steps: &'p [&'t str]) -> Option<&'p [&'t str]> {
    let is = |step: &str, name: &str| step.eq_ignore_ascii_case(name);
    match steps {
        [home, _, rest @ ..] if is(home, "home") || is(home, "users") => Some(rest),
        [var, root, rest @ ..] if is(var, "var") && is(root, "root") => Some(rest),
        [root, rest @ ..] if is(root, "root") => Some(rest),
        _ => None,
    }
}

/// The base of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Root,
    Home,
    Here,
}

/// A parsed path.
#[derive(Debug)]
pub(super) struct Path<'t> {
    pub(super) base: Base,
    pub(super) steps: Vec<&'t str>,
}

impl PathProgram {
    /// Returns whether this path matches.
    pub(crate) fn judge(&self, text: &str, reading: Reading) -> Match {
        if text.len() > MAX_TEXT_BYTES {
            return Match::Unknown;
        }
        match reading {
            Reading::Strict => match parse(text) {
                Some(path) => {
                    let path = self.placed(path);
                    match self.found(&path, Case::Exact) {
                        Match::Yes => self.excepted(&path, Case::Folded).not(),
                        other => other,
                    }
                }
                None => Match::Unknown,
            },
            Reading::Loose => {
                let plain = undisguised(text);
                let (path, clear) = guess(&plain);
                let path = self.placed(path);
                // An exception relaxes: only an unambiguous path counts as one.
                let excepted = || {
                    let strict = parse(text).map(|path| self.placed(path));
                    strict.is_some_and(|path| self.excepted(&path, Case::Exact) == Match::Yes)
                };
                match self.found(&path, Case::Folded) {
                    _ if excepted() => Match::No,
                    Match::No if !clear => Match::Unknown,
                    found => found,
                }
            }
        }
    }

    /// Returns whether the matcher refers to a user's own home folder.
    pub(crate) fn names_a_home(&self) -> bool {
        self.any.iter().any(|glob| glob.anchor == Anchor::Home)
    }

    fn placed<'p>(&'p self, path: Path<'p>) -> Path<'p> {
        match (&self.from, path.base) {
            (Some(from), Base::Here) => {
                let steps = from.iter().map(String::as_str).chain(path.steps).collect();
                Path { base: Base::Root, steps }
            }
            _ => path,
        }
    }

    /// Returns whether the path is below one of the roots and a glob matches it.
    fn found(&self, path: &Path<'_>, case: Case) -> Match {
        if self.inside.is_empty() {
            return either(self.any.iter().map(|glob| glob.matches(path, None, case)));
        }
        either(self.inside.iter().map(|root| match root.below(path, case) {
            Err(other) => other,
            Ok(_) if self.any.is_empty() => Match::Yes,
            Ok(below) => either(self.any.iter().map(|glob| glob.matches(path, Some(below), case))),
        }))
    }

    fn excepted(&self, path: &Path<'_>, case: Case) -> Match {
        let below = self.inside.iter().find_map(|root| root.below(path, case).ok());
        either(self.except.iter().map(|glob| glob.matches(path, below, case)))
    }
}

impl Root {
    /// Returns the segments of a path below this root.
    fn below<'p, 't>(&self, path: &'p Path<'t>, case: Case) -> Result<&'p [&'t str], Match> {
        if self.absolute != (path.base == Base::Root) {
            return Err(Match::Unknown);
        }
        let is = |(step, of): (&&str, &String)| match case {
            Case::Exact => *step == of,
            Case::Folded => step.to_lowercase() == of.to_lowercase(),
        };
        let depth = self.steps.len();
        let inside = path.steps.len() >= depth && path.steps.iter().zip(&self.steps).all(is);
        match path.steps.get(depth..) {
            Some(below) if inside && (!below.is_empty() || case == Case::Folded) => Ok(below),
            _ => Err(Match::No),
        }
    }
}

fn either(matches: impl Iterator<Item = Match>) -> Match {
    matches.fold(Match::No, |so_far, next| match (so_far, next) {
        (Match::Yes, _) | (_, Match::Yes) => Match::Yes,
        (Match::Unknown, _) | (_, Match::Unknown) => Match::Unknown,
        _ => Match::No,
    })
}

impl Match {
    const fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// Parses a path that everybody reads in the same way; `None` for any other.
fn parse(text: &str) -> Option<Path<'_>> {
    let plain = |c: char| {
        is_plain_letter(c) || matches!(c, ' ' | '_' | '-' | '.' | '+' | ',' | '@' | '=' | '/')
    };
    // A text that begins with a hyphen or an `@` is an option, or a file of options.
    let odd = text.is_empty() || text.starts_with(['-', '@']) || text.contains("//");
    if odd || !text.chars().all(plain) {
        return None;
    }
    let base = if text.starts_with('/') { Base::Root } else { Base::Here };
    let inner = text.strip_prefix('/').unwrap_or(text);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let mut steps = Vec::new();
    for (at, step) in inner.split('/').enumerate() {
        let odd = step.is_empty() || step.starts_with(' ') || is_device(step);
        match step {
            // The root itself.
            "" if at == 0 && inner.is_empty() && base == Base::Root => {}
            "." => {}
            step if odd || step.ends_with(['.', ' ']) => return None,
            step => steps.push(step),
        }
    }
    Some(Path { base, steps })
}

/// Returns whether a name is reserved for a device in every folder on some systems.
fn is_device(step: &str) -> bool {
    let name = step.split('.').next().unwrap_or(step).trim_end().to_ascii_lowercase();
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(name.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// Returns the most likely path of an undisguised text, and whether the reading is certain.
pub(super) fn guess(text: &str) -> (Path<'_>, bool) {
    let mut clear = !text.contains(['$', '`', '*', '?', '[', '{', '%', '\u{FFFD}', '"', '\'']);
    let mut text = text.trim();
    if let Some((scheme, rest)) = text.split_once("://") {
        clear &= scheme.eq_ignore_ascii_case("file");
        text = rest;
    }
    let mut base = Base::Here;
    if let Some(rest) = text.strip_prefix("~/") {
        (base, text) = (Base::Home, rest);
    } else if text.starts_with('~') {
        clear = false;
    }
    // A drive: `C:\x`, and `C:x`, which is relative to the drive's current folder.
    if let [drive, b':', ..] = text.as_bytes()
        && drive.is_ascii_alphabetic()
    {
        (base, text) = (Base::Root, &text[2..]);
        clear &= text.starts_with('/');
    }
    if text.starts_with('/') {
        base = Base::Root;
    }
    let mut steps: Vec<&str> = Vec::new();
    for step in text.split('/') {
        // Text after a colon or a semicolon is a stream or a parameter of the name before.
        let name = step.split([':', ';']).next().unwrap_or(step);
        let name = name.trim();
        match name.trim_end_matches(['.', ' ']) {
            "" if name.len() >= 2 => {
                // A step up may go through a link.
                clear = false;
                if steps.pop().is_none() && base == Base::Here {
                    base = Base::Root;
                }
            }
            "" => {}
            name => {
                // Short names, such as `PROGRA~1`.
                clear &= !name.contains('~');
                steps.push(name);
            }
        }
    }
    (Path { base, steps }, clear)
}

#[cfg(test)]
#[path = "file_path_tests.rs"]
mod tests;
