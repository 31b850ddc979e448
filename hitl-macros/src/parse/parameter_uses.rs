//! The parameters that an attribute of the fn names: `fields(amount = %amount)`, `skip(pin)`.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt as _;

use super::scan::is;

/// A name in an attribute, as far as it can mean a parameter.
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) at: TokenTree,
    /// True inside a `skip(..)`: the parameter is named to be left out.
    pub(crate) skipped: bool,
}

/// Returns every name in an attribute's tokens that can mean a parameter. Keys, fields, paths and
/// names of called functions mean none; a name that a format string captures does.
pub(crate) fn uses(tokens: TokenStream) -> Vec<Use> {
    let mut found = Vec::new();
    walk(tokens, false, &mut found);
    found
}

fn walk(tokens: TokenStream, skipped: bool, found: &mut Vec<Use>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut i = 0;
    while i < tokens.len() {
        match &tokens[i] {
            TokenTree::Ident(ident) => {
                let key = if i == 0 || is(&tokens[i - 1], ',') { key(&tokens[i..]) } else { 0 };
                if key > 0 {
                    i += key;
                    continue;
                }
                let called = match tokens.get(i + 1) {
                    Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                    Some(next) => is(next, '!') && !tokens.get(i + 2).is_some_and(|t| is(t, '=')),
                    None => false,
                };
                let part = i > 0 && (is(&tokens[i - 1], '.') || is(&tokens[i - 1], ':'));
                if let (true, Some(TokenTree::Group(group))) = (called, tokens.get(i + 1)) {
                    walk(group.stream(), skipped || *ident == "skip", found);
                    i += 1;
                } else if !called && !part {
                    let name = ident.unraw().to_string();
                    found.push(Use { name, at: tokens[i].clone(), skipped });
                }
            }
            TokenTree::Group(group) => walk(group.stream(), skipped, found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let captured = captured(&text).into_iter();
                found.extend(captured.map(|name| Use { name, at: tokens[i].clone(), skipped }));
            }
            TokenTree::Punct(_) => {}
        }
        i += 1;
    }
}

/// Returns the number of tokens in the key of `key = ..` or `a.key = ..`; 0 if there is none.
fn key(tokens: &[TokenTree]) -> usize {
    let mut length = 1;
    while tokens.get(length).is_some_and(|token| is(token, '.'))
        && matches!(tokens.get(length + 1), Some(TokenTree::Ident(_)))
    {
        length += 2;
    }
    let assigned = tokens.get(length).is_some_and(|token| is(token, '='))
        && !tokens.get(length + 1).is_some_and(|token| is(token, '='));
    if assigned { length } else { 0 }
}

/// Returns the names that a format string captures: `{amount}`, `{amount:?}`.
fn captured(text: &str) -> Vec<String> {
    let pieces = text.replace("{{", "");
    let names = pieces.split('{').skip(1).filter_map(|piece| {
        let (name, _) = piece.split_once(['}', ':'])?;
        let plain = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_alphanumeric());
        plain.then(|| name.to_owned())
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(String, bool)> {
        let uses = uses(text.parse().unwrap());
        uses.into_iter().map(|found| (found.name, found.skipped)).collect()
    }

    #[test]
    fn values_and_what_is_skipped_are_names() {
        for (text, expected) in [
            (r#"level = "debug", name = "pay""#, vec![]),
            ("fields(amount = %amount, user.id = user, ?pin)", vec!["amount", "user", "pin"]),
            ("fields(user.id, a.b.c = x.y, n = x == y)", vec!["user", "x", "x", "y"]),
            ("fields(n = count(x), m = format!(\"{amount:?} {{no}}\"))", vec!["x", "amount"]),
            ("fields(n = Self::of(&a[b], std::c))", vec!["a", "b", "std"]),
            ("err(Debug), ret, skip_all", vec!["Debug", "ret", "skip_all"]),
        ] {
            let names: Vec<_> = named(text).into_iter().map(|(name, _)| name).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let names: Vec<_> = names.into_iter().filter(|name| *name != "Self").collect();
            assert_eq!(names, expected, "{text}");
        }
        let skipped = named("skip(pin, self), fields(a)");
        assert_eq!(
            skipped,
            [("pin".to_owned(), true), ("self".to_owned(), true), ("a".to_owned(), false)]
        );
    }
}
