//! The changes to a tool since a call of it was shown.

use std::fmt;

use hitl_base::display::{clip, visible};

use super::ApprovalRequest;
use crate::call::{BINDING_VERSION, ToolFacts};

/// A property of a tool that differs from what was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolDifference {
    /// No living executor has the tool.
    Gone,
    /// The tool's description.
    Description,
    /// The schema of its arguments.
    Schema,
    /// The set of its arguments that are secrets.
    SensitiveSet,
    /// The set of its arguments whose contents are read.
    ContentSet,
    /// The content that an argument names: it is not the one that was shown.
    Content {
        /// The argument's name, like `files[0]`.
        argument: String,
    },
    /// The tool began or ceased to render previews of its calls.
    PreviewFn,
    /// The preview of the call: it is not the one that was shown.
    Preview,
    /// The line that describes what would happen.
    TitleLine,
    /// Its schema, its secrets or its title line; which of them is not known here.
    Arguments,
    /// The labels of the buttons, or the kind of approval.
    Labels,
    /// The tool is riskier than was shown, became destructive, requires a reason, or offers fewer
    /// answers.
    Stricter,
    /// The version of its code.
    Build {
        /// The version that was shown.
        from: Option<String>,
        /// The version that would run.
        to: Option<String>,
    },
    /// The question was bound by an older rule, which did not name the call.
    OlderBinding,
}

impl fmt::Display for ToolDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = |version: &Option<String>| {
            version.as_deref().map_or("of no version".to_owned(), |version| {
                format!("version {}", visible(&clip(version, 128)))
            })
        };
        match self {
            Self::Gone => f.write_str("no running program has it"),
            Self::Description => f.write_str("its description"),
            Self::Schema => f.write_str("the schema of its arguments"),
            Self::SensitiveSet => f.write_str("which of its arguments are secret"),
            Self::ContentSet => f.write_str("which of its arguments name contents that are read"),
            Self::Content { argument } => {
                write!(f, "the content of `{}`", visible(&clip(argument, 128)))
            }
            Self::PreviewFn => f.write_str("whether it says what a call would do"),
            Self::Preview => f.write_str("what the call would do"),
            Self::TitleLine => f.write_str("the line that says what it does"),
            Self::Arguments => {
                f.write_str("its arguments (their schema, which are secret, or its title line)")
            }
            Self::Labels => f.write_str("its labels"),
            Self::Stricter => f.write_str("how strictly it is decided (risk, reason or answers)"),
            Self::Build { from, to } => {
                write!(f, "its code ({}, it was {})", version(to), version(from))
            }
            Self::OlderBinding => {
                f.write_str("what an approval covers, because an older version of hitl asked")
            }
        }
    }
}

/// The changes to a tool since a call of it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolChange {
    /// The tool's name.
    pub tool: String,
    /// The properties that differ.
    pub differences: Vec<ToolDifference>,
}

impl ToolChange {
    /// Creates the change of a tool that is gone.
    pub(crate) fn gone(tool: &str) -> Self {
        Self { tool: tool.to_owned(), differences: vec![ToolDifference::Gone] }
    }

    /// Compares a request with the tool as it is `now`; the tool as it was `then`, if still known,
    /// makes the result more precise. `None` if nothing has changed.
    pub(crate) fn between(
        request: &ApprovalRequest,
        then: Option<&ToolFacts>,
        now: &ToolFacts,
    ) -> Option<Self> {
        let mut differences = Vec::new();
        if request.fingerprint != now.fingerprint {
            if request.description != now.description {
                differences.push(ToolDifference::Description);
            }
            if let Some(then) = then.filter(|then| then.fingerprint == request.fingerprint) {
                for (differs, what) in [
                    (then.schema != now.schema, ToolDifference::Schema),
                    (then.sensitive != now.sensitive, ToolDifference::SensitiveSet),
                    (then.contents != now.contents, ToolDifference::ContentSet),
                    (then.previews != now.previews, ToolDifference::PreviewFn),
                    (
                        then.describe != now.describe || then.title != now.title,
                        ToolDifference::TitleLine,
                    ),
                ] {
                    differences.extend(differs.then_some(what));
                }
            }
            if differences.is_empty() {
                differences.push(ToolDifference::Arguments);
            }
        }
        if !now.has_labels_of(request) {
            differences.push(ToolDifference::Labels);
        }
        if now.is_stricter_than(request) {
            differences.push(ToolDifference::Stricter);
        }
        let older = request.binding_version < BINDING_VERSION;
        // A request bound by an older rule names no version.
        if request.build != now.build && !older {
            let (from, to) = (request.build.clone(), now.build.clone());
            differences.push(ToolDifference::Build { from, to });
        }
        differences.extend(older.then_some(ToolDifference::OlderBinding));
        let tool = request.tool.clone();
        (!differences.is_empty()).then_some(Self { tool, differences })
    }

    /// Returns whether no executor has the tool any more.
    pub fn is_gone(&self) -> bool {
        self.differences.contains(&ToolDifference::Gone)
    }
}

impl std::error::Error for ToolChange {}

impl fmt::Display for ToolChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = visible(&clip(&self.tool, 128)).into_owned();
        if self.is_gone() {
            return write!(f, "the tool `{tool}` is gone: no running program has it");
        }
        let is_preview = |what: &ToolDifference| *what == ToolDifference::Preview;
        let is_of_the_call = |what: &ToolDifference| {
            is_preview(what) || matches!(what, ToolDifference::Content { .. })
        };
        if self.differences.iter().all(is_preview) {
            return f.write_str("what the call would do has changed since this was asked");
        }
        if self.differences.iter().all(is_of_the_call) {
            f.write_str("what the call names has changed since this was asked: ")?;
        } else {
            write!(f, "the tool `{tool}` has changed since this was asked: ")?;
        }
        for (at, difference) in self.differences.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{difference}")?;
        }
        Ok(())
    }
}
