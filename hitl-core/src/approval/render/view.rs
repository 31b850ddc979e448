//! What every surface is given.

use serde::{Deserialize, Serialize};

use super::TextStyle;
use crate::approval::mask::is_zero;
use crate::approval::{Choice, Mask, Reference};
use crate::call::{BindingDigest, Risk};
use crate::ids::RequestId;
use crate::policy::ApprovalLevel;

/// How much of a request is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetailLevel {
    /// A card: what fits on a screen. Long values and lists are shortened, and say so.
    #[default]
    Brief,
    /// Everything there is to know before a decision; only very long values are still shortened.
    Full,
}

/// Whose words a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Origin {
    /// The gate's and the host's own.
    Host,
    /// The tool's author's.
    Tool,
    /// The model's. Never to be believed, and never to be mistaken for the gate's.
    Model,
    /// The tool's author's, with words of the model in it.
    Mixed,
    /// Written by the author of what the arguments name. To be believed no more than the model.
    Content,
}

impl Origin {
    /// What to say beside such a text; nothing where there is nothing to beware of.
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::Host | Self::Tool => None,
            Self::Model => Some("written by the model; secrets masked"),
            Self::Mixed => Some("with words of the model"),
            Self::Content => Some("read when it was asked about, whoever wrote it; secrets masked"),
        }
    }
}

/// The one view of a request that all surfaces show: made once by
/// [`ApprovalRequest::render`](crate::approval::ApprovalRequest::render), shown by
/// [`to_text`](Self::to_text), [`to_html`](Self::to_html), [`to_markdown`](Self::to_markdown),
/// [`to_chat`](Self::to_chat), or as JSON by a surface of one's own.
///
/// Every text in it is safe to show *as text*: nothing hides, moves its neighbours or breaks a
/// line. A surface in which text can be markup still escapes it, as the renderers here do. Requests
/// with different arguments never have the same view.
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
    /// Which revision this shows.
    pub revision: u32,
    /// What a decision will name.
    pub binding: BindingDigest,
    /// How much of a human it needs.
    pub level: ApprovalLevel,
    /// How bad a wrong call is.
    pub risk: Risk,
    /// The one line that says what would happen.
    pub title: Title,
    /// The score.
    pub score: Score,
    /// How many places are masked that a reviewer who may decide can uncover. A surface that cannot
    /// uncover them says where to decide, and takes no decision.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub to_uncover: usize,
    /// What the arguments refer to and nobody looked into: files, addresses, ids of files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// What to beware of, the worst first. Show these beside the title.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Everything else, in the order in which to show it.
    pub sections: Vec<Section>,
    /// What may be answered, and what the buttons say.
    pub actions: Vec<Action>,
}

/// The one line that says what would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Title {
    /// The line.
    pub text: String,
    /// Whose words it is.
    pub origin: Origin,
}

/// The score, to draw it against its thresholds. All are 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Score {
    /// The confidence.
    pub confidence: u8,
    /// The confidence before any factor.
    pub base: u8,
    /// From here on the machine decides alone.
    pub auto: u8,
    /// From here on a quick look is enough.
    pub quick: u8,
}

/// Which section it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SectionName {
    /// The tool, in its author's words.
    Tool,
    /// How bad a wrong call is, and what the tool does to the world.
    Risk,
    /// The score and its factors.
    Confidence,
    /// What raised the level above that of the score.
    RaisedBy,
    /// Who asks, and in which run.
    AskedBy,
    /// How soon it should be looked at, and until when it can be.
    Priority,
    /// What a decision will name.
    Identity,
    /// The arguments.
    Arguments,
    /// What the arguments name, as it was read.
    Contents,
}

impl SectionName {
    /// What stands before it.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Risk => "risk",
            Self::Confidence => "confidence",
            Self::RaisedBy => "raised by",
            Self::AskedBy => "asked by",
            Self::Priority => "priority",
            Self::Identity => "identity",
            Self::Arguments => "arguments",
            Self::Contents => "contents",
        }
    }
}

/// Some lines that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Section {
    /// Which one it is.
    pub name: SectionName,
    /// What stands before it.
    pub heading: String,
    /// Whose words its lines are.
    pub origin: Origin,
    /// What to say about where they are from.
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
    /// What it is about: of an argument its name, quoted where it could be mistaken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The exact value, escaped; empty when the lines below, one deeper, are the value.
    pub value: String,
    /// The value as people write it, beside the exact one: an amount, a date, how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<String>,
    /// How far it is indented.
    #[serde(default)]
    pub depth: u8,
    /// What it is for the eye.
    #[serde(default)]
    pub tone: TextStyle,
    /// What is masked in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// How much there is, when it is not all shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Truncation>,
}

/// A value that is not shown as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Truncation {
    /// How much there is: characters of a text, items of a list.
    pub total: usize,
    /// The first half of the SHA-256 of the whole, in hexadecimal: of a text's own bytes, of
    /// anything else's compact JSON.
    pub sha256: String,
}

/// Something that may be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Action {
    /// The answer.
    pub choice: Choice,
    /// What its button says.
    pub label: String,
    /// It must come with a reason or a message.
    pub needs_text: bool,
}
