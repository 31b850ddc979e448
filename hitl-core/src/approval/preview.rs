//! The preview of a call, as a reviewer sees it: what the tool's author says the call would do.

use std::collections::BTreeMap;
use std::fmt;

use hitl_base::Json;
use hitl_base::display::clip;
use serde::{Deserialize, Serialize};

use super::mask::is_zero;
use super::{ApprovalRequest, Mask};
use crate::call::PreviewDigest;

/// The prefix of the places of a preview, before a JSON Pointer into it.
pub(crate) const PREVIEW: &str = "preview:";
/// The number of characters of a value that a change repeats.
const MAX_CHANGED: usize = 500;

/// One item of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
#[non_exhaustive]
pub enum PreviewItem {
    /// A fact: `customer: Ann Lee`.
    Fact {
        /// The subject.
        label: String,
        /// The value, as a person reads it.
        value: String,
    },
    /// A difference that the call would make.
    Difference {
        /// The thing that would change.
        label: String,
        /// Its text before the call. Empty if there is none.
        before: String,
        /// Its text after the call. Empty if there is none.
        after: String,
    },
    /// A paragraph.
    Text {
        /// The text.
        text: String,
    },
    /// A warning: what speaks against the call, such as a rule that it breaks. It is listed with
    /// the card's other warnings, and the call needs a full review.
    Warning {
        /// The text.
        text: String,
    },
}

impl PreviewItem {
    /// Returns the label, if it has one.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Fact { label, .. } | Self::Difference { label, .. } => Some(label),
            Self::Text { .. } | Self::Warning { .. } => None,
        }
    }

    /// Returns its texts, without the label.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Fact { value, .. } => (value, None),
            Self::Difference { before, after, .. } => (before, Some(after)),
            Self::Text { text } | Self::Warning { text } => (text, None),
        };
        std::iter::once(first).chain(second).map(String::as_str)
    }

    /// Returns it as a tree in which redaction sees the label as the name of the value.
    fn to_tree(&self) -> Json {
        let text = |text: &String| Json::String(text.clone());
        match self {
            Self::Fact { label, value } => Json::Object(vec![(label.clone(), text(value))]),
            Self::Difference { label, before, after } => {
                let sides =
                    vec![(BEFORE.to_owned(), text(before)), (AFTER.to_owned(), text(after))];
                Json::Object(vec![(label.clone(), Json::Object(sides))])
            }
            Self::Text { text: paragraph } => text(paragraph),
            Self::Warning { text: warning } => Json::Array(vec![text(warning)]),
        }
    }

    fn from_tree(tree: &Json) -> Option<Self> {
        let text = |tree: &Json| tree.as_str().map(str::to_owned);
        match tree {
            Json::String(paragraph) => Some(Self::Text { text: paragraph.clone() }),
            Json::Array(texts) => match texts.as_slice() {
                [warning] => Some(Self::Warning { text: text(warning)? }),
                _ => None,
            },
            Json::Object(entries) => {
                let [(label, value)] = entries.as_slice() else { return None };
                let label = label.clone();
                match value {
                    Json::String(value) => Some(Self::Fact { label, value: value.clone() }),
                    Json::Object(sides) => {
                        let [(_, before), (_, after)] = sides.as_slice() else { return None };
                        Some(Self::Difference { label, before: text(before)?, after: text(after)? })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The names of the two sides of a difference, in the places of masks.
pub(crate) const BEFORE: &str = "before";
pub(crate) const AFTER: &str = "after";

/// Returns items as a tree in which redaction sees labels as the names of their values.
pub(crate) fn preview_tree(items: &[PreviewItem]) -> Json {
    Json::Array(items.iter().map(PreviewItem::to_tree).collect())
}

/// Returns the items of such a tree. `None` if it is none.
pub(crate) fn preview_items(tree: &Json) -> Option<Vec<PreviewItem>> {
    let Json::Array(items) = tree else { return None };
    items.iter().map(PreviewItem::from_tree).collect()
}

/// The preview of a call, as the tool's author rendered it when the call was asked about.
///
/// A tool declares it with `#[hitl_tool(preview = async_fn)]`. The decision is about this preview:
/// before the call runs it is rendered again, and a call whose preview has another
/// [`digest`](Self::digest) is asked about again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestPreview {
    /// A keyed digest of the whole preview. It is valid for this request only.
    pub digest: PreviewDigest,
    /// The result of rendering it.
    pub found: PreviewState,
    /// The items, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<PreviewItem>,
    /// The masked places. A mask's `at` is `preview:`, and a JSON Pointer into the items: the
    /// item's index, its label, and for a difference `before` or `after`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// The number of masks beyond those that are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_masks: usize,
    /// The differences from the preview that the revision before showed. `None` if that one showed
    /// none, or the same. Empty if they differ only in what is masked or left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<PreviewChange>>,
}

/// The result of rendering a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
#[non_exhaustive]
pub enum PreviewState {
    /// It was rendered.
    #[serde(rename_all = "camelCase")]
    Rendered {
        /// The number of items and of parts of texts that are left out because the preview is too
        /// long. The digest covers them.
        #[serde(default, skip_serializing_if = "is_zero")]
        left_out: usize,
    },
    /// It was not rendered, so what the call would do is unknown.
    #[serde(rename_all = "camelCase")]
    Failed {
        /// The reason.
        why: PreviewFailure,
        /// The message of the tool's author, without secrets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<String>,
    },
}

/// The reason why a preview was not rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PreviewFailure {
    /// The fn returned an error.
    Error,
    /// The fn panicked.
    Panicked,
    /// The fn did not return in time.
    Late,
    /// The call was edited in a process that does not have its tool.
    Elsewhere,
}

impl PreviewFailure {
    /// Returns the reason as a sentence without a subject.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Error => "it returned an error",
            Self::Panicked => "it panicked",
            Self::Late => "it did not return in time",
            Self::Elsewhere => "the call was edited where its tool is not",
        }
    }

    /// Returns whether another attempt may have a different result although nothing was changed.
    /// An error is the author's answer about this call, so it is not one of these.
    pub(crate) const fn is_passing(self) -> bool {
        matches!(self, Self::Panicked | Self::Late)
    }

    /// Returns the name that represents the reason in the digest.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panicked => "panicked",
            Self::Late => "late",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl fmt::Display for PreviewFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl RequestPreview {
    /// Returns whether it was rendered, and nothing of it is left out.
    pub fn is_whole(&self) -> bool {
        matches!(self.found, PreviewState::Rendered { left_out: 0 })
    }

    /// Returns its warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|item| match item {
            PreviewItem::Warning { text } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Returns the number of masked places that the host did not declare sensitive.
    pub(crate) fn undeclared_masks(&self) -> usize {
        self.masks.iter().filter(|mask| !mask.declared).count() + self.more_masks
    }
}

impl ApprovalRequest {
    /// Returns whether its tool renders no preview, or has rendered the one that it shows, without
    /// a warning.
    pub(crate) fn has_sound_preview(&self) -> bool {
        self.preview.as_ref().is_none_or(|preview| {
            let rendered = matches!(preview.found, PreviewState::Rendered { .. });
            rendered && preview.warnings().next().is_none()
        })
    }
}

/// Returns whether both are the same preview, or there is none on either side.
pub(crate) fn previews_the_same(
    one: Option<&RequestPreview>,
    other: Option<&RequestPreview>,
) -> bool {
    one.map(|preview| preview.digest) == other.map(|preview| preview.digest)
}

/// A difference between a preview and the one that was shown before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PreviewChange {
    /// The label of the item. `None` for a paragraph or a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The item that was shown before, in one line, with about 500 characters. `None` if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The item as it is now, in one line, with about 500 characters. `None` if it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl PreviewChange {
    /// Returns whether this may be the change of an item as it is now.
    pub(crate) fn is_now(&self, item: &PreviewItem) -> bool {
        self.label.as_deref() == item.label()
            && self.after.as_ref().is_some_and(|after| *after == in_one_line(item))
    }

    /// Compares the items of two previews. An item is the same one if it has the label, and comes
    /// as often before it.
    pub(crate) fn between(then: &[PreviewItem], now: &[PreviewItem]) -> Vec<Self> {
        let then_by_name: BTreeMap<_, _> = named(then).collect();
        let now_by_name: BTreeMap<_, _> = named(now).collect();
        let change = |label: Option<&str>, before: Option<&PreviewItem>, after| Self {
            label: label.map(str::to_owned),
            before: before.map(in_one_line),
            after: Option::map(after, in_one_line),
        };
        let changed = named(now).filter_map(|(name, item)| {
            let before = then_by_name.get(&name).copied();
            (before != Some(item)).then(|| change(name.0, before, Some(item)))
        });
        let gone = named(then).filter(|(name, _)| !now_by_name.contains_key(name));
        changed.chain(gone.map(|(name, item)| change(name.0, Some(item), None))).collect()
    }
}

/// Returns each item with its label, and the number of items before it that have that label.
fn named(items: &[PreviewItem]) -> impl Iterator<Item = ((Option<&str>, usize), &PreviewItem)> {
    let mut seen: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    items.iter().map(move |item| {
        let label = item.label();
        let count = seen.entry(label).or_default();
        *count += 1;
        ((label, *count), item)
    })
}

fn in_one_line(item: &PreviewItem) -> String {
    let text = match item {
        PreviewItem::Fact { value, .. } => clip(value, MAX_CHANGED).into_owned(),
        PreviewItem::Text { text } | PreviewItem::Warning { text } => {
            clip(text, MAX_CHANGED).into_owned()
        }
        PreviewItem::Difference { before, after, .. } => {
            let half = MAX_CHANGED / 2 - 2;
            format!("{} → {}", clip(before, half), clip(after, half))
        }
    };
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(label: &str, value: &str) -> PreviewItem {
        PreviewItem::Fact { label: label.to_owned(), value: value.to_owned() }
    }

    fn difference(label: &str, before: &str, after: &str) -> PreviewItem {
        let (before, after) = (before.to_owned(), after.to_owned());
        PreviewItem::Difference { label: label.to_owned(), before, after }
    }

    fn text(text: &str) -> PreviewItem {
        PreviewItem::Text { text: text.to_owned() }
    }

    #[test]
    fn each_item_reads_back_from_its_tree() {
        let all = vec![fact("a", "1"), fact("", ""), difference("b", "x", "y"), text("t")];
        assert_eq!(preview_items(&preview_tree(&all)), Some(all));
        for other in [r#"{"a":"b"}"#, r#"[{"a":1}]"#, r#"[{"a":"b","c":"d"}]"#, "[1]", "[[]]"] {
            let tree = hitl_base::json::parse_json(other).unwrap();
            assert_eq!(preview_items(&tree), None, "{other}");
        }
    }

    #[test]
    fn a_change_names_what_is_new_other_and_gone() {
        let then = [fact("total", "10"), fact("line", "a"), fact("line", "b"), text("old")];
        let now = [fact("total", "20"), fact("line", "a"), difference("address", "x", "y")];
        let changes = PreviewChange::between(&then, &now);
        let plain: Vec<_> = changes
            .iter()
            .map(|one| (one.label.as_deref(), one.before.as_deref(), one.after.as_deref()))
            .collect();
        assert_eq!(
            plain,
            [
                (Some("total"), Some("10"), Some("20")),
                (Some("address"), None, Some("x → y")),
                (Some("line"), Some("b"), None),
                (None, Some("old"), None),
            ]
        );
        assert_eq!(PreviewChange::between(&now, &now), []);
    }

    #[test]
    fn invariant_13_a_change_repeats_little_of_what_changed() {
        let long = "é\n".repeat(100_000);
        let then = [fact("a", &long), difference("b", &long, &long), text(&long)];
        for change in PreviewChange::between(&then, &[]) {
            assert!(change.before.unwrap().chars().count() <= MAX_CHANGED + 100);
        }
    }
}
