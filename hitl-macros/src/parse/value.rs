//! The values that keys take.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Expr, ExprLit, ExprPath, Ident, Lit, Path};

use super::duration;
use super::entries::Entry;

/// A value and its span.
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) at: TokenStream,
}

impl<T> Spanned<T> {
    fn new(value: T, at: &Expr) -> Self {
        Self { value, at: at.to_token_stream() }
    }
}

/// The risks, with their variants of `Risk`.
pub(crate) const RISKS: [(&str, &str); 4] =
    [("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")];

pub(crate) fn flag(entry: &Entry) -> syn::Result<Ident> {
    let key = &entry.key;
    match &entry.value {
        None => Ok(key.clone()),
        Some(value) => {
            let message = format!("`{key}` is a flag: write it alone, or leave it out");
            Err(syn::Error::new_spanned(value, message))
        }
    }
}

pub(crate) fn text(entry: &Entry) -> syn::Result<Spanned<String>> {
    let (expr, text) = string(entry, "a string literal")?;
    if text.trim().is_empty() {
        return Err(wrong(entry, expr, "text that is not empty"));
    }
    Ok(Spanned::new(text, expr))
}

/// Returns the identifier of a version: short, and without invisible characters.
pub(crate) fn version(entry: &Entry) -> syn::Result<Spanned<String>> {
    let what = "1 to 128 visible ASCII characters, like \"2.1\", or \"any\" for none";
    let (expr, text) = string(entry, what)?;
    if matches!(text.len(), 1..=128) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Spanned::new(text, expr));
    }
    Err(wrong(entry, expr, what))
}

pub(crate) fn percent(entry: &Entry) -> syn::Result<Spanned<u8>> {
    let what = "a whole number from 0 to 100, as a literal";
    let (expr, literal) = literal(entry, what)?;
    match literal {
        Some(Lit::Int(number)) => match number.base10_parse::<u8>() {
            Ok(percent) if percent <= 100 => Ok(Spanned::new(percent, expr)),
            _ => Err(wrong(entry, expr, what)),
        },
        _ => Err(wrong(entry, expr, what)),
    }
}

pub(crate) fn risk(entry: &Entry) -> syn::Result<Spanned<&'static str>> {
    let what = "\"low\", \"medium\", \"high\" or \"critical\"";
    let (expr, text) = string(entry, what)?;
    match RISKS.into_iter().find(|(name, _)| *name == text) {
        Some((_, variant)) => Ok(Spanned::new(variant, expr)),
        None => Err(wrong(entry, expr, what)),
    }
}

/// Reads whether a repeated effect is refused.
pub(crate) fn effect_repeat(entry: &Entry) -> syn::Result<Spanned<bool>> {
    let what = "\"ask\" or \"refuse\"";
    let (expr, text) = string(entry, what)?;
    match text.as_str() {
        "ask" => Ok(Spanned::new(false, expr)),
        "refuse" => Ok(Spanned::new(true, expr)),
        _ => Err(wrong(entry, expr, what)),
    }
}

pub(crate) fn duration(entry: &Entry) -> syn::Result<Spanned<Duration>> {
    let (expr, text) = string(entry, duration::ACCEPTED)?;
    match duration::read(&text) {
        Ok(length) => Ok(Spanned::new(length, expr)),
        Err(why) => Err(wrong(entry, expr, why)),
    }
}

/// Reads a count of at least one.
pub(crate) fn count(entry: &Entry) -> syn::Result<Spanned<u32>> {
    let what = "a whole number of at least 1, as a literal";
    let (expr, literal) = literal(entry, what)?;
    match literal {
        Some(Lit::Int(number)) => match number.base10_parse::<u32>() {
            Ok(count) if count > 0 => Ok(Spanned::new(count, expr)),
            _ => Err(wrong(entry, expr, what)),
        },
        _ => Err(wrong(entry, expr, what)),
    }
}

/// Reads the limit of an amount.
pub(crate) fn limit(entry: &Entry) -> syn::Result<u64> {
    let what = "a whole number of at least 1, as a literal";
    let (expr, literal) = literal(entry, what)?;
    match literal {
        Some(Lit::Int(number)) => match number.base10_parse::<u64>() {
            Ok(limit) if limit > 0 => Ok(limit),
            _ => Err(wrong(entry, expr, what)),
        },
        _ => Err(wrong(entry, expr, what)),
    }
}

/// The answers of a human, with their variants of `Choice`.
const DECISIONS: [(&str, &str); 5] = [
    ("approve", "Approve"),
    ("edit", "Edit"),
    ("reject", "Reject"),
    ("respond", "Respond"),
    ("abort", "Abort"),
];

pub(crate) fn decisions(entry: &Entry) -> syn::Result<Spanned<Vec<&'static str>>> {
    let what = "a list of \"approve\", \"edit\", \"reject\", \"respond\" and \"abort\", each once";
    let mut given = Vec::new();
    for (expr, text) in strings(entry, what)? {
        match DECISIONS.into_iter().find(|(name, _)| *name == text) {
            Some((_, variant)) if !given.contains(&variant) => given.push(variant),
            _ => return Err(wrong(entry, expr, what)),
        }
    }
    let can_say_no = given.iter().any(|choice| ["Reject", "Respond", "Abort"].contains(choice));
    if !can_say_no {
        let why = "`decisions` needs a way to say no: \"reject\", \"respond\" or \"abort\"";
        return Err(syn::Error::new_spanned(value(entry, what)?, why));
    }
    Ok(Spanned::new(given, value(entry, what)?))
}

/// The number of people in a stage, of a role or of any.
pub(crate) struct Stage {
    pub(crate) role: Option<String>,
    pub(crate) people: u32,
}

/// Reads stages: for each the number of people, and their role.
pub(crate) fn stages(entry: &Entry) -> syn::Result<Spanned<Vec<Stage>>> {
    let what = "a list of stages, like `[\"2 of finance\", \"director\", \"2\"]`";
    let mut given = Vec::new();
    for (expr, text) in strings(entry, what)? {
        let (people, role) = match text.split_once(" of ") {
            Some((people, role)) => (people.trim(), Some(role.trim())),
            None if text.trim().bytes().all(|b| b.is_ascii_digit()) => (text.trim(), None),
            None => ("1", Some(text.trim())),
        };
        let stage = people.parse::<u32>().ok().filter(|people| *people > 0);
        let named = role.is_none_or(|role| !role.is_empty());
        match stage {
            Some(people) if named => given.push(Stage { role: role.map(str::to_owned), people }),
            _ => return Err(wrong(entry, expr, what)),
        }
    }
    Ok(Spanned::new(given, value(entry, what)?))
}

/// Returns the strings of a list that is not empty.
fn strings<'e>(entry: &'e Entry, what: &str) -> syn::Result<Vec<(&'e Expr, String)>> {
    let expr = value(entry, what)?;
    let Expr::Array(list) = expr else { return Err(wrong(entry, expr, what)) };
    let strings = list.elems.iter().map(|item| match item {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok((item, text.value())),
        _ => Err(wrong(entry, item, what)),
    });
    let strings = strings.collect::<syn::Result<Vec<_>>>()?;
    if strings.is_empty() { Err(wrong(entry, expr, what)) } else { Ok(strings) }
}

/// Reads the name of a fn of the host.
pub(crate) fn function(entry: &Entry) -> syn::Result<ExprPath> {
    let what = format!("the name of an `async fn`, like `{0} = {0}_it`", entry.key);
    match value(entry, &what)? {
        Expr::Path(path) if path.qself.is_none() && starts_with_self(&path.path) => {
            let why = format!(
                "`{}` is expanded outside of the `impl` block: name the type instead of `Self`",
                entry.key
            );
            Err(syn::Error::new_spanned(path, why))
        }
        Expr::Path(path) => Ok(path.clone()),
        other => Err(wrong(entry, other, &what)),
    }
}

/// Returns whether a path means something else outside of its `impl` block.
pub(super) fn starts_with_self(path: &Path) -> bool {
    path.segments.first().is_some_and(|first| first.ident == "Self")
}

pub(crate) fn path(entry: &Entry) -> syn::Result<Path> {
    let what = "a path without quotes, like `crate = my::hitl`";
    match value(entry, what)? {
        Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Ok(path.path.clone()),
        other => Err(wrong(entry, other, what)),
    }
}

fn value<'e>(entry: &'e Entry, what: &str) -> syn::Result<&'e Expr> {
    let mut value = entry.value.as_ref();
    // A `macro_rules!` that passes a value through wraps it in a group.
    while let Some(Expr::Group(group)) = value {
        value = Some(&group.expr);
    }
    value.ok_or_else(|| wrong(entry, &entry.key, what))
}

fn literal<'e>(entry: &'e Entry, what: &str) -> syn::Result<(&'e Expr, Option<&'e Lit>)> {
    let expr = value(entry, what)?;
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Ok((expr, Some(lit))),
        _ => Ok((expr, None)),
    }
}

fn string<'e>(entry: &'e Entry, what: &str) -> syn::Result<(&'e Expr, String)> {
    match literal(entry, what)? {
        (expr, Some(Lit::Str(text))) => Ok((expr, text.value())),
        (expr, _) => Err(wrong(entry, expr, what)),
    }
}

fn wrong(entry: &Entry, at: impl quote::ToTokens, what: &str) -> syn::Error {
    syn::Error::new_spanned(at, format!("`{}` takes {what}", entry.key))
}
