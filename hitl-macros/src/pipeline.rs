//! parse, validate, expand; and what is left when that fails.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemFn, ItemImpl, Path};

use crate::errors::Errors;
use crate::expand::{self, Expansion, Names};
use crate::fallback;
use crate::parse::{Attribute, Block, Function, root_of};
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
    let Some(function) = Function::read(item.clone(), errors) else {
        return fallback::untouched(item);
    };
    let Expansion { constructor, items } = expansion(attribute, function, item, errors);
    quote!(#constructor #items)
}

/// The constructors stay in the block, all else stands beside it.
fn service(root: Option<&Path>, item: ItemImpl, errors: &mut Errors) -> TokenStream {
    let Some(block) = Block::read(item.clone(), errors) else {
        return fallback::untouched_block(item);
    };
    let Block { mut rest, service, cfg, methods } = block;
    let mut beside = Vec::new();
    let mut registered = Vec::new();
    for (keys, method) in methods {
        let mut attribute = Attribute::read(keys, errors);
        attribute.root = attribute.root.or_else(|| root.cloned());
        let mut function = Function::of_service(method.clone(), &service, errors);
        function.attributes.existence.extend(cfg.iter().cloned());
        registered.push((function.attributes.existence.clone(), function.arguments.clone()));
        let Expansion { constructor, items } = expansion(attribute, function, method, errors);
        rest.items.push(syn::ImplItem::Verbatim(constructor));
        beside.push(items);
    }
    let set = expand::tool_set(&service, root, &cfg, &registered);
    quote!(#rest #(#beside)* #set)
}

fn expansion(
    attribute: Attribute,
    mut function: Function,
    item: ItemFn,
    errors: &mut Errors,
) -> Expansion {
    validate(&attribute, &function, errors);
    function.sound &= no_reserved_names(item, errors);
    let attribute = if errors.is_empty() { attribute } else { attribute.without_config() };
    let names = Names::of(&attribute, &function);
    if !function.sound {
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
