//! Parse, validate, expand; and the fallback when that fails.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::{ImplItem, Item, ItemFn, ItemImpl, Path};

use crate::errors::Errors;
use crate::expand::{self, Expansion, Names};
use crate::fallback;
use crate::parse::{
    Attribute, Function, ImplBlock, Returns, RewrittenToken, ToolMethod, rewritten, root_of,
};
use crate::validate::{no_reserved_names, validate};

pub(crate) fn hitl_tool(keys: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let attribute = Attribute::read(keys, &mut errors);
    let items = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => annotated(attribute, function, &mut errors),
        Err(error) => {
            not_a_fn(item.clone(), error, &mut errors);
            item
        }
    };
    let errors = errors.into_tokens();
    quote!(#errors #items)
}

pub(crate) fn hitl_tools(keys: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let root = root_of(keys, &mut errors);
    let items = match syn::parse2::<ItemImpl>(item.clone()) {
        Ok(block) => service(root.as_ref(), block, &mut errors),
        Err(error) => {
            not_an_impl(item.clone(), error, &mut errors);
            item
        }
    };
    let errors = errors.into_tokens();
    quote!(#errors #items)
}

fn annotated(attribute: Attribute, item: ItemFn, errors: &mut Errors) -> TokenStream {
    let read = |errors: &mut Errors| Function::read(item.clone(), errors);
    let Some(function) = as_written(&item, "#[hitl_tool]", errors, read) else {
        return fallback::untouched(item);
    };
    let Expansion { constructor, items } = expansion(attribute, function, item, errors);
    quote!(#constructor #items)
}

/// Expands a service. The constructors stay in the block, everything else goes beside it.
fn service(root: Option<&Path>, item: ItemImpl, errors: &mut Errors) -> TokenStream {
    let Some(block) = ImplBlock::read(item.clone(), errors) else {
        return fallback::untouched_block(item);
    };
    let ImplBlock { mut rest, service, cfg, lints, methods } = block;
    let mut beside = Vec::new();
    let mut tools: Vec<ToolNames> = Vec::new();
    for ToolMethod { keys, method, condition } in methods {
        let mut attribute = Attribute::read(keys, errors);
        attribute.root = attribute.root.or_else(|| root.cloned());
        let read =
            |errors: &mut Errors| Some(Function::read_method(method.clone(), &service, errors));
        let Some(mut function) = as_written(&method, "#[hitl_tools]", errors, read) else {
            continue;
        };
        function.attributes.existence.extend(condition);
        let tool = ToolNames::new(&function);
        if let Some(why) = tool.clash(&tools, &rest) {
            errors.at(&function.name, why);
            continue;
        }
        tools.push(tool);
        function.attributes.existence.extend(cfg.iter().cloned());
        function.attributes.within(&lints);
        let Expansion { constructor, items } = expansion(attribute, function, method, errors);
        rest.items.push(ImplItem::Verbatim(constructor));
        beside.push(items);
    }
    let registered = tools.iter().map(|tool| (&*tool.existence, &tool.arguments));
    let set = expand::tool_set(&service, root, &cfg, registered);
    quote!(#rest #(#beside)* #set)
}

/// Reads a fn, unless another macro has rewritten it. Then that is reported, and the fn only
/// provides its names: its other errors are not in the user's text.
fn as_written(
    item: &ItemFn,
    ours: &str,
    errors: &mut Errors,
    read: impl FnOnce(&mut Errors) -> Option<Function>,
) -> Option<Function> {
    let Some(RewrittenToken { at, by }) = rewritten(item.to_token_stream(), Span::call_site())
    else {
        return read(errors);
    };
    let by = by.map_or_else(|| "another attribute".to_owned(), |by| format!("`{by}`"));
    errors.at_span(
        at,
        format!(
            "{by} runs before `{ours}` here and has rewritten `{}`, where it can show secrets and \
             run past the gate: put it below `{ours}`",
            item.sig.ident
        ),
    );
    let mut function = read(&mut Errors::default())?;
    function.valid = false;
    function.returns = Returns::Unit;
    Some(function)
}

/// The names that a tool has in its block.
struct ToolNames {
    name: Ident,
    arguments: Ident,
    existence: Vec<syn::Attribute>,
}

impl ToolNames {
    fn new(function: &Function) -> Self {
        Self {
            name: function.name.clone(),
            arguments: function.arguments.clone(),
            existence: function.attributes.existence.clone(),
        }
    }

    /// Returns the reason why it cannot be a tool beside the others of its block, if there is one.
    fn clash(&self, tools: &[Self], rest: &ItemImpl) -> Option<String> {
        let Self { name, arguments, existence } = self;
        let is_cfg = |attribute: &syn::Attribute| attribute.path().is_ident("cfg");
        // Two conditional tools count as alternatives.
        let alternatives = |other: &Self| !(existence.is_empty() || other.existence.is_empty());
        let twin = tools.iter().find(|tool| tool.arguments == *arguments && !alternatives(tool));
        if let Some(other) = twin {
            return Some(format!(
                "`#[hitl_tool]` makes the struct `{arguments}` of the arguments of `{name}`, and \
                 there is one already, of `{}`: rename one of the two",
                other.name
            ));
        }
        let plain = rest.items.iter().any(|item| match item {
            ImplItem::Fn(method) => {
                method.sig.ident == *name
                    && (existence.is_empty() || !method.attrs.iter().any(is_cfg))
            }
            _ => false,
        });
        plain.then(|| {
            format!(
                "`#[hitl_tool]` makes the constructor `{name}`, and there is another method of \
                 this name: rename one of the two"
            )
        })
    }
}

fn expansion(
    attribute: Attribute,
    mut function: Function,
    item: ItemFn,
    errors: &mut Errors,
) -> Expansion {
    validate(&attribute, &function, errors);
    function.valid &= no_reserved_names(item, errors);
    let attribute = if errors.is_empty() { attribute } else { attribute.without_config() };
    let names = Names::new(&attribute, &function);
    if !function.valid {
        return fallback::tool(&function, &names);
    }
    expand::tool(&attribute, &function, &names)
}

fn not_a_fn(item: TokenStream, error: syn::Error, errors: &mut Errors) {
    match syn::parse2::<Item>(item) {
        Ok(Item::Impl(block)) => errors.at(
            block.impl_token,
            "an `impl` block takes `#[hitl_tools]`, and each method that becomes a tool takes \
             `#[hitl_tool]`",
        ),
        Ok(other) => errors.at(other, "`#[hitl_tool]` goes on an async fn"),
        Err(_) => errors.push(error),
    }
}

fn not_an_impl(item: TokenStream, error: syn::Error, errors: &mut Errors) {
    match syn::parse2::<Item>(item) {
        Ok(Item::Fn(function)) => errors.at(
            function.sig.fn_token,
            "`#[hitl_tools]` goes on an `impl` block: a free fn takes `#[hitl_tool]`",
        ),
        Ok(other) => errors.at(other, "`#[hitl_tools]` goes on the `impl` block of a service"),
        Err(_) => errors.push(error),
    }
}
