//! The view for chat programs. Each interprets text in its own way, so the view is put in a code
//! block, and the characters that some of them interpret even there are escaped.

use std::fmt::Write as _;

use super::budget::MAX_CHAT;
use super::view::ReviewCard;

impl ReviewCard {
    /// Returns the view as a chat message: a code block with the lines of
    /// [`to_text`](Self::to_text).
    ///
    /// Backticks, `<` and `&` are written as `\u{60}`, `\u{3c}` and `\u{26}`: a backtick could end
    /// the block, and some programs find mentions and links through `<` and `&` even within one.
    ///
    /// At most 3,500 characters: lines that do not fit are left out, and the text says so.
    pub fn to_chat(&self) -> String {
        self.fitted(MAX_CHAT, Self::chat)
    }

    fn chat(&self) -> String {
        let text = self.to_text();
        let mut out = String::with_capacity(text.len() + 16);
        out.push_str("```\n");
        for c in text.chars() {
            match c {
                '`' | '<' | '&' => {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push_str("```\n");
        out
    }
}
