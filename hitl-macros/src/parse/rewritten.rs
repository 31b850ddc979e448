//! Detects that another macro has rewritten an item before this one saw it.
//!
//! Attributes run from the top down, and each sees the output of those above it. One that wraps the
//! body, as `#[tracing::instrument]` does, may have moved the arguments anywhere. The only trace of
//! it is its tokens: they appear where no such token is written.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

/// Returns the first token that another macro has made, if any.
///
/// Only punctuation and brackets are examined. Nothing can be wrapped without them, and macros that
/// merely join names (`paste`) or insert values leave them alone. Tokens of the macro that also
/// wrote our own attribute are its author's responsibility, and so is everything that a
/// `macro_rules!` made: it can only write out its own content.
pub(crate) fn rewritten(item: TokenStream, own: Span) -> Option<RewrittenToken> {
    SourceCheck { own: own.source_text()? }.first_made(item)
}

/// A token that a macro has made.
pub(crate) struct RewrittenToken {
    pub(crate) at: Span,
    /// The attribute that made it, if the token reveals it.
    pub(crate) by: Option<String>,
}

struct SourceCheck {
    /// The span at which this macro was called.
    own: String,
}

impl SourceCheck {
    fn first_made(&self, tokens: TokenStream) -> Option<RewrittenToken> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Punct(punct) => self.made(punct.span(), |text| {
                let c = punct.as_char();
                // A lifetime becomes two tokens, a doc comment `#`, `!` and `[doc = ".."]`.
                text.contains(c) && text.chars().all(|c| c.is_ascii_punctuation())
                    || c == '\'' && text.starts_with(c)
                    || matches!(c, '#' | '=') && is_doc(text)
                    || c == '!' && (text.starts_with("//!") || text.starts_with("/*!"))
            }),
            TokenTree::Group(group) => {
                let open = match group.delimiter() {
                    Delimiter::Parenthesis => Some('('),
                    Delimiter::Bracket => Some('['),
                    Delimiter::Brace => Some('{'),
                    Delimiter::None => None,
                };
                let made = open.and_then(|open| {
                    self.made(group.span_open(), |text| {
                        text.starts_with(open) || open == '[' && is_doc(text)
                    })
                });
                made.or_else(|| self.first_made(group.stream()))
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => None,
        })
    }

    fn made(&self, at: Span, is_token: impl FnOnce(&str) -> bool) -> Option<RewrittenToken> {
        let text = at.source_text()?;
        let written = text.is_empty() || is_token(&text) || text == self.own;
        if written {
            return None;
        }
        let by = text.strip_prefix("#[").and_then(|rest| {
            let path: String =
                rest.split(['(', ']', '=', '{', '[']).next()?.split_whitespace().collect();
            (!path.is_empty()).then(|| format!("#[{path}]"))
        });
        Some(RewrittenToken { at, by })
    }
}

fn is_doc(text: &str) -> bool {
    text.starts_with("//") || text.starts_with("/*")
}
