//! The operator's settings of single tools of an upstream. Pure.

use std::collections::BTreeMap;

use hitl_core::Risk;
use hitl_core::dynamic::{AnnotationTrust, DynSpec};

/// The operator's settings of a tool, or of the tools whose names match a pattern.
///
/// ```
/// use hitl_core::Risk;
/// use hitl_mcp::gateway::ToolSettings;
///
/// let writes = ToolSettings::default()
///     .title("Write {path}")
///     .labels("Write", "Keep")
///     .approval_type("file.write")
///     .risk(Risk::High);
/// assert_eq!(writes, writes.clone());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolSettings {
    title: Option<String>,
    labels: Option<(String, String)>,
    approval_type: Option<String>,
    risk: Option<Risk>,
    trust: Option<AnnotationTrust>,
}

impl ToolSettings {
    /// Sets the line that describes what a call would do, with `{argument}` in place of an
    /// argument: [`DynSpec::describe`].
    #[must_use]
    pub fn title(mut self, template: impl Into<String>) -> Self {
        self.title = Some(template.into());
        self
    }

    /// Sets the labels of the two buttons.
    #[must_use]
    pub fn labels(mut self, approve: impl Into<String>, reject: impl Into<String>) -> Self {
        self.labels = Some((approve.into(), reject.into()));
        self
    }

    /// Sets the kind of approval.
    #[must_use]
    pub fn approval_type(mut self, approval_type: impl Into<String>) -> Self {
        self.approval_type = Some(approval_type.into());
        self
    }

    /// Sets the harm of a wrong call, once the tool is pinned. It counts more than what the server
    /// says of the tool.
    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.risk = Some(risk);
        self
    }

    /// Sets how far the server's claims about the tool count, once it is pinned.
    #[must_use]
    pub fn trust(mut self, trust: AnnotationTrust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Returns whether there are words in it.
    pub(super) fn has_words(&self) -> bool {
        self.title.is_some() || self.labels.is_some() || self.approval_type.is_some()
    }

    /// Returns the spec with these words.
    pub(super) fn worded(&self, mut spec: DynSpec) -> DynSpec {
        if let Some(template) = &self.title {
            spec = spec.describe(template);
        }
        if let Some((approve, reject)) = &self.labels {
            spec = spec.labels(approve, reject);
        }
        if let Some(approval_type) = &self.approval_type {
            spec = spec.approval_type(approval_type);
        }
        spec
    }

    pub(super) fn risk_set(&self) -> Option<Risk> {
        self.risk
    }

    pub(super) fn trust_set(&self) -> Option<AnnotationTrust> {
        self.trust
    }

    /// Returns whether calls would be treated more laxly without it.
    fn is_strict(&self) -> bool {
        self.risk.is_some_and(|risk| risk > Risk::Medium)
            || self.trust.is_some_and(|trust| trust != AnnotationTrust::Believe)
    }
}

/// The settings of all tools of an upstream, by name or pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SettingsByTool {
    settings: BTreeMap<String, ToolSettings>,
}

impl SettingsByTool {
    pub(super) fn set(&mut self, pattern: String, settings: ToolSettings) {
        self.settings.insert(pattern, settings);
    }

    /// Returns the settings of a tool. What its own name says comes first. Of several patterns the
    /// longest one gives the words, the highest risk counts, and claims are believed only if all
    /// patterns that say anything about it believe them.
    pub(super) fn of(&self, tool: &str) -> ToolSettings {
        let mut matching: Vec<_> =
            self.settings.iter().filter(|(pattern, _)| matches(pattern, tool)).collect();
        // Stable: patterns of one length are in the order of their names.
        matching.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.chars().count()));
        let own = self.settings.get(tool).cloned().unwrap_or_default();
        let patterns = || matching.iter().map(|(_, settings)| *settings);
        let trusts = || patterns().filter_map(|settings| settings.trust);
        let strictest = trusts().find(|trust| *trust != AnnotationTrust::Believe);
        ToolSettings {
            title: own.title.or_else(|| patterns().find_map(|it| it.title.clone())),
            labels: own.labels.or_else(|| patterns().find_map(|it| it.labels.clone())),
            approval_type: own
                .approval_type
                .or_else(|| patterns().find_map(|it| it.approval_type.clone())),
            risk: own.risk.or_else(|| patterns().filter_map(|it| it.risk).max()),
            trust: own.trust.or(strictest).or_else(|| trusts().next()),
        }
    }

    /// Compares the settings with the names that a server has.
    pub(super) fn unmatched(&self, tools: &[&str]) -> UnmatchedSettings {
        let mut unmatched = UnmatchedSettings::default();
        for (pattern, settings) in &self.settings {
            if !tools.iter().any(|tool| matches(pattern, tool)) {
                unmatched.is_strict |= settings.is_strict();
                unmatched.patterns.push(pattern.clone());
            }
        }
        unmatched
    }
}

/// The settings that are of no tool of their server: probably misspelt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnmatchedSettings {
    pub(super) patterns: Vec<String>,
    /// True if one of them would make calls stricter. Which tool was meant is not known: it is one
    /// of those whose risk nothing else sets.
    pub(super) is_strict: bool,
}

/// Returns whether a name matches a pattern, in which `*` stands for any characters. The time is at
/// most the product of their lengths, and names have at most 128 characters.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut read) = (0, 0);
    // Where the last star is, and up to where it reaches.
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(byte), _) if *byte == name[read] => {
                at += 1;
                read += 1;
            }
            (_, Some((star_at, reaches))) => {
                star = Some((star_at, reaches + 1));
                at = star_at + 1;
                read = reaches + 1;
            }
            (_, None) => return false,
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("read", "read", true),
            ("read", "reads", false),
            ("read", "rea", false),
            ("read_*", "read_", true),
            ("read_*", "read_file", true),
            ("read_*", "unread_file", false),
            ("*_file", "write_file_file", true),
            ("*", "", true),
            ("**", "x", true),
            ("a*b*c", "a_b_b_c", true),
            ("a*b*c", "a_b_b_d", false),
            ("", "x", false),
            ("ré*", "réel", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    fn of(all: &[(&str, ToolSettings)]) -> SettingsByTool {
        let mut settings = SettingsByTool::default();
        for (pattern, one) in all {
            settings.set((*pattern).to_owned(), one.clone());
        }
        settings
    }

    #[test]
    fn invariant_5_the_own_name_comes_first_and_of_patterns_the_strictest() {
        let new = ToolSettings::default;
        let settings = of(&[
            ("*", new().title("all").labels("Yes", "No").risk(Risk::High)),
            ("write_*", new().title("write").risk(Risk::Low).trust(AnnotationTrust::Believe)),
            ("*_file", new().trust(AnnotationTrust::OnlyTighten)),
            ("write_log", new().risk(Risk::Low)),
        ]);
        let file = settings.of("write_file");
        assert_eq!(file.title.as_deref(), Some("write"));
        assert_eq!(file.labels, Some(("Yes".to_owned(), "No".to_owned())));
        assert_eq!(file.risk, Some(Risk::High));
        assert_eq!(file.trust, Some(AnnotationTrust::OnlyTighten));
        assert_eq!(settings.of("write_log").risk, Some(Risk::Low));
        assert_eq!(settings.of("write_log").trust, Some(AnnotationTrust::Believe));
        assert_eq!(settings.of("read"), new().title("all").labels("Yes", "No").risk(Risk::High));
        assert_eq!(SettingsByTool::default().of("read"), new());
    }

    #[test]
    fn settings_of_no_tool_are_found_and_strict_ones_are_told_apart() {
        let new = ToolSettings::default;
        for (settings, is_strict) in [
            (new().title("x"), false),
            (new().risk(Risk::Low), false),
            (new().risk(Risk::Medium), false),
            (new().risk(Risk::High), true),
            (new().risk(Risk::Critical), true),
            (new().trust(AnnotationTrust::Believe), false),
            (new().trust(AnnotationTrust::OnlyTighten), true),
        ] {
            let all = of(&[("amonut", settings.clone()), ("read_*", new().risk(Risk::High))]);
            let unmatched = all.unmatched(&["delete", "read_file"]);
            assert_eq!(
                (unmatched.patterns, unmatched.is_strict),
                (vec!["amonut".to_owned()], is_strict)
            );
        }
        let none = of(&[("*", new().risk(Risk::High))]).unmatched(&["x"]);
        assert_eq!(none, UnmatchedSettings::default());
    }
}
