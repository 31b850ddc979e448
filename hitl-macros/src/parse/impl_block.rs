//! The annotated `impl` block of a service.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, ImplItem, ImplItemFn, ImplItemMacro, ItemFn, ItemImpl, Meta, Path,
    PathArguments, Signature, Type, parse_quote,
};

use super::lint::{Kind, Spread};
use super::{entries, scan, value};
use crate::errors::Errors;

/// The parts of an `impl` block.
pub(crate) struct ImplBlock {
    /// The block without its tools.
    pub(crate) rest: ItemImpl,
    pub(crate) service: Service,
    /// Conditions for the block's existence (`cfg`).
    pub(crate) cfg: Vec<Attribute>,
    /// Lint levels for everything in the block.
    pub(crate) lints: Vec<Attribute>,
    /// Each method that has `#[hitl_tool(..)]`.
    pub(crate) methods: Vec<ToolMethod>,
}

/// A method that becomes a tool.
pub(crate) struct ToolMethod {
    /// The content of `#[hitl_tool(..)]`.
    pub(crate) keys: TokenStream,
    /// The method as a fn.
    pub(crate) method: ItemFn,
    /// The condition for being a tool, if there is one, as in `#[cfg_attr(.., hitl_tool)]`.
    pub(crate) condition: Option<Attribute>,
}

/// The type whose methods are tools.
pub(crate) struct Service {
    /// The path as written.
    pub(crate) path: Path,
    pub(crate) name: Ident,
}

impl ImplBlock {
    /// Splits a block into its parts. `None` if it is not that of a service; an error tells the
    /// reason.
    pub(crate) fn read(item: ItemImpl, errors: &mut Errors) -> Option<Self> {
        let service = Service::read(&item, errors)?;
        let (mut cfg, mut lints, mut attrs) = (Vec::new(), Vec::new(), Vec::new());
        for spread in item.attrs.iter().flat_map(Spread::all_in) {
            match spread.kind() {
                Kind::Existence => cfg.push(spread.attribute()),
                // Part of the block moves elsewhere, so no lint can be expected there.
                Kind::Lint => lints.push(spread.beside_the_body()),
                _ => {}
            }
            attrs.push(if spread.kind() == Kind::Lint {
                spread.beside_the_body()
            } else {
                spread.attribute()
            });
        }
        let mut rest = ItemImpl { items: Vec::new(), attrs, ..item.clone() };
        let mut methods = Vec::new();
        let mut unseen = Vec::new();
        for item in item.items {
            match item {
                ImplItem::Fn(mut method) => match take_keys(&mut method, errors) {
                    None => rest.items.push(ImplItem::Fn(method)),
                    Some((keys, None)) => {
                        methods.push(ToolMethod { keys, method: as_fn(method), condition: None });
                    }
                    Some((keys, Some(condition))) => {
                        let mut plain = method.clone();
                        without_ours(&mut plain.sig);
                        plain.attrs.push(parse_quote!(#[cfg(not(#condition))]));
                        rest.items.push(ImplItem::Fn(plain));
                        let condition = Some(parse_quote!(#[cfg(#condition)]));
                        methods.push(ToolMethod { keys, method: as_fn(method), condition });
                    }
                },
                ImplItem::Macro(call) => match names_tool(&call) {
                    Some(name) => unseen.push(name),
                    None => rest.items.push(ImplItem::Macro(call)),
                },
                other => rest.items.push(other),
            }
        }
        let has_macros = rest.items.iter().any(|item| matches!(item, ImplItem::Macro(_)));
        for name in &unseen {
            errors.at(
                name,
                "a macro in this block runs after `#[hitl_tools]`, which does not see the tools \
                 that it makes: write these methods out, or let the macro make the whole block \
                 with its `#[hitl_tools]`",
            );
        }
        if methods.is_empty() && unseen.is_empty() {
            let why = if has_macros {
                "no method that is written here is a tool: mark those that are with \
                 `#[hitl_tool]`. What the macros in this block make is not seen: they run later. \
                 Let a macro make the whole block with its `#[hitl_tools]`"
            } else {
                "no method here is a tool: mark those that are with `#[hitl_tool]`"
            };
            errors.at(item.self_ty, why);
            return None;
        }
        Some(Self { rest, service, cfg, lints, methods })
    }
}

impl Service {
    fn read(item: &ItemImpl, errors: &mut Errors) -> Option<Self> {
        let before = errors.len();
        if let Some((of, _)) = &item.trait_ {
            errors.at(
                of,
                "tools are methods of the type itself, not of a trait: callers of the trait would \
                 expect them to run. Write `impl Service` and call the trait from there",
            );
        }
        if !item.generics.params.is_empty() {
            errors.at(
                &item.generics,
                "a service cannot be generic: the gate finds it by its exact type. Wrap the one \
                 you use in a type of its own",
            );
        } else if let Some(clause) = &item.generics.where_clause {
            errors.at(clause, "a service cannot be generic: leave the `where` clause out");
        }
        if let Some(token) = &item.unsafety {
            errors.at(token, "a service cannot be `unsafe`: an approval is no proof of safety");
        }
        let mut ty = &*item.self_ty;
        while let Type::Group(group) = ty {
            ty = &group.elem;
        }
        let named = match ty {
            Type::Path(path) if path.qself.is_none() => {
                let segments = &path.path.segments;
                let plain = segments.iter().all(|s| matches!(s.arguments, PathArguments::None));
                segments
                    .last()
                    .filter(|_| plain)
                    .map(|last| (path.path.clone(), last.ident.clone()))
            }
            _ => None,
        };
        if named.is_none() && errors.len() == before {
            errors.at(
                ty,
                "a service is a type with a plain name: wrap this one in a type of its own, \
                 `struct Service(..);`",
            );
        }
        let (path, name) = named?;
        (errors.len() == before).then_some(Self { path, name })
    }

    /// Replaces `Self` by the service's name, because `Self` means something else at the
    /// signature's destination.
    pub(super) fn in_place_of_self(&self, tokens: TokenStream) -> TokenStream {
        let put = |token| match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let mut path = self.path.clone();
                for segment in &mut path.segments {
                    let span = segment.ident.span().located_at(ident.span());
                    segment.ident.set_span(span);
                }
                path.into_token_stream()
            }
            TokenTree::Group(group) => {
                let inner = self.in_place_of_self(group.stream());
                let mut put = Group::new(group.delimiter(), inner);
                put.set_span(group.span());
                TokenTree::Group(put).into()
            }
            other => other.into(),
        };
        tokens.into_iter().flat_map(put).collect()
    }
}

/// Returns the content of `#[hitl_tools(..)]`: the path of hitl, when it is not `::hitl`.
pub(crate) fn root_of(tokens: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut root = None;
    for entry in entries::read(tokens, errors) {
        if entry.key == "crate" {
            root = errors.take(value::path(&entry));
        } else {
            let message = format!(
                "`hitl_tools` has no key `{}`: how a tool is treated is said at its method, in \
                 `#[hitl_tool(..)]`\naccepted is `crate`",
                entry.key
            );
            errors.at(&entry.key, message);
        }
    }
    root
}

/// Returns whether this attribute contains `#[hitl_tool]`, by any path.
pub(crate) fn is_tool(attribute: &Attribute) -> bool {
    Spread::all_in(attribute).iter().any(|spread| spread.kind() == Kind::Tool)
}

/// Removes the first `#[hitl_tool(..)]` from a method. Returns its content, and its condition if it
/// has one.
fn take_keys(
    method: &mut ImplItemFn,
    errors: &mut Errors,
) -> Option<(TokenStream, Option<TokenStream>)> {
    let at = method.attrs.iter().position(is_tool)?;
    let (mut ours, others): (Vec<_>, Vec<_>) = Spread::all_in(&method.attrs[at])
        .into_iter()
        .partition(|spread| spread.kind() == Kind::Tool);
    let twice = ours.split_off(1);
    let put_back = others.iter().chain(&twice).map(Spread::attribute);
    method.attrs.splice(at..=at, put_back);
    let Spread { conditions, meta } = ours.pop()?;
    let condition = (!conditions.is_empty()).then(|| quote!(all(#(#conditions),*)));
    let keys = match meta {
        Meta::List(list) => list.tokens,
        Meta::Path(_) => TokenStream::new(),
        Meta::NameValue(pair) => {
            errors.at(pair, "`#[hitl_tool]` takes its keys in parentheses: `#[hitl_tool(..)]`");
            TokenStream::new()
        }
    };
    Some((keys, condition))
}

/// Returns the identifier `hitl_tool` in the input of a macro call.
fn names_tool(call: &ImplItemMacro) -> Option<Ident> {
    scan::identifier(&call.mac.tokens, &mut |ident| ident == "hitl_tool")
}

/// Removes from the parameters of a plain fn the attributes that only this macro understands.
pub(crate) fn without_ours(sig: &mut Signature) {
    let foreign = |attribute: &Attribute| {
        !attribute.path().is_ident("hitl") && !attribute.path().is_ident("doc")
    };
    for input in &mut sig.inputs {
        match input {
            FnArg::Receiver(receiver) => receiver.attrs.retain(foreign),
            FnArg::Typed(typed) => typed.attrs.retain(foreign),
        }
    }
}

fn as_fn(method: ImplItemFn) -> ItemFn {
    let ImplItemFn { attrs, vis, modifiers, sig, block } = method;
    ItemFn { attrs, vis, modifiers, sig, block: Box::new(block) }
}

impl ToTokens for Service {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let path = &self.path;
        tokens.extend(quote!(#path));
    }
}
