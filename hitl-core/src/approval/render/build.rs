//! From a request to its view. Pure: the same request at the same time gives the same view.

use std::collections::BTreeSet;
use std::time::Duration;

use hitl_base::display::{TextHazard, clip, text_hazards, visible};
use hitl_base::{Json, Timestamp};

use super::TextStyle;
use super::view::{
    Action, DetailLevel, Line, Origin, ReviewCard, Score, Section, SectionName, Title,
};
use super::{alike, arguments, masks, named, preview, stated};
use crate::approval::{ApprovalRequest, Choice, References, link_fault, repeat_reason};
use crate::policy::RequesterRule;

/// The most warnings that are listed one by one.
const MAX_WARNINGS: usize = 20;
/// The most lines of a tool's description after the first.
const MAX_DESCRIPTION: usize = 100;
/// The most factors, and the most reasons, that are listed one by one.
const MAX_REASONS: usize = 40;
/// The schema version of [`ReviewCard`]. Additive changes keep it.
const SCHEMA: u16 = 1;

impl ApprovalRequest {
    /// Renders the request as a person sees it at this time. All surfaces show this view.
    ///
    /// `now` is the time of the store's clock; the distance to a due date depends on it.
    pub fn render(&self, now: Timestamp, extent: DetailLevel) -> ReviewCard {
        let tree = self.arguments.tree().ok();
        let references = tree.as_ref().map(|tree| self.references_in(tree)).unwrap_or_default();
        let mut sections = Vec::new();
        if let Some(shown) = &self.preview {
            let lines = preview::lines(shown, extent);
            sections.push(section(SectionName::Preview, Origin::Preview, lines));
        }
        if let Some(words) = &self.stated_reason {
            let lines = stated::lines(words);
            sections.push(section(SectionName::StatedReason, Origin::Model, lines));
        }
        sections.extend([tool(self, extent), risk(self, &references), confidence(self)]);
        sections.extend(effect(self));
        sections.extend(raised_by(self));
        sections.push(asked_by(self));
        sections.push(priority(self, now));
        if extent == DetailLevel::Full {
            sections.push(identity(self));
        }
        sections.push(arguments_of(self, tree.as_ref(), extent));
        if !self.contents.is_empty() {
            let lines = named::contents(&self.contents, extent);
            sections.push(section(SectionName::Contents, Origin::Content, lines));
        }
        let to_uncover = if self.needs_uncovering() { self.undeclared_masks() } else { 0 };
        ReviewCard {
            schema: SCHEMA,
            request: self.id,
            revision: self.revision,
            binding: self.binding,
            level: self.level,
            risk: self.risk,
            title: title(self),
            score: Score {
                confidence: self.assessment.confidence,
                base: self.assessment.base,
                auto: self.thresholds.auto,
                quick: self.thresholds.quick,
            },
            to_uncover,
            references: references.listed,
            warnings: warnings(self, tree.as_ref(), extent),
            sections,
            actions: self.choices.iter().map(|choice| action(self, *choice)).collect(),
        }
    }

    /// Returns whether the whole card has a warning.
    pub(in crate::approval) fn has_warnings(&self) -> bool {
        !warnings(self, self.arguments.tree().ok().as_ref(), DetailLevel::Full).is_empty()
    }
}

fn title(request: &ApprovalRequest) -> Title {
    let plain = request.title == format!("Run {}", request.tool);
    Title {
        text: safe(&request.title, 400),
        origin: if plain { Origin::Host } else { Origin::Mixed },
    }
}

fn section(name: SectionName, origin: Origin, lines: Vec<Line>) -> Section {
    let label = origin.label().map(str::to_owned);
    Section { name, heading: name.heading().to_owned(), origin, label, lines }
}

fn plain(text: impl Into<String>) -> Line {
    Line { value: text.into(), ..Line::default() }
}

fn safe(text: &str, max: usize) -> String {
    // Escaping can make a text eight times as long.
    clip(&visible(&clip(text, max)), 2 * max).into_owned()
}

fn tool(request: &ApprovalRequest, extent: DetailLevel) -> Section {
    let name = visible(&request.tool);
    let mut said = request.description.lines().filter(|line| !line.trim().is_empty());
    let first = said.next().unwrap_or_default();
    let mut lines = vec![plain(format!("{name}: {}", safe(first, 300)))];
    if extent == DetailLevel::Full {
        lines.extend(said.take(MAX_DESCRIPTION).map(|line| plain(safe(line, 300))));
    }
    section(SectionName::Tool, Origin::Tool, lines)
}

fn risk(request: &ApprovalRequest, references: &References) -> Section {
    let mut says = format!("{} · {}", request.risk, visible(&request.approval_type));
    let hints = request.hints;
    for (says_so, word) in [
        (hints.destructive, "destructive"),
        (hints.read_only, "changes nothing"),
        (hints.idempotent, "harmless to repeat"),
        (hints.open_world, "reaches other systems"),
    ] {
        if says_so {
            says.push_str(" · ");
            says.push_str(word);
        }
    }
    let tone = TextStyle::from(request.risk);
    let mut lines = vec![Line { tone, ..plain(says) }];
    lines.extend(named::not_inspected(references).map(plain));
    section(SectionName::Risk, Origin::Host, lines)
}

fn confidence(request: &ApprovalRequest) -> Section {
    let mut lines = vec![plain(format!("{:>4} base", request.assessment.base))];
    for factor in request.assessment.factors.iter().take(MAX_REASONS) {
        let (name, why) = (safe(&factor.name, 80), safe(&factor.reasoning, 200));
        let says = match factor.level {
            Some(level) => format!("needs {level} {name}: {why}"),
            None => format!("{:>+4} {name}: {why}", factor.adjustment),
        };
        let lowers = factor.adjustment < 0 || factor.level.is_some();
        let tone = if lowers { TextStyle::Warning } else { TextStyle::Plain };
        lines.push(Line { tone, ..plain(says) });
    }
    lines.extend(and_more(request.assessment.factors.len()));
    section(SectionName::Confidence, Origin::Host, lines)
}

/// Returns the line for the reasons that are not listed one by one.
fn and_more(count: usize) -> Option<Line> {
    let more = count.saturating_sub(MAX_REASONS);
    (more > 0).then(|| plain(format!("and {more} more")))
}

fn raised_by(request: &ApprovalRequest) -> Option<Section> {
    // What the earlier call is now says more than the reason, which is as old as the question, and
    // is a warning unless that call has ended without running.
    let is_repeat = |why: &String| {
        request.repeats.is_some_and(|earlier| why.ends_with(&repeat_reason(earlier)))
    };
    let because = request.reasons.iter().take(MAX_REASONS).filter(|why| !is_repeat(why));
    let because = because.map(|why| plain(safe(why, 300)));
    let harmless = request
        .earlier
        .as_ref()
        .filter(|earlier| earlier.did_not_run() && request.repeats == Some(earlier.id));
    let harmless =
        harmless.map(|earlier| Line { tone: TextStyle::Good, ..plain(earlier.to_string()) });
    let lines: Vec<Line> =
        harmless.into_iter().chain(because).chain(and_more(request.reasons.len())).collect();
    (!lines.is_empty()).then(|| section(SectionName::RaisedBy, Origin::Host, lines))
}

/// Returns the warning about the earlier call whose effect the request repeats; `None` if that call
/// has ended without running.
fn repeated(request: &ApprovalRequest) -> Option<String> {
    let id = request.repeats?;
    match request.earlier.as_ref().filter(|earlier| earlier.id == id) {
        Some(earlier) if earlier.did_not_run() => None,
        Some(earlier) => Some(earlier.to_string()),
        None => Some(format!("{}: look at that call before you decide", repeat_reason(id))),
    }
}

/// Returns the effect, which happens once.
fn effect(request: &ApprovalRequest) -> Option<Section> {
    let effect = request.effect.as_deref()?;
    let mut lines = vec![plain(safe(effect, 300))];
    lines.push(plain("happens once; another such call is asked about or refused"));
    Some(section(SectionName::Effect, Origin::Mixed, lines))
}

fn asked_by(request: &ApprovalRequest) -> Section {
    let principal = safe(request.principal.as_str(), 80);
    let who = match &request.agent {
        Some(agent) => format!("{} for {principal}", safe(agent.as_str(), 80)),
        None => principal.clone(),
    };
    let run = safe(request.key.run.as_str(), 80);
    let says = format!("{who}, in {run}, call {}", request.key.position);
    let mut lines = vec![plain(says)];
    // For an agent's call it is always said; for others, only where it deviates from the default.
    let alone = request.requester_may_approve();
    let is_rule = request.quorum.eyes == RequesterRule::ByLevel;
    match alone {
        true if request.agent.is_some() || !is_rule => {
            lines.push(plain(format!("{principal} may decide it alone")));
        }
        false if request.agent.is_some() => {
            lines.push(plain(format!("another human than {principal} decides it")));
        }
        _ => {}
    }
    if let Some(says) = channels(request) {
        lines.push(plain(says));
    }
    if let Some(id) = &request.tool_call_id {
        let label = Some("tool call".to_owned());
        lines.push(Line { label, ..plain(safe(id, 80)) });
    }
    if let Some(url) = request.conversation_url.as_deref().filter(|url| link_fault(url).is_none()) {
        let label = Some("conversation".to_owned());
        lines.push(Line { label, value: url.to_owned(), ..Line::default() });
    }
    section(SectionName::AskedBy, Origin::Host, lines)
}

/// Returns the channels through which it may be approved, if the policy takes any away.
fn channels(request: &ApprovalRequest) -> Option<String> {
    let channels = &request.channels;
    if channels.is_any() {
        return None;
    }
    if channels.is_empty() {
        return Some("no channel may approve it: the policy leaves none".to_owned());
    }
    Some(format!("may be approved only through: {}", safe(&channels.to_string(), 200)))
}

fn priority(request: &ApprovalRequest, now: Timestamp) -> Section {
    let says = format!(
        "{}, due {}, expires {}",
        request.priority,
        away(request.due_at, now),
        away(request.expires_at, now)
    );
    section(SectionName::Priority, Origin::Host, vec![plain(says)])
}

fn identity(request: &ApprovalRequest) -> Section {
    let line = |label: &str, value: String| Line { label: Some(label.to_owned()), ..plain(value) };
    let mut lines = vec![
        line("request", format!("{} revision {}", request.id, request.revision)),
        line("binding", request.binding.to_string()),
        line("tool", request.fingerprint.to_string()),
        line("key", visible(&request.key.to_string()).into_owned()),
        line("expires", request.expires_at.to_string()),
    ];
    if let Some(build) = &request.build {
        lines.insert(3, line("version", safe(build, 128)));
    }
    section(SectionName::Identity, Origin::Host, lines)
}

fn arguments_of(request: &ApprovalRequest, tree: Option<&Json>, extent: DetailLevel) -> Section {
    let lines = tree.map(|tree| arguments::lines(tree, &request.masks, extent));
    let lines = lines.unwrap_or_else(|| {
        vec![Line { tone: TextStyle::Bad, ..plain("cannot be shown; do not approve") }]
    });
    section(SectionName::Arguments, Origin::Model, lines)
}

fn warnings(request: &ApprovalRequest, tree: Option<&Json>, extent: DetailLevel) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(tree) = tree else {
        return vec!["the arguments cannot be shown; do not approve".to_owned()];
    };
    warnings.extend(repeated(request));
    warnings.extend(masks::warnings(request, tree));
    warnings.extend(preview::warnings(request, extent));
    warnings.extend(request.stated_reason.iter().flat_map(|words| stated::warnings(words)));
    warnings.extend(named::warnings(request, extent));
    for oddity in text_hazards(&request.title) {
        warnings.push(format!("the title has {}", oddity.says()));
    }
    let mut found: BTreeSet<(TextHazard, String)> = BTreeSet::new();
    for (key, value) in tree.entries() {
        let mut odd = Vec::new();
        odd_in(&Json::String(key.clone()), &mut odd);
        odd_in(value, &mut odd);
        found.extend(odd.into_iter().map(|oddity| (oddity, safe(key, 40))));
    }
    warnings
        .extend(found.into_iter().map(|(oddity, key)| format!("`{key}` has {}", oddity.says())));
    warnings.extend(alike::warnings(tree));
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    if more > 0 {
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("and {more} more of this kind: look at every argument"));
    }
    warnings
}

fn odd_in(tree: &Json, found: &mut Vec<TextHazard>) {
    match tree {
        Json::String(text) => found.extend(text_hazards(text)),
        Json::Array(items) => items.iter().for_each(|item| odd_in(item, found)),
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            found.extend(text_hazards(key));
            odd_in(value, found);
        }),
        _ => {}
    }
    found.sort_unstable();
    found.dedup();
}

fn action(request: &ApprovalRequest, choice: Choice) -> Action {
    let (label, needs_text) = match choice {
        Choice::Approve => (request.approve_label.as_str(), false),
        Choice::Edit => ("Change arguments", true),
        Choice::Reject => (request.reject_label.as_str(), request.requires_reason),
        Choice::Respond => ("Answer instead", true),
        Choice::Abort => ("Stop the run", true),
    };
    Action { choice, label: visible(label).into_owned(), needs_text }
}

/// Returns the distance between two times, in its two largest units.
fn away(then: Timestamp, now: Timestamp) -> String {
    let ahead = then.saturating_duration_since(now);
    if ahead.is_zero() {
        return "now".to_owned();
    }
    if ahead > Duration::from_secs(100 * 365 * 86_400) {
        return "never".to_owned();
    }
    let mut rest = ahead.as_secs();
    let mut parts = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
        if rest >= length && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / length));
        }
        rest %= length;
    }
    if parts.is_empty() { "in less than 1 s".to_owned() } else { format!("in {}", parts.join(" ")) }
}
