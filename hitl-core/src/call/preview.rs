//! The preview of a call, as the tool's author renders it.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::approval::PreviewItem;
use crate::hex::hex;

/// The most items of a preview that are shown.
pub(crate) const MAX_ITEMS: usize = 64;
/// The most bytes of all items that are shown.
pub(crate) const MAX_BYTES: usize = 32 * 1024;
/// The most lines of one text that are shown.
pub(crate) const MAX_LINES: usize = 500;
/// The most characters of a label.
const MAX_LABEL: usize = 200;

/// The preview of a call: facts, differences, paragraphs and warnings that the tool's author
/// renders for the person who decides. The order stays.
///
/// ```
/// use hitl::call::CallPreview;
///
/// let preview = CallPreview::new()
///     .fact("customer", "Ann Lee")
///     .fact("refunded so far", "0.00 EUR")
///     .difference("state of order 17", "paid", "refunded")
///     .text("The customer gets a mail.");
/// assert_eq!(preview.items().len(), 4);
/// ```
///
/// At most 64 items with 32 KiB of text in all are shown, and at most 500 lines of one text. What
/// is beyond is left out, and the card says so; the decision is bound to all of it. A call whose
/// preview is not shown in whole needs a full review.
///
/// The gate masks secrets in it as it does in arguments, and shows invisible characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPreview {
    items: Vec<PreviewItem>,
}

impl CallPreview {
    /// Creates an empty preview.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact: `customer: Ann Lee`. The label has at most 200 characters.
    #[must_use]
    pub fn fact(mut self, label: impl Into<String>, value: impl Display) -> Self {
        let (label, value) = (label.into(), value.to_string());
        self.items.push(PreviewItem::Fact { label, value });
        self
    }

    /// Adds a difference that the call would make, which is shown line by line. An empty `before`
    /// is something new, an empty `after` something that goes away.
    #[must_use]
    pub fn difference(
        mut self,
        label: impl Into<String>,
        before: impl Display,
        after: impl Display,
    ) -> Self {
        let (label, before, after) = (label.into(), before.to_string(), after.to_string());
        self.items.push(PreviewItem::Difference { label, before, after });
        self
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn text(mut self, paragraph: impl Display) -> Self {
        self.items.push(PreviewItem::Text { text: paragraph.to_string() });
        self
    }

    /// Adds a warning: what speaks against the call, such as a rule that it breaks. It stands with
    /// the warnings at the top of the card, the call needs a full review, no grant answers it, and
    /// it is not approved together with others.
    ///
    /// ```
    /// use hitl::call::CallPreview;
    ///
    /// let (price, paid) = (1002, 957);
    /// let mut preview = CallPreview::new().fact("price", price).fact("paid", paid);
    /// if paid < price {
    ///     preview = preview.warning(format!("the payment is {} too little", price - paid));
    /// }
    /// # assert_eq!(preview.items().len(), 3);
    /// ```
    #[must_use]
    pub fn warning(mut self, text: impl Display) -> Self {
        self.items.push(PreviewItem::Warning { text: text.to_string() });
        self
    }

    /// Returns the items in their order.
    pub fn items(&self) -> &[PreviewItem] {
        &self.items
    }

    /// Returns the part that is kept and shown, with a digest of the whole if that is more.
    pub(crate) fn kept(self) -> KeptPreview {
        let mut room = Room { bytes: MAX_BYTES, left_out: 0 };
        let whole = digest(&self.items);
        let mut items = Vec::new();
        for item in self.items {
            if items.len() == MAX_ITEMS || room.bytes == 0 {
                room.left_out += 1;
                continue;
            }
            items.push(match item {
                PreviewItem::Fact { label, value } => {
                    PreviewItem::Fact { label: room.label(&label), value: room.text(value) }
                }
                PreviewItem::Difference { label, before, after } => PreviewItem::Difference {
                    label: room.label(&label),
                    before: room.text(before),
                    after: room.text(after),
                },
                PreviewItem::Text { text } => PreviewItem::Text { text: room.text(text) },
                PreviewItem::Warning { text } => PreviewItem::Warning { text: room.text(text) },
            });
        }
        let whole = (room.left_out > 0).then_some(whole);
        KeptPreview { items, left_out: room.left_out, whole }
    }
}

/// The part of a preview that is shown, sealed with the call, and digested.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptPreview {
    pub(crate) items: Vec<PreviewItem>,
    /// The number of items, and of parts of texts, that are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) left_out: usize,
    /// The SHA-256 of the whole preview, if anything is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<String>,
}

impl fmt::Debug for KeptPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptPreview({} items)", self.items.len())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The room that is left for a preview.
struct Room {
    bytes: usize,
    left_out: usize,
}

impl Room {
    fn label(&mut self, label: &str) -> String {
        let end = label.char_indices().nth(MAX_LABEL).map_or(label.len(), |(end, _)| end);
        self.left_out += usize::from(end < label.len());
        self.bytes = self.bytes.saturating_sub(end);
        label[..end].to_owned()
    }

    /// Returns the beginning of a text for which there is room. It ends where a word ends, so that
    /// no half of a secret is left, which nobody would recognize.
    fn text(&mut self, mut text: String) -> String {
        let mut end = text.len().min(self.bytes);
        if let Some((line, _)) = text.match_indices('\n').nth(MAX_LINES - 1)
            && line + 1 < text.len()
        {
            end = end.min(line + 1);
        }
        if end < text.len() {
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let word = text[..end].rfind(char::is_whitespace).unwrap_or(0);
            let ends_here = text[end..].starts_with(char::is_whitespace) || end == 0;
            text.truncate(if ends_here || text[..end].ends_with('\n') { end } else { word });
            self.left_out += 1;
        }
        self.bytes -= text.len();
        text
    }
}

/// Returns the SHA-256 of all items, in hexadecimal: each part is preceded by its length.
fn digest(items: &[PreviewItem]) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    for item in items {
        part(match item {
            PreviewItem::Fact { .. } => "fact",
            PreviewItem::Difference { .. } => "difference",
            PreviewItem::Text { .. } => "text",
            PreviewItem::Warning { .. } => "warning",
        });
        item.label().into_iter().for_each(&mut part);
        item.texts().for_each(&mut part);
    }
    hex(&hash.finalize())
}

/// The return types of the fn that renders a preview.
#[diagnostic::on_unimplemented(
    message = "a preview is a `hitl::call::CallPreview`, or a `Result` of one, and not `{Self}`",
    label = "not a preview",
    note = "the fn of `preview = ..` is an `async fn` with the tool's own parameters"
)]
pub trait PreviewReturn {
    /// Converts the return value. An error becomes its text, which a reviewer sees.
    fn into_preview(self) -> Result<CallPreview, String>;
}

impl PreviewReturn for CallPreview {
    fn into_preview(self) -> Result<CallPreview, String> {
        Ok(self)
    }
}

impl<E: Display> PreviewReturn for Result<CallPreview, E> {
    fn into_preview(self) -> Result<CallPreview, String> {
        self.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(preview: CallPreview) -> (String, usize) {
        let kept = preview.kept();
        let texts: Vec<_> = kept.items.iter().flat_map(PreviewItem::texts).collect();
        (texts.concat(), kept.left_out)
    }

    #[test]
    fn a_preview_within_the_limits_is_kept_whole() {
        let preview =
            CallPreview::new().fact("a", 1).difference("b", "x", "").text("t\n".repeat(500));
        let kept = preview.clone().kept();
        assert_eq!((&*kept.items, kept.left_out), (preview.items(), 0));
        assert_eq!(kept.whole, None);
    }

    #[test]
    fn invariant_9_what_is_left_out_is_counted_and_digested() {
        let many = |last: &str| {
            let all = (0..MAX_ITEMS).fold(CallPreview::new(), |all, _| all.fact("a", "b"));
            all.fact("last", last)
        };
        let kept = many("one").kept();
        assert_eq!((kept.items.len(), kept.left_out), (MAX_ITEMS, 1));
        assert_ne!(kept, many("two").kept());
        assert_eq!(kept, many("one").kept());

        let (text, left_out) = text_of(CallPreview::new().text("word ".repeat(MAX_BYTES)));
        assert!(text.len() <= MAX_BYTES && text.len() + 6 > MAX_BYTES);
        assert!(text.ends_with("word") || text.ends_with(' '));
        assert_eq!(left_out, 1);
        // A text without an end of a word is left out, and not cut in the middle.
        let (text, left_out) = text_of(CallPreview::new().text("é".repeat(MAX_BYTES)));
        assert_eq!((&*text, left_out), ("", 1));
        let (text, left_out) = text_of(CallPreview::new().text("x\n".repeat(MAX_LINES + 1)));
        assert_eq!((text.lines().count(), left_out), (MAX_LINES, 1));
        let kept = CallPreview::new().fact("é".repeat(MAX_LABEL + 1), "").kept();
        assert_eq!(kept.items[0].label().unwrap().chars().count(), MAX_LABEL);
        assert_eq!(kept.left_out, 1);
    }

    #[test]
    fn the_digest_of_the_whole_tells_items_apart() {
        let all = [
            CallPreview::new(),
            CallPreview::new().fact("a", "b"),
            CallPreview::new().fact("ab", ""),
            CallPreview::new().text("ab"),
            CallPreview::new().text("a").text("b"),
            CallPreview::new().difference("a", "b", ""),
            CallPreview::new().difference("a", "", "b"),
        ];
        let mut digests: Vec<_> = all.iter().map(|one| digest(&one.items)).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), all.len());
    }
}
