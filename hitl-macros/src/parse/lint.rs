//! Attributes by their destination, lint levels among them.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Meta, Token, parse_quote};

/// An attribute, unwrapped from the `cfg_attr`s around it.
pub(crate) struct Spread {
    /// The conditions, from the outside in.
    pub(crate) conditions: Vec<TokenStream>,
    pub(crate) meta: Meta,
}

/// The kind of an attribute of a tool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A condition for the tool's existence.
    Existence,
    /// An attribute about its documentation page or its use.
    Constructor,
    /// A lint level.
    Lint,
    /// An attribute without effect: the arguments' struct has its own.
    MustUse,
    /// An attribute of this macro.
    Tool,
    /// A name for the linker.
    Linked,
    /// An attribute that makes a fn the start of a program or of a test: `tokio::main`, `test`.
    Start,
    /// An attribute about the compilation of the body.
    Inert,
    /// An attribute that may be a macro that rewrites the body.
    Foreign,
}

/// Lints about a name, its use or a whole signature, and groups with such lints. In the body they
/// would find less than in the user's fn, so that an expectation could not be met.
const ABOUT_ITEMS: [&str; 34] = [
    "async_fn_in_trait",
    "confusable_idents",
    "dead_code",
    "missing_docs",
    "mixed_script_confusables",
    "non_ascii_idents",
    "non_camel_case_types",
    "non_snake_case",
    "nonstandard_style",
    "private_bounds",
    "private_interfaces",
    "uncommon_codepoints",
    "unnameable_types",
    "unreachable_pub",
    "unused",
    "warnings",
    "clippy::all",
    "clippy::complexity",
    "clippy::fn_params_excessive_bools",
    "clippy::large_types_passed_by_value",
    "clippy::missing_errors_doc",
    "clippy::missing_panics_doc",
    "clippy::module_name_repetitions",
    "clippy::must_use_candidate",
    "clippy::needless_pass_by_value",
    "clippy::new_ret_no_self",
    "clippy::pedantic",
    "clippy::similar_names",
    "clippy::style",
    "clippy::too_many_arguments",
    "clippy::too_many_lines",
    "clippy::unused_async",
    "clippy::used_underscore_binding",
    "clippy::wrong_self_convention",
];

impl Spread {
    /// Unwraps an attribute from its `cfg_attr`s. One that cannot be parsed stays as it is: the
    /// compiler reports it.
    pub(crate) fn all_in(attribute: &Attribute) -> Vec<Self> {
        let mut all = Vec::new();
        spread(attribute.meta.clone(), &mut Vec::new(), &mut all);
        all
    }

    pub(crate) fn kind(&self) -> Kind {
        let path = self.meta.path();
        let first = path.segments.first().map(|segment| segment.ident.unraw().to_string());
        let last = path.segments.last().map(|segment| segment.ident.unraw().to_string());
        match last.as_deref().unwrap_or_default() {
            "hitl_tool" => Kind::Tool,
            // Also as `#[unsafe(no_mangle)]`.
            "no_mangle" | "export_name" | "link_section" | "unsafe" => Kind::Linked,
            "cfg" => Kind::Existence,
            "deprecated" | "doc" => Kind::Constructor,
            "must_use" => Kind::MustUse,
            "allow" | "warn" | "deny" | "forbid" | "expect" if path.segments.len() == 1 => {
                Kind::Lint
            }
            "main" | "test" | "bench" => Kind::Start,
            "inline" | "cold" | "track_caller" | "optimize" | "coverage" => Kind::Inert,
            _ if matches!(first.as_deref(), Some("clippy" | "rustfmt" | "diagnostic")) => {
                Kind::Inert
            }
            _ => Kind::Foreign,
        }
    }

    /// Returns the attribute, with its conditions.
    pub(crate) fn attribute(&self) -> Attribute {
        self.with(self.meta.to_token_stream())
    }

    fn with(&self, meta: TokenStream) -> Attribute {
        let meta = self
            .conditions
            .iter()
            .rev()
            .fold(meta, |meta, condition| quote!(cfg_attr(#condition, #meta)));
        parse_quote!(#[#meta])
    }

    /// Returns a lint level for the items beside the body. Nothing is expected there, because an
    /// expectation is met in the body. Nothing is forbidden, because the macro itself allows lints
    /// for its own code.
    pub(crate) fn beside_the_body(&self) -> Attribute {
        let level = self.meta.path().get_ident().map(ToString::to_string);
        match level.as_deref() {
            Some("expect") => self.with(at_level(&self.meta, "allow", None)),
            Some("forbid") => self.with(at_level(&self.meta, "deny", None)),
            _ => self.attribute(),
        }
    }

    /// Returns a lint level for the body.
    pub(crate) fn on_the_body(&self) -> Vec<Attribute> {
        if !self.meta.path().is_ident("expect") {
            return vec![self.attribute()];
        }
        let expected = at_level(&self.meta, "expect", Some(false));
        let allowed = at_level(&self.meta, "allow", Some(true));
        [expected, allowed]
            .into_iter()
            .filter(|meta| !meta.is_empty())
            .map(|meta| self.with(meta))
            .collect()
    }
}

/// Returns the same lints at another level: all of them, or those that are about items or not.
/// `None` if there are none.
fn at_level(meta: &Meta, level: &str, about_items: Option<bool>) -> TokenStream {
    let level = Ident::new(level, meta.path().span());
    let Meta::List(list) = meta else { return TokenStream::new() };
    let entries = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
    let Ok(entries) = entries else { return meta.to_token_stream() };
    let (reason, lints): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| matches!(entry, Meta::NameValue(_)));
    let lints: Vec<_> = lints
        .into_iter()
        .filter(|lint| {
            let name = lint.to_token_stream().to_string().replace(' ', "");
            about_items.is_none_or(|wanted| wanted == ABOUT_ITEMS.contains(&name.as_str()))
        })
        .collect();
    if lints.is_empty() {
        return TokenStream::new();
    }
    quote!(#level(#(#lints,)* #(#reason),*))
}

fn spread(meta: Meta, conditions: &mut Vec<TokenStream>, all: &mut Vec<Spread>) {
    let inner = match &meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            conditional.parse2(list.tokens.clone()).ok()
        }
        _ => None,
    };
    let Some((condition, metas)) = inner else {
        all.push(Spread { conditions: conditions.clone(), meta });
        return;
    };
    conditions.push(condition);
    for meta in metas {
        spread(meta, conditions, all);
    }
    conditions.pop();
}

/// Parses `condition, attribute, attribute`.
fn conditional(input: ParseStream<'_>) -> syn::Result<(TokenStream, Vec<Meta>)> {
    let mut condition = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        condition.extend([input.parse::<TokenTree>()?]);
    }
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    let metas = Punctuated::<Meta, Token![,]>::parse_terminated(input)?;
    Ok((condition, metas.into_iter().collect()))
}
