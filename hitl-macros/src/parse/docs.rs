//! Doc comments as text: descriptions for the model, the reviewer and the schema.

use quote::ToTokens as _;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Doc comments, as written and as text.
#[derive(Default)]
pub(crate) struct Docs {
    /// The attributes to copy to the generated items.
    pub(crate) attributes: Vec<Attribute>,
    lines: Vec<String>,
    /// A `#[doc = include_str!(..)]`, whose text a macro cannot see.
    unseen: Option<Attribute>,
}

impl Docs {
    /// Takes an attribute if it is documentation, and returns it otherwise.
    pub(crate) fn take(&mut self, attribute: Attribute) -> Option<Attribute> {
        let Meta::NameValue(pair) = &attribute.meta else { return Some(attribute) };
        if !pair.path.is_ident("doc") {
            return Some(attribute);
        }
        match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                self.lines.extend(text.value().lines().map(str::to_owned));
                // An empty `///` has no lines, and ends a paragraph.
                if text.value().is_empty() {
                    self.lines.push(String::new());
                }
            }
            _ => self.unseen = Some(attribute.clone()),
        }
        self.attributes.push(attribute);
        None
    }

    /// Returns the text, or `None` if there is none.
    pub(crate) fn text(&self) -> Option<String> {
        let text = unwrap(&self.lines);
        (!text.is_empty()).then_some(text)
    }

    /// Returns documentation whose text cannot be seen.
    pub(crate) fn unseen(&self) -> Option<impl quote::ToTokens> {
        self.unseen.as_ref().map(Attribute::to_token_stream)
    }
}

/// Joins the lines of each paragraph: the wrapping of a comment has no meaning. Lists, tables,
/// headings and code keep their lines.
fn unwrap(lines: &[String]) -> String {
    let mut text = String::new();
    let mut in_code = false;
    let mut joins = false;
    for line in lines {
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        let fence = line.trim_start().starts_with("```");
        let own_line = in_code || fence || line.is_empty() || starts_block(line);
        if !text.is_empty() {
            text.push(if joins && !own_line { ' ' } else { '\n' });
        }
        text.push_str(line);
        in_code ^= fence;
        joins = !(in_code || fence || line.is_empty() || line.starts_with(['#', '|']));
    }
    text.trim().to_owned()
}

fn starts_block(line: &str) -> bool {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['#', '|', '>', ' ', '\t'])
        || ["- ", "* ", "+ "].iter().any(|marker| line.starts_with(marker))
        || numbered.len() < line.len() && (numbered.starts_with(". ") || numbered.starts_with(") "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(comment: &str) -> String {
        unwrap(&comment.lines().map(|line| format!(" {line}")).collect::<Vec<_>>())
    }

    #[test]
    fn paragraphs_are_joined() {
        assert_eq!(
            text_of("Signs a\ncontract.\n\nOnly\nonce.\n\n"),
            "Signs a contract.\n\nOnly once."
        );
        assert_eq!(text_of(""), "");
    }

    #[test]
    fn blocks_keep_their_lines() {
        for block in [
            "One of:\n- a\n- b",
            "# Title\ntext",
            "```\na\nb\n```\nc",
            "1. a\n2. b",
            "| a |\n| b |",
        ] {
            assert_eq!(text_of(block), block);
        }
    }
}
