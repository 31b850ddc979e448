//! The grammar that both attributes share: `key, key = value, ..`.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Ident, Token};

use crate::errors::Errors;

/// `key` or `key = value`.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

/// Reads a list of entries. Anything that is not an entry is reported and skipped, up to the next
/// comma.
pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Vec<Entry> {
    let mut entries = Vec::new();
    let list = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match entry(input) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    errors.push(error);
                    while !input.is_empty() && !input.peek(Token![,]) {
                        input.parse::<TokenTree>()?;
                    }
                }
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(error) = list.parse2(tokens) {
        errors.push(error);
    }
    entries
}

fn entry(input: ParseStream<'_>) -> syn::Result<Entry> {
    // `crate` is a key too, hence any identifier.
    let key = input
        .call(Ident::parse_any)
        .map_err(|error| syn::Error::new(error.span(), "expected a key, like `risk = \"high\"`"))?;
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(Entry { key, value: None });
    }
    if !input.peek(Token![=]) || input.peek(Token![==]) {
        return Err(input.error(format!("expected `,` or `= value` after `{key}`")));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(key.span(), format!("`{key} =` lacks its value")));
    }
    let value = input.parse()?;
    if !(input.is_empty() || input.peek(Token![,])) {
        return Err(input.error(format!("expected `,` after the value of `{key}`")));
    }
    Ok(Entry { key, value: Some(value) })
}
