//! The things that the arguments of a call point at: contents that were read at submission, and the
//! targets of links.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Mask;
use super::mask::is_zero;
use super::render::fits;
use crate::call::ReferentDigest;

/// The content that an argument names, as the gate found it when the call was asked about.
///
/// A tool declares with `#[hitl(content_of)]` which of its arguments name a content. The decision
/// is about this content: before the call runs, the content found then is compared with
/// [`digest`](Self::digest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Content {
    /// The argument that names it: a JSON Pointer (RFC 6901) into the request's arguments. Empty
    /// for the contents that are not listed one by one because the call names too many.
    pub at: String,
    /// A keyed digest of the content and of its location. It is valid for this request only.
    pub digest: ReferentDigest,
    /// The result of reading it.
    pub found: ContentState,
    /// The target of the path, without secrets, if a symbolic link is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
    /// The whole text, without secrets. `None` if the content is not a text, or was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The masked places in the text. A mask's `at` is that of the argument.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// The number of masks beyond those that are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_masks: usize,
}

/// The result of reading what an argument names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
#[non_exhaustive]
pub enum ContentState {
    /// A text. It is on the request, and sealed with the call.
    #[serde(rename_all = "camelCase")]
    Text {
        /// Its length in bytes.
        bytes: u64,
    },
    /// Bytes that are not a text. They are sealed with the call.
    #[serde(rename_all = "camelCase")]
    Binary {
        /// The number of bytes.
        bytes: u64,
        /// The format suggested by the first bytes: `a PDF document`. `None` if it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        looks_like: Option<String>,
    },
    /// A content too large to be shown and kept. It was digested, so a change is detected.
    #[serde(rename_all = "camelCase")]
    Large {
        /// Its length in bytes.
        bytes: u64,
    },
    /// A content that was not read, so its text is unknown.
    #[serde(rename_all = "camelCase")]
    Unread {
        /// The reason.
        why: UnreadReason,
        /// The reader's message, without secrets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<String>,
    },
}

/// The reason why a content was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum UnreadReason {
    /// Nothing exists there.
    Missing,
    /// It is a folder, a pipe, a device or a socket.
    NotAFile,
    /// The program may not read it.
    Forbidden,
    /// It is larger than 16 MiB.
    TooLarge,
    /// The call names more contents than the gate reads.
    TooMany,
    /// It is one of the gate's own files, so it is not shown.
    OwnFile,
    /// Its path is on another machine, or is a device. Only on Windows.
    Remote,
    /// It was not read in time.
    Late,
    /// Reading it failed.
    Failed,
    /// The call was edited in a process that does not have its tool.
    Elsewhere,
}

impl UnreadReason {
    /// Returns the reason as a sentence without a subject.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Missing => "there is nothing",
            Self::NotAFile => "it is no regular file",
            Self::Forbidden => "the program may not read it",
            Self::TooLarge => "it has more than 16 MiB",
            Self::TooMany => "the call names more contents than are read",
            Self::OwnFile => "it is a file that the gate lives by",
            Self::Remote => "its path is of another machine",
            Self::Late => "it was not read in time",
            Self::Failed => "reading it failed",
            Self::Elsewhere => "the call was edited by a program that does not have the tool",
        }
    }

    /// Returns whether another attempt may have a different result although nothing was changed.
    pub(crate) const fn is_passing(self) -> bool {
        matches!(self, Self::Late | Self::Failed)
    }

    /// Returns the name that represents the reason in the digest.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotAFile => "notAFile",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "tooLarge",
            Self::TooMany => "tooMany",
            Self::OwnFile => "ownFile",
            Self::Remote => "remote",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl fmt::Display for UnreadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl Content {
    /// Returns whether a reviewer can read the content: it is a text that a whole card shows
    /// completely. Such a text has at most 5,000 lines with at most 4,000 characters each, and
    /// 300,000 characters in all.
    pub fn is_shown(&self) -> bool {
        matches!(self.found, ContentState::Text { .. }) && self.text.as_deref().is_some_and(fits)
    }

    /// Returns whether this entry summarizes the contents beyond those that are listed one by one.
    pub(crate) fn is_rest(&self) -> bool {
        self.at.is_empty()
    }

    /// Returns the argument's name in common notation: `files[0]`.
    pub fn argument(&self) -> String {
        argument(&self.at)
    }

    /// Returns the number of places masked in the content that the host did not declare sensitive.
    pub(crate) fn undeclared_masks(&self) -> usize {
        self.masks.iter().filter(|mask| !mask.declared).count() + self.more_masks
    }
}

/// Returns whether both name the same contents at the same places.
pub(crate) fn names_the_same(one: &[Content], other: &[Content]) -> bool {
    let digests = |contents: &[Content]| -> Vec<_> {
        contents.iter().map(|content| (content.at.clone(), content.digest)).collect()
    };
    digests(one) == digests(other)
}

/// The target of a symbolic link that an argument names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Link {
    /// The argument that names it: a JSON Pointer (RFC 6901) into the request's arguments.
    pub at: String,
    /// The target when the call was asked about, without secrets.
    pub to: String,
}

/// Returns a pointer in common notation: `files[0].path`.
pub(crate) fn argument(pointer: &str) -> String {
    if pointer.is_empty() {
        return "the rest".to_owned();
    }
    let mut name = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            name.push('[');
            name.push_str(&part);
            name.push(']');
        } else {
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&part);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_read_like_arguments() {
        for (pointer, name) in [
            ("/path", "path"),
            ("/files/0", "files[0]"),
            ("/a/b~1c/2/d~0", "a.b/c[2].d~"),
            ("", "the rest"),
        ] {
            assert_eq!(argument(pointer), name);
        }
    }
}
