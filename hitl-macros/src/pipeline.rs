//! parse, validate, expand; and what is left when that fails.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemFn};

use crate::errors::Errors;
use crate::expand::{self, Names};
use crate::fallback;
use crate::parse::{Attribute, Function};
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

fn annotated(attribute: Attribute, item: ItemFn, errors: &mut Errors) -> TokenStream {
    let Some(mut function) = Function::read(item.clone(), errors) else {
        return fallback::untouched(item);
    };
    validate(&attribute, &function, errors);
    function.sound &= no_reserved_names(item, errors);
    let attribute = if errors.is_empty() { attribute } else { attribute.without_config() };
    let names = Names::of(&attribute, &function);
    if !function.sound {
        return fallback::tool(&function, &names);
    }
    let arguments = expand::arguments(&attribute, &function, &names);
    let tool = expand::tool(&attribute, &function, &names);
    quote!(#arguments #tool)
}

fn not_a_fn(item: TokenStream, error: syn::Error, errors: &mut Errors) {
    match syn::parse2::<Item>(item) {
        Ok(Item::Impl(block)) => errors.at(
            block.impl_token,
            "`#[hitl_tool]` goes on a free async fn: a later version has `#[hitl_tools]` for an \
             `impl` block",
        ),
        Ok(other) => errors.at(other, "`#[hitl_tool]` goes on a free async fn"),
        Err(_) => errors.push(error),
    }
}
