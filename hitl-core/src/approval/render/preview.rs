//! The preview of a call: facts, differences line by line, and what has changed in it: pure.

use hitl_base::display::{clip, quoted, text_hazards, visible};
use hitl_base::json::push_part;

use super::view::{DetailLevel, Line};
use super::{TextStyle, alike, masks};
use crate::approval::{
    ApprovalRequest, Mask, PREVIEW, PreviewChange, PreviewItem, PreviewState, RequestPreview,
    preview_tree,
};

/// The most characters of a label.
const LABEL: usize = 200;
/// The most characters of an author's error.
const ERROR: usize = 500;
/// The most characters of an author's warning in the list of warnings. The preview has all of it.
const WARNING: usize = 300;
/// The most changes that a warning names.
const MAX_NAMED: usize = 4;
/// The number of equal lines that are shown around a difference.
const AROUND: usize = 2;

/// The limits on a preview that is shown.
#[derive(Clone, Copy)]
struct Room {
    /// Items.
    items: usize,
    /// Lines of one item.
    lines: usize,
    /// Characters of one line.
    line: usize,
}

impl From<DetailLevel> for Room {
    fn from(extent: DetailLevel) -> Self {
        match extent {
            DetailLevel::Brief => Self { items: 12, lines: 12, line: 200 },
            // A preview is limited where it is rendered.
            DetailLevel::Full => Self { items: usize::MAX, lines: usize::MAX, line: usize::MAX },
        }
    }
}

/// Returns warnings about the preview of a request.
pub(super) fn warnings(request: &ApprovalRequest, extent: DetailLevel) -> Vec<String> {
    let Some(preview) = &request.preview else { return Vec::new() };
    let mut warnings: Vec<String> = preview
        .warnings()
        .map(|text| format!("the tool warns: {}", visible(&clip(text, WARNING))))
        .collect();
    match &preview.found {
        PreviewState::Failed { why, said } => {
            warnings.push(format!("the preview failed: {why}{}", quote(said.as_deref())));
        }
        PreviewState::Rendered { left_out } if *left_out > 0 => warnings.push(format!(
            "the preview is too long: {left_out} parts of it are left out, and shown nowhere"
        )),
        PreviewState::Rendered { .. } => {}
    }
    if let Some(changes) = &preview.changes {
        warnings.push(match names_of(changes) {
            Some(names) => format!("the preview has changed since it was last shown: {names}"),
            None => {
                "the preview has changed since it was last shown, in what is masked or left out"
                    .to_owned()
            }
        });
    }
    let room = Room::from(extent);
    let mut shown = preview.items.iter().take(room.items);
    let is_cut = shown.any(|item| item_lines(item, room).iter().any(is_gap));
    if is_cut || preview.items.len() > room.items {
        warnings
            .push("this card does not show the whole preview: see the whole request".to_owned());
    }
    let tree = preview_tree(&preview.items);
    let listed = preview.masks.len() + preview.more_masks;
    let mut texts = Vec::new();
    for item in &preview.items {
        texts.extend(item.label());
        texts.extend(item.texts());
    }
    if texts.iter().map(|text| masks::masks_in(text)).sum::<usize>() > listed {
        warnings.push(
            "the preview has a mask that is not listed: it may be the text itself".to_owned(),
        );
    }
    let mut odd: Vec<_> = texts
        .iter()
        .flat_map(|text| {
            // Line breaks and tabs are normal in a text.
            let plain: String = text.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
            text_hazards(&plain)
        })
        .collect();
    odd.sort_unstable();
    odd.dedup();
    warnings.extend(odd.into_iter().map(|oddity| format!("the preview has {}", oddity.says())));
    let read = alike::readings(&tree).into_iter();
    warnings.extend(read.map(|warning| format!("in the preview, {warning}")));
    warnings
}

fn quote(said: Option<&str>) -> String {
    said.map(|said| format!(" ({})", quoted(&clip(said, ERROR)))).unwrap_or_default()
}

/// Returns the names of the first changes, and how many more there are. `None` if there are none.
fn names_of(changes: &[PreviewChange]) -> Option<String> {
    let names: Vec<_> = changes.iter().take(MAX_NAMED).map(name_of).collect();
    let more = changes.len().saturating_sub(MAX_NAMED);
    (!names.is_empty()).then(|| match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    })
}

fn name_of(change: &PreviewChange) -> String {
    change
        .label
        .as_deref()
        .map_or_else(|| "a text".to_owned(), |label| format!("`{}`", visible(&clip(label, 60))))
}

/// Returns the preview, line by line. Each line of a text or of a difference follows a sign of
/// ours, so that it cannot be mistaken for another line.
pub(super) fn lines(preview: &RequestPreview, extent: DetailLevel) -> Vec<Line> {
    let room = Room::from(extent);
    let mut out = Vec::new();
    match &preview.found {
        PreviewState::Failed { why, said } => {
            let value = format!("not known: {why}{}", quote(said.as_deref()));
            return vec![Line { value, tone: TextStyle::Bad, ..Line::default() }];
        }
        PreviewState::Rendered { .. } if preview.items.is_empty() => {
            let value = "the tool says nothing about this call".to_owned();
            return vec![Line { value, tone: TextStyle::Warning, ..Line::default() }];
        }
        PreviewState::Rendered { .. } => {}
    }
    let mut changes = Changes::new(preview.changes.as_deref().unwrap_or_default());
    for (index, item) in preview.items.iter().enumerate().take(room.items) {
        let mut lines = item_lines(item, room);
        if let Some(head) = lines.first_mut() {
            head.masks = masks_of(&preview.masks, index);
            let mut reads = Vec::new();
            if !head.masks.is_empty() {
                reads.push(masks::says(&head.masks));
            }
            if let Some(change) = changes.of(item) {
                head.tone = TextStyle::Warning;
                reads.push(match &change.before {
                    Some(before) => format!("changed, it was {}", quoted(before)),
                    None => "new".to_owned(),
                });
            }
            head.reads = (!reads.is_empty()).then(|| reads.join("; "));
        }
        out.append(&mut lines);
    }
    let more = preview.items.len().saturating_sub(room.items);
    if more > 0 {
        out.push(gap(format!("[… {more} more items are left out: see the whole request]")));
    }
    out.extend(changes.gone().map(|change| Line {
        label: change.label.as_deref().map(shown_label),
        value: format!("gone, it was {}", quoted(change.before.as_deref().unwrap_or_default())),
        tone: TextStyle::Warning,
        ..Line::default()
    }));
    if let PreviewState::Rendered { left_out } = &preview.found
        && *left_out > 0
    {
        out.push(gap(format!("[… {left_out} parts are left out: the preview is too long]")));
    }
    out
}

/// The changes of a preview, which are in the order of its items.
struct Changes<'c>(std::iter::Peekable<std::slice::Iter<'c, PreviewChange>>);

impl<'c> Changes<'c> {
    fn new(changes: &'c [PreviewChange]) -> Self {
        Self(changes.iter().peekable())
    }

    /// Returns the change of the next item, if it has changed.
    fn of(&mut self, item: &PreviewItem) -> Option<&'c PreviewChange> {
        self.0.next_if(|change| change.is_now(item))
    }

    fn gone(self) -> impl Iterator<Item = &'c PreviewChange> {
        self.0.filter(|change| change.after.is_none())
    }
}

fn gap(value: String) -> Line {
    Line { value, tone: TextStyle::Warning, ..Line::default() }
}

fn is_gap(line: &Line) -> bool {
    line.tone == TextStyle::Warning && line.value.starts_with("[… ")
}

fn shown_label(label: &str) -> String {
    visible(&clip(label, LABEL)).into_owned()
}

fn masks_of(masks: &[Mask], index: usize) -> Vec<Mask> {
    let mut place = String::new();
    push_part(&mut place, &index.to_string());
    let is_of = |mask: &&Mask| {
        let below = mask.at.strip_prefix(PREVIEW).and_then(|at| at.strip_prefix(&*place));
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    masks.iter().filter(is_of).cloned().collect()
}

fn item_lines(item: &PreviewItem, room: Room) -> Vec<Line> {
    let head =
        |value: String| Line { label: item.label().map(shown_label), value, ..Line::default() };
    match item {
        PreviewItem::Fact { value, .. } if is_one_line(value, room) => {
            vec![head(visible(value).into_owned())]
        }
        PreviewItem::Fact { value, .. } => {
            with_lines(Some(head(String::new())), signed('|', value), room)
        }
        PreviewItem::Text { text } => with_lines(None, signed('|', text), room),
        PreviewItem::Warning { text } => {
            let mut lines = with_lines(None, signed('!', text), room);
            for line in &mut lines {
                line.tone = TextStyle::Bad;
            }
            lines
        }
        PreviewItem::Difference { before, after, .. }
            if is_one_line(before, room) && is_one_line(after, room) =>
        {
            let side = |text: &str| match text {
                "" => "nothing".to_owned(),
                text => quoted(text),
            };
            vec![head(format!("{} → {}", side(before), side(after)))]
        }
        PreviewItem::Difference { before, after, .. } => {
            with_lines(Some(head(String::new())), difference(before, after), room)
        }
    }
}

fn is_one_line(text: &str, room: Room) -> bool {
    !text.contains(['\n', '\r']) && text.chars().count() <= room.line
}

/// Returns the lines of a text, each after a sign.
fn signed(sign: char, text: &str) -> impl Iterator<Item = String> {
    text.lines().map(move |line| format!("{sign} {line}"))
}

/// Returns the lines of an item, below its head, while there is room, and how many are left out.
/// Without a head, the first line is the head.
fn with_lines(head: Option<Line>, lines: impl Iterator<Item = String>, room: Room) -> Vec<Line> {
    let mut lines = lines.fuse();
    let mut out: Vec<Line> = head.into_iter().collect();
    for line in lines.by_ref().take(room.lines) {
        let depth = u8::from(!out.is_empty());
        let is_long = line.chars().nth(room.line).is_some();
        let value = visible(&clip(&line, room.line)).into_owned();
        out.push(Line { value, depth, ..Line::default() });
        if is_long {
            out.push(Line { depth: 1, ..gap("[… the end of this line is left out]".to_owned()) });
        }
    }
    let left = lines.count();
    if left > 0 {
        let says = format!("[… {left} lines are left out: see the whole request]");
        out.push(Line { depth: 1, ..gap(says) });
    }
    out
}

/// Returns the lines of a difference: those that go away after a minus, those that come after a
/// plus, and a few of those that stay. Linear: lines that stay between two changes are shown as
/// gone and come again.
fn difference<'d>(before: &'d str, after: &'d str) -> impl Iterator<Item = String> + 'd {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let start = before.iter().zip(&after).take_while(same).count();
    let rest = (&before[start..], &after[start..]);
    let end = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(same).count();
    let (gone, come) = (&rest.0[..rest.0.len() - end], &rest.1[..rest.1.len() - end]);
    let mut out = Vec::new();
    let skipped = |count: usize, out: &mut Vec<String>| {
        if count > 0 {
            out.push(format!("= [{count} equal lines]"));
        }
    };
    let first = start.saturating_sub(AROUND);
    skipped(first, &mut out);
    out.extend(before[first..start].iter().map(|line| format!("= {line}")));
    out.extend(gone.iter().map(|line| format!("- {line}")));
    out.extend(come.iter().map(|line| format!("+ {line}")));
    let tail = &before[before.len() - end..];
    out.extend(tail.iter().take(AROUND).map(|line| format!("= {line}")));
    skipped(end.saturating_sub(AROUND), &mut out);
    out.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::{PreviewFailure, fixture};
    use crate::call::CallPreview;

    fn shown(preview: CallPreview) -> RequestPreview {
        RequestPreview {
            digest: "ab".repeat(32).parse().unwrap(),
            found: PreviewState::Rendered { left_out: 0 },
            items: preview.items().to_vec(),
            masks: Vec::new(),
            more_masks: 0,
            changes: None,
        }
    }

    fn text(preview: &RequestPreview, extent: DetailLevel) -> Vec<String> {
        lines(preview, extent)
            .into_iter()
            .map(|line| {
                let label = line.label.map(|label| format!("{label}: ")).unwrap_or_default();
                let reads = line.reads.map(|reads| format!(" ({reads})")).unwrap_or_default();
                format!("{}{label}{}{reads}", "  ".repeat(usize::from(line.depth)), line.value)
            })
            .collect()
    }

    fn warned(preview: RequestPreview, extent: DetailLevel) -> Vec<String> {
        let mut request = fixture::request("{}");
        request.preview = Some(preview);
        warnings(&request, extent)
    }

    #[test]
    fn each_kind_of_item_has_its_lines() {
        let preview = CallPreview::new()
            .fact("customer", "Ann Lee")
            .fact("address", "Main Street 1\nSpringfield")
            .difference("state", "paid", "refunded")
            .difference("note", "", "late")
            .difference("letter", "Dear\nAnn,\na\nb\nold\nc", "Dear\nAnn,\na\nb\nnew\nmore\nc")
            .text("It is final.\nNobody can undo it.")
            .warning("It was paid\nby somebody else.");
        assert_eq!(
            text(&shown(preview), DetailLevel::Full),
            [
                "customer: Ann Lee",
                "address: ",
                "  | Main Street 1",
                "  | Springfield",
                "state: \"paid\" → \"refunded\"",
                "note: nothing → \"late\"",
                "letter: ",
                "  = [2 equal lines]",
                "  = a",
                "  = b",
                "  - old",
                "  + new",
                "  + more",
                "  = c",
                "| It is final.",
                "  | Nobody can undo it.",
                "! It was paid",
                "  ! by somebody else.",
            ]
        );
    }

    #[test]
    fn invariant_9_a_failed_an_empty_and_a_long_preview_say_so() {
        let failed = RequestPreview {
            found: PreviewState::Failed {
                why: PreviewFailure::Error,
                said: Some("no such order\u{202e}".to_owned()),
            },
            ..shown(CallPreview::new())
        };
        let says = r#"it returned an error ("no such order\u{202e}")"#;
        assert_eq!(text(&failed, DetailLevel::Brief), [format!("not known: {says}")]);
        assert_eq!(warned(failed, DetailLevel::Brief), [format!("the preview failed: {says}")]);
        let empty = shown(CallPreview::new());
        assert_eq!(text(&empty, DetailLevel::Brief), ["the tool says nothing about this call"]);
        let long = RequestPreview {
            found: PreviewState::Rendered { left_out: 2 },
            ..shown(CallPreview::new().fact("a", "b"))
        };
        assert_eq!(
            text(&long, DetailLevel::Full),
            ["a: b", "[… 2 parts are left out: the preview is too long]"]
        );
        assert!(warned(long, DetailLevel::Full)[0].starts_with("the preview is too long: 2 parts"));
    }

    #[test]
    fn invariant_9_a_brief_card_says_what_it_leaves_out_and_a_whole_one_leaves_nothing_out() {
        let many = (0..20).fold(CallPreview::new(), |all, n| all.fact(format!("f{n}"), n));
        for preview in [
            many,
            CallPreview::new().text("x\n".repeat(13 + 1)),
            CallPreview::new().fact("a", "x ".repeat(101)),
            CallPreview::new().difference("a", "x".repeat(201), ""),
            CallPreview::new().difference("a", "", "x\n".repeat(13)),
            CallPreview::new().text("x ".repeat(8_000)),
        ] {
            let preview = shown(preview);
            let says = "this card does not show the whole preview: see the whole request";
            let warns = |extent| warned(preview.clone(), extent).iter().any(|one| one == says);
            let first = preview.items[0].label();
            assert!(warns(DetailLevel::Brief) && !warns(DetailLevel::Full), "{first:?}");
            let all = text(&preview, DetailLevel::Full).join("\n");
            for words in preview.items.iter().flat_map(PreviewItem::texts) {
                assert!(words.lines().all(|line| all.contains(line)));
            }
        }
    }

    #[test]
    fn invariant_9_nothing_in_a_preview_hides() {
        let odd = "Ann\u{202e}eeL\u{200b}";
        for preview in [
            CallPreview::new().fact("customer", odd),
            CallPreview::new().fact(odd, "x"),
            CallPreview::new().text(odd),
            CallPreview::new().warning(odd),
            CallPreview::new().text(format!("a\n{odd}\n[… 3 lines are left out]")),
            CallPreview::new().difference("a", odd, ""),
            CallPreview::new().difference("a", "", format!("b\n{odd}")),
        ] {
            let preview = shown(preview);
            let text = text(&preview, DetailLevel::Full).concat();
            assert!(!text.contains(['\u{202e}', '\u{200b}', '\n']), "{text:?}");
            assert!(text.contains("\\u{202e}"), "{text}");
            let warnings = warned(preview, DetailLevel::Full);
            assert!(warnings.iter().any(|one| one.starts_with("the preview has ")), "{warnings:?}");
        }
        // A name in letters that look like others is named.
        let warnings =
            warned(shown(CallPreview::new().fact("to", "p\u{430}ypal")), DetailLevel::Full);
        assert!(warnings.iter().any(|one| one.starts_with("in the preview, ")), "{warnings:?}");
        let mask = warned(shown(CallPreview::new().text("[redacted]")), DetailLevel::Full);
        assert!(mask.iter().any(|one| one.contains("a mask that is not listed")), "{mask:?}");
    }

    #[test]
    fn what_has_changed_is_marked_with_what_it_was() {
        let then = CallPreview::new().fact("total", 10).fact("left", 5).text("soon");
        let now = CallPreview::new().fact("total", 20).fact("new", 1);
        let changes = PreviewChange::between(then.items(), now.items());
        let preview = RequestPreview { changes: Some(changes), ..shown(now) };
        assert_eq!(
            text(&preview, DetailLevel::Full),
            [
                "total: 20 (changed, it was \"10\")",
                "new: 1 (new)",
                "left: gone, it was \"5\"",
                "gone, it was \"soon\"",
            ]
        );
        assert_eq!(
            warned(preview.clone(), DetailLevel::Full),
            ["the preview has changed since it was last shown: `total`, `new`, `left`, a text"]
        );
        let unseen = RequestPreview { changes: Some(Vec::new()), ..preview };
        assert_eq!(
            warned(unseen, DetailLevel::Full),
            ["the preview has changed since it was last shown, in what is masked or left out"]
        );
    }
}
