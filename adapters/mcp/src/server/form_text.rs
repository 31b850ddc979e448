//! The text of a form: what a person needs for a decision, in the order in which they need it, for
//! a narrow window and a font whose columns do not line up. Pure.

use hitl_core::ApprovalRequest;
use hitl_core::approval::{ReviewCard, Score, Section, SectionName};

use super::pending::Place;

/// The most lines of a tool's description.
const MOST_DESCRIPTION: usize = 4;

/// Returns the text for a request, whose full card is `card`.
///
/// It has all of the card that a decision can depend on. Digests are not in it: the sealed state,
/// or the server, has them; and of a long description it says how many lines it leaves out.
pub(super) fn form_text(request: &ApprovalRequest, card: &ReviewCard, place: &Place) -> String {
    let mut lines = vec![card.title.text.clone()];
    lines.extend(card.title.origin.label().map(|label| format!("({label})")));
    lines.extend(card.warnings.iter().map(|warning| format!("Beware: {warning}")));
    let mut sections: Vec<_> =
        card.sections.iter().filter(|section| section.name != SectionName::Identity).collect();
    sections.sort_by_key(|section| rank(section.name));
    for section in sections {
        let body = match section.name {
            SectionName::Tool => described(section),
            SectionName::Confidence => scored(section, card.score),
            SectionName::AskedBy => asked(section, request),
            _ => section.to_lines(),
        };
        add_block(&mut lines, section, body);
    }
    lines.push(match &place.link {
        // The link has the id.
        Some(link) => format!("Decide it elsewhere: {link}"),
        None => format!("Call: {}", request.id),
    });
    lines.join("\n")
}

/// The place of a section. What is new in a later version comes last, and is shown.
fn rank(name: SectionName) -> u8 {
    match name {
        SectionName::Arguments => 0,
        SectionName::Preview => 1,
        SectionName::Contents => 2,
        SectionName::Effect => 3,
        SectionName::RaisedBy => 4,
        SectionName::Confidence => 5,
        SectionName::StatedReason => 6,
        SectionName::Tool => 7,
        SectionName::Risk => 8,
        SectionName::AskedBy => 9,
        _ => 10,
    }
}

fn heading(section: &Section) -> &str {
    match section.name {
        SectionName::Arguments => "Arguments",
        SectionName::Preview => "What it would do",
        SectionName::Contents => "Contents",
        SectionName::Effect => "Effect",
        SectionName::RaisedBy => "Asks because",
        SectionName::Confidence => "Confidence",
        SectionName::StatedReason => "The model says why",
        SectionName::Tool => "Tool",
        SectionName::Risk => "Risk",
        SectionName::AskedBy => "Asked by",
        SectionName::Priority => "Priority",
        _ => &section.heading,
    }
}

/// Adds a section: in one line if it has one line of its own, and indented below otherwise, so that
/// none of its lines looks like a heading.
fn add_block(lines: &mut Vec<String>, section: &Section, body: Vec<String>) {
    let heading = heading(section);
    match (&section.label, body.as_slice()) {
        (None, []) => {}
        (None, [only]) => lines.push(format!("{heading}: {only}")),
        (label, _) => {
            let label = label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
            lines.push(format!("{heading}{label}:"));
            lines.extend(body.iter().map(|line| format!("  {line}")));
        }
    }
}

/// The first lines of a description, and how many more there are.
fn described(section: &Section) -> Vec<String> {
    let mut said = section.to_lines();
    let more = said.len().saturating_sub(MOST_DESCRIPTION);
    said.truncate(MOST_DESCRIPTION);
    if more > 0 {
        said.push(format!("[… {more} more lines of its description]"));
    }
    said
}

/// The score in words, and the factors.
fn scored(section: &Section, score: Score) -> Vec<String> {
    let Score { confidence, base, auto, .. } = score;
    let mut said = vec![format!("{confidence} of 100; runs without a question from {auto}")];
    let factors = section.to_lines().into_iter().skip(1).map(|line| line.trim().to_owned());
    said.extend(factors);
    if said.len() > 1 {
        said.insert(1, format!("{base} to begin with"));
    }
    said
}

/// Who asks, without the number of the call in its run.
fn asked(section: &Section, request: &ApprovalRequest) -> Vec<String> {
    let mut said = section.to_lines();
    let number = format!(", call {}", request.key.position);
    if let Some(first) = said.first_mut()
        && let Some(who) = first.strip_suffix(&number)
    {
        *first = who.to_owned();
    }
    said
}
