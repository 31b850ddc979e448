//! Finds tokens anywhere in a type or an item.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// Returns whether the token is this punctuation.
pub(super) fn is(token: &TokenTree, what: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == what)
}

/// Returns the first identifier that matches, also inside groups.
pub(crate) fn identifier(
    tokens: impl ToTokens,
    fits: &mut dyn FnMut(&Ident) -> bool,
) -> Option<Ident> {
    for token in tokens.into_token_stream() {
        let found = match token {
            TokenTree::Ident(ident) if fits(&ident) => Some(ident),
            TokenTree::Group(group) => identifier(group.stream(), fits),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Returns the first `&` of a reference type.
pub(crate) fn reference(tokens: impl ToTokens) -> Option<TokenTree> {
    first(
        tokens.into_token_stream(),
        &mut |token, _| matches!(token, TokenTree::Punct(p) if p.as_char() == '&'),
    )
}

/// Returns the first lifetime other than `'static`, as its quote and its name.
pub(crate) fn lifetime(tokens: impl ToTokens) -> Option<TokenStream> {
    let mut name = None;
    let quote = first(tokens.into_token_stream(), &mut |token, next| match (token, next) {
        (TokenTree::Punct(p), Some(TokenTree::Ident(ident)))
            if p.as_char() == '\'' && p.spacing() == Spacing::Joint && ident != "static" =>
        {
            name = Some(ident.clone());
            true
        }
        _ => false,
    })?;
    Some([quote].into_iter().chain(name.map(TokenTree::Ident)).collect())
}

/// Returns the first `impl Trait`.
pub(crate) fn impl_trait(tokens: impl ToTokens) -> Option<Ident> {
    identifier(tokens, &mut |ident| ident == "impl")
}

fn first(
    tokens: TokenStream,
    fits: &mut dyn FnMut(&TokenTree, Option<&TokenTree>) -> bool,
) -> Option<TokenTree> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if fits(&token, tokens.peek()) {
            return Some(token);
        }
        if let TokenTree::Group(group) = &token
            && let Some(found) = first(group.stream(), fits)
        {
            return Some(found);
        }
    }
    None
}

/// Returns the first occurrence of a name with no `::` before it.
pub(crate) fn unqualified(tokens: impl ToTokens, name: &Ident) -> Option<Ident> {
    let mut after_colon = false;
    for token in tokens.into_token_stream() {
        let found = match &token {
            TokenTree::Ident(ident) if ident == name && !after_colon => Some(ident.clone()),
            TokenTree::Group(group) => unqualified(group.stream(), name),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        after_colon = matches!(&token, TokenTree::Punct(p) if p.as_char() == ':');
    }
    None
}
