//! Globs over the segments of a path: `*` is any text within a segment, `?` any one character of
//! it, `**` any number of segments.

use crate::policy::Glob;

/// A compiled glob over segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentGlob(Box<[Piece]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// One segment; the second form is in lower case.
    One(Glob, Glob),
    /// Any number of segments; at least one at the end.
    Any,
}

/// The case sensitivity of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Upper and lower case differ.
    Exact,
    /// Upper and lower case are equal, as on many file systems.
    Folded,
}

impl SegmentGlob {
    /// Compiles the segments of a glob. The error describes the mistake in it.
    pub(super) fn new<'s>(segments: impl IntoIterator<Item = &'s str>) -> Result<Self, String> {
        let piece = |segment: &str| match segment {
            "**" => Ok(Piece::Any),
            "" | "." | ".." => {
                Err(format!("a pattern of paths has a step `{segment}`; write it without"))
            }
            segment if segment.contains("**") => {
                Err(format!("`{segment}`: `**` is a whole step of a path, like `src/**`"))
            }
            segment if segment.contains(['[', ']', '{', '}', '\\']) => Err(format!(
                "`{segment}`: only `*`, `?` and `**` are patterns; write several patterns instead"
            )),
            segment => Ok(Piece::One(Glob::new(segment), Glob::new(&segment.to_lowercase()))),
        };
        let pieces: Vec<Piece> = segments.into_iter().map(piece).collect::<Result<_, String>>()?;
        if pieces.is_empty() {
            Err("a pattern is empty".to_owned())
        } else {
            Ok(Self(pieces.into()))
        }
    }

    /// Returns whether it matches these segments. Takes at most the product of both lengths.
    pub(super) fn matches(&self, segments: &[&str], case: Case) -> bool {
        let pieces = &self.0;
        let (mut at, mut seen) = (0, 0);
        // The last `**`, and where its match may continue.
        let mut any: Option<(usize, usize)> = None;
        loop {
            match (pieces.get(at), segments.get(seen)) {
                (Some(Piece::Any), next) => {
                    if at + 1 == pieces.len() {
                        return next.is_some();
                    }
                    any = Some((at + 1, seen));
                    at += 1;
                    continue;
                }
                (None, None) => return true,
                (Some(Piece::One(exact, folded)), Some(segment)) => {
                    let fits = match case {
                        Case::Exact => exact.matches(segment),
                        Case::Folded => folded.matches(&segment.to_lowercase()),
                    };
                    if fits {
                        (at, seen) = (at + 1, seen + 1);
                        continue;
                    }
                }
                _ => {}
            }
            let Some((after, from)) = any else { return false };
            if from >= segments.len() {
                return false;
            }
            any = Some((after, from + 1));
            (at, seen) = (after, from + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_matched_as_people_expect() {
        for (pattern, path, expected) in [
            ("src/**", "src/a", true),
            ("src/**", "src/a/b", true),
            ("src/**", "src", false),
            ("src/**", "srcs/a", false),
            ("**/.env", ".env", true),
            ("**/.env", "a/b/.env", true),
            ("**/.env", "a/.env/b", false),
            ("**/.git/**", ".git/config", true),
            ("**/.git/**", "a/.git/b/c", true),
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/b/c", false),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/c/c", true),
            ("*.md", "x.md", true),
            ("*.md", "a/x.md", false),
            ("?.md", "xy.md", false),
        ] {
            let glob = SegmentGlob::new(pattern.split('/')).unwrap();
            let segments: Vec<&str> = path.split('/').collect();
            assert_eq!(glob.matches(&segments, Case::Exact), expected, "{pattern} {path}");
        }
        let git = SegmentGlob::new([".git", "**"]).unwrap();
        assert!(git.matches(&[".GIT", "x"], Case::Folded));
        assert!(!git.matches(&[".GIT", "x"], Case::Exact));
        for wrong in ["a//b", "../a", "a/./b", "a**", "[a]", "{a,b}", "a\\b"] {
            assert!(SegmentGlob::new(wrong.split('/')).is_err(), "{wrong}");
        }
    }
}
