//! The view that every surface shows.

use serde::{Deserialize, Serialize};

use super::TextStyle;
use crate::approval::mask::is_zero;
use crate::approval::{Choice, Mask, Reference};
use crate::call::{BindingDigest, Risk};
use crate::ids::RequestId;
use crate::policy::ApprovalLevel;

/// The amount of detail of a view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetailLevel {
    /// A card that fits on a screen. Long values and lists are shortened, and say so.
    #[default]
    Brief,
    /// Everything that a decision can depend on; only very long values are still shortened.
    Full,
}

/// The author of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Origin {
    /// The gate or the host.
    Host,
    /// The tool's author.
    Tool,
    /// The model. Never to be trusted, and never to be mistaken for the gate.
    Model,
    /// The tool's author, with words of the model inserted.
    Mixed,
    /// The author of what the arguments point at. To be trusted no more than the model.
    Content,
    /// The tool's author, with data that may be anybody's.
    Preview,
}

impl Origin {
    /// Returns the label to show beside a text of this origin; `None` if no caution is needed.
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::Host | Self::Tool => None,
            Self::Model => Some("written by the model; secrets masked"),
            Self::Mixed => Some("with words of the model"),
            Self::Preview => Some("rendered by the tool when it was asked about; secrets masked"),
            Self::Content => Some("read when it was asked about, whoever wrote it; secrets masked"),
        }
    }
}

/// The one view of a request that all surfaces show.
/// [`ApprovalRequest::render`](crate::approval::ApprovalRequest::render) creates it;
/// [`to_text`](Self::to_text), [`to_html`](Self::to_html), [`to_markdown`](Self::to_markdown) and
/// [`to_chat`](Self::to_chat) show it, and your own surface can use it as JSON.
///
/// Every text in it is safe to show *as text*: nothing hides, moves its neighbours or breaks a
/// line. A surface in which text can be markup must still escape it, as the renderers here do.
/// Requests with different arguments never have the same view.
///
/// The wire shape is camelCase JSON; additive changes stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReviewCard {
    /// The schema version of this shape.
    pub schema: u16,
    /// The call's record.
    pub request: RequestId,
    /// The revision that this shows.
    pub revision: u32,
    /// The binding digest that a decision will name.
    pub binding: BindingDigest,
    /// The level of approval that it needs.
    pub level: ApprovalLevel,
    /// The harm of a wrong call.
    pub risk: Risk,
    /// The one line that describes what would happen.
    pub title: Title,
    /// The score.
    pub score: Score,
    /// The number of masked places that a reviewer who may decide can uncover. A surface that
    /// cannot uncover them says where to decide, and accepts no decision.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub to_uncover: usize,
    /// The references in the arguments that nobody inspected: files, addresses, ids of files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// The warnings, the worst first. Show these beside the title.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// All other information, in display order.
    pub sections: Vec<Section>,
    /// The possible answers, and the labels of their buttons.
    pub actions: Vec<Action>,
}

/// The one line that describes what would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Title {
    /// The text of the line.
    pub text: String,
    /// The author of the text.
    pub origin: Origin,
}

/// The score and its thresholds, for drawing. All are 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Score {
    /// The confidence.
    pub confidence: u8,
    /// The confidence before any factor.
    pub base: u8,
    /// The threshold from which the machine decides alone.
    pub auto: u8,
    /// The threshold from which a quick look is enough.
    pub quick: u8,
}

/// The identity of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SectionName {
    /// The tool, in its author's words.
    Tool,
    /// The harm of a wrong call, and the tool's effects on the world.
    Risk,
    /// The score and its factors.
    Confidence,
    /// The effect that must not happen twice, if the tool declares one.
    Effect,
    /// The reasons that raised the level above that of the score.
    RaisedBy,
    /// The requester, and the run.
    AskedBy,
    /// The priority, the due date and the expiry.
    Priority,
    /// The identifiers that a decision will name.
    Identity,
    /// The arguments.
    Arguments,
    /// The contents that the arguments name, as they were read.
    Contents,
    /// The preview: what the call would do, as its tool rendered it.
    Preview,
    /// Why the model says that it makes the call.
    StatedReason,
}

impl SectionName {
    /// Returns the heading of the section.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Risk => "risk",
            Self::Confidence => "confidence",
            Self::Effect => "effect",
            Self::RaisedBy => "raised by",
            Self::AskedBy => "asked by",
            Self::Priority => "priority",
            Self::Identity => "identity",
            Self::Arguments => "arguments",
            Self::Contents => "contents",
            Self::Preview => "would do",
            Self::StatedReason => "says why",
        }
    }
}

/// A group of lines that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Section {
    /// The identity of the section.
    pub name: SectionName,
    /// The heading.
    pub heading: String,
    /// The author of its lines.
    pub origin: Origin,
    /// The label that says where the lines come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Line {
    /// The subject of the line: for an argument its name, quoted if it could be mistaken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The exact value, escaped; empty if the lines below, one level deeper, are the value.
    pub value: String,
    /// The value in common notation, beside the exact one: an amount, a date, a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<String>,
    /// The indentation level.
    #[serde(default)]
    pub depth: u8,
    /// The visual style.
    #[serde(default)]
    pub tone: TextStyle,
    /// The masked places in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// The full size of the value, if it is not all shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Truncation>,
}

/// The size of a value that is not completely shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Truncation {
    /// The full size: the characters of a text, or the items of a list.
    pub total: usize,
    /// The first half of the SHA-256 of the whole value, in hexadecimal: of the bytes of a text, or
    /// of the compact JSON of anything else.
    pub sha256: String,
}

/// A possible answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Action {
    /// The answer.
    pub choice: Choice,
    /// The label of its button.
    pub label: String,
    /// True if it must come with a reason or a message.
    pub needs_text: bool,
}
